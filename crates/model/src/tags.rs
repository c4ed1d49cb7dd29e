//! Tags: keys and values that users give to caches.

use std::collections::btree_map::Iter;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Why keys and values are not tags.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// Over [`Tags::MOST`].
    #[error("failed to take the tags: they are {0}; at most {most} are possible", most = Tags::MOST)]
    TooMany(usize),
    /// A key without a character, or too long.
    #[error("failed to take the tag key `{0}`: it must have 1 to {longest} characters", longest = Tags::LONGEST)]
    Key(String),
    /// A value too long.
    #[error("failed to take the value of the tag `{0}`: it must have at most {longest} characters", longest = Tags::LONGEST)]
    Value(String),
    /// Control characters in either.
    #[error("failed to take the tag `{0}`: key or value has control characters")]
    Control(String),
}

/// The tags of one cache, at most 20, ordered by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// The most tags of one cache, as both clouds have it.
    pub const MOST: usize = 20;
    /// The most characters of a key and of a value.
    pub const LONGEST: usize = 128;

    /// Whether a cache can have that tag.
    ///
    /// # Errors
    /// [`TagError`]: what is wrong with key or value.
    pub fn check(key: &str, value: &str) -> Result<(), TagError> {
        if key.is_empty() || key.chars().count() > Self::LONGEST {
            return Err(TagError::Key(key.to_owned()));
        }
        if value.chars().count() > Self::LONGEST {
            return Err(TagError::Value(key.to_owned()));
        }
        if key.chars().chain(value.chars()).any(char::is_control) {
            return Err(TagError::Control(key.escape_debug().to_string()));
        }
        Ok(())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> Iter<'_, String, String> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Tags {
    type Item = (&'a String, &'a String);
    type IntoIter = Iter<'a, String, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl TryFrom<BTreeMap<String, String>> for Tags {
    type Error = TagError;

    fn try_from(tags: BTreeMap<String, String>) -> Result<Self, TagError> {
        if tags.len() > Self::MOST {
            return Err(TagError::TooMany(tags.len()));
        }
        for (key, value) in &tags {
            Self::check(key, value)?;
        }
        Ok(Self(tags))
    }
}

impl From<Tags> for BTreeMap<String, String> {
    fn from(tags: Tags) -> Self {
        tags.0
    }
}

/// A change of tags, made over whatever the tags are by then: of two at once none is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TagChange {
    /// These are put on, in place of the values that their keys have.
    pub put: BTreeMap<String, String>,
    /// The tags of these keys are taken off before.
    pub take: BTreeSet<String>,
    /// All are taken off before.
    pub take_all: bool,
}

impl TagChange {
    /// The tags with this change.
    ///
    /// # Errors
    /// [`TagError`] where they are none with it.
    pub fn over(&self, tags: &Tags) -> Result<Tags, TagError> {
        let mut changed = tags.0.clone();
        changed.retain(|key, _| !self.take_all && !self.take.contains(key));
        changed.extend(self.put.clone());
        changed.try_into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Result<Tags, TagError> {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        pairs.collect::<BTreeMap<_, _>>().try_into()
    }

    #[test]
    fn a_change_is_made_over_what_is_there() {
        let before = tags(&[("a", "1"), ("b", "2")]).unwrap();
        let put = |pairs: &[(&str, &str)]| BTreeMap::from(tags(pairs).unwrap());
        let change = TagChange { put: put(&[("b", "3"), ("c", "")]), ..TagChange::default() };
        assert_eq!(change.over(&before), tags(&[("a", "1"), ("b", "3"), ("c", "")]));
        let take = TagChange { take: ["a".to_owned(), "x".to_owned()].into(), ..TagChange::default() };
        assert_eq!(take.over(&before), tags(&[("b", "2")]));
        assert_eq!(TagChange { take_all: true, ..take }.over(&before), tags(&[]));
        let many = (0..19).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(TagChange { put: many, ..TagChange::default() }.over(&before), Err(TagError::TooMany(21)));
    }

    #[test]
    fn takes_and_refuses() {
        assert_eq!(tags(&[("team", "a"), ("empty", "")]).unwrap().get("empty"), Some(""));
        assert_eq!(tags(&[("", "a")]), Err(TagError::Key(String::new())));
        let long = "ä".repeat(Tags::LONGEST);
        assert!(tags(&[(&long, &long)]).is_ok());
        assert!(matches!(tags(&[(&format!("{long}b"), "")]), Err(TagError::Key(_))));
        assert!(matches!(tags(&[("a", &format!("{long}b"))]), Err(TagError::Value(_))));
        assert!(matches!(tags(&[("a", "b\n")]), Err(TagError::Control(_))));
        let many: BTreeMap<String, String> = (0..21).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(Tags::try_from(many), Err(TagError::TooMany(21)));
    }
}
