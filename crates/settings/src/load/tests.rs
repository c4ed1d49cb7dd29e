use std::collections::BTreeSet;
use std::time::Duration;

use model::ByteSize;
use proptest::prelude::*;
use secrecy::ExposeSecret as _;

use super::*;
use crate::Database;

const MACHINE: Machine = Machine { processors: 4 };

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn file(text: &str) -> Sources {
    let file = Some(File { path: PathBuf::from("/etc/imc/imc.toml"), text: text.to_owned() });
    Sources { file, ..Sources::none(MACHINE) }
}

fn refusals(sources: &Sources) -> Vec<String> {
    load(sources).unwrap_err().refusals().iter().map(ToString::to_string).collect()
}

#[test]
fn every_default_is_allowed_and_every_row_has_its_own_key_variable_and_help() {
    let loaded = load(&Sources::none(MACHINE)).unwrap();
    assert_eq!(loaded.entries.len(), TABLE.len());
    for (entry, setting) in loaded.entries.iter().zip(TABLE) {
        let is_unset = matches!(setting.fallback, Fallback::Unset { .. });
        assert_eq!(entry.value == Value::Unset, is_unset, "{entry:?}");
        assert_eq!(entry.origin, Origin::Default);
        assert!(setting.help.ends_with('.') && setting.variable.starts_with("IMC_"), "{}", setting.key);
    }
    let keys: BTreeSet<_> = TABLE.iter().map(|setting| setting.key).collect();
    let names: BTreeSet<_> = TABLE.iter().map(|setting| setting.variable).collect();
    assert_eq!((keys.len(), names.len()), (TABLE.len(), TABLE.len()));
}

/// A field that no row sets, or that a row of another setting sets, shows here.
#[test]
fn the_defaults_are_these() {
    let settings = load(&Sources::none(MACHINE)).unwrap().settings;
    assert_eq!(settings.data_dir, PathBuf::from("/var/lib/imc"));
    assert_eq!(settings.server.listen, ["127.0.0.1:7420".parse().unwrap()]);
    assert!(settings.server.listen.iter().all(|address| address.ip().is_loopback()));
    assert_eq!(settings.server.socket_file, PathBuf::from("/var/lib/imc/imc.sock"));
    assert_eq!(settings.server.max_request, ByteSize::mib(1));
    assert_eq!(settings.server.request_timeout, Duration::from_secs(30));
    assert_eq!(settings.server.header_timeout, Duration::from_secs(10));
    assert_eq!(settings.server.max_connections, 1024);
    assert_eq!(settings.server.shutdown_deadline, Duration::from_secs(30));
    assert!(matches!(settings.database, Database::Sqlite));
    assert_eq!((settings.builds.at_once, settings.builds.at_once_per_account), (4, 4));
    assert_eq!(
        (settings.builds.default_size, settings.builds.max_size),
        (ByteSize::gib(20), ByteSize::gib(32_768))
    );
    assert_eq!(settings.builds.max_images, 20);
    let retention = settings.retention;
    assert_eq!((retention.failed_days, retention.generation_days, retention.events_days), (1, 7, 7));
    assert_eq!((retention.automatic_unused_days, retention.automatic_since_use_days), (7, 30));
    assert_eq!((settings.quotas.manual_caches, settings.quotas.automatic_caches), (500, 25));
    assert_eq!(settings.staleness.refresh_min, Duration::from_secs(60));
    assert_eq!(settings.staleness.refresh_default, Duration::from_secs(3600));
    assert_eq!(settings.staleness.refresh_max, Duration::from_secs(604_800));
    assert_eq!(settings.registries.certs_dirs, [PathBuf::from("/etc/imc/certs.d")]);
    let clouds = settings.clouds;
    assert!(clouds.enabled && clouds.acr_file.is_none() && clouds.requests_per_minute.is_none());
    assert_eq!(clouds.alibaba_regions, ["cn-hangzhou".parse().unwrap()]);
    assert_eq!(clouds.tencent_regions, ["ap-guangzhou".parse().unwrap()]);
    assert_eq!(
        (clouds.alibaba_skew, clouds.tencent_skew),
        (Duration::from_secs(900), Duration::from_secs(300))
    );
    assert_eq!(settings.logging.filter, crate::LOG_FILTER);
    assert_eq!(settings.telemetry.service_name, "imc");
    assert!(settings.telemetry.otlp_endpoint.is_none());
}

