//! Docker's config.json and helper programs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use model::RegistryHost;
use registry::{Credentials, ErrorKind, Registry, Settings};
use serde_json::{Value, json};
use testkit::FaultServer;

use crate::support::{assert_kind, image, pull, server, settings};

const BASIC: &str = "Basic dTpzZWNyZXQ=";

fn guarded() -> FaultServer {
    let server = server(&image(10));
    server.require(BASIC, "Basic realm=\"x\"");
    server
}

fn with_config(dir: &Path, server: &FaultServer, config: &Value) -> Settings {
    let path = dir.join("config.json");
    fs::write(&path, config.to_string()).unwrap();
    let helper_path = Some(format!("{}:/usr/bin:/bin", dir.display()).into());
    Settings { docker_config: Some(path), helper_path, ..settings(&[&server.host()]) }
}

/// Installs a helper program. By another program, since one that this process has open for writing cannot be started.
fn helper(dir: &Path, name: &str, script: &str) -> PathBuf {
    let (text, path) = (dir.join("script"), dir.join(format!("docker-credential-{name}")));
    fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
    assert!(Command::new("install").args(["-m", "755"]).arg(&text).arg(&path).status().unwrap().success());
    path
}

#[tokio::test]
async fn auths_by_host_in_every_spelling() {
    let dir = tempfile::tempdir().unwrap();
    let server = guarded();
    let host = server.host();
    for key in [host.clone(), format!("http://{host}"), format!("https://{host}/v1/")] {
        for entry in [json!({"auth": "dTpzZWNyZXQ="}), json!({"username": "u", "password": "secret"})] {
            let config = json!({"auths": {"other.example": {"auth": "eDp5"}, key.as_str(): entry}});
            pull(with_config(dir.path(), &server, &config), &host).await.unwrap();
        }
    }
    let other = json!({"auths": {"other.example": {"auth": "dTpzZWNyZXQ="}}});
    assert_kind(pull(with_config(dir.path(), &server, &other), &host).await, ErrorKind::Unauthorized);
    let missing = Settings { docker_config: Some(dir.path().join("none")), ..settings(&[&host]) };
    assert_kind(pull(missing, &host).await, ErrorKind::Unauthorized);
}

