//! What a setting may be: how its value is read, what is allowed, and which field takes it.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use model::RegistryHost;
use secrecy::SecretString;
use toml::de::DeValue;
use url::Url;

use crate::database::Database;
use crate::groups::{LogFormat, RegionName, Settings};
use crate::price::Price;
use crate::value::Value;

/// Longer texts are no sensible setting.
const LONGEST_TEXT: usize = 4096;

/// What a setting may be, and the field that takes it.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A whole number, in the unit that the key names.
    Whole {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
        /// The field.
        set: fn(&mut Settings, u64),
    },
    /// Yes or no.
    Truth(fn(&mut Settings, bool)),
    /// A price for a GiB and an hour.
    Price(fn(&mut Settings, Price)),
    /// One line of text.
    Text(fn(&mut Settings, String)),
    /// A path of a file or directory; absolute where it stands in a file.
    Path(fn(&mut Settings, PathBuf)),
    /// Several paths; `:` is between them in the environment.
    Paths(fn(&mut Settings, Vec<PathBuf>)),
    /// Addresses to listen on; `,` is between them in the environment.
    Addresses(fn(&mut Settings, Vec<SocketAddr>)),
    /// Registries as they stand in references; `,` is between them in the environment.
    Hosts(fn(&mut Settings, Vec<RegistryHost>)),
    /// Regions of a cloud; `,` is between them in the environment.
    Regions(fn(&mut Settings, Vec<RegionName>)),
    /// An HTTP server's address.
    Endpoint(fn(&mut Settings, Url)),
    /// The form of log lines.
    LogFormat(fn(&mut Settings, LogFormat)),
    /// Where the records are.
    Database(fn(&mut Settings, Database)),
    /// A secret, which the environment alone may hold.
    Secret(fn(&mut Settings, SecretString)),
}

/// A value as it was given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Given<'a> {
    /// One text that stands for everything, as variables have it.
    Word(&'a OsStr),
    /// Texts, one for each entry, as repeated options have it.
    Words(&'a [std::ffi::OsString]),
    /// A value of the file.
    Toml(&'a DeValue<'a>),
}

impl Kind {
    /// Reads the value into its field, and says how it is shown. Nothing where it is not allowed.
    pub(crate) fn take(&self, given: Given<'_>, settings: &mut Settings) -> Option<Value> {
        match self {
            Self::Whole { least, most, set } => {
                let number = given.number().filter(|number| (least..=most).contains(&number))?;
                set(settings, number);
                Some(Value::Number(number))
            }
            Self::Truth(set) => {
                let truth = given.truth()?;
                set(settings, truth);
                Some(Value::Truth(truth))
            }
            Self::Price(set) => {
                let price = given.decimal()?.parse().ok()?;
                set(settings, price);
                Some(Value::Price(price))
            }
            Self::Text(set) => {
                let text = given.line()?;
                set(settings, text.to_owned());
                Some(Value::Text(text.to_owned()))
            }
            Self::Path(set) => {
                let path = given.path()?;
                set(settings, path.to_owned());
                Some(Value::Text(shown(path)))
            }
            Self::Paths(set) => {
                let paths = given.paths()?;
                let value = Value::List(paths.iter().map(|path| shown(path)).collect());
                set(settings, paths);
                Some(value)
            }
            Self::Addresses(set) => given.list(settings, *set),
            Self::Hosts(set) => given.list(settings, *set),
            Self::Regions(set) => given.list(settings, *set),
            Self::Endpoint(set) => {
                let url: Url = given.line()?.parse().ok()?;
                let plain = matches!(url.scheme(), "http" | "https") && url.password().is_none();
                let value = plain.then(|| Value::Text(url.to_string()))?;
                set(settings, url);
                Some(value)
            }
            Self::LogFormat(set) => {
                let format: LogFormat = given.line()?.parse().ok()?;
                set(settings, format);
                Some(Value::Text(format.as_str().to_owned()))
            }
            Self::Database(set) => {
                let database: Database = given.line()?.parse().ok()?;
                let value = database.to_value();
                set(settings, database);
                Some(value)
            }
            Self::Secret(set) => {
                let Given::Word(word) = given else { return None };
                set(settings, SecretString::from(word.to_str()?));
                Some(Value::Text(Value::SECRET.to_owned()))
            }
        }
    }

    /// What is allowed, in words.
    #[must_use]
    pub fn allowed(&self) -> String {
        let words = match self {
            Self::Whole { least, most, .. } => return format!("a whole number from {least} to {most}"),
            Self::Truth(_) => "`true` or `false`",
            Self::Price(_) => {
                "a decimal number from 0 to 1000000000 with at most 9 digits behind the point, as 0.00012"
            }
            Self::Text(_) => "a line of text",
            Self::Path(_) => "a path, absolute where it stands in a file",
            Self::Paths(_) => {
                "a list of paths, absolute where they stand in a file, with `:` between them in the environment"
            }
            Self::Addresses(_) => "a list of ADDRESS:PORT, as 127.0.0.1:7420 or [::1]:7420",
            Self::Regions(_) => "a list of regions, each of a-z, 0-9 and `-`, as cn-hangzhou",
            Self::Hosts(_) => "a list of registries as in references, HOST[:PORT]",
            Self::Endpoint(_) => "an http:// or https:// address without a password",
            Self::LogFormat(_) => "`text` or `json`",
            Self::Database(_) => Database::ALLOWED,
            Self::Secret(_) => "a secret",
        };
        words.to_owned()
    }

    /// Whether what was given must not be repeated.
    pub(crate) const fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::Database(_) | Self::Endpoint(_))
    }
}

