//! The settings as the rest of the program uses them. Every value has been checked.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use model::{ByteSize, RegistryHost};
use secrecy::SecretString;
use url::Url;

use crate::database::Database;
use crate::price::Price;

/// Every setting. What each means stands in [`TABLE`](crate::TABLE).
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where blobs, image snapshots and records are kept.
    pub data_dir: PathBuf,
    /// How the server is reached.
    pub server: Server,
    /// Where the records are.
    pub database: Database,
    /// A file that holds the password of the PostgreSQL server.
    pub database_password_file: Option<PathBuf>,
    /// How caches are built.
    pub builds: Builds,
    /// How long things are kept.
    pub retention: Retention,
    /// How many caches an account may have.
    pub quotas: Quotas,
    /// What storage costs.
    pub prices: Prices,
    /// How often tags are looked up again.
    pub staleness: Staleness,
    /// Where standard snapshots are kept.
    pub standard: Standard,
    /// How registries are spoken to.
    pub registries: Registries,
    /// How the clouds' interfaces are served.
    pub clouds: Clouds,
    /// What credentials are sealed with.
    pub secrets: Secrets,
    /// What is logged, and how.
    pub logging: Logging,
    /// Where traces go.
    pub telemetry: Telemetry,
}

/// How the server is reached.
#[derive(Clone, Debug, Default)]
pub struct Server {
    /// TCP addresses to listen on; none is allowed.
    pub listen: Vec<SocketAddr>,
    /// The unix socket to listen on.
    pub socket_file: PathBuf,
    /// The largest request body.
    pub max_request: ByteSize,
    /// How long a request may take, streams aside.
    pub request_timeout: Duration,
    /// How long a client may take to send the head of a request.
    pub header_timeout: Duration,
    /// Connections at once.
    pub max_connections: usize,
    /// How long a stop waits for what is under way.
    pub shutdown_deadline: Duration,
    /// The certificate chain for TLS, PEM. Set if and only if the key is.
    pub tls_cert_file: Option<PathBuf>,
    /// The certificate's private key, PEM.
    pub tls_key_file: Option<PathBuf>,
}

/// How caches are built.
#[derive(Clone, Debug, Default)]
pub struct Builds {
    /// Builds at once; at least 1.
    pub at_once: usize,
    /// Builds at once of one account; at least 1.
    pub at_once_per_account: usize,
    /// A cache's size where the request names none.
    pub default_size: ByteSize,
    /// The largest size that a request may name.
    pub max_size: ByteSize,
    /// Images in one cache.
    pub max_images: usize,
}

/// How long things are kept, in days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Caches that failed to build.
    pub failed_days: u64,
    /// Automatic caches that were never used.
    pub automatic_unused_days: u64,
    /// Automatic caches since they were last used.
    pub automatic_since_use_days: u64,
    /// The image snapshot that a cache had before its last update; 0 keeps none.
    pub generation_days: u64,
    /// Events of what is gone.
    pub events_days: u64,
}

/// How many caches an account may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Caches that were asked for.
    pub manual_caches: usize,
    /// Caches that were made on a miss.
    pub automatic_caches: usize,
}

/// What storage costs, for display alone.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    /// A snapshot's GiB for an hour.
    pub snapshot_gib_hour: Price,
    /// A disk's GiB for an hour.
    pub disk_gib_hour: Price,
    /// The currency's name, as it is shown.
    pub currency: Option<String>,
}

/// How often tags are looked up again under the rule `refresh`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Staleness {
    /// The shortest interval that a cache may ask for.
    pub refresh_min: Duration,
    /// The interval where a cache names none.
    pub refresh_default: Duration,
    /// The longest interval that a cache may ask for.
    pub refresh_max: Duration,
}

/// Where standard snapshots are kept.
#[derive(Clone, Debug, Default)]
pub struct Standard {
    /// A directory of their own; the data directory's store where it is unset.
    pub store_dir: Option<PathBuf>,
}

/// How registries are spoken to.
#[derive(Clone, Debug, Default)]
pub struct Registries {
    /// Spoken to by plain HTTP.
    pub plain_http: Vec<RegistryHost>,
    /// Whose TLS certificate is not checked.
    pub insecure: Vec<RegistryHost>,
    /// Further certificates to trust, PEM.
    pub ca_files: Vec<PathBuf>,
    /// Mirrors and per-host settings in containerd's layout, `DIR/<host>/hosts.toml`.
    pub certs_dirs: Vec<PathBuf>,
}

/// How the clouds' interfaces are served.
#[derive(Clone, Debug, Default)]
pub struct Clouds {
    /// Whether they are.
    pub enabled: bool,
    /// Alibaba's regions that are this place; none: whatever region a call names.
    pub alibaba_regions: Vec<RegionName>,
    /// How far the clocks of an Alibaba caller and the server may differ.
    pub alibaba_skew: Duration,
    /// Whether the containers of a container group see a network of their own, with loopback alone, in place of the host's.
    pub alibaba_isolated_groups: bool,
    /// Tencent's regions that are this place; none: whatever region a call names.
    pub tencent_regions: Vec<RegionName>,
    /// How far the clocks of a Tencent caller and the server may differ.
    pub tencent_skew: Duration,
    /// Calls of one account to one operation in a minute; `None`: as many as come.
    pub requests_per_minute: Option<u32>,
    /// A file about instances of Alibaba's registry service: [`read_acr`](crate::read_acr).
    pub acr_file: Option<PathBuf>,
}

/// Names a region of a cloud: 1 to 64 characters of a-z, 0-9 and `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionName(String);

/// The text is no region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse the region: expected 1 to 64 characters of a-z, 0-9 and `-`")]
pub struct RegionNameError;

impl RegionName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RegionName {
    type Err = RegionNameError;

    fn from_str(text: &str) -> Result<Self, RegionNameError> {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(is_part);
        if fits { Ok(Self(text.to_owned())) } else { Err(RegionNameError) }
    }
}

/// What credentials are sealed with. At most one of the two is set.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The keys' file.
    pub key_file: Option<PathBuf>,
    /// The keys themselves, written as in the file.
    pub key: Option<SecretString>,
}

/// What is logged, and how.
#[derive(Clone, Debug, Default)]
pub struct Logging {
    /// The form of a line.
    pub format: LogFormat,
    /// Levels, or levels by part: `warn,registry=debug`.
    pub filter: String,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON document for each line.
    Json,
}

impl LogFormat {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// The text is no form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse the log format: expected `text` or `json`")]
pub struct LogFormatError;

impl FromStr for LogFormat {
    type Err = LogFormatError;

    fn from_str(text: &str) -> Result<Self, LogFormatError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(LogFormatError),
        }
    }
}

/// Where traces go.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    /// The collector that traces are sent to by OTLP over HTTP; none are where it is unset.
    pub otlp_endpoint: Option<Url>,
    /// What this service is called there.
    pub service_name: String,
}
