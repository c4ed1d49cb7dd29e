//! From what was said where to the settings.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::check;
use crate::fallback::{Fallback, Machine};
use crate::file::{self, Found};
use crate::groups::Settings;
use crate::kind::{Given, Kind};
use crate::nearest::nearest;
use crate::origin::Origin;
use crate::refusal::{Refusal, Refused};
use crate::table::{Setting, TABLE};
use crate::value::Value;

/// A configuration file's text, which may hold a password: it is never printed.
#[derive(Clone)]
pub struct File {
    /// Its path, for messages.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// An option of the command line that sets a setting.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The setting's key.
    pub key: &'static str,
    /// The option, as `--listen`.
    pub option: &'static str,
    /// Its values: one, or one for each time that a list's option was given.
    pub values: Vec<OsString>,
}

/// Where values may be said. Secrets may be among them: it is never printed.
#[derive(Clone)]
pub struct Sources {
    /// Options of the command line. One with a key that is no setting is a bug, and left aside.
    pub flags: Vec<Flag>,
    /// The environment, whole; a variable that is set to nothing is as good as unset.
    pub environment: Vec<(OsString, OsString)>,
    /// The file, where there is one.
    pub file: Option<File>,
    /// What defaults depend on.
    pub machine: Machine,
}

impl Sources {
    /// Nothing but the defaults.
    #[must_use]
    pub const fn none(machine: Machine) -> Self {
        Self { flags: Vec::new(), environment: Vec::new(), file: None, machine }
    }
}

/// A value and where it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The setting's key.
    pub key: &'static str,
    /// The value as it is shown.
    pub value: Value,
    /// Where it was said.
    pub origin: Origin,
}

/// The settings and where each was said.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Each value as it is shown, in the table's order.
    pub entries: Vec<Entry>,
    /// What is allowed and probably not meant, a sentence each.
    pub warnings: Vec<String>,
}

impl Loaded {
    /// Where the value of that setting was said; [`Origin::Default`] for a key that is none.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        self.entries.iter().find(|entry| entry.key == key).map_or(&Origin::Default, |entry| &entry.origin)
    }
}

/// Puts together what was said. Every value is checked, those too that another one overrides.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(sources: &Sources) -> Result<Loaded, Refused> {
    let (found, refusals) = match &sources.file {
        Some(file) => file::read(&file.path, &file.text),
        None => (Found::new(), Vec::new()),
    };
    let environment: BTreeMap<&OsStr, &OsStr> = sources
        .environment
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
        .collect();
    let mut loading = Loading { sources, found, environment, settings: Settings::default(), refusals };
    let entries: Vec<Entry> = TABLE.iter().map(|setting| loading.entry(setting)).collect();
    let Loading { settings, mut refusals, environment, .. } = loading;
    if refusals.is_empty() {
        refusals.extend(check::clashes(&settings, &entries));
    }
    Refused::unless_empty(refusals)?;
    Ok(Loaded { settings, entries, warnings: misspelt(environment.keys().copied()) })
}

struct Loading<'a> {
    sources: &'a Sources,
    found: Found<'a>,
    environment: BTreeMap<&'a OsStr, &'a OsStr>,
    settings: Settings,
    refusals: Vec<Refusal>,
}

impl Loading<'_> {
    /// The setting's value: of all that is said the last, from the weakest place to the strongest.
    fn entry(&mut self, setting: &'static Setting) -> Entry {
        let mut entry = Entry { key: setting.key, value: self.fallback(setting), origin: Origin::Default };
        if let Some((value, origin)) = self.found.remove(setting.key) {
            match setting.kind {
                Kind::Secret(_) => self.refusals.push(misplaced(setting, origin)),
                _ => self.take(setting, Given::Toml(&value), origin, &mut entry),
            }
        }
        if let Some(word) = self.environment.get(OsStr::new(setting.variable)).copied() {
            self.take(setting, Given::Word(word), Origin::Environment(setting.variable), &mut entry);
        }
        if let Some(flag) = self.sources.flags.iter().find(|flag| flag.key == setting.key) {
            let origin = Origin::Flag(flag.option);
            match setting.kind {
                Kind::Secret(_) => self.refusals.push(misplaced(setting, origin)),
                _ => self.take(setting, Given::Words(&flag.values), origin, &mut entry),
            }
        }
        entry
    }

    fn fallback(&mut self, setting: &'static Setting) -> Value {
        let word = match setting.fallback {
            Fallback::Is(text) => OsString::from(text),
            Fallback::Computed { of, .. } => of(&self.settings, self.sources.machine),
            Fallback::Unset { .. } => return Value::Unset,
        };
        // Where a value that it depends on was refused, it may be none, and that refusal is told.
        setting.kind.take(Given::Word(&word), &mut self.settings).unwrap_or(Value::Unset)
    }

    fn take(&mut self, setting: &'static Setting, given: Given<'_>, origin: Origin, entry: &mut Entry) {
        if let Some(value) = setting.kind.take(given, &mut self.settings) {
            entry.value = value;
            entry.origin = origin;
            return;
        }
        let value = if setting.kind.is_secret() { format!("`{}`", Value::SECRET) } else { given.shown() };
        let allowed = setting.kind.allowed();
        self.refusals.push(Refusal::Value { key: setting.key, value, allowed, origin });
    }
}

fn misplaced(setting: &'static Setting, origin: Origin) -> Refusal {
    Refusal::Misplaced { key: setting.key, variable: setting.variable, origin }
}

/// Variables that look like one of ours and are none. They may be somebody else's, as those that clusters set for a service
/// of that name, so this refuses nothing.
fn misspelt<'a>(variables: impl Iterator<Item = &'a OsStr>) -> Vec<String> {
    let known = || TABLE.iter().map(|setting| setting.variable);
    let ours = |variable: &&str| variable.starts_with("IMC_") && !known().any(|known| known == *variable);
    let one = |variable: &str| {
        let meant =
            nearest(variable, known()).filter(|known| strsim::damerau_levenshtein(variable, known) <= 2);
        meant.map(|known| format!("the variable {variable} sets nothing; is {known} meant?"))
    };
    variables.filter_map(OsStr::to_str).filter(ours).filter_map(one).collect()
}

#[cfg(test)]
mod tests;