#[test]
fn the_strongest_place_wins_and_is_remembered() {
    let key = "server.max_connections";
    let mut sources = file("[server]\nmax_connections = 10\n");
    let seen = |sources: &Sources| {
        let loaded = load(sources).unwrap();
        (loaded.settings.server.max_connections, loaded.origin(key).to_string())
    };
    assert_eq!(seen(&sources), (10, "/etc/imc/imc.toml:2".to_owned()));
    sources.environment = variables(&[("IMC_MAX_CONNECTIONS", "20")]);
    assert_eq!(seen(&sources), (20, "IMC_MAX_CONNECTIONS".to_owned()));
    sources.flags = vec![Flag { key, option: "--max-connections", values: vec!["30".into()] }];
    assert_eq!(seen(&sources), (30, "--max-connections".to_owned()));
    sources = Sources { environment: variables(&[("IMC_MAX_CONNECTIONS", "")]), ..Sources::none(MACHINE) };
    assert_eq!(seen(&sources), (1024, "default".to_owned()));
}

#[test]
fn defaults_follow_what_was_said_of_others() {
    let loaded = load(&file("data_dir = \"/srv/imc\"\nbuilds.at_once = 3\n")).unwrap();
    assert_eq!(loaded.settings.server.socket_file, PathBuf::from("/srv/imc/imc.sock"));
    assert_eq!(loaded.settings.builds.at_once_per_account, 3);
    assert_eq!(*loaded.origin("server.socket_file"), Origin::Default);
    assert_eq!(loaded.origin("builds.at_once").to_string(), "/etc/imc/imc.toml:2");
}

#[test]
fn keys_that_are_none_are_refused_with_the_nearest_and_the_line() {
    let text = "\n[server]\nlisten = []\nmax_conections = 1\ndata_dir = \"/x\"\nxyzzy = 1\n\n[sever]\nlisten = []\n[a.b]\n\
                c = 1\n";
    assert_eq!(
        refusals(&file(text)),
        [
            "failed to find the setting `server.max_conections` of /etc/imc/imc.toml:4; is `server.max_connections` meant?",
            "failed to find the setting `server.data_dir` of /etc/imc/imc.toml:5; is `data_dir` meant?",
            "failed to find the setting `server.xyzzy` of /etc/imc/imc.toml:6",
            "failed to find the setting `sever` of /etc/imc/imc.toml:8; is `[server]` meant?",
            "failed to find the setting `a` of /etc/imc/imc.toml:10",
        ]
    );
    // A quoted point makes no heading.
    assert_eq!(refusals(&file("\"server.listen\" = []\n")).len(), 1);
}

