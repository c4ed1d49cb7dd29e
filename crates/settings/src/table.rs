//! Every setting: its key, its variable, what it may be, its default, and what it means. A row each.

use std::time::Duration;

use model::ByteSize;

use crate::fallback::Fallback::{self, Computed, Is, Unset};
use crate::groups::Settings;
use crate::kind::Kind;

/// What is logged unless asked otherwise. The container libraries warn of every cgroup that a machine does not have, which
/// `imc doctor` says where it matters; the verifier logs each certificate that is not trusted, which is the failure told anyway.
pub const LOG_FILTER: &str = "warn,libcgroups=error,libcontainer=error,rustls_platform_verifier=off";

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The key in the file: `name` or `group.name`.
    pub key: &'static str,
    /// The variable in the environment.
    pub variable: &'static str,
    /// What it may be, and the field that takes it.
    pub kind: Kind,
    /// What holds where nothing was said.
    pub fallback: Fallback,
    /// What it means, in a line or two.
    pub help: &'static str,
}

impl Setting {
    /// The setting of that key.
    #[must_use]
    pub fn find(key: &str) -> Option<&'static Self> {
        TABLE.iter().find(|setting| setting.key == key)
    }

    /// The part of the key before the point; nothing where there is none.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.key.split_once('.').map_or("", |(group, _)| group)
    }
}

const fn row(
    key: &'static str,
    variable: &'static str,
    kind: Kind,
    fallback: Fallback,
    help: &'static str,
) -> Setting {
    Setting { key, variable, kind, fallback, help }
}

const fn whole(least: u64, most: u64, set: fn(&mut Settings, u64)) -> Kind {
    Kind::Whole { least, most, set }
}

/// A count that fits every platform's memory: all of them have an upper bound far below.
fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The longest time that anything is kept, in days: a hundred years.
const MOST_DAYS: u64 = 36_500;
/// A day, in seconds.
const DAY: u64 = 86_400;

