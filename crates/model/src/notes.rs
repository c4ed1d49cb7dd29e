//! What a cloud's call said and imc only keeps.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A cloud whose interface imc speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// Alibaba Cloud ECI.
    Alibaba,
    /// Tencent Cloud TKE.
    Tencent,
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alibaba => "alibaba",
            Self::Tencent => "tencent",
        })
    }
}

impl Cloud {
    /// The key of the label that says into which of the cloud's regions something was put.
    #[must_use]
    pub fn region_label(self) -> String {
        format!("{self}-region")
    }
}

/// What a call in a cloud's words said that means nothing here, to be told again in the same words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct CloudNotes {
    cloud: Cloud,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    document: String,
}

/// Why notes are not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudNotesError {
    /// Too long.
    #[error("failed to take the notes of the call: they have {0} bytes, at most {most} are kept", most = CloudNotes::MOST_BYTES)]
    TooLong(usize),
    /// Too many labels.
    #[error("failed to take the notes of the call: they have {0} labels, at most {MOST_LABELS} are kept")]
    TooManyLabels(usize),
    /// No label.
    #[error(
        "failed to take the label `{0}`: expected a key of 1 to {LONGEST_KEY} characters of a-z and `-`, and a value of at most \
         {LONGEST_VALUE} characters, none a control character"
    )]
    Label(String),
}

/// The most labels.
const MOST_LABELS: usize = 8;

/// The longest key of a label, in characters.
const LONGEST_KEY: usize = 32;

/// The longest value of a label, in characters.
const LONGEST_VALUE: usize = 256;

/// Which notes a listing lets through, by one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelFilter {
    /// Those whose label has this value.
    pub is: String,
    /// Those as well that do not have the label, or where there are no notes.
    pub or_missing: bool,
}

impl LabelFilter {
    /// Whether it lets through what has the label with that value, or has none.
    #[must_use]
    pub fn lets_through(&self, value: Option<&str>) -> bool {
        value.map_or(self.or_missing, |value| value == self.is)
    }
}

impl CloudNotes {
    /// The longest document, in bytes.
    pub const MOST_BYTES: usize = 64 * 1024;

    /// Notes of that cloud: JSON that only its dialect reads.
    ///
    /// # Errors
    /// Where the document is longer than [`MOST_BYTES`](Self::MOST_BYTES).
    pub fn new(cloud: Cloud, document: String) -> Result<Self, CloudNotesError> {
        match document.len() {
            length if length > Self::MOST_BYTES => Err(CloudNotesError::TooLong(length)),
            _ => Ok(Self { cloud, labels: BTreeMap::new(), document }),
        }
    }

    /// The region of its cloud that it was put into, where that is known.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.labels.get(&self.cloud.region_label()).map(String::as_str)
    }

    /// Notes for what is made because of what has these: it is in the same region, and nothing more is said of it.
    #[must_use]
    pub fn of_region(&self) -> Option<Self> {
        let key = self.cloud.region_label();
        let region = self.labels.get(&key)?.clone();
        Some(Self { cloud: self.cloud, labels: BTreeMap::from([(key, region)]), document: "{}".to_owned() })
    }

    /// The same with these labels: words that a listing can be filtered by.
    ///
    /// # Errors
    /// Where there are more than 8, or one of them is none.
    pub fn with_labels(self, labels: BTreeMap<String, String>) -> Result<Self, CloudNotesError> {
        if labels.len() > MOST_LABELS {
            return Err(CloudNotesError::TooManyLabels(labels.len()));
        }
        let is_key = |key: &str| {
            (1..=LONGEST_KEY).contains(&key.len())
                && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        };
        let is_value =
            |value: &str| value.chars().count() <= LONGEST_VALUE && !value.chars().any(char::is_control);
        match labels.iter().find(|(key, value)| !is_key(key) || !is_value(value)) {
            Some((key, _)) => Err(CloudNotesError::Label(key.chars().take(LONGEST_KEY).collect())),
            None => Ok(Self { labels, ..self }),
        }
    }

    /// The labels.
    #[must_use]
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// Whose words they are in.
    #[must_use]
    pub fn cloud(&self) -> Cloud {
        self.cloud
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> &str {
        &self.document
    }
}

#[derive(Deserialize)]
struct Unchecked {
    cloud: Cloud,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    document: String,
}

impl TryFrom<Unchecked> for CloudNotes {
    type Error = CloudNotesError;

    fn try_from(read: Unchecked) -> Result<Self, CloudNotesError> {
        Self::new(read.cloud, read.document)?.with_labels(read.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_and_bounded() {
        let notes = CloudNotes::new(Cloud::Alibaba, r#"{"ZoneId":"a"}"#.to_owned()).unwrap();
        let text = serde_json::to_string(&notes).unwrap();
        assert_eq!(text, r#"{"cloud":"alibaba","document":"{\"ZoneId\":\"a\"}"}"#);
        assert_eq!(serde_json::from_str::<CloudNotes>(&text).unwrap(), notes);
        let labelled = notes.with_labels([("region".to_owned(), "ü".to_owned())].into()).unwrap();
        let text = serde_json::to_string(&labelled).unwrap();
        assert_eq!(serde_json::from_str::<CloudNotes>(&text).unwrap(), labelled);
        for (key, value) in [("", ""), ("Region", ""), ("a", "b\0"), ("a", &"ü".repeat(257))] {
            let labels = [(key.to_owned(), value.to_owned())].into();
            assert!(labelled.clone().with_labels(labels).is_err(), "{key:?} {value:?}");
        }
        assert!(CloudNotes::new(Cloud::Tencent, " ".repeat(CloudNotes::MOST_BYTES + 1)).is_err());
    }
}
