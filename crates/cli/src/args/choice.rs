//! Arguments about which cache is chosen, and about what images will take.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use engine::StalenessWish;
use model::matching::MatchPolicy;
use model::{ImageSource, Platform};

use super::{RegistryArgs, whole};

/// Which cache a start uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CacheWord {
    Auto,
    None,
    Only(String),
}

impl FromStr for CacheWord {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "auto" => Self::Auto,
            "none" => Self::None,
            word => Self::Only(word.to_owned()),
        })
    }
}

/// Whose rules rank the caches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyWord {
    /// Alibaba ECI's: degree of match, closest size, newest
    Alibaba,
    /// Tencent TKE's: same name, smaller, newer
    Tencent,
    /// Most bytes that need not be fetched, whatever the names are
    #[default]
    Content,
}

impl From<PolicyWord> for MatchPolicy {
    fn from(word: PolicyWord) -> Self {
        match word {
            PolicyWord::Alibaba => Self::Alibaba,
            PolicyWord::Tencent => Self::Tencent,
            PolicyWord::Content => Self::Content,
        }
    }
}

impl From<PolicyWord> for wire::MatchPolicy {
    fn from(word: PolicyWord) -> Self {
        match word {
            PolicyWord::Alibaba => Self::Alibaba,
            PolicyWord::Tencent => Self::Tencent,
            PolicyWord::Content => Self::Content,
        }
    }
}

/// What is done about a tag that may have moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StalenessWord {
    /// What was built starts; no registry is asked
    Pinned,
    /// What was built starts; the tag is looked at again behind it
    Refresh,
    /// The registry must say what the tag means; what has moved is fetched
    Strict,
}

impl From<StalenessWord> for StalenessWish {
    fn from(word: StalenessWord) -> Self {
        match word {
            StalenessWord::Pinned => Self::Pinned,
            StalenessWord::Refresh => Self::Refresh,
            StalenessWord::Strict => Self::Strict,
        }
    }
}

/// Which cache a start uses.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Choice of the cache")]
pub(crate) struct ChoiceArgs {
    /// Use the best cache, this one (name or id), or none; IMAGE is an image then
    #[arg(long, value_name = "auto|CACHE|none", conflicts_with = "image")]
    pub(crate) cache: Option<CacheWord>,
    /// Use a cache only where it has everything; one that `--cache` names is used as it is
    #[arg(long)]
    pub(crate) perfect_match: bool,
    /// Use a cache only where it has at least so many of the images; one that `--cache` names is used as it is
    #[arg(long, value_name = "NUMBER", conflicts_with = "perfect_match")]
    pub(crate) match_count: Option<NonZeroU32>,
    /// Whose rules rank the caches
    #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
    pub(crate) policy: PolicyWord,
    /// What to do about a tag that may have moved, whatever the cache's own rule
    #[arg(long, value_enum, value_name = "RULE")]
    pub(crate) staleness: Option<StalenessWord>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc match nginx:1.27
  imc match --policy tencent registry.example/web:2 registry.example/db:1
  imc match --offline --perfect-match nginx:1.27 -o json

The registries are asked for the images' layers, so that equal layers are found under any name. Where one \
does not answer, its images go by name alone.")]
pub(crate) struct MatchArgs {
    /// The images that an instance would start from
    #[arg(required = true, value_name = "IMAGE", value_parser = whole::<ImageSource>)]
    pub(crate) images: Vec<ImageSource>,
    /// Whose rules rank the caches
    #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
    pub(crate) policy: PolicyWord,
    /// Take a cache only where it has everything
    #[arg(long)]
    pub(crate) perfect_match: bool,
    /// Take a cache only where it has at least so many of the images
    #[arg(long, value_name = "NUMBER", conflicts_with = "perfect_match")]
    pub(crate) match_count: Option<NonZeroU32>,
    /// How many caches taken, and how many left, are shown
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) limit: u32,
    /// Ask no registry: match by names and digests alone
    #[arg(long)]
    pub(crate) offline: bool,
    /// Which platform's images
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", default_value = "linux/amd64", value_parser = whole::<Platform>)]
    pub(crate) platform: Platform,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc predict registry.example/torch:2.9
  imc predict nginx:1.27 redis:8 -o json

Sizes of layers that were unpacked before are exact. Those of others are told from the ends of the layers \
or from how layers compress, as a range.")]
pub(crate) struct PredictArgs {
    /// The images of the cache to be
    #[arg(required = true, num_args = 1..=20, value_name = "IMAGE", value_parser = whole::<ImageSource>)]
    pub(crate) images: Vec<ImageSource>,
    /// Which platform's images
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", default_value = "linux/amd64", value_parser = whole::<Platform>)]
    pub(crate) platform: Platform,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}
