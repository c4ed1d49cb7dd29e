//! The file: which settings it has, on which lines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::nearest::{nearest, nearest_key};
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::table::{Setting, TABLE};

/// The settings that a file has, by key.
pub(crate) type Found<'i> = BTreeMap<&'static str, (DeValue<'i>, Origin)>;

/// Reads a file's text. Keys that are no settings are refused, each by itself.
pub(crate) fn read<'i>(path: &Path, text: &'i str) -> (Found<'i>, Vec<Refusal>) {
    let table = match DeTable::parse(text) {
        Ok(table) => table.into_inner(),
        Err(error) => return (Found::new(), vec![syntax(path, text, &error)]),
    };
    let mut reading = Reading { path, text, found: Found::new(), refusals: Vec::new() };
    for (key, value) in table {
        reading.top(&key, value);
    }
    reading.refusals.sort_by_key(|(line, _)| *line);
    (reading.found, reading.refusals.into_iter().map(|(_, refusal)| refusal).collect())
}

struct Reading<'a, 'i> {
    path: &'a Path,
    text: &'i str,
    found: Found<'i>,
    refusals: Vec<(usize, Refusal)>,
}

impl<'i> Reading<'_, 'i> {
    /// A key without a heading, or a heading.
    fn top(&mut self, key: &Spanned<std::borrow::Cow<'i, str>>, value: Spanned<DeValue<'i>>) {
        let is_group = groups().contains(key.get_ref().as_ref());
        match value.into_inner() {
            DeValue::Table(entries) if is_group => {
                for (inner, value) in entries {
                    let path = format!("{}.{}", key.get_ref(), inner.get_ref());
                    self.setting(&path, inner.span().start, value.into_inner());
                }
            }
            DeValue::Table(_) => {
                let meant = nearest(key.get_ref(), groups().into_iter());
                self.unknown(key.get_ref(), key.span().start, meant.map(|group| format!("[{group}]")));
            }
            // A quoted key may hold a point, and is no heading for that.
            value if !key.get_ref().contains('.') => self.setting(key.get_ref(), key.span().start, value),
            _ => self.unknown(key.get_ref(), key.span().start, None),
        }
    }

    fn setting(&mut self, key: &str, offset: usize, value: DeValue<'i>) {
        let Some(setting) = Setting::find(key) else {
            let meant = nearest_key(key, TABLE.iter().map(|setting| setting.key));
            return self.unknown(key, offset, meant.map(ToOwned::to_owned));
        };
        let origin = self.origin(offset);
        self.found.insert(setting.key, (value, origin));
    }

    fn unknown(&mut self, key: &str, offset: usize, nearest: Option<String>) {
        let line = line_of(self.text, offset);
        let key = key.chars().take(100).collect();
        self.refusals.push((line, Refusal::UnknownKey { key, origin: self.origin(offset), nearest }));
    }

    fn origin(&self, offset: usize) -> Origin {
        Origin::File { path: self.path.to_owned(), line: line_of(self.text, offset) }
    }
}

/// The headings that there are.
fn groups() -> BTreeSet<&'static str> {
    TABLE.iter().map(Setting::group).filter(|group| !group.is_empty()).collect()
}

/// The part of the text before that byte. Spans of the parser lie within the text, on its characters.
fn before(text: &str, offset: usize) -> &str {
    text.get(..offset).unwrap_or(text)
}

fn line_of(text: &str, offset: usize) -> usize {
    before(text, offset).matches('\n').count() + 1
}

fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> Refusal {
    let offset = error.span().map_or(0, |span| span.start);
    let line_before = before(text, offset).rsplit('\n').next().unwrap_or_default();
    Refusal::Syntax {
        path: path.to_owned(),
        line: line_of(text, offset),
        column: line_before.chars().count() + 1,
        problem: error.message().lines().collect::<Vec<_>>().join(" "),
    }
}
