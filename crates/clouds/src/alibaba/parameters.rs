//! The parameters of a call: query and form together, decoded, and the flattened lists of which they are made.

#[cfg(test)]
pub(super) mod asked;
mod fields;
mod tree;

pub(super) use fields::Fields;
pub(super) use tree::Tree;

use super::error::{ErrorCode, Refusal};
use super::signature::encoding::decode;
use crate::CloudRequest;

/// The only content type of a body with parameters.
const FORM: &str = "application/x-www-form-urlencoded";

/// No name of an operation is as long.
const LONGEST_NAME: usize = 128;

/// Decoded pairs, query before form, each name once.
///
/// No `Debug`: there are passwords among them.
pub(super) struct Pairs {
    pairs: Vec<(String, String)>,
    /// How many of them came with the query.
    of_query: usize,
}

impl Pairs {
    /// Decodes the query and the form.
    ///
    /// Which of two equal names counts is said nowhere, and what is ambiguous is not guessed: a name that comes twice is
    /// refused. So is a body that is no form, since what it asks for would be dropped in silence.
    pub(super) fn read(request: &CloudRequest<'_>) -> Result<Self, Refusal> {
        let mut pairs = Vec::new();
        read_into(&mut pairs, request.query.as_bytes())?;
        let of_query = pairs.len();
        if !request.body.is_empty() {
            if !is_form(request) {
                return Err(Refusal::invalid("Content-Type"));
            }
            read_into(&mut pairs, request.body)?;
        }
        let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Refusal::invalid(repeatable(twice[0])));
        }
        Ok(Self { pairs, of_query })
    }

    /// The value of a name, where it is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, value)| *known == name && !value.is_empty()).map(|(_, value)| value)
    }

    /// The value of a name that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Those of the query.
    pub(super) fn of_query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().take(self.of_query)
    }
}

/// The name as it may be repeated in a message and a log: the operations' own names look like this, and what does not is not named.
fn repeatable(name: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    if name.len() <= LONGEST_NAME && name.bytes().all(plain) { name } else { "Parameter" }
}

/// A body without a content type is taken for a form, as nothing else is defined.
fn is_form(request: &CloudRequest<'_>) -> bool {
    let Some(text) = request.header("content-type") else { return true };
    text.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM)
}

fn read_into(pairs: &mut Vec<(String, String)>, text: &[u8]) -> Result<(), Refusal> {
    for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &[][..]),
        };
        let undecodable =
            |_| Refusal::new(ErrorCode::InvalidParameter).saying("The encoding of a parameter is not valid.");
        pairs.push((decode(name).map_err(undecodable)?, decode(value).map_err(undecodable)?));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request<'a>(query: &'a str, headers: &'a [(&'a str, &'a [u8])], body: &'a [u8]) -> CloudRequest<'a> {
        CloudRequest { method: "POST", path: "/", query, headers, body }
    }

    #[test]
    fn query_and_form_are_merged_and_blank_values_kept() {
        let headers = [("content-type", &b"application/x-www-form-urlencoded; charset=UTF-8"[..])];
        let pairs = Pairs::read(&request("a=1&&b", &headers, b"c=&d=x+y")).unwrap();
        assert_eq!(pairs.iter().collect::<Vec<_>>(), [("a", "1"), ("b", ""), ("c", ""), ("d", "x y")]);
        assert_eq!(pairs.of_query().count(), 2);
        assert_eq!(pairs.get("b"), None);
        assert_eq!(pairs.required("c").unwrap_err().code(), ErrorCode::MissingParameter);
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        let json = [("content-type", &b"application/json"[..])];
        for (query, headers, body) in [
            ("a=1&a=1", &[][..], &b""[..]),
            ("a=1", &[][..], &b"%61=2"[..]),
            ("", &json[..], &b"{}"[..]),
            ("a=%", &[][..], &b""[..]),
            ("a%0a=1&a%0a=2", &[][..], &b""[..]),
        ] {
            let refusal = Pairs::read(&request(query, headers, body)).err().unwrap();
            assert_eq!(refusal.code(), ErrorCode::InvalidParameter, "{query}");
            assert!(!refusal.to_string().contains('\n'));
        }
    }
}
