//! Percent-encoding: what the SDKs send is read leniently, and written again in the one way that is signed.
//!
//! The SDKs encode differently (a space as `+` or `%20`, `*` and `!'()` raw or not), yet all sign the strict form of RFC 3986.

use std::fmt::Write as _;

/// A name or value is not percent-encoded UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to decode a parameter: it is not percent-encoded UTF-8")]
pub(in crate::alibaba) struct Undecodable;

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Decodes a name or a value of a query or a form: `%41` and `+` for a space.
pub(in crate::alibaba) fn decode(text: &[u8]) -> Result<String, Undecodable> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (*first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                let (high, low) = (hex_digit(*high), hex_digit(*low));
                let (Some(high), Some(low)) = (high, low) else { return Err(Undecodable) };
                bytes.push(high << 4 | low);
                rest = after;
            }
            (b'%', _) => return Err(Undecodable),
            (byte, _) => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| Undecodable)
}

/// Encodes as it is signed: all but letters, digits and `-_.~` as `%` and two upper-case digits.
pub(super) fn encode_into(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("a string takes whatever is written"),
        }
    }
}

/// The pairs sorted by name, encoded and joined, as both schemes sign them.
pub(super) fn canonical_query<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut sorted: Vec<_> = pairs.collect();
    sorted.sort_unstable();
    let mut out = String::new();
    for (name, value) in sorted {
        if !out.is_empty() {
            out.push('&');
        }
        encode_into(&mut out, name);
        out.push('=');
        encode_into(&mut out, value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(text: &str) -> String {
        let mut out = String::new();
        encode_into(&mut out, text);
        out
    }

    #[test]
    fn decodes_what_either_sdk_sends() {
        assert_eq!(decode(b"demo+%2A~%2fx"), Ok("demo *~/x".to_owned()));
        assert_eq!(decode(b"my%20cache*~%2F%C3%A9!%27()"), Ok("my cache*~/é!'()".to_owned()));
        assert_eq!(decode("ä".as_bytes()), Ok("ä".to_owned()));
        for bad in [&b"%"[..], b"%4", b"%zz", b"%+1", b"%ff", b"\xff"] {
            assert_eq!(decode(bad), Err(Undecodable), "{bad:?}");
        }
    }

    #[test]
    fn encodes_in_the_one_way_that_is_signed() {
        assert_eq!(encode("my cache*~/é!'()"), "my%20cache%2A~%2F%C3%A9%21%27%28%29");
        assert_eq!(encode("a-Z_0.9~"), "a-Z_0.9~");
        let pairs = [("Tag.2.Value", ""), ("Image.1", "a:1"), ("Action", "x y")];
        assert_eq!(canonical_query(pairs.into_iter()), "Action=x%20y&Image.1=a%3A1&Tag.2.Value=");
    }

    proptest::proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(text: String) {
            proptest::prop_assert_eq!(decode(encode(&text).as_bytes()), Ok(text));
        }
    }
}
