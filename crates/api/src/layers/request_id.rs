//! The id of a request: the caller's own where it is one, else a fresh one.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::random;

/// The longest id that is taken over.
const LONGEST: usize = 64;

/// The id of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestId(String);

impl RequestId {
    pub(super) const HEADER: HeaderName = HeaderName::from_static(wire::REQUEST_ID_HEADER);

    /// The caller's, where it can stand in a log line; else a fresh one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let given = headers.get(Self::HEADER).and_then(|value| value.to_str().ok());
        let fits = |text: &&str| (1..=LONGEST).contains(&text.len()) && text.bytes().all(plain);
        given.filter(fits).map_or_else(Self::fresh, |text| Self(text.to_owned()))
    }

    fn fresh() -> Self {
        let mut bytes = [0; 8];
        // Without random bytes it is an id like another; nothing leans on it.
        let _ = random::fill(&mut bytes);
        Self(hex::encode(bytes))
    }

    pub(super) fn to_header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("letters, digits and `-_.` alone")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(RequestId::HEADER, HeaderValue::from_bytes(text.as_bytes()).unwrap());
        RequestId::of(&headers)
    }

    #[test]
    fn takes_over_what_can_stand_in_a_log_and_nothing_else() {
        assert_eq!(of("abc-1_2.3").to_string(), "abc-1_2.3");
        for other in ["", "a b", "a\"b", "ä", &"a".repeat(65)] {
            assert_eq!(of(other).to_string().len(), 16, "{other}");
        }
        assert_ne!(of(""), of(""));
    }
}
