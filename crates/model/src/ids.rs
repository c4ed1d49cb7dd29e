//! Ids: one type for each kind of thing, made in this file and nowhere else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse the {kind} id `{text}`: expected `{prefix}-` and 32 lower-case hexadecimal digits")]
pub struct IdError {
    kind: &'static str,
    prefix: &'static str,
    text: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh id. Ids made later sort later.
            #[must_use]
            #[allow(clippy::disallowed_methods, reason = "the one place that makes ids")]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}-{}", $prefix, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let wrong = || IdError { kind: $kind, prefix: $prefix, text: text.to_owned() };
                let digits = text.strip_prefix(concat!($prefix, "-")).ok_or_else(wrong)?;
                let plain = digits.len() == 32
                    && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if !plain {
                    return Err(wrong());
                }
                Uuid::try_parse(digits).map(Self).map_err(|_| wrong())
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

id! {
    /// Names an image cache.
    CacheId, "imc", "image cache"
}
id! {
    /// Names an image snapshot, an immutable document.
    ImageSnapshotId, "isn", "image snapshot"
}
id! {
    /// Names one build: the making of one image snapshot.
    BuildId, "bld", "build"
}
id! {
    /// Names an instance: a container started from images.
    InstanceId, "ins", "instance"
}
id! {
    /// Names a container group.
    GroupId, "grp", "container group"
}
id! {
    /// Names a store of blobs and image snapshots, for as long as it is there, wherever it is moved.
    StoreId, "sto", "store"
}
id! {
    /// Names a lease: what keeps blobs and snapshots from collection for a while.
    LeaseId, "lse", "lease"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_there_and_back_and_later_sorts_later() {
        let first = CacheId::generate();
        let second = CacheId::generate();
        assert!(first < second);
        assert_eq!(first.to_string().parse(), Ok(first));
    }

    #[test]
    fn refuses_ids_of_other_kinds_and_other_spellings() {
        let id = CacheId::generate().to_string();
        assert!(id.parse::<InstanceId>().is_err());
        assert!(id.to_uppercase().parse::<CacheId>().is_err());
        assert!("imc-../../etc/passwd".parse::<CacheId>().is_err());
    }
}
