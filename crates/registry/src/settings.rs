//! What a registry client is built from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use model::RegistryHost;

use crate::Credentials;

mod host_list;

pub use host_list::{HostList, HostListError};

/// Everything that a [`crate::Registry`] is built from. [`Settings::default`] asks registries anonymously over verified TLS.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Registries spoken to by plain HTTP (`PlainHttpRegistry` of the clouds). Nothing is tried over HTTP unless listed,
    /// also not `localhost`.
    pub plain_http: HostList,
    /// Registries whose TLS certificate is not verified (`InsecureRegistry` of the clouds).
    pub insecure: HostList,
    /// PEM files with further certificate authorities, trusted beside the system's for every host.
    pub ca_files: Vec<PathBuf>,
    /// Directories in containerd's `certs.d` layout (`<dir>/<host[:port]>/hosts.toml`); the first with an entry for a
    /// host decides for that host.
    pub certs_dirs: Vec<PathBuf>,
    /// Credentials given explicitly. They go before those of the Docker config.
    pub credentials: BTreeMap<RegistryHost, Credentials>,
    /// Docker's `config.json`, read at each need so that a later login is seen. `None`: none. A missing file is no error.
    pub docker_config: Option<PathBuf>,
    /// Where helper programs are looked for, in the form of `PATH`. `None`: the process's own.
    pub helper_path: Option<OsString>,
    /// How long a program named by `credHelpers` or `credsStore` may run.
    pub helper_deadline: Duration,
    /// Requests for layers that may run at one host at once, and as many again for small documents. At least 1.
    pub requests_per_host: usize,
    /// Deadlines of single steps.
    pub timeouts: Timeouts,
    /// What is tried again, how often and after how long.
    pub retry: RetryPolicy,
    /// When and how a layer is fetched over several connections.
    pub ranges: RangeSettings,
    /// Where and how far a compressed docker archive is expanded.
    pub spool: Spool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            plain_http: HostList::default(),
            insecure: HostList::default(),
            ca_files: Vec::new(),
            certs_dirs: Vec::new(),
            credentials: BTreeMap::new(),
            docker_config: None,
            helper_path: None,
            helper_deadline: Duration::from_secs(30),
            requests_per_host: 8,
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
            ranges: RangeSettings::default(),
            spool: Spool::default(),
        }
    }
}

/// Deadlines of single steps. Waiting for the reader of a stream never counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection with its TLS handshake.
    pub connect: Duration,
    /// Longest silence of a server: until the answer's head, and between two reads of its body.
    pub idle: Duration,
    /// For a small document (manifest, config) from the request to its last byte, and for a layer from the request to the
    /// answer's head; redirects and the token on the way included.
    pub document: Duration,
    /// A layer's connection that brings fewer bytes than this per second over [`Timeouts::slow_window`] counts as hung.
    pub slowest_bytes_per_second: u64,
    /// Time over which the slowest rate is judged.
    pub slow_window: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            document: Duration::from_secs(60),
            slowest_bytes_per_second: 1024,
            slow_window: Duration::from_secs(60),
        }
    }
}

/// Retries of connect errors, time-outs, cuts, 429 and 5xx. Other answers are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in a row without progress, the first one included. At least 1. New bytes of a layer are progress, unless
    /// they come more slowly than [`Timeouts::slowest_bytes_per_second`].
    pub attempts: u32,
    /// Of these, most at a host that cannot be reached at all, that ends the TLS handshake, or that closes by plain HTTP without
    /// ever having answered: a name mistyped, or TLS on the wrong side, shall not take long to be told.
    pub connect_attempts: u32,
    /// Attempts for one layer altogether, whatever each of them brought.
    pub attempts_in_all: u32,
    /// Pause after the first failure; doubled after each further one, with up to half of it taken off by chance.
    pub first_pause: Duration,
    /// Longest pause of our own choosing.
    pub longest_pause: Duration,
    /// Longest pause that a server's `Retry-After` can ask of us; beyond it the attempt fails at once.
    pub longest_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 6,
            connect_attempts: 3,
            attempts_in_all: 100,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(15),
            longest_retry_after: Duration::from_secs(120),
        }
    }
}

/// When and how a layer is fetched over several ranged requests.
///
/// A large layer begins with one ranged request. Where that connection alone turns out slower than `slow_below`, the rest
/// is fetched in parts of `part_bytes`, `window` of them at once; otherwise over one connection. Where the server does not
/// answer ranges properly, one plain request brings all. Memory of a layer: at most `window` × `part_bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeSettings {
    /// Layers smaller than this always come in one request.
    pub from_bytes: u64,
    /// Length of one part.
    pub part_bytes: u64,
    /// Parts under way at once.
    pub window: usize,
    /// Bytes per second of one connection under which further connections are opened. 0: never; `u64::MAX`: always.
    pub slow_below: u64,
}

impl Default for RangeSettings {
    fn default() -> Self {
        Self { from_bytes: 32 << 20, part_bytes: 4 << 20, window: 4, slow_below: 128 << 20 }
    }
}

/// Where and how far a docker archive that is compressed as a whole is expanded, since its members are read by seeking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spool {
    /// Directory of the temporary file (nameless, gone with the process). `None`: the system's.
    pub dir: Option<PathBuf>,
    /// Most bytes of the expanded archive.
    pub limit_bytes: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Self { dir: None, limit_bytes: 128 << 30 }
    }
}
