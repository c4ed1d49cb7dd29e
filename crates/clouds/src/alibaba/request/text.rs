//! Texts with a shape.

use std::fmt;
use std::str::FromStr;

/// A text that has not the shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to read a text: it has not the shape that is wanted there")]
pub struct Misshapen;

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident, $fits:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Misshapen;

            fn from_str(text: &str) -> Result<Self, Misshapen> {
                let fits: fn(&str) -> bool = $fits;
                if fits(text) { Ok(Self(text.to_owned())) } else { Err(Misshapen) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

texts! {
    /// A region, `cn-hangzhou`: 1 to 64 lower-case letters, digits and `-`.
    RegionId, |text| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    /// The id or name of a resource of the cloud, its own or another's: 1 to 256 printable ASCII characters without spaces, else
    /// opaque. An id that nothing has is well-formed.
    ResourceId, |text| (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    /// What makes a repeated request one: 1 to 64 printable ASCII characters, case-sensitive.
    ClientToken, |text| (1..=64).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    /// Where a page begins, as the answer before it said: at most 1024 printable ASCII characters.
    PageToken, |text| (1..=1024).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    /// A name that a user gave, in any script: 1 to 255 characters, no control characters.
    FreeName, |text| {
        (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    /// The name of a container group: 2 to 128 lower-case letters, digits and `-`, which is not at an end.
    GroupName, |text| (2..=128).contains(&text.len()) && is_label(text);
}

/// Lower-case letters, digits and `-`, which is not at an end.
pub(super) fn is_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = text.bytes().next().is_some_and(plain) && text.bytes().next_back().is_some_and(plain);
    ends && text.bytes().all(|byte| plain(byte) || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_and_refuses() {
        let fits = |text: &str| text.parse::<GroupName>().is_ok();
        assert!(fits("web-1") && fits("1a"));
        for bad in ["a", "-ab", "ab-", "Ab", "a_b", ""] {
            assert!(!fits(bad), "{bad}");
        }
        assert!("demo *~/é".parse::<FreeName>().is_ok());
        assert!("a\nb".parse::<FreeName>().is_err());
        assert!("é".repeat(255).parse::<FreeName>().is_ok() && "é".repeat(256).parse::<FreeName>().is_err());
        assert!(
            "x".repeat(64).parse::<ClientToken>().is_ok() && "x".repeat(65).parse::<ClientToken>().is_err()
        );
        assert!("é".parse::<ClientToken>().is_err());
        assert!("cn-hangzhou".parse::<RegionId>().is_ok() && "cn/x".parse::<RegionId>().is_err());
        assert!(
            "imc-2zebxkiifuyzzlhl0000".parse::<ResourceId>().is_ok() && "a b".parse::<ResourceId>().is_err()
        );
    }
}
