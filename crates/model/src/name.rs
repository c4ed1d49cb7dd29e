//! Names that users give to caches and instances.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No plain name.
    #[error(
        "failed to parse the {kind} name `{text}`: expected 1 to {longest} characters of a-z, 0-9, `-`, `_` and `.`, \
         beginning and ending with a letter or digit"
    )]
    Plain {
        /// What it should name.
        kind: &'static str,
        /// The most characters.
        longest: usize,
        /// The text.
        text: String,
    },
    /// No name at all.
    #[error(
        "failed to parse the image cache name `{text}`: expected 1 to {LONGEST_CACHE_NAME} characters, none a control \
         character, and no white space around them"
    )]
    Free {
        /// How the text begins, control characters escaped.
        text: String,
    },
}

/// The longest name of a cache, in characters.
const LONGEST_CACHE_NAME: usize = 255;

/// The longest plain name of a cache, in characters.
const LONGEST_PLAIN: usize = 128;

/// The longest name of an instance, in characters.
const LONGEST_INSTANCE_NAME: usize = 63;

/// How much of a text an error repeats, in characters.
const TOLD: usize = 64;

fn is_plain(text: &str, longest: usize) -> bool {
    let bytes = text.as_bytes();
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    bytes.len() <= longest
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'))
}

/// The name of an image cache: 1 to 255 characters, none a control character, and no white space around them. Not unique: the
/// id is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CacheName(String);

impl CacheName {
    /// A plain name, as the native interfaces want one: a word that needs no quoting anywhere.
    ///
    /// # Errors
    /// Where the text is not [plain](Self::is_plain).
    pub fn plain(text: &str) -> Result<Self, NameError> {
        if is_plain(text, LONGEST_PLAIN) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Plain { kind: "image cache", longest: LONGEST_PLAIN, text: text.to_owned() })
        }
    }

    /// Whether it is 1 to 128 characters of a-z, 0-9, `-`, `_` and `.`, beginning and ending with a letter or digit.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        is_plain(&self.0, LONGEST_PLAIN)
    }
}

impl FromStr for CacheName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = (1..=LONGEST_CACHE_NAME).contains(&text.chars().count())
            && !text.chars().any(char::is_control)
            && text.trim() == text;
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Free {
                text: text.chars().take(TOLD).collect::<String>().escape_debug().to_string(),
            })
        }
    }
}

/// The name of an instance, unique among the instances of a data directory, and its default host name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceName(String);

impl FromStr for InstanceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if is_plain(text, LONGEST_INSTANCE_NAME) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Plain { kind: "instance", longest: LONGEST_INSTANCE_NAME, text: text.to_owned() })
        }
    }
}

/// The longest name of a group or of one of its containers, in characters.
const LONGEST_GROUP_NAME: usize = 128;

/// The name of a container group. Not unique: the id is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupName(String);

impl FromStr for GroupName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match is_plain(text, LONGEST_GROUP_NAME) {
            true => Ok(Self(text.to_owned())),
            false => Err(NameError::Plain {
                kind: "container group",
                longest: LONGEST_GROUP_NAME,
                text: text.chars().take(TOLD).collect(),
            }),
        }
    }
}

/// The name of a container of a group, unique in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContainerName(String);

impl FromStr for ContainerName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match is_plain(text, LONGEST_GROUP_NAME) {
            true => Ok(Self(text.to_owned())),
            false => Err(NameError::Plain {
                kind: "container",
                longest: LONGEST_GROUP_NAME,
                text: text.chars().take(TOLD).collect(),
            }),
        }
    }
}

macro_rules! text {
    ($name:ident) => {
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

text!(CacheName);
text!(InstanceName);
text!(GroupName);
text!(ContainerName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_and_refuses() {
        for good in ["a", "web-1", "my.cache_2"] {
            assert!(CacheName::plain(good).is_ok_and(|name| name.is_plain()), "{good}");
            assert!(good.parse::<InstanceName>().is_ok(), "{good}");
        }
        for free in ["-a", "a-", "A", "a/b", "..", "a b", "ä", "\u{955c}\u{50cf}", &"ä".repeat(255)] {
            assert!(CacheName::plain(free).is_err(), "{free}");
            assert!(free.parse::<CacheName>().is_ok_and(|name| !name.is_plain()), "{free}");
            assert!(free.parse::<InstanceName>().is_err(), "{free}");
        }
        for bad in ["", " a", "a ", "a\u{a0}", "a\nb", "a\0", "a\u{7f}", "a\u{85}b", &"ä".repeat(256)] {
            assert!(bad.parse::<CacheName>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(64).parse::<InstanceName>().is_err());
        assert!(CacheName::plain(&"a".repeat(129)).is_err());
    }

    #[test]
    fn an_error_repeats_no_control_characters() {
        let told = format!("\u{1b}[2J{}", "x".repeat(1000)).parse::<CacheName>().unwrap_err().to_string();
        assert!(!told.contains('\u{1b}') && told.len() < 300, "{told}");
    }
}
