//! Query parameters: every one that there is is named, all others are refused.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use wire::ProblemKind;

use crate::document::expected;
use crate::edge::Edge;
use crate::refusal::Refusal;

/// The most values of one parameter.
const MOST_VALUES: usize = 100;

/// The query's parameters, parsed.
pub(crate) struct Query<T>(pub(crate) T);

/// What a query says.
pub(crate) trait FromQuery: Sized {
    /// The parameters that there are.
    const KNOWN: &'static [&'static str];

    fn from_pairs(pairs: &Pairs) -> Result<Self, Refusal>;
}

/// A query without parameters.
pub(crate) struct NoQuery;

impl FromQuery for NoQuery {
    const KNOWN: &'static [&'static str] = &[];

    fn from_pairs(_: &Pairs) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl<T: FromQuery> FromRequestParts<Edge> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Refusal> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = Pairs::parse(query, T::KNOWN)?;
        T::from_pairs(&pairs).map(Query)
    }
}

/// The parameters as they stand.
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    pub(crate) fn parse(query: &str, known: &[&str]) -> Result<Self, Refusal> {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let pairs: Vec<(String, String)> = pairs.map(|(key, value)| (key.into(), value.into())).collect();
        match pairs.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            Some((key, _)) => Err(Refusal::new(ProblemKind::UnknownParameter)
                .detail(format!("failed to take the query parameter `{key}`: there is none of that name"))
                .field(key.chars().take(100).collect::<String>())
                .allowed(known.iter().copied())),
            None => Ok(Self(pairs)),
        }
    }

    /// The query in one form, without those parameters: what tells one query from another.
    pub(crate) fn canonical(&self, without: &[&str]) -> String {
        let mut pairs: Vec<&(String, String)> =
            self.0.iter().filter(|(key, _)| !without.contains(&key.as_str())).collect();
        pairs.sort();
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(pairs);
        text.finish()
    }

    fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The text of a parameter that may be given once.
    pub(crate) fn text<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, Refusal> {
        let mut texts = self.texts(name);
        let first = texts.next();
        match texts.next() {
            Some(_) => Err(invalid(name, "failed to take the parameter: it is given twice; expected once")),
            None => Ok(first),
        }
    }

    /// A parameter that may be given once.
    pub(crate) fn one<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Refusal> {
        self.text(name)?.map(|text| parse(name, text)).transpose()
    }

    /// A parameter that may be given several times.
    pub(crate) fn many<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<Vec<T>>, Refusal> {
        let values: Vec<T> = self.texts(name).map(|text| parse(name, text)).collect::<Result<_, _>>()?;
        if values.len() > MOST_VALUES {
            let message = format!("failed to take {} values: expected at most {MOST_VALUES}", values.len());
            return Err(invalid(name, &message));
        }
        Ok((!values.is_empty()).then_some(values))
    }

    /// A parameter that is one of some words.
    pub(crate) fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Refusal> {
        self.text(name)?.map(|text| one_of(name, text, words)).transpose()
    }

    /// A parameter that is one of some words and may be given several times.
    pub(crate) fn words<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<Vec<T>>, Refusal> {
        let texts: Option<Vec<String>> = self.many(name)?;
        texts.map(|texts| texts.iter().map(|text| one_of(name, text, words)).collect()).transpose()
    }

    /// A parameter that is `true` or `false`; `false` where it is not given.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        Ok(self.word(name, &[("true", true), ("false", false)])?.unwrap_or(false))
    }

    /// A whole number in a range.
    pub(crate) fn number(&self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.parse().ok().filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let (least, most) = range.into_inner();
                Err(invalid(name, &format!("failed to take `{text}`: expected {least} to {most}")))
            }
        }
    }
}

fn parse<T: FromStr<Err: Display>>(name: &str, text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|error: T::Err| invalid(name, &error.to_string()))
}

fn one_of<T: Copy>(name: &str, text: &str, words: &[(&str, T)]) -> Result<T, Refusal> {
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, value)) => Ok(*value),
        None => {
            let refusal = invalid(name, &format!("failed to take `{text}`: there is no such word"));
            Err(refusal.allowed(words.iter().map(|(word, _)| *word)))
        }
    }
}

pub(crate) fn invalid(name: &str, message: &str) -> Refusal {
    Refusal::new(ProblemKind::InvalidParameter).detail(message).field(name).allowed(expected(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_parameter_and_what_is_possible() {
        let refused = *Pairs::parse("limit=3&colour=red", &["limit", "name"]).err().unwrap().0;
        assert_eq!(
            (refused.field.as_deref(), refused.allowed.join(",")),
            (Some("colour"), "limit,name".into())
        );
        let pairs =
            Pairs::parse("limit=0&flag=yes&twice=1&twice=2", &["limit", "flag", "twice"]).ok().unwrap();
        let refused = pairs.number("limit", 1..=1000).unwrap_err().0;
        assert_eq!(refused.allowed, ["1 to 1000"]);
        assert_eq!(pairs.flag("flag").unwrap_err().0.allowed, ["true", "false"]);
        assert!(pairs.one::<u32>("twice").is_err());
        assert_eq!(pairs.many::<u32>("twice").ok().unwrap(), Some(vec![1, 2]));
    }

    #[test]
    fn a_query_in_another_order_is_the_same() {
        let canonical = |text| Pairs::parse(text, &["a", "b", "page"]).ok().unwrap().canonical(&["page"]);
        assert_eq!(canonical("a=1&b=2&page=x"), canonical("b=2&a=%31"));
        assert_ne!(canonical("a=1&b=2"), canonical("a=1&a=2"));
        assert_ne!(canonical("a=1%26b=2"), canonical("a=1&b=2"));
    }
}
