//! The `WWW-Authenticate` header.
//!
//! Source: RFC 9110, sections 11.2 and 11.6.1; the distribution project's token authentication specification for the
//! parameters of `Bearer`. Read with tolerance: what cannot be read ends the list, what came before counts.

/// One challenge: a scheme and its parameters, names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// In lower case.
    pub(crate) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The first parameter of that name (lower case).
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(has, _)| has == name).map(|(_, value)| value.as_str())
    }
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn skip(&mut self, of: impl Fn(u8) -> bool) {
        let count = self.0.iter().take_while(|b| of(**b)).count();
        self.0 = &self.0[count..];
    }

    fn token(&mut self) -> String {
        let is_token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~/:".contains(b);
        let count = self.0.iter().take_while(|b| is_token(b)).count();
        let (token, rest) = self.0.split_at(count);
        self.0 = rest;
        String::from_utf8_lossy(token).into_owned()
    }

    /// A quoted string without its quotes, or a token. An unclosed one reaches to the end.
    fn value(&mut self) -> String {
        if self.0.first() != Some(&b'"') {
            return self.token();
        }
        self.0 = &self.0[1..];
        let mut out = Vec::new();
        while let Some((&b, rest)) = self.0.split_first() {
            self.0 = rest;
            match b {
                b'"' => break,
                b'\\' => {
                    if let Some((&escaped, rest)) = self.0.split_first() {
                        out.push(escaped);
                        self.0 = rest;
                    }
                }
                _ => out.push(b),
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// Reads one header's value, which may hold several challenges.
pub(crate) fn parse(header: &str) -> Vec<Challenge> {
    let mut cursor = Cursor(header.as_bytes());
    let blank = |b: u8| b == b' ' || b == b'\t';
    let mut challenges: Vec<Challenge> = Vec::new();
    loop {
        cursor.skip(|b| blank(b) || b == b',');
        let word = cursor.token();
        if word.is_empty() {
            return challenges;
        }
        cursor.skip(blank);
        let word = word.to_ascii_lowercase();
        if cursor.0.first() == Some(&b'=') {
            cursor.0 = &cursor.0[1..];
            cursor.skip(blank);
            let value = cursor.value();
            match challenges.last_mut() {
                Some(challenge) => challenge.parameters.push((word, value)),
                None => return challenges,
            }
        } else {
            challenges.push(Challenge { scheme: word, parameters: Vec::new() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_registries_send_it() {
        let header = "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:a/b:pull\"";
        let challenges = parse(header);
        assert_eq!(challenges.len(), 1);
        assert_eq!(challenges[0].scheme, "bearer");
        assert_eq!(challenges[0].parameter("realm"), Some("https://auth.docker.io/token"));
        assert_eq!(challenges[0].parameter("service"), Some("registry.docker.io"));
        assert_eq!(challenges[0].parameter("scope"), Some("repository:a/b:pull"));
    }

    #[test]
    fn several_in_one_header_with_every_liberty() {
        let header =
            r#"NEGOTIATE , bEaReR  Realm = "https://x/\"q\",y" , service=plain,scope="a b" ,BASIC realm="r""#;
        let challenges = parse(header);
        let schemes: Vec<_> = challenges.iter().map(|c| c.scheme.as_str()).collect();
        assert_eq!(schemes, ["negotiate", "bearer", "basic"]);
        assert_eq!(challenges[1].parameter("realm"), Some("https://x/\"q\",y"));
        assert_eq!(challenges[1].parameter("service"), Some("plain"));
        assert_eq!(challenges[1].parameter("scope"), Some("a b"));
    }

    #[test]
    fn nonsense_ends_the_list() {
        assert!(parse("").is_empty());
        assert!(parse("=x").is_empty());
        assert!(parse("realm=\"no scheme\"").is_empty());
        assert_eq!(parse("Basic realm=\"open").len(), 1);
        assert_eq!(parse("Basic \u{7f}\u{1}").len(), 1);
    }

    #[test]
    fn any_bytes_end() {
        bolero::check!().with_max_len(200).for_each(|bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            let challenges = parse(&text);
            assert!(challenges.iter().all(|c| !c.scheme.is_empty()));
        });
    }
}
