//! Parameters flattened into a query: `Filters.0.Values.0=x+y`. Lists count from zero.

use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::Error;

/// The API's own names have at most four parts.
const MOST_PARTS: usize = 6;

/// The tree whose leaves are texts. What counts from zero where a list may be is a list, in the order of the numbers.
pub(super) fn tree(query: &str) -> Result<Map<String, Value>, Error> {
    let mut top = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name).ok_or_else(|| Error::unknown(name))?;
        let value = decoded(value).ok_or_else(|| Error::wrong_type(&name))?;
        if name.split('.').count() > MOST_PARTS || !insert(&mut top, &name, value) {
            return Err(Error::wrong_type(&name));
        }
    }
    Ok(top.into_iter().map(|(name, value)| (name, with_lists(value))).collect())
}

/// Says whether there was room: a text has no fields, and is there once.
fn insert(map: &mut Map<String, Value>, name: &str, value: String) -> bool {
    match name.split_once('.') {
        None => match map.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(Value::String(value));
                true
            }
            Entry::Occupied(_) => false,
        },
        Some((first, rest)) => match map.entry(first).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(below) => insert(below, rest, value),
            _ => false,
        },
    }
}

fn with_lists(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    let fields = map.into_iter().map(|(name, value)| (name, with_lists(value)));
    let fields: Vec<(String, Value)> = fields.collect();
    let index = |name: &str| name.parse::<u32>().ok();
    if !fields.iter().all(|(name, _)| index(name).is_some()) {
        return Value::Object(fields.into_iter().collect());
    }
    let mut elements = fields;
    elements.sort_by_key(|(name, _)| index(name));
    Value::Array(elements.into_iter().map(|(_, value)| value).collect())
}

/// Percent-decoded, `+` as a space; `None` where an escape is broken or the bytes are not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}