#[test]
fn wrong_values_are_refused_with_what_is_allowed_and_where_they_were_said() {
    for (text, said) in [
        (
            "[server]\nmax_connections = 0",
            "failed to take the value `0` of `server.max_connections` (/etc/imc/imc.toml:2): expected a whole number from 1 \
             to 65535",
        ),
        ("[server]\nmax_connections = -1", "the value `-1`"),
        ("[server]\nmax_connections = \"5\"", "the value `\"5\"`"),
        ("[server]\nmax_connections = 1.5", "the value `1.5`"),
        ("[server]\nmax_connections = 99999999999999999999", "99999999999999999999"),
        ("[server]\nlisten = \"127.0.0.1:1\"", "expected a list of ADDRESS:PORT"),
        ("[server]\nlisten = [\"localhost:80\", 1, [2], {a = 1}]", "`[\"localhost:80\", 1, [...], {...}]`"),
        ("server = 3", "failed to find the setting `server`"),
        ("[server]\nlisten = {a = 1}", "of a whole table"),
        ("data_dir = \"relative\"", "a path, absolute where it stands in a file"),
        ("[clouds]\nenabled = \"true\"", "expected `true` or `false`"),
        ("[clouds]\nalibaba_regions = [\"cn hangzhou\"]", "a list of regions"),
        ("data_dir = \"\"", "a path"),
        ("data_dir = \"/a\\u0000b\"", "a path"),
        ("[logging]\nformat = \"xml\"", "expected `text` or `json`"),
        ("[logging]\nfilter = \"a\\nb\"", "a line of text"),
        ("[registries]\nplain_http = [\"not a host\"]", "HOST[:PORT]"),
        ("[prices]\ndisk_gib_hour = -0.1", "a decimal number from 0"),
        ("[telemetry]\notlp_endpoint = \"ftp://x\"", "http:// or https://"),
        ("[secrets]\nkey = \"abc\"", "it is a secret and comes by IMC_SECRET_KEY alone"),
        ("[server\n", "failed to read the configuration file /etc/imc/imc.toml:1:8:"),
        ("data_dir = \"/a\"\ndata_dir = \"/b\"\n", "/etc/imc/imc.toml:2:1: duplicate key"),
    ] {
        let refusals = refusals(&file(text));
        assert_eq!(refusals.len(), 1, "{text}: {refusals:?}");
        assert!(refusals[0].contains(said), "{text}: {refusals:?}");
    }
    for (name, value) in [("IMC_MAX_CONNECTIONS", "+5"), ("IMC_MAX_CONNECTIONS", "5 "), ("IMC_LISTEN", "x")] {
        let sources = Sources { environment: variables(&[(name, value)]), ..Sources::none(MACHINE) };
        let refusals = refusals(&sources);
        assert!(refusals[0].contains(&format!("({name})")), "{refusals:?}");
    }
}

/// A wrong line is a wrong line, also where another place overrides it.
#[test]
fn everything_wrong_is_told_at_once() {
    let mut sources = file("[server]\nmax_connections = 0\nnonsense = 1\n");
    sources.environment = variables(&[("IMC_MAX_CONNECTIONS", "7"), ("IMC_MAX_IMAGES", "21")]);
    assert_eq!(refusals(&sources).len(), 3);
}

#[test]
fn values_that_do_not_fit_each_other_are_refused() {
    for (text, key) in [
        ("[server]\ntls_cert_file = \"/c\"", "server.tls_key_file"),
        ("[server]\nheader_timeout_seconds = 31", "server.request_timeout_seconds"),
        ("[database]\npassword_file = \"/p\"", "database.url"),
        ("[database]\npassword_file = \"/p\"\nurl = \"postgres://u:p@h/d\"", "database.url"),
        ("[builds]\nmax_size_gib = 10", "builds.default_size_gib"),
        ("[staleness]\nrefresh_min_seconds = 3601", "staleness.refresh_default_seconds"),
        ("[staleness]\nrefresh_max_seconds = 3599", "staleness.refresh_default_seconds"),
    ] {
        let refusals = refusals(&file(text));
        assert!(refusals.len() == 1 && refusals[0].contains(&format!("`{key}`")), "{text}: {refusals:?}");
    }
}

/// A cache cannot say less or more than the model takes.
#[test]
fn intervals_are_those_that_a_cache_may_have() {
    for key in ["refresh_min_seconds", "refresh_default_seconds", "refresh_max_seconds"] {
        let refused = refusals(&file(&format!("[staleness]\n{key} = 59")));
        assert!(refused.len() == 1 && refused[0].contains("from 60 to 31536000"), "{refused:?}");
    }
}

