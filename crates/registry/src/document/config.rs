//! Image configs. Docker's may lack fields, or have null in them.

use std::collections::BTreeMap;

use model::{DiffId, Healthcheck, ImageConfig, Platform};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{RawPlatform, filled, json, malformed};
use crate::Fault;

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Many(Vec<String>),
    One(String),
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct RawSettings {
    #[serde(default)]
    entrypoint: Option<Words>,
    #[serde(default)]
    cmd: Option<Words>,
    #[serde(default)]
    env: Option<Vec<String>>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    working_dir: Option<String>,
    #[serde(default)]
    stop_signal: Option<String>,
    #[serde(default)]
    exposed_ports: Option<BTreeMap<String, IgnoredAny>>,
    #[serde(default)]
    volumes: Option<BTreeMap<String, IgnoredAny>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    healthcheck: Option<RawHealthcheck>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawHealthcheck {
    #[serde(default)]
    test: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct RawRootfs {
    #[serde(default)]
    diff_ids: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct RawConfig {
    #[serde(flatten)]
    platform: RawPlatform,
    #[serde(default)]
    config: Option<RawSettings>,
    #[serde(default)]
    rootfs: Option<RawRootfs>,
}

/// Empty words mean none; a single string is what very old images have, a shell's line.
fn words(words: Option<Words>) -> Vec<String> {
    match words {
        None => Vec::new(),
        Some(Words::Many(words)) => words,
        Some(Words::One(line)) if line.is_empty() => Vec::new(),
        Some(Words::One(line)) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line],
    }
}

fn keys(map: Option<BTreeMap<String, IgnoredAny>>) -> Vec<String> {
    map.unwrap_or_default().into_keys().collect()
}

/// Reads a config for a manifest of so many layers. A platform that it lacks is taken from `otherwise`.
pub(crate) fn parse_config(
    bytes: &[u8],
    layers: usize,
    otherwise: &Platform,
    origin: &str,
) -> Result<ImageConfig, Fault> {
    let raw: RawConfig = json(bytes, "image config", origin)?;
    let diff_ids = raw.rootfs.and_then(|rootfs| rootfs.diff_ids).unwrap_or_default();
    if diff_ids.len() != layers {
        let why = format!("it has {} diff ids for {layers} layers", diff_ids.len());
        return Err(malformed(origin, "image config", why));
    }
    let diff_ids: Result<Vec<DiffId>, _> = diff_ids.iter().map(|text| text.parse()).collect();
    let settings = raw.config.unwrap_or_default();
    let labels = settings.labels.unwrap_or_default().into_iter();
    Ok(ImageConfig {
        platform: raw.platform.completed_by(otherwise),
        diff_ids: diff_ids.map_err(|error| malformed(origin, "image config", error.to_string()))?,
        entrypoint: words(settings.entrypoint),
        cmd: words(settings.cmd),
        env: settings.env.unwrap_or_default(),
        user: filled(settings.user),
        working_dir: filled(settings.working_dir),
        stop_signal: filled(settings.stop_signal),
        exposed_ports: keys(settings.exposed_ports),
        volumes: keys(settings.volumes),
        labels: labels.map(|(name, value)| (name, value.unwrap_or_default())).collect(),
        healthcheck: settings.healthcheck.and_then(|h| h.test).map(|test| Healthcheck { test }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF_ID: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(text: &str, layers: usize) -> Result<ImageConfig, Fault> {
        parse_config(text.as_bytes(), layers, &Platform::linux_amd64(), "r.io")
    }

    #[test]
    fn nulls_and_missing_fields_mean_none() {
        let text = r#"{"architecture":"arm","config":{"Cmd":null,"Env":null,"Entrypoint":null,"User":"","WorkingDir":"",
            "Labels":{"a":null},"Volumes":null,"ExposedPorts":null,"Healthcheck":null,"OnBuild":null},"rootfs":{"diff_ids":null}}"#;
        let config = parse(text, 0).unwrap();
        assert_eq!(config.platform.to_string(), "linux/arm");
        assert!(config.cmd.is_empty() && config.entrypoint.is_empty() && config.env.is_empty());
        assert_eq!((config.user, config.working_dir, config.stop_signal), (None, None, None));
        assert_eq!(config.labels["a"], "");
        assert_eq!(parse("{}", 0).unwrap().platform, Platform::linux_amd64());
        assert!(parse(r#"{"config":null,"rootfs":null,"os":null}"#, 0).is_ok());
    }

    #[test]
    fn everything_arrives() {
        let text = format!(
            r#"{{"os":"windows","architecture":"amd64","os.version":"10.0.20348.1","variant":"v2","created":"x","config":{{
            "Entrypoint":["a"],"Cmd":"run it","Env":["A=1"],"User":"7:8","WorkingDir":"/w","StopSignal":"SIGQUIT",
            "ExposedPorts":{{"80/tcp":{{}}}},"Volumes":{{"/v":{{}}}},"Labels":{{"l":"1"}},"Healthcheck":{{"Test":["NONE"],"Interval":3}}}},
            "rootfs":{{"type":"layers","diff_ids":["{DIFF_ID}"]}},"history":[]}}"#
        );
        let config = parse(&text, 1).unwrap();
        assert_eq!(config.platform.to_string(), "windows:10.0.20348.1/amd64/v2");
        assert_eq!(config.cmd, ["/bin/sh", "-c", "run it"]);
        assert_eq!(config.user.as_deref(), Some("7:8"));
        assert_eq!(config.exposed_ports, ["80/tcp"]);
        assert_eq!(config.volumes, ["/v"]);
        assert_eq!(config.healthcheck.unwrap().test, ["NONE"]);
        assert_eq!(config.diff_ids[0].to_string(), DIFF_ID);
    }

    #[test]
    fn as_many_diff_ids_as_layers() {
        let text = format!(r#"{{"rootfs":{{"diff_ids":["{DIFF_ID}"]}}}}"#);
        assert!(parse(&text, 1).is_ok());
        for layers in [0, 2] {
            let fault = parse(&text, layers).unwrap_err();
            assert!(fault.to_string().contains(&format!("1 diff ids for {layers} layers")), "{fault}");
        }
        assert!(parse(r#"{"rootfs":{"diff_ids":["md5:00"]}}"#, 1).is_err());
    }
}