/// Every setting, in the order in which they are shown. A default may depend on rows above its own.
#[rustfmt::skip]
pub const TABLE: &[Setting] = &[
    row("data_dir", "IMC_DATA_DIR", Kind::Path(|s, path| s.data_dir = path), Is("/var/lib/imc"),
        "Where blobs, image snapshots and records are kept."),

    row("server.listen", "IMC_LISTEN", Kind::Addresses(|s, list| s.server.listen = list), Is("127.0.0.1:7420"),
        "TCP addresses that the server listens on; an empty list leaves the unix socket alone."),
    row("server.socket_file", "IMC_SOCKET_FILE", Kind::Path(|s, path| s.server.socket_file = path),
        Computed { words: "imc.sock in the data directory", example: "/var/lib/imc/imc.sock",
                   of: |s, _| s.data_dir.join("imc.sock").into_os_string() },
        "The unix socket that the server listens on."),
    row("server.max_request_bytes", "IMC_MAX_REQUEST_BYTES",
        whole(1024, 64 << 20, |s, bytes| s.server.max_request = ByteSize::bytes(bytes)), Is("1048576"),
        "The largest body of a request."),
    row("server.request_timeout_seconds", "IMC_REQUEST_TIMEOUT_SECONDS",
        whole(1, 3600, |s, seconds| s.server.request_timeout = Duration::from_secs(seconds)), Is("30"),
        "How long a request may take; streams of events and logs are not bound by it."),
    row("server.header_timeout_seconds", "IMC_HEADER_TIMEOUT_SECONDS",
        whole(1, 3600, |s, seconds| s.server.header_timeout = Duration::from_secs(seconds)), Is("10"),
        "How long a client may take to send the head of a request."),
    row("server.max_connections", "IMC_MAX_CONNECTIONS",
        whole(1, 65_535, |s, number| s.server.max_connections = count(number)), Is("1024"),
        "Connections at once; further ones wait until one ends."),
    row("server.shutdown_deadline_seconds", "IMC_SHUTDOWN_DEADLINE_SECONDS",
        whole(0, 3600, |s, seconds| s.server.shutdown_deadline = Duration::from_secs(seconds)), Is("30"),
        "How long a stop waits for requests and builds that are under way."),
    row("server.tls_cert_file", "IMC_TLS_CERT_FILE", Kind::Path(|s, path| s.server.tls_cert_file = Some(path)),
        Unset { example: "/etc/imc/tls.crt" },
        "The server's certificate chain, PEM; with it, TCP is spoken by TLS alone."),
    row("server.tls_key_file", "IMC_TLS_KEY_FILE", Kind::Path(|s, path| s.server.tls_key_file = Some(path)),
        Unset { example: "/etc/imc/tls.key" },
        "The private key of the server's certificate, PEM."),

    row("database.url", "IMC_DATABASE_URL", Kind::Database(|s, database| s.database = database), Is("sqlite"),
        "Where the records are: a SQLite file in the data directory, or a PostgreSQL server. A password in it is never printed."),
    row("database.password_file", "IMC_DATABASE_PASSWORD_FILE",
        Kind::Path(|s, path| s.database_password_file = Some(path)), Unset { example: "/etc/imc/database.password" },
        "A file whose first line is the password of the PostgreSQL server, instead of one in the address."),

    row("builds.at_once", "IMC_BUILDS_AT_ONCE", whole(1, 1024, |s, number| s.builds.at_once = count(number)),
        Computed { words: "the processors of the machine", example: "4",
                   of: |_, machine| machine.processors.clamp(1, 1024).to_string().into() },
        "Builds at once; further ones wait, and accounts take turns."),
    row("builds.at_once_per_account", "IMC_BUILDS_AT_ONCE_PER_ACCOUNT",
        whole(1, 1024, |s, number| s.builds.at_once_per_account = count(number)),
        Computed { words: "as many as builds.at_once", example: "2", of: |s, _| s.builds.at_once.to_string().into() },
        "Builds at once of one account."),
    row("builds.default_size_gib", "IMC_DEFAULT_SIZE_GIB",
        whole(1, 32_768, |s, gib| s.builds.default_size = ByteSize::gib(gib)), Is("20"),
        "A cache's size where the request names none."),
    row("builds.max_size_gib", "IMC_MAX_SIZE_GIB",
        whole(1, 32_768, |s, gib| s.builds.max_size = ByteSize::gib(gib)), Is("32768"),
        "The largest size that a request may name."),
    row("builds.max_images", "IMC_MAX_IMAGES", whole(1, 20, |s, number| s.builds.max_images = count(number)), Is("20"),
        "Images in one cache."),

    row("retention.failed_days", "IMC_FAILED_DAYS",
        whole(0, MOST_DAYS, |s, days| s.retention.failed_days = days), Is("1"),
        "How long caches are kept that failed to build."),
    row("retention.automatic_unused_days", "IMC_AUTOMATIC_UNUSED_DAYS",
        whole(1, MOST_DAYS, |s, days| s.retention.automatic_unused_days = days), Is("7"),
        "How long automatic caches are kept that were never used."),
    row("retention.automatic_since_use_days", "IMC_AUTOMATIC_SINCE_USE_DAYS",
        whole(1, MOST_DAYS, |s, days| s.retention.automatic_since_use_days = days), Is("30"),
        "How long automatic caches are kept since they were last used."),
    row("retention.generation_days", "IMC_GENERATION_DAYS",
        whole(0, MOST_DAYS, |s, days| s.retention.generation_days = days), Is("7"),
        "How long a cache's previous image snapshot is kept after an update, for `imc rollback`; 0 keeps none."),
    row("retention.events_days", "IMC_EVENTS_DAYS",
        whole(1, MOST_DAYS, |s, days| s.retention.events_days = days), Is("7"),
        "How long the events of what is gone are kept."),

    row("quotas.manual_caches", "IMC_QUOTA_MANUAL_CACHES",
        whole(0, 1_000_000, |s, number| s.quotas.manual_caches = count(number)), Is("500"),
        "Caches that an account may ask for."),
    row("quotas.automatic_caches", "IMC_QUOTA_AUTOMATIC_CACHES",
        whole(0, 1_000_000, |s, number| s.quotas.automatic_caches = count(number)), Is("25"),
        "Caches that are made for an account on a miss; 0 makes none."),

    row("prices.snapshot_gib_hour", "IMC_PRICE_SNAPSHOT_GIB_HOUR",
        Kind::Price(|s, price| s.prices.snapshot_gib_hour = price), Is("0"),
        "What a GiB of a snapshot costs for an hour, for display alone."),
    row("prices.disk_gib_hour", "IMC_PRICE_DISK_GIB_HOUR",
        Kind::Price(|s, price| s.prices.disk_gib_hour = price), Is("0"),
        "What a GiB of an instance's disk costs for an hour, for display alone."),
    row("prices.currency", "IMC_PRICE_CURRENCY", Kind::Text(|s, text| s.prices.currency = Some(text)),
        Unset { example: "EUR" },
        "The currency of the prices, as it is shown."),

    row("staleness.refresh_min_seconds", "IMC_REFRESH_MIN_SECONDS",
        whole(60, 365 * DAY, |s, seconds| s.staleness.refresh_min = Duration::from_secs(seconds)), Is("60"),
        "The shortest interval at which a cache may ask for its tags to be looked up again."),
    row("staleness.refresh_default_seconds", "IMC_REFRESH_DEFAULT_SECONDS",
        whole(60, 365 * DAY, |s, seconds| s.staleness.refresh_default = Duration::from_secs(seconds)), Is("3600"),
        "The interval where a cache with the rule `refresh` names none."),
    row("staleness.refresh_max_seconds", "IMC_REFRESH_MAX_SECONDS",
        whole(60, 365 * DAY, |s, seconds| s.staleness.refresh_max = Duration::from_secs(seconds)), Is("604800"),
        "The longest interval that a cache may ask for."),

    row("standard.store_dir", "IMC_STANDARD_STORE_DIR", Kind::Path(|s, path| s.standard.store_dir = Some(path)),
        Unset { example: "/srv/imc-standard" },
        "A directory of its own for standard snapshots; where it is unset, they are in the data directory."),

    row("registries.plain_http", "IMC_PLAIN_HTTP", Kind::Hosts(|s, list| s.registries.plain_http = list), Is(""),
        "Registries that are spoken to by plain HTTP."),
    row("registries.insecure", "IMC_INSECURE_REGISTRY", Kind::Hosts(|s, list| s.registries.insecure = list), Is(""),
        "Registries whose TLS certificate is not checked."),
    row("registries.ca_files", "IMC_CA_FILE", Kind::Paths(|s, list| s.registries.ca_files = list), Is(""),
        "Further certificates to trust, PEM."),
    row("registries.certs_dirs", "IMC_CERTS_D", Kind::Paths(|s, list| s.registries.certs_dirs = list), Is("/etc/imc/certs.d"),
        "Mirrors and per-host settings in containerd's layout, DIR/<host>/hosts.toml."),

    row("clouds.enabled", "IMC_CLOUDS_ENABLED", Kind::Truth(|s, truth| s.clouds.enabled = truth), Is("true"),
        "Whether the server speaks the clouds' interfaces: Alibaba Cloud ECI and Tencent Cloud TKE, at `/`."),
    row("clouds.alibaba_regions", "IMC_ALIBABA_REGIONS", Kind::Regions(|s, list| s.clouds.alibaba_regions = list),
        Is("cn-hangzhou"),
        "The regions of Alibaba Cloud that this server is; an empty list lets every region through."),
    row("clouds.alibaba_skew_seconds", "IMC_ALIBABA_SKEW_SECONDS",
        whole(1, 3600, |s, seconds| s.clouds.alibaba_skew = Duration::from_secs(seconds)), Is("900"),
        "How far the clocks of an Alibaba caller and of the server may differ."),
    row("clouds.alibaba_isolated_groups", "IMC_ALIBABA_ISOLATED_GROUPS",
        Kind::Truth(|s, truth| s.clouds.alibaba_isolated_groups = truth), Is("false"),
        "Whether the containers of a container group see a network of their own, with loopback alone, in place of the host's."),
    row("clouds.tencent_regions", "IMC_TENCENT_REGIONS", Kind::Regions(|s, list| s.clouds.tencent_regions = list),
        Is("ap-guangzhou"),
        "The regions of Tencent Cloud that this server is; an empty list lets every region through."),
    row("clouds.tencent_skew_seconds", "IMC_TENCENT_SKEW_SECONDS",
        whole(1, 3600, |s, seconds| s.clouds.tencent_skew = Duration::from_secs(seconds)), Is("300"),
        "How far the clocks of a Tencent caller and of the server may differ."),
    row("clouds.requests_per_minute", "IMC_CLOUDS_REQUESTS_PER_MINUTE",
        whole(0, 1_000_000, |s, number| s.clouds.requests_per_minute = u32::try_from(number).ok().filter(|number| *number > 0)),
        Is("0"),
        "Calls of one account to one operation of the clouds' interfaces in a minute; 0 lets through as many as come."),
    row("clouds.acr_file", "IMC_ACR_FILE", Kind::Path(|s, path| s.clouds.acr_file = Some(path)),
        Unset { example: "/etc/imc/acr.toml" },
        "A file about instances of Alibaba's registry service, a heading each: their domains, and the user and the password file \
         that they are pulled from with where a call names an instance."),

    row("secrets.key_file", "IMC_SECRET_KEY_FILE", Kind::Path(|s, path| s.secrets.key_file = Some(path)),
        Unset { example: "/etc/imc/secret.key" },
        "The keys that credentials are sealed with, readable by the server's user alone: 32 random bytes in base64, a key on \
         each line, the first one seals. Where neither this nor IMC_SECRET_KEY is set, the server makes secret.key in the data \
         directory."),
    row("secrets.key", "IMC_SECRET_KEY", Kind::Secret(|s, key| s.secrets.key = Some(key)),
        Unset { example: "" },
        "The keys themselves instead of a file, by the environment alone."),

    row("logging.format", "IMC_LOG_FORMAT", Kind::LogFormat(|s, format| s.logging.format = format), Is("text"),
        "The form of the server's log lines."),
    row("logging.filter", "IMC_LOG", Kind::Text(|s, text| s.logging.filter = text), Is(LOG_FILTER),
        "What is logged: a level (off, error, warn, info, debug, trace), or levels by part, as warn,registry=debug."),

    row("telemetry.otlp_endpoint", "IMC_OTLP_ENDPOINT", Kind::Endpoint(|s, url| s.telemetry.otlp_endpoint = Some(url)),
        Unset { example: "http://127.0.0.1:4318" },
        "The OpenTelemetry collector that traces are sent to by OTLP over HTTP; none are where it is unset."),
    row("telemetry.service_name", "IMC_OTLP_SERVICE_NAME", Kind::Text(|s, text| s.telemetry.service_name = text), Is("imc"),
        "What this service is called in traces."),
];
