//! Takes values out of a tree that has the table's shape.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::Error;
use super::check::below;
use super::schema::{Kind, Parameter};

/// The longest of the cloud's words (ids, names, users), in characters.
pub(super) const LONGEST_WORD: usize = 128;

/// The fields of one object.
pub(super) struct Fields {
    /// Its flattened name; empty for the request itself.
    at: String,
    schema: &'static [Parameter],
    map: Map<String, Value>,
}

impl Fields {
    pub(super) fn top(schema: &'static [Parameter], map: Map<String, Value>) -> Self {
        Self { at: String::new(), schema, map }
    }

    /// The flattened name of one of the fields.
    pub(super) fn name(&self, field: &str) -> String {
        below(&self.at, field)
    }

    fn take(&mut self, field: &str) -> Option<Value> {
        debug_assert!(self.schema.iter().any(|known| known.name == field), "{field} is in the table");
        self.map.remove(field)
    }

    /// A text; none where it has no character.
    pub(super) fn text(&mut self, field: &str, longest: usize) -> Result<Option<String>, Error> {
        match self.take(field) {
            Some(Value::String(text)) if !text.is_empty() => {
                checked(&self.name(field), text, longest, false).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A text that may have line breaks.
    pub(super) fn lines(&mut self, field: &str, longest: usize) -> Result<Option<String>, Error> {
        match self.take(field) {
            Some(Value::String(text)) if !text.is_empty() => {
                checked(&self.name(field), text, longest, true).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A word that must have a character.
    pub(super) fn word(&mut self, field: &str) -> Result<String, Error> {
        let text = self.text(field, LONGEST_WORD)?;
        text.ok_or_else(|| Error::value(&self.name(field), "must not be empty"))
    }

    pub(super) fn whole(&mut self, field: &str) -> Option<u64> {
        self.take(field).and_then(|value| value.as_u64())
    }

    pub(super) fn whole_in(&mut self, field: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Error> {
        let rule = || format!("must be {} to {}", range.start(), range.end());
        match self.whole(field) {
            Some(number) if !range.contains(&number) => Err(Error::value(&self.name(field), &rule())),
            number => Ok(number),
        }
    }

    pub(super) fn flag(&mut self, field: &str) -> Option<bool> {
        self.take(field).and_then(|value| value.as_bool())
    }

    /// A list of texts, each read by `read` with its flattened name; none where it is absent.
    pub(super) fn texts<T>(
        &mut self,
        field: &str,
        lengths: RangeInclusive<usize>,
        mut read: impl FnMut(&str, String) -> Result<T, Error>,
    ) -> Result<Option<Vec<T>>, Error> {
        let Some(elements) = self.elements(field, lengths)? else { return Ok(None) };
        let name = self.name(field);
        let texts = elements.into_iter().enumerate().map(|(index, element)| {
            let Value::String(text) = element else { return Err(Error::wrong_type(&name)) };
            let name = below(&name, index);
            match text.is_empty() {
                true => Err(Error::value(&name, "must not be empty")),
                false => read(&name, text),
            }
        });
        texts.collect::<Result<_, _>>().map(Some)
    }

    /// A list of words; none where it is absent.
    pub(super) fn words(
        &mut self,
        field: &str,
        lengths: RangeInclusive<usize>,
    ) -> Result<Option<Vec<String>>, Error> {
        self.texts(field, lengths, |name, text| checked(name, text, LONGEST_WORD, false))
    }

    /// A list of objects; none where it is absent.
    pub(super) fn objects<T>(
        &mut self,
        field: &str,
        lengths: RangeInclusive<usize>,
        mut read: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Option<Vec<T>>, Error> {
        let schema = self.schema_of(field);
        let Some(elements) = self.elements(field, lengths)? else { return Ok(None) };
        let name = self.name(field);
        let objects = elements.into_iter().enumerate().map(|(index, element)| {
            let Value::Object(map) = element else { return Err(Error::wrong_type(&name)) };
            read(&mut Self { at: below(&name, index), schema, map })
        });
        objects.collect::<Result<_, _>>().map(Some)
    }

    /// An object; none where it is absent.
    pub(super) fn object<T>(
        &mut self,
        field: &str,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let schema = self.schema_of(field);
        match self.take(field) {
            Some(Value::Object(map)) => read(&mut Self { at: self.name(field), schema, map }).map(Some),
            _ => Ok(None),
        }
    }

    fn schema_of(&self, field: &str) -> &'static [Parameter] {
        match self.schema.iter().find(|known| known.name == field).map(|known| known.kind) {
            Some(Kind::Object(fields) | Kind::Objects(fields)) => fields,
            _ => &[],
        }
    }

    fn elements(&mut self, field: &str, lengths: RangeInclusive<usize>) -> Result<Option<Vec<Value>>, Error> {
        let Some(Value::Array(elements)) = self.take(field) else { return Ok(None) };
        if lengths.contains(&elements.len()) {
            return Ok(Some(elements));
        }
        let rule = match (lengths.start(), lengths.end()) {
            (0, most) => format!("must have at most {most} elements"),
            (least, most) => format!("must have {least} to {most} elements"),
        };
        Err(Error::value(&self.name(field), &rule))
    }
}

fn checked(name: &str, text: String, longest: usize, lines: bool) -> Result<String, Error> {
    let control = |c: char| c.is_control() && !(lines && matches!(c, '\n' | '\r' | '\t'));
    if text.chars().count() > longest {
        return Err(Error::value(name, &format!("must have at most {longest} characters")));
    }
    if text.chars().any(control) {
        return Err(Error::value(name, "must not have control characters"));
    }
    Ok(text)
}
