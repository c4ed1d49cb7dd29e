//! What a cloud's call said and imc only keeps.

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

/// What a call in a cloud's words said that means nothing here, to be told again in the same words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct CloudNotes {
    cloud: Cloud,
    document: String,
}

/// Why notes are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to take the notes of the call: they have {0} bytes, at most {most} are kept", most = CloudNotes::MOST_BYTES)]
pub struct CloudNotesError(usize);

impl CloudNotes {
    /// The longest document, in bytes.
    pub const MOST_BYTES: usize = 64 * 1024;

    /// Notes of that cloud: JSON that only its dialect reads.
    ///
    /// # Errors
    /// Where the document is longer than [`MOST_BYTES`](Self::MOST_BYTES).
    pub fn new(cloud: Cloud, document: String) -> Result<Self, CloudNotesError> {
        match document.len() {
            length if length > Self::MOST_BYTES => Err(CloudNotesError(length)),
            _ => Ok(Self { cloud, document }),
        }
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
    document: String,
}

impl TryFrom<Unchecked> for CloudNotes {
    type Error = CloudNotesError;

    fn try_from(read: Unchecked) -> Result<Self, CloudNotesError> {
        Self::new(read.cloud, read.document)
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
        assert!(CloudNotes::new(Cloud::Tencent, " ".repeat(CloudNotes::MOST_BYTES + 1)).is_err());
    }
}
