//! A value as it is shown.

use std::fmt;

use serde::Serialize;

use crate::price::Price;

/// A value as people and programs are shown it. A secret is never part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing was said and there is no default.
    Unset,
    /// A whole number, in the unit that the key names.
    Number(u64),
    /// Yes or no.
    Truth(bool),
    /// A price.
    Price(Price),
    /// One text.
    Text(String),
    /// Several texts.
    List(Vec<String>),
}

impl Value {
    /// What stands for a secret that is set.
    pub const SECRET: &'static str = "***";

    /// As the file would have it. What is not set cannot be written, and is an empty text.
    pub(crate) fn to_toml(&self) -> String {
        let quoted = |text: &String| toml::Value::from(text.as_str()).to_string();
        match self {
            Self::Unset => String::new(),
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::Price(price) => price.to_string(),
            Self::Text(text) => quoted(text),
            Self::List(texts) => format!("[{}]", texts.iter().map(quoted).collect::<Vec<_>>().join(", ")),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => f.write_str("-"),
            Self::Number(number) => number.fmt(f),
            Self::Truth(truth) => truth.fmt(f),
            Self::Price(price) => price.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::List(texts) if texts.is_empty() => f.write_str("-"),
            Self::List(texts) => f.write_str(&texts.join(", ")),
        }
    }
}
