//! The configuration file that says everything and changes nothing.

use std::ffi::OsStr;
use std::fmt::Write as _;

use crate::fallback::Fallback;
use crate::groups::Settings;
use crate::kind::{Given, Kind};
use crate::table::{Setting, TABLE};

const HEAD: &str = "\
# The configuration of imc: every setting with its default, made by `imc config example`.
#
# The command line wins over the environment, that over this file, and this file over the defaults. The file is
# /etc/imc/imc.toml, or the one that --config or IMC_CONFIG names. `imc config check FILE` looks through a file,
# `imc config show` says what holds and where it was said. A key that is not listed here is refused.
";

/// A commented file with every setting. Each line of a setting is its default, or an example where it has none.
#[must_use]
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    let mut group = "";
    for setting in TABLE.iter().filter(|setting| !matches!(setting.kind, Kind::Secret(_))) {
        if setting.group() != group {
            group = setting.group();
            let _ = write!(text, "\n[{group}]\n");
        }
        text.push('\n');
        for line in wrapped(&about(setting), 108) {
            let _ = writeln!(text, "# {line}");
        }
        let name = setting.key.rsplit('.').next().unwrap_or(setting.key);
        let _ = writeln!(text, "#{name} = {}", sample(setting));
    }
    text
}

/// What a setting means, what it may be, and what holds where it is not set.
fn about(setting: &Setting) -> String {
    let otherwise = match setting.fallback {
        Fallback::Is("") => " Default: none.".to_owned(),
        Fallback::Is(_) => String::new(),
        Fallback::Unset { .. } => " Default: unset.".to_owned(),
        Fallback::Computed { words, .. } => format!(" Default: {words}."),
    };
    format!(
        "{} Expected: {}.{otherwise} Variable: {}.",
        setting.help,
        setting.kind.allowed(),
        setting.variable
    )
}

/// The default as the file has it, or the example.
fn sample(setting: &Setting) -> String {
    let (Fallback::Is(word) | Fallback::Unset { example: word } | Fallback::Computed { example: word, .. }) =
        setting.fallback;
    let value = setting.kind.take(Given::Word(OsStr::new(word)), &mut Settings::default());
    value.map(|value| value.to_toml()).unwrap_or_default()
}

/// The text in lines of at most so many characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::load::{File, Sources, load};
    use crate::{Machine, Origin};

    /// The example with every setting's line in force.
    fn in_force(text: &str) -> String {
        let line = |line: &str| match line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')) {
            Some(setting) => setting.to_owned(),
            None => line.to_owned(),
        };
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    fn sources(text: String) -> Sources {
        let file = Some(File { path: PathBuf::from("/imc.toml"), text });
        Sources { file, ..Sources::none(Machine { processors: 4 }) }
    }

    #[test]
    fn as_it_is_it_changes_nothing() {
        let defaults = load(&Sources::none(Machine { processors: 4 })).unwrap();
        assert_eq!(load(&sources(example())).unwrap().entries, defaults.entries);
    }

    #[test]
    fn in_force_it_sets_everything_and_defaults_to_what_holds_anyway() {
        // The example's address is without a password, and the file for one is then no clash.
        let text = in_force(&example()).replace("\"sqlite\"", "\"postgres://imc@db.example/imc\"");
        let loaded = load(&sources(text)).unwrap();
        let defaults = load(&Sources::none(Machine { processors: 4 })).unwrap();
        for (entry, default) in loaded.entries.iter().zip(defaults.entries) {
            let setting = Setting::find(entry.key).unwrap();
            if matches!(setting.kind, Kind::Secret(_)) {
                continue;
            }
            assert!(matches!(entry.origin, Origin::File { .. }), "{entry:?}");
            if matches!(setting.fallback, Fallback::Is(_)) && entry.key != "database.url" {
                assert_eq!(entry.value, default.value, "{}", entry.key);
            }
        }
    }
}
