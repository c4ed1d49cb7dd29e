//! What the user may ask of one instance beyond what its image says.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use model::ByteSize;
use serde::{Deserialize, Serialize};

use crate::JoinedGroup;

/// Why an option of a run is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Not `HOST:CONTAINER[:ro|:rw]` with absolute paths.
    #[error(
        "failed to parse the volume `{0}`: expected `HOST:CONTAINER` or `HOST:CONTAINER:ro`, both paths absolute"
    )]
    Volume(String),
    /// Not a positive number of processors.
    #[error(
        "failed to parse the number of processors `{0}`: expected a number such as `2` or `0.5`, at least 0.01"
    )]
    Cpus(String),
    /// Neither `host` nor `none`.
    #[error("failed to parse the network `{0}`: expected `host` or `none`")]
    Network(String),
}

/// Which network the instance sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// The host's own.
    #[default]
    Host,
    /// Loopback alone.
    None,
}

impl FromStr for Network {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text {
            "host" => Ok(Self::Host),
            "none" => Ok(Self::None),
            other => Err(OptionError::Network(other.to_owned())),
        }
    }
}

/// A directory or file of the host, seen inside the instance: `-v HOST:CONTAINER[:ro]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Absolute path on the host. It must exist when the instance starts.
    pub host: PathBuf,
    /// Absolute path inside.
    pub container: PathBuf,
    /// Whether the instance may not write to it.
    pub read_only: bool,
}

impl FromStr for Volume {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let wrong = || OptionError::Volume(text.to_owned());
        let mut parts = text.split(':');
        let (host, container) = parts.next().zip(parts.next()).ok_or_else(wrong)?;
        let read_only = match parts.next() {
            None | Some("rw") => false,
            Some("ro") => true,
            Some(_) => return Err(wrong()),
        };
        let plain = |path: &str| path.starts_with('/') && !path.split('/').any(|part| part == "..");
        if parts.next().is_some()
            || !plain(host)
            || !plain(container)
            || container.trim_matches('/').is_empty()
        {
            return Err(wrong());
        }
        Ok(Self { host: PathBuf::from(host), container: PathBuf::from(container), read_only })
    }
}

/// A share of processors, in thousandths: `--cpus 0.5` is 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MilliCpus(u32);

impl MilliCpus {
    /// The least: of each 100 ms the kernel takes no quota below 1 ms.
    pub const LEAST: u32 = 10;

    /// That many thousandths of a processor, at least [`Self::LEAST`].
    #[must_use]
    pub fn of(thousandths: u32) -> Self {
        Self(thousandths.max(Self::LEAST))
    }

    /// Thousandths of a processor.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for MilliCpus {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let wrong = || OptionError::Cpus(text.to_owned());
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if text.is_empty() || text == "." || !digits(whole) || !digits(part) || part.len() > 3 {
            return Err(wrong());
        }
        let whole: u32 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
        let thousandths: u32 = format!("{part:0<3}").parse().map_err(|_| wrong())?;
        let sum =
            whole.checked_mul(1000).and_then(|whole| whole.checked_add(thousandths)).ok_or_else(wrong)?;
        if sum < Self::LEAST { Err(wrong()) } else { Ok(Self(sum)) }
    }
}

/// What the user asks of one instance; every `None` or empty list leaves it to the image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunOptions {
    /// Replaces the image's entrypoint, and its command with it, as Docker's `--entrypoint`.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's command. Empty: the image's own.
    pub command: Vec<String>,
    /// `NAME=value`, over the image's environment. A text without `=` is refused: the caller looks values up.
    pub env: Vec<String>,
    /// Replaces the working directory; absolute. Created inside where it is missing.
    pub working_dir: Option<String>,
    /// Replaces the user: `user`, `uid`, `user:group`, `uid:gid` and mixtures.
    pub user: Option<String>,
    /// Replaces the host name; the default is the instance's name.
    pub hostname: Option<String>,
    /// Which network it sees.
    pub network: Network,
    /// Host directories inside.
    pub volumes: Vec<Volume>,
    /// The group that it is a container of.
    #[serde(default)]
    pub group: Option<JoinedGroup>,
    /// Upper limit of memory.
    pub memory: Option<ByteSize>,
    /// Upper limit of processor time.
    pub cpus: Option<MilliCpus>,
    /// `-t`: its first process gets a terminal.
    pub terminal: bool,
    /// `-i`: its standard input stays open.
    pub interactive: bool,
}

/// What to run in an instance that runs already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecOptions {
    /// The command and its arguments; not empty.
    pub command: Vec<String>,
    /// `NAME=value`, over the instance's own environment.
    pub env: Vec<String>,
    /// The working directory; the default is the instance's.
    pub working_dir: Option<String>,
    /// The user; the default is the instance's.
    pub user: Option<String>,
    /// `-t`: it gets a terminal, and this process's terminal is relayed to it.
    pub terminal: bool,
    /// `-i`: it gets this process's standard input; without it an empty one.
    pub interactive: bool,
    /// How long it may go on once SIGTERM was passed on to it. Then it is killed, and at its end what is left of its process
    /// group is. `None`: what comes of a SIGTERM is its own matter.
    pub grace: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_two_absolute_paths_and_a_mode() {
        let volume: Volume = "/data:/srv/data:ro".parse().unwrap();
        assert_eq!(volume, Volume { host: "/data".into(), container: "/srv/data".into(), read_only: true });
        assert!(!"/a:/b".parse::<Volume>().unwrap().read_only);
        for bad in ["", "/a", "a:/b", "/a:b", "/a:/", "/a:/b/../..", "/a:/b:rx", "/a:/b:ro:z"] {
            assert!(bad.parse::<Volume>().is_err(), "{bad}");
        }
    }

    #[test]
    fn cpus_in_thousandths() {
        assert_eq!("2".parse::<MilliCpus>().unwrap().get(), 2000);
        assert_eq!("0.5".parse::<MilliCpus>().unwrap().get(), 500);
        assert_eq!(".25".parse::<MilliCpus>().unwrap().get(), 250);
        for bad in ["", ".", "0", "-1", "1e3", "0.001", "0.0001", "99999999999"] {
            assert!(bad.parse::<MilliCpus>().is_err(), "{bad}");
        }
    }
}
