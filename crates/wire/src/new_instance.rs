//! An instance to create, and a command to run in one.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use model::{ByteSize, CacheId, CacheName, ImageSource, InstanceName, Platform, RegistryHost};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Login, MatchPolicy, Staleness};

/// Starts an instance. Without anything said of caches, the best one is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"image": "docker.io/library/nginx:1.29", "name": "web-1", "perfect_match": true}))]
pub struct CreateInstance {
    /// Its name, unique in the account; one is made where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 63)]
    pub name: Option<InstanceName>,
    /// The image to start. May be left out where `cache` or `word` names a cache that has a single image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub image: Option<ImageSource>,
    /// Which platform's image; `linux/amd64` where it is not said.
    #[serde(default, with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "linux/amd64")]
    pub platform: Option<Platform>,
    /// `auto` (the best one; where there is none, the image is fetched and a cache made beside), `none`, or a cache's id or name.
    #[serde(default, with = "crate::text")]
    #[schema(value_type = String, example = "auto")]
    pub cache: PickCache,
    /// One word for either: the cache of that id or name, where there is one; only else `image` counts. Not with `cache`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// Choose only among caches that have the image whole. One that `cache` names is used as it is.
    #[serde(default)]
    pub perfect_match: bool,
    /// Choose only among caches that have at least so many images whole. One that `cache` names is used as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub match_count: Option<NonZeroU32>,
    /// Whose rules choose; `content` where it is not said.
    #[serde(default)]
    pub policy: MatchPolicy,
    /// What to do about a tag that may have moved; the cache's own rule where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness: Option<Staleness>,
    /// Take only caches of at most that size: the instance's limit on temporary storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, maximum = 35_184_372_088_832_u64)]
    pub space_bytes: Option<ByteSize>,
    /// Replaces the image's entrypoint and its command with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's command. Empty: the image's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Variables over the image's environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Replaces the working directory; absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Replaces the user: `user`, `uid`, `user:group`, `uid:gid` and mixtures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Replaces the host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Which network it sees; `host` where it is not said.
    #[serde(default)]
    pub network: Network,
    /// Directories and files of the server's machine, seen inside. Needs the scope `admin`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Mount>,
    /// The most memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub memory_bytes: Option<ByteSize>,
    /// The most processor time, in thousandths of a processor; at least 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 10)]
    pub milli_cpus: Option<u32>,
    /// Whether it is deleted when it ends.
    #[serde(default)]
    pub remove_on_exit: bool,
    /// An installed OCI runtime, a name or a path, in place of the embedded one. Needs the scope `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// Registries that are spoken to by plain HTTP where something is fetched.
    #[serde(default, with = "crate::new_cache::hosts", skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub plain_http: Vec<RegistryHost>,
    /// Registries whose certificates are not checked where something is fetched.
    #[serde(default, with = "crate::new_cache::hosts", skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub insecure: Vec<RegistryHost>,
    /// Credentials for the image's registry where something is fetched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<Login>,
}

impl CreateInstance {
    /// How registries are spoken to where something is fetched.
    #[must_use]
    pub fn access(&self) -> model::RegistryAccess {
        crate::new_cache::access(&self.plain_http, &self.insecure)
    }
}

/// Which network an instance sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// The machine's own.
    #[default]
    Host,
    /// Loopback alone.
    None,
}

/// A directory or file of the server's machine, seen inside an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// Absolute path on the machine.
    #[schema(value_type = String)]
    pub host: PathBuf,
    /// Absolute path inside.
    #[schema(value_type = String)]
    pub container: PathBuf,
    /// Whether the instance may not write to it.
    #[serde(default)]
    pub read_only: bool,
}

/// Which cache an instance starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum PickCache {
    /// The best one.
    #[default]
    Auto,
    /// None: everything is fetched.
    None,
    /// That one, by id or name.
    Only(String),
}

impl fmt::Display for PickCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::None => f.write_str("none"),
            Self::Only(word) => f.write_str(word),
        }
    }
}

/// Why a text is not a choice of a cache.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse the cache `{0}`: expected `auto`, `none`, or the id or name of a cache")]
pub struct PickError(String);

impl FromStr for PickCache {
    type Err = PickError;

    fn from_str(text: &str) -> Result<Self, PickError> {
        match text {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::None),
            word if word.parse::<CacheId>().is_ok() || word.parse::<CacheName>().is_ok() => {
                Ok(Self::Only(word.to_owned()))
            }
            _ => Err(PickError(text.to_owned())),
        }
    }
}

/// Runs a command in a running instance, without a terminal and with empty input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"command": ["cat", "/etc/os-release"]}))]
pub struct Exec {
    /// The command and its arguments.
    #[schema(min_items = 1)]
    pub command: Vec<String>,
    /// Variables over the instance's own environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The working directory; the instance's where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// The user; the instance's where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}
