//! A request as it came over the wire.

/// A request as it came over the wire: nothing decoded, nothing dropped, so that a signature can be computed over it.
#[derive(Debug, Clone, Copy)]
pub struct CloudRequest<'a> {
    /// The method, upper case as sent.
    pub method: &'a str,
    /// The path as sent, percent-encoded, starting with `/`.
    pub path: &'a str,
    /// What follows the first `?` as sent, percent-encoded; empty where there is none.
    pub query: &'a str,
    /// Every header in the order received: name in lower case, value as bytes.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body.
    pub body: &'a [u8],
}

impl<'a> CloudRequest<'a> {
    /// The value of the first header of that (lower-case) name; none where it is missing or is not UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.headers.iter().find(|(known, _)| *known == name)?;
        std::str::from_utf8(value).ok()
    }
}