#[tokio::test]
async fn an_unreadable_config_is_named_without_its_content() {
    let dir = tempfile::tempdir().unwrap();
    let server = guarded();
    let mut settings = with_config(dir.path(), &server, &json!({}));
    let file = settings.docker_config.clone().unwrap();
    for text in ["{\"auths\": hunter2", "[\"hunter2\"]"] {
        fs::write(&file, text).unwrap();
        let text = assert_kind(pull(settings.clone(), &server.host()).await, ErrorKind::Settings);
        assert!(text.contains("config.json") && !text.contains("hunter2"), "{text}");
    }
    settings = with_config(dir.path(), &server, &json!({"auths": {server.host(): {"auth": "hunter2!"}}}));
    let text = assert_kind(pull(settings, &server.host()).await, ErrorKind::Settings);
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn helper_programs_are_asked() {
    let dir = tempfile::tempdir().unwrap();
    let server = guarded();
    let script = r#"test "$1" = get || exit 9
read -r host; echo "$host" >> "$(dirname "$0")/asked"
echo '{"ServerURL":"x","Username":"u","Secret":"secret"}'"#;
    helper(dir.path(), "mine", script);
    for config in [json!({"credHelpers": {server.host(): "mine"}}), json!({"credsStore": "mine"})] {
        pull(with_config(dir.path(), &server, &config), &server.host()).await.unwrap();
    }
    let asked = fs::read_to_string(dir.path().join("asked")).unwrap();
    assert!(asked.lines().all(|line| line == server.host()) && asked.lines().count() >= 2, "{asked}");
}

#[tokio::test]
async fn a_helper_that_knows_nothing_leaves_the_files_entry() {
    let dir = tempfile::tempdir().unwrap();
    let server = guarded();
    helper(dir.path(), "none", "echo credentials not found in native keychain; exit 1");
    let config = json!({"credsStore": "none", "auths": {server.host(): {"auth": "dTpzZWNyZXQ="}}});
    pull(with_config(dir.path(), &server, &config), &server.host()).await.unwrap();
    let config = json!({"credsStore": "none"});
    assert_kind(
        pull(with_config(dir.path(), &server, &config), &server.host()).await,
        ErrorKind::Unauthorized,
    );
}

#[tokio::test]
async fn helpers_that_fail_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let server = guarded();
    helper(dir.path(), "fails", "echo hunter2; exit 3");
    helper(dir.path(), "talks", "echo hunter2");
    helper(dir.path(), "sleeps", "exec sleep 60");
    for name in ["fails", "talks", "sleeps", "absent", "../../bin/evil", ""] {
        let config = json!({"credHelpers": {server.host(): name}});
        let mut settings = with_config(dir.path(), &server, &config);
        settings.helper_deadline = Duration::from_millis(300);
        let result = pull(settings, &server.host()).await;
        if name.is_empty() {
            assert_kind(result, ErrorKind::Unauthorized);
            continue;
        }
        let text = assert_kind(result, ErrorKind::CredentialHelper);
        assert!(text.contains(name) && !text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn credentials_are_stored_and_erased() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/config.json");
    let registry = Registry::new(settings(&[])).unwrap();
    let (hub, mine): (RegistryHost, RegistryHost) =
        ("docker.io".parse().unwrap(), "r.example:5000".parse().unwrap());
    registry.store_credentials(&path, &hub, &Credentials::basic("u", "secret")).await.unwrap();
    let token = Credentials::IdentityToken(secrecy::SecretString::from("id"));
    registry.store_credentials(&path, &mine, &token).await.unwrap();
    let read = || serde_json::from_slice::<Value>(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(
        read(),
        json!({"auths": {"https://index.docker.io/v1/": {"auth": "dTpzZWNyZXQ="}, "r.example:5000": {"identitytoken": "id"}}})
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(registry.erase_credentials(&path, &hub).await.unwrap());
    assert!(!registry.erase_credentials(&path, &hub).await.unwrap());
    assert_eq!(read(), json!({"auths": {"r.example:5000": {"identitytoken": "id"}}}));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
}

#[tokio::test]
async fn storing_keeps_the_rest_and_a_symlink() {
    let dir = tempfile::tempdir().unwrap();
    let (real, link) = (dir.path().join("real.json"), dir.path().join("config.json"));
    fs::write(
        &real,
        json!({"psFormat": "x", "auths": {"https://r.example/v1/": {"auth": "old"}}}).to_string(),
    )
    .unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let registry = Registry::new(settings(&[])).unwrap();
    let host: RegistryHost = "r.example".parse().unwrap();
    registry.store_credentials(&link, &host, &Credentials::basic("u", "secret")).await.unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let value: Value = serde_json::from_slice(&fs::read(&real).unwrap()).unwrap();
    assert_eq!(value, json!({"psFormat": "x", "auths": {"r.example": {"auth": "dTpzZWNyZXQ="}}}));
    fs::write(&real, "no json").unwrap();
    let result = registry.store_credentials(&link, &host, &Credentials::basic("u", "secret")).await;
    assert_kind(result, ErrorKind::Settings);
    assert_eq!(fs::read_to_string(&real).unwrap(), "no json", "what cannot be read is not overwritten");
}

#[tokio::test]
async fn a_store_keeps_the_secret() {
    let dir = tempfile::tempdir().unwrap();
    let server = guarded();
    helper(dir.path(), "keeps", r#"echo "$1" >> "$(dirname "$0")/calls"; cat >> "$(dirname "$0")/calls""#);
    let settings = with_config(dir.path(), &server, &json!({"credsStore": "keeps"}));
    let path = settings.docker_config.clone().unwrap();
    let registry = Registry::new(settings).unwrap();
    let host: RegistryHost = server.host().parse().unwrap();
    registry.store_credentials(&path, &host, &Credentials::basic("u", "secret")).await.unwrap();
    assert!(!fs::read_to_string(&path).unwrap().contains("dTpz"));
    let calls = fs::read_to_string(dir.path().join("calls")).unwrap();
    assert!(calls.starts_with("store\n") && calls.contains(r#""Secret":"secret""#), "{calls}");
    assert!(registry.erase_credentials(&path, &host).await.unwrap());
    assert!(fs::read_to_string(dir.path().join("calls")).unwrap().contains("erase\n"));
}
