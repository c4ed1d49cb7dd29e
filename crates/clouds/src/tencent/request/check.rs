//! Holds a request's tree against the operation's table: unknown names, then types, then what is missing. What passes has
//! the table's shape, and whoever reads it need not ask again.

use serde_json::{Map, Value};

use super::Error;
use super::schema::{Kind, Parameter};

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// By JSON's types.
    Json,
    /// As text, whatever the type: `20`, `true`; Python's client writes `True`.
    Text,
}

pub(super) fn tidy(
    schema: &'static [Parameter],
    parameters: Map<String, Value>,
    form: Form,
) -> Result<Map<String, Value>, Error> {
    find_unknown(schema, &parameters, "")?;
    let typed = typed(schema, parameters, form, "")?;
    find_missing(schema, &typed, "")?;
    Ok(typed)
}

/// The flattened name of a field of what is called `at`, where that is no top.
pub(super) fn below(at: &str, name: impl std::fmt::Display) -> String {
    if at.is_empty() { name.to_string() } else { format!("{at}.{name}") }
}

fn find_unknown(schema: &[Parameter], map: &Map<String, Value>, at: &str) -> Result<(), Error> {
    for (name, value) in map {
        let at = below(at, name);
        let known = schema.iter().find(|parameter| parameter.name == name);
        match (known.ok_or_else(|| Error::unknown(&at))?.kind, value) {
            (Kind::Object(fields), Value::Object(map)) => find_unknown(fields, map, &at)?,
            (Kind::Objects(fields), Value::Array(elements)) => {
                for (index, element) in elements.iter().enumerate() {
                    if let Value::Object(map) = element {
                        find_unknown(fields, map, &below(&at, index))?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn typed(
    schema: &'static [Parameter],
    mut map: Map<String, Value>,
    form: Form,
    at: &str,
) -> Result<Map<String, Value>, Error> {
    let mut typed_map = Map::new();
    for parameter in schema {
        match map.remove(parameter.name) {
            None | Some(Value::Null) => {}
            Some(value) => {
                let value = typed_value(parameter.kind, value, form, &below(at, parameter.name))?;
                typed_map.insert(parameter.name.to_owned(), value);
            }
        }
    }
    Ok(typed_map)
}

fn typed_value(kind: Kind, value: Value, form: Form, at: &str) -> Result<Value, Error> {
    let wrong = || Error::wrong_type(at);
    match (kind, value) {
        (Kind::Text, value @ Value::String(_)) => Ok(value),
        (Kind::Whole, value @ Value::Number(_)) if value.is_u64() => Ok(value),
        (Kind::Flag, value @ Value::Bool(_)) => Ok(value),
        (Kind::Whole, Value::String(text)) if form == Form::Text => whole(&text).ok_or_else(wrong),
        (Kind::Flag, Value::String(text)) if form == Form::Text => flag(&text).ok_or_else(wrong),
        (Kind::Object(fields), Value::Object(map)) => typed(fields, map, form, at).map(Value::Object),
        (Kind::Texts, Value::Array(elements)) => {
            let elements = elements.into_iter().enumerate();
            let typed = elements.map(|(index, text)| typed_value(Kind::Text, text, form, &below(at, index)));
            typed.collect::<Result<_, _>>().map(Value::Array)
        }
        (Kind::Objects(fields), Value::Array(elements)) => {
            let elements = elements.into_iter().enumerate();
            let typed =
                elements.map(|(index, map)| typed_value(Kind::Object(fields), map, form, &below(at, index)));
            typed.collect::<Result<_, _>>().map(Value::Array)
        }
        _ => Err(wrong()),
    }
}

fn whole(text: &str) -> Option<Value> {
    // `parse` would take a plus sign.
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    text.parse::<u64>().ok().filter(|_| plain).map(Value::from)
}

fn flag(text: &str) -> Option<Value> {
    let says = |word: &str| text.eq_ignore_ascii_case(word);
    (says("true") || says("false")).then(|| Value::Bool(says("true")))
}

fn find_missing(schema: &[Parameter], map: &Map<String, Value>, at: &str) -> Result<(), Error> {
    for parameter in schema {
        let at = below(at, parameter.name);
        match (parameter.kind, map.get(parameter.name)) {
            (_, None) if parameter.required => return Err(Error::missing(&at)),
            (Kind::Object(fields), Some(Value::Object(map))) => find_missing(fields, map, &at)?,
            (Kind::Objects(fields), Some(Value::Array(elements))) => {
                for (index, map) in elements.iter().filter_map(Value::as_object).enumerate() {
                    find_missing(fields, map, &below(&at, index))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}
