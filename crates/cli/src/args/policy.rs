//! Arguments about what a cache's owner says of it beside its images.

use std::collections::BTreeMap;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use model::{CopyCount, RefreshSeconds, RetentionDays, Tags};
use wire::Staleness;

use crate::exit::Failure;

/// What a cache's owner says of it. What is left out stays, or is as it is where nothing is said.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Policy")]
pub(crate) struct PolicyArgs {
    /// Delete it so many days after its creation, or `never` by itself
    #[arg(long, value_name = "DAYS|never")]
    pub(crate) retention_days: Option<Retention>,
    /// Whether it may be deleted to make room under a quota: the least recently used goes first
    #[arg(long, value_enum, value_name = "keep|lru")]
    pub(crate) eviction: Option<Eviction>,
    /// What a start does about a tag that may have moved: start what was built, look again so often, or ask every time
    #[arg(long, value_name = "pinned|refresh[=SECONDS]|strict")]
    pub(crate) staleness: Option<StalenessRule>,
    /// Usable as soon as it is on the builder's own disk; the standard copy follows
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    pub(crate) flash: Option<bool>,
    /// How many nodes hold and serve it from their own disks
    #[arg(long, value_name = "NUMBER", value_parser = copies)]
    pub(crate) flash_copies: Option<CopyCount>,
    /// How many times it is kept in the standard store
    #[arg(long, value_name = "NUMBER", value_parser = copies)]
    pub(crate) standard_copies: Option<CopyCount>,
    /// Take layers from the store that are there, as is done where nothing is said; `false`: fetch and convert each one anew
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    pub(crate) reuse_layers: Option<bool>,
    /// A tag; again for a further one, at most 20
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) tag: Vec<TagWord>,
}

impl PolicyArgs {
    /// The tags, none of them twice.
    pub(crate) fn tags(&self) -> Result<Tags, Failure> {
        let mut tags = BTreeMap::new();
        for word in &self.tag {
            let (key, value) = word.pair();
            if tags.insert(key.clone(), value).is_some() {
                return Err(Failure::input(format!("failed to take the tags: `{key}` is said twice")));
            }
        }
        Tags::try_from(tags).map_err(|error| Failure::input(engine::chain(&error)))
    }

    /// The rule; where it leaves the interval open, the one that is configured.
    pub(crate) fn staleness(&self, configured: &settings::Staleness) -> Result<Option<Staleness>, Failure> {
        let interval = |seconds: u32| {
            RefreshSeconds::try_from(seconds).map_err(|error| Failure::input(engine::chain(&error)))
        };
        Ok(Some(match self.staleness {
            None => return Ok(None),
            Some(StalenessRule::Pinned) => Staleness::Pinned,
            Some(StalenessRule::Strict) => Staleness::Strict,
            Some(StalenessRule::Refresh(said)) => {
                let default = u32::try_from(configured.refresh_default.as_secs()).unwrap_or(u32::MAX);
                Staleness::Refresh { interval_seconds: interval(said.unwrap_or(default))? }
            }
        }))
    }

    /// Whether anything is said.
    pub(crate) fn is_empty(&self) -> bool {
        self.retention_days.is_none()
            && self.eviction.is_none()
            && self.staleness.is_none()
            && self.flash.is_none()
            && self.flash_copies.is_none()
            && self.standard_copies.is_none()
            && self.reuse_layers.is_none()
            && self.tag.is_empty()
    }
}

fn copies(text: &str) -> Result<CopyCount, String> {
    let number: u32 = text.parse().map_err(|_| format!("expected 1 to {}", CopyCount::MOST))?;
    CopyCount::try_from(number).map_err(|error| engine::chain(&error))
}

/// How long a cache is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retention {
    Never,
    Days(RetentionDays),
}

impl Retention {
    pub(crate) fn days(self) -> Option<RetentionDays> {
        match self {
            Self::Never => None,
            Self::Days(days) => Some(days),
        }
    }
}

impl FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let wrong = || format!("expected 1 to {}, or `never`", RetentionDays::MOST);
        let days: u32 = text.parse().map_err(|_| wrong())?;
        RetentionDays::try_from(days).map(Self::Days).map_err(|_| wrong())
    }
}

/// Whether a cache makes room under a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Eviction {
    /// It is never deleted for others
    Keep,
    /// The least recently used goes first
    Lru,
}

impl From<Eviction> for wire::Eviction {
    fn from(word: Eviction) -> Self {
        match word {
            Eviction::Keep => Self::Keep,
            Eviction::Lru => Self::Lru,
        }
    }
}

/// What a start does about a tag that may have moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StalenessRule {
    Pinned,
    /// With the interval in seconds, where it is said.
    Refresh(Option<u32>),
    Strict,
}

impl FromStr for StalenessRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, seconds) = match text.split_once('=') {
            Some((word, seconds)) => (word, Some(seconds)),
            None => (text, None),
        };
        let range = || {
            format!(
                "expected {} to {} seconds behind `refresh=`",
                RefreshSeconds::LEAST,
                RefreshSeconds::MOST
            )
        };
        match (word, seconds) {
            ("pinned", None) => Ok(Self::Pinned),
            ("strict", None) => Ok(Self::Strict),
            ("refresh", None) => Ok(Self::Refresh(None)),
            ("refresh", Some(seconds)) => {
                let seconds: u32 = seconds.parse().map_err(|_| range())?;
                RefreshSeconds::try_from(seconds).map_err(|_| range())?;
                Ok(Self::Refresh(Some(seconds)))
            }
            _ => Err("expected `pinned`, `refresh`, `refresh=SECONDS` or `strict`".to_owned()),
        }
    }
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TagWord {
    pub(super) key: String,
    pub(super) value: String,
}

impl FromStr for TagWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("expected a key, `=` and a value")?;
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_others_are_refused() {
        assert_eq!("refresh=3600".parse(), Ok(StalenessRule::Refresh(Some(3600))));
        assert_eq!("refresh".parse(), Ok(StalenessRule::Refresh(None)));
        for wrong in ["", "never", "pinned=1", "refresh=", "refresh=59", "refresh=-1", "refresh=31536001"] {
            assert!(wrong.parse::<StalenessRule>().is_err(), "{wrong}");
        }
        assert_eq!("never".parse(), Ok(Retention::Never));
        for wrong in ["0", "65537", "-1", "x", ""] {
            assert!(wrong.parse::<Retention>().is_err(), "{wrong}");
        }
    }
}
