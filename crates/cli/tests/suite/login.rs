//! `imc login` and `logout`: checked before they are kept, readable by their owner alone, never printed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use testkit::FaultServer;

use crate::support::{Home, image, layer};

const PASSWORD: &str = "s3cret-of-alice";
/// `alice:s3cret-of-alice`
const ENCODED: &str = "YWxpY2U6czNjcmV0LW9mLWFsaWNl";

/// A registry that lets only Alice in.
fn guarded() -> FaultServer {
    let server = FaultServer::start();
    server.serve_image("app", "1", &image([layer("one")]));
    server.require(&format!("Basic {ENCODED}"), r#"Basic realm="here""#);
    server
}

fn config(home: &Home) -> PathBuf {
    home.path().join("home/.docker/config.json")
}

fn log_in(home: &Home, server: &FaultServer, password: &str) -> crate::support::Ran {
    let host = server.host();
    home.imc_fed(password, &["login", &host, "-u", "alice", "--password-stdin", "--plain-http", &host])
}

#[test]
fn a_login_is_kept_for_its_owner_alone_and_used() {
    let (home, server) = (Home::new(), guarded());
    let host = server.host();
    let create = || home.imc(&["create", "web", &format!("{host}/app:1"), "--plain-http", &host]);
    create().fails(77, &["imc login"]);
    let ran = log_in(&home, &server, &format!("{PASSWORD}\n")).ok();
    assert!(ran.stderr.contains(&format!("logged in to {host}")), "{ran:#?}");
    assert_eq!(config(&home).metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(config(&home)).unwrap().contains(ENCODED));
    create().ok();
    let out = home.imc(&["logout", &host]).ok();
    assert!(out.stderr.contains("forgotten"), "{out:#?}");
    assert!(!fs::read_to_string(config(&home)).unwrap().contains(ENCODED));
    assert!(home.imc(&["logout", &host]).ok().stderr.contains("there were none"));
    create().fails(77, &["imc login"]);
}

#[test]
fn a_wrong_password_is_refused_and_not_kept() {
    let (home, server) = (Home::new(), guarded());
    let ran = log_in(&home, &server, "guessed-wrongly").fails(
        77,
        &["failed to log in to the registry", &server.host(), "next: check the user name and the password"],
    );
    assert!(!ran.stderr.contains("guessed-wrongly"), "{ran:#?}");
    assert!(!config(&home).exists());
}

#[test]
fn other_settings_of_the_config_stay() {
    let (home, server) = (Home::new(), guarded());
    fs::create_dir(config(&home).parent().unwrap()).unwrap();
    fs::write(config(&home), r#"{"auths":{"other.example":{"auth":"eDp5"}},"detachKeys":"ctrl-x"}"#).unwrap();
    log_in(&home, &server, PASSWORD).ok();
    let text = fs::read_to_string(config(&home)).unwrap();
    assert!(text.contains("eDp5") && text.contains("ctrl-x") && text.contains(ENCODED), "{text}");
}

#[test]
fn no_secret_is_ever_printed() {
    let (home, server) = (Home::new(), guarded());
    let host = server.host();
    let trace = [("IMC_LOG", "trace")];
    let mut command = home.command();
    command.envs(trace).args(["login", &host, "-u", "alice", "--password-stdin", "--plain-http", &host]);
    let password = home.path().join("password");
    fs::write(&password, PASSWORD).unwrap();
    let login: crate::support::Ran =
        command.stdin(fs::File::open(&password).unwrap()).output().unwrap().into();
    let create = home
        .imc_with(&trace, &["-o", "json", "create", "web", &format!("{host}/app:1"), "--plain-http", &host]);
    let failed = home
        .imc_with(&trace, &["-o", "json", "create", "web", &format!("{host}/app:2"), "--plain-http", &host]);
    assert_eq!((login.code, create.code, failed.code), (Some(0), Some(0), Some(66)));
    assert!(create.stderr.contains("TRACE") || create.stderr.contains("DEBUG"), "the log is on: {create:#?}");
    let events = home.imc(&["-o", "json", "events", "web"]);
    for ran in [login, create, failed, events] {
        for secret in [PASSWORD, ENCODED] {
            assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{secret} is in {ran:#?}");
        }
    }
    for file in ["imc.db", "imc.db-wal"] {
        let bytes = fs::read(home.data().join(file)).unwrap_or_default();
        assert!(
            !bytes.windows(ENCODED.len()).any(|part| part == ENCODED.as_bytes()),
            "{file} has the password"
        );
    }
}

#[test]
fn credentials_are_sent_to_no_other_host() {
    let (home, server) = (Home::new(), guarded());
    let other = FaultServer::start();
    other.serve_image("app", "1", &image([layer("one")]));
    log_in(&home, &server, PASSWORD).ok();
    home.imc(&["create", "web", &format!("{}/app:1", other.host()), "--plain-http", &other.host()]).ok();
    assert!(other.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn nothing_is_asked_where_there_is_no_terminal() {
    let home = Home::new();
    home.imc(&["login", "registry.example"]).fails(64, &["no terminal", "--password-stdin"]);
    home.imc(&["login", "registry.example", "-u", "alice"]).fails(64, &["no terminal", "--password-stdin"]);
    home.imc(&["login", "not a host"]).fails(64, &["not a host"]);
}

#[test]
fn a_login_and_a_logout_have_documents() {
    let (home, server) = (Home::new(), guarded());
    let host = server.host();
    let login = ["-o", "json", "login", &host, "-u", "alice", "--password-stdin", "--plain-http", &host];
    let said = home.imc_fed(PASSWORD, &login).ok();
    let document = serde_json::json!({ "registry": host, "username": "alice", "config": config(&home) });
    assert_eq!((said.json(), said.stderr.as_str()), (document, ""));
    assert_eq!(home.json(&["logout", &host]), serde_json::json!({ "registry": host, "forgotten": true }));
    assert_eq!(home.json(&["logout", &host])["forgotten"], false);
}