impl<'a> Given<'a> {
    fn number(self) -> Option<u64> {
        match self {
            Self::Toml(DeValue::Integer(integer)) => {
                u64::from_str_radix(integer.as_str(), integer.radix()).ok()
            }
            Self::Toml(_) => None,
            // Rust would take a sign as well.
            _ => self.line().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?.parse().ok(),
        }
    }

    fn truth(self) -> Option<bool> {
        match self {
            Self::Toml(DeValue::Boolean(truth)) => Some(*truth),
            Self::Toml(_) => None,
            _ => self.line()?.parse().ok(),
        }
    }

    fn decimal(self) -> Option<&'a str> {
        match self {
            Self::Toml(DeValue::Float(float)) => Some(float.as_str()),
            Self::Toml(DeValue::Integer(integer)) if integer.radix() == 10 => Some(integer.as_str()),
            Self::Toml(_) => None,
            _ => self.line(),
        }
    }

    /// One line of text, which is not empty and does not pretend to be another by what a terminal hides.
    fn line(self) -> Option<&'a str> {
        let text = match self {
            Self::Word(word) => word.to_str(),
            Self::Words([only]) => only.to_str(),
            Self::Toml(DeValue::String(text)) => Some(text.as_ref()),
            Self::Words(_) | Self::Toml(_) => None,
        };
        let is_line = |text: &&str| {
            !text.trim().is_empty() && text.len() <= LONGEST_TEXT && !text.contains(char::is_control)
        };
        text.filter(is_line)
    }

    /// A path. Those of a file have no directory to start from.
    fn path(self) -> Option<&'a Path> {
        let path = match self {
            Self::Word(word) => Path::new(word),
            Self::Words([only]) => Path::new(only),
            Self::Words(_) => return None,
            Self::Toml(DeValue::String(text)) => {
                Some(Path::new(text.as_ref())).filter(|p| p.is_absolute())?
            }
            Self::Toml(_) => return None,
        };
        let length = path.as_os_str().len();
        let sound = (1..=LONGEST_TEXT).contains(&length) && !path.as_os_str().as_encoded_bytes().contains(&0);
        sound.then_some(path)
    }

    fn paths(self) -> Option<Vec<PathBuf>> {
        let owned = |given: Given<'_>| given.path().map(Path::to_owned);
        match self {
            Self::Word(word) => std::env::split_paths(word)
                .filter(|path| !path.as_os_str().is_empty())
                .map(|path| owned(Given::Word(path.as_os_str())))
                .collect(),
            Self::Words(words) => words.iter().map(|word| owned(Given::Word(word))).collect(),
            Self::Toml(DeValue::Array(array)) => {
                array.iter().map(|entry| owned(Given::Toml(entry.get_ref()))).collect()
            }
            Self::Toml(_) => None,
        }
    }

    /// Texts of a list, with `,` between them where they are one.
    fn entries(self) -> Option<Vec<&'a str>> {
        let split = |text: &'a str| {
            // Quotes that a shell or a unit file left around them mean nothing.
            let bare = |entry: &'a str| entry.trim_matches(|c: char| c == '"' || c.is_whitespace());
            text.split(',').map(bare).filter(|entry| !entry.is_empty())
        };
        match self {
            Self::Word(word) => Some(split(word.to_str()?).collect()),
            Self::Words(words) => {
                let texts: Option<Vec<&str>> = words.iter().map(|word| word.to_str()).collect();
                Some(texts?.into_iter().flat_map(split).collect())
            }
            Self::Toml(DeValue::Array(array)) => array
                .iter()
                .map(|entry| match entry.get_ref() {
                    DeValue::String(text) => Some(text.as_ref()),
                    _ => None,
                })
                .collect(),
            Self::Toml(_) => None,
        }
    }

    fn list<T>(self, settings: &mut Settings, set: fn(&mut Settings, Vec<T>)) -> Option<Value>
    where
        T: FromStr + ToString,
    {
        let parsed: Result<Vec<T>, _> = self.entries()?.into_iter().map(str::parse).collect();
        let parsed = parsed.ok()?;
        let value = Value::List(parsed.iter().map(ToString::to_string).collect());
        set(settings, parsed);
        Some(value)
    }

    /// As a refusal shows it.
    pub(crate) fn shown(self) -> String {
        const LONGEST_SHOWN: usize = 100;
        let quoted = |text: &str| match text.char_indices().nth(LONGEST_SHOWN) {
            Some((end, _)) => format!("`{}...`", &text[..end]),
            None => format!("`{text}`"),
        };
        match self {
            Self::Word(word) => quoted(&word.to_string_lossy()),
            Self::Words(words) => {
                let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
                quoted(&words.join(","))
            }
            Self::Toml(value) => match value {
                DeValue::String(text) => quoted(&format!("\"{text}\"")),
                DeValue::Integer(number) => quoted(&number.to_string()),
                DeValue::Float(number) => quoted(&number.to_string()),
                DeValue::Boolean(truth) => quoted(&truth.to_string()),
                DeValue::Datetime(time) => quoted(&time.to_string()),
                DeValue::Array(entries) => {
                    let entries: Vec<_> =
                        entries.iter().map(|entry| Given::Toml(entry.get_ref()).entry()).collect();
                    quoted(&format!("[{}]", entries.join(", ")))
                }
                DeValue::Table(_) => "of a whole table".to_owned(),
            },
        }
    }

    fn entry(self) -> String {
        match self {
            Self::Toml(DeValue::Array(_)) => "[...]".to_owned(),
            Self::Toml(DeValue::Table(_)) => "{...}".to_owned(),
            _ => self.shown().trim_matches('`').to_owned(),
        }
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
