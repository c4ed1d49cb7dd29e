//! How single values are printed.

use std::collections::BTreeMap;
use std::fmt::Display;

use model::{Elimination, Tags, Timestamp};
use serde::{Serialize, Serializer};

/// As it displays: for times that is `YYYY-MM-DDTHH:MM:SSZ`.
pub(super) fn display<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// A time that may be missing; with `skip_serializing_if`, it is not printed then.
pub(super) fn maybe_time<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(time),
        None => serializer.serialize_none(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pair<'a> {
    key: &'a str,
    value: &'a str,
}

/// `[{Key, Value}]`
pub(super) fn tags<S: Serializer>(tags: &Tags, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(tags.iter().map(|(key, value)| Pair { key, value }))
}

/// `LRU` or nothing.
pub(super) fn elimination<S: Serializer>(strategy: &Elimination, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match strategy {
        Elimination::Keep => "",
        Elimination::Lru => "LRU",
    })
}

/// JSON in a string.
pub(super) fn annotations<S: Serializer>(
    annotations: &BTreeMap<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = serde_json::to_string(annotations).map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(&text)
}