#[test]
fn secrets_are_taken_and_never_shown() {
    let url = "postgres://imc:s3cret@db.example/imc";
    let environment = variables(&[("IMC_DATABASE_URL", url), ("IMC_SECRET_KEY", "s3cret-key")]);
    let loaded = load(&Sources { environment, ..Sources::none(MACHINE) }).unwrap();
    assert_eq!(loaded.settings.secrets.key.as_ref().unwrap().expose_secret(), "s3cret-key");
    let shown =
        format!("{:?} {}", loaded, loaded.entries.iter().map(|e| e.value.to_string()).collect::<String>());
    assert!(!shown.contains("s3cret"), "{shown}");
    assert_eq!(loaded.origin("secrets.key").to_string(), "IMC_SECRET_KEY");
    let wrong = variables(&[
        ("IMC_DATABASE_URL", "mysql://imc:s3cret@db/imc"),
        ("IMC_OTLP_ENDPOINT", "http://a:s3cret@b"),
    ]);
    let refusals = refusals(&Sources { environment: wrong, ..Sources::none(MACHINE) });
    assert_eq!(refusals.len(), 2);
    assert!(!refusals.concat().contains("s3cret"), "{refusals:?}");
}

#[test]
fn lists_come_from_one_variable_or_several_options() {
    let environment = variables(&[
        ("IMC_LISTEN", "127.0.0.1:1, [::1]:2"),
        ("IMC_CA_FILE", "/a.pem:/b.pem"),
        ("IMC_PLAIN_HTTP", "localhost:5000"),
        ("IMC_CLOUDS_ENABLED", "false"),
        ("IMC_TENCENT_REGIONS", "ap-beijing,ap-shanghai"),
    ]);
    let mut sources = Sources { environment, ..Sources::none(MACHINE) };
    let settings = load(&sources).unwrap().settings;
    assert_eq!(settings.server.listen, ["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()]);
    assert!(!settings.clouds.enabled && settings.clouds.tencent_regions.len() == 2);
    assert_eq!(settings.registries.ca_files, [PathBuf::from("/a.pem"), PathBuf::from("/b.pem")]);
    let values = vec!["/c:1.pem".into(), "/d.pem".into()];
    sources.flags = vec![Flag { key: "registries.ca_files", option: "--ca-file", values }];
    let settings = load(&sources).unwrap().settings;
    assert_eq!(settings.registries.ca_files, [PathBuf::from("/c:1.pem"), PathBuf::from("/d.pem")]);
}

#[test]
fn misspelt_variables_are_warned_of_and_those_of_others_are_not() {
    let environment =
        variables(&[("IMC_LISTENS", "x"), ("IMC_PORT_7420_TCP", "tcp://10.0.0.1:7420"), ("HOME", "/")]);
    let loaded = load(&Sources { environment, ..Sources::none(MACHINE) }).unwrap();
    assert_eq!(loaded.warnings, ["the variable IMC_LISTENS sets nothing; is IMC_LISTEN meant?"]);
}

#[test]
fn any_text_ends_in_settings_or_refusals() {
    bolero::check!().with_max_len(300).for_each(|bytes: &[u8]| {
        let _ = load(&file(&String::from_utf8_lossy(bytes)));
    });
}

proptest! {
    /// Whatever stands in the file under a known key, it is taken or refused by that key's name and line.
    #[test]
    fn any_value_of_any_key_is_taken_or_refused_by_name(
        index in 0..TABLE.len(),
        value in prop_oneof![
            Just("true"), Just("-5"), Just("0"), Just("7"), Just("1.5"), Just("nan"), Just("\"\""), Just("\"/x\""),
            Just("[]"), Just("[1]"), Just("[\"/x\"]"), Just("{}"), Just("{a = [1]}"), Just("2026-01-01"), Just("0xff"),
        ],
    ) {
        let key = TABLE[index].key;
        let sources = file(&format!("\n{key} = {value}\n"));
        match load(&sources) {
            Ok(loaded) => prop_assert_eq!(loaded.origin(key).to_string(), "/etc/imc/imc.toml:2"),
            Err(refused) => {
                let said = refused.to_string();
                prop_assert!(said.contains(key) && said.contains("/etc/imc/imc.toml:2"), "{}", said);
            }
        }
    }
}
