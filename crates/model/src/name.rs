//! Names that users give to caches and instances.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to parse the {kind} name `{text}`: expected 1 to {longest} characters of a-z, 0-9, `-`, `_` and `.`, \
     beginning and ending with a letter or digit"
)]
pub struct NameError {
    kind: &'static str,
    longest: usize,
    text: String,
}

fn is_name(text: &str, longest: usize) -> bool {
    let bytes = text.as_bytes();
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    bytes.len() <= longest
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'))
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $longest:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

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

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if is_name(text, $longest) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError { kind: $kind, longest: $longest, text: text.to_owned() })
                }
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

name! {
    /// The name of an image cache. Not unique: the id is.
    CacheName, "image cache", 128
}
name! {
    /// The name of an instance, unique among the instances of a data directory, and its default host name.
    InstanceName, "instance", 63
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_and_refuses() {
        for good in ["a", "web-1", "my.cache_2"] {
            assert!(good.parse::<CacheName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a/b", "..", "a b", "ä"] {
            assert!(bad.parse::<CacheName>().is_err(), "{bad}");
        }
        assert!("a".repeat(64).parse::<InstanceName>().is_err());
    }
}
