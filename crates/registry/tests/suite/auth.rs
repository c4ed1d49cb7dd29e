//! Anonymous, Basic, tokens; and that credentials stay where they belong.

use std::collections::BTreeMap;

use model::{Platform, RegistryAccess, RegistryHost};
use registry::{Credentials, ErrorKind, Registry, Settings};
use secrecy::SecretString;
use testkit::{FaultServer, Reply};

use crate::support::{assert_kind, blob_path, image, pull, server, settings, source};

/// `Basic` for user `u` with password `secret`.
const BASIC: &str = "Basic dTpzZWNyZXQ=";

fn with(host: &str, credentials: Credentials) -> Settings {
    let host: RegistryHost = host.parse().unwrap();
    Settings { credentials: BTreeMap::from([(host.clone(), credentials)]), ..settings(&[host.as_str()]) }
}

fn bearer(server: &FaultServer, realm_host: &str) {
    let challenge = format!(
        "Bearer realm=\"http://{realm_host}/token\",service=\"the service\",scope=\"repository:app:pull\""
    );
    server.require("Bearer tok", &challenge);
}

#[tokio::test]
async fn basic_with_the_right_password() {
    let image = image(1000);
    let server = server(&image);
    server.require(BASIC, "Basic realm=\"x\"");
    let bytes = pull(with(&server.host(), Credentials::basic("u", "secret")), &server.host()).await.unwrap();
    assert_eq!(bytes, image.layers[0].blob);
    // Asked once for what it wants, then told unasked, for each scope.
    let refused = server.requests().iter().filter(|r| r.header("authorization").is_none()).count();
    assert_eq!(refused, 1);
}

#[tokio::test]
async fn basic_with_a_wrong_password_or_none() {
    let server = server(&image(10));
    server.require(BASIC, "Basic realm=\"x\"");
    let wrong = pull(with(&server.host(), Credentials::basic("u", "hunter2")), &server.host()).await;
    let text = assert_kind(wrong, ErrorKind::Unauthorized);
    assert!(text.contains("refused") && text.contains(&server.host()) && !text.contains("hunter2"), "{text}");
    assert_eq!(server.requests().len(), 2, "a refused password is not tried again");
    let none = pull(settings(&[&server.host()]), &server.host()).await;
    assert_kind(none, ErrorKind::Unauthorized);
}

#[tokio::test]
async fn an_anonymous_token_is_fetched_once_per_repository() {
    let image = image(1000);
    let server = server(&image);
    bearer(&server, &server.host());
    server.always("/token", Reply::json(r#"{"access_token":"tok","expires_in":300}"#));
    assert_eq!(pull(settings(&[&server.host()]), &server.host()).await.unwrap(), image.layers[0].blob);
    let tokens = server.requests_for("/token");
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].header("authorization"), None);
    assert_eq!(tokens[0].parameter("service").as_deref(), Some("the service"));
    assert_eq!(tokens[0].parameter("scope").as_deref(), Some("repository:app:pull"));
}

#[tokio::test]
async fn a_token_for_a_password() {
    let image = image(1000);
    let server = server(&image);
    bearer(&server, &server.host());
    server.always("/token", Reply::json(r#"{"token":"tok"}"#));
    let settings = with(&server.host(), Credentials::basic("u", "secret"));
    assert_eq!(pull(settings, &server.host()).await.unwrap(), image.layers[0].blob);
    assert_eq!(server.requests_for("/token")[0].header("authorization"), Some(BASIC));
}

#[tokio::test]
async fn a_token_for_an_identity_token() {
    let image = image(1000);
    let server = server(&image);
    bearer(&server, &server.host());
    server.always("/token", Reply::json(r#"{"access_token":"tok"}"#));
    let identity = Credentials::IdentityToken(SecretString::from("id en"));
    assert_eq!(pull(with(&server.host(), identity), &server.host()).await.unwrap(), image.layers[0].blob);
    let asked = &server.requests_for("/token")[0];
    assert_eq!(asked.method, "POST");
    let body = String::from_utf8(asked.body.clone()).unwrap();
    assert!(body.contains("grant_type=refresh_token") && body.contains("refresh_token=id+en"), "{body}");
    assert!(body.contains("scope=repository%3Aapp%3Apull"), "{body}");
}

#[tokio::test]
async fn an_expired_token_is_replaced() {
    let image = image(1000);
    let server = server(&image);
    bearer(&server, &server.host());
    server.script("/token", [Reply::json(r#"{"token":"tok","expires_in":0}"#)]);
    server.always("/token", Reply::json(r#"{"token":"tok","expires_in":300}"#));
    assert_eq!(pull(settings(&[&server.host()]), &server.host()).await.unwrap(), image.layers[0].blob);
    assert_eq!(server.requests_for("/token").len(), 2);
}

#[tokio::test]
async fn a_token_service_that_refuses_or_talks_nonsense() {
    for (reply, kind) in [
        (Reply::error(401, "UNAUTHORIZED"), ErrorKind::Unauthorized),
        (Reply::error(403, "DENIED"), ErrorKind::Unauthorized),
        (Reply::error(404, "NO"), ErrorKind::ServerError),
        (Reply::html(200), ErrorKind::Malformed),
        (Reply::json(r#"{"token":""}"#), ErrorKind::Malformed),
        (Reply::json(r#"{"token":"a\nb: c"}"#), ErrorKind::Malformed),
        (Reply::json(vec![b' '; 2 << 20]), ErrorKind::Malformed),
        (Reply::error(500, "OH"), ErrorKind::ServerError),
        (Reply::blob("x").hang(), ErrorKind::Hang),
    ] {
        let server = server(&image(10));
        bearer(&server, &server.host());
        server.always("/token", reply);
        assert_kind(pull(settings(&[&server.host()]), &server.host()).await, kind);
    }
}

#[tokio::test]
async fn one_logs_in_to_the_registry_and_not_to_its_token_service() {
    let (server, tokens) = (server(&image(10)), FaultServer::start());
    bearer(&server, &tokens.host());
    tokens.always("/token", Reply::error(401, "UNAUTHORIZED"));
    let text = assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::Unauthorized);
    assert!(text.contains(&format!("`imc login {}`", server.host())), "{text}");
    assert!(text.contains(&format!("token service {}", tokens.host())), "{text}");
}

#[tokio::test]
async fn a_token_that_is_not_taken_may_mean_that_there_is_no_such_repository() {
    let server = server(&image(10));
    bearer(&server, &server.host());
    server.always("/token", Reply::json(r#"{"token":"another"}"#));
    let text = assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::Unauthorized);
    assert!(text.contains("does not exist") && text.contains("imc login"), "{text}");
}

#[tokio::test]
async fn a_password_does_not_go_to_a_plain_http_realm_on_another_host() {
    let server = server(&image(10));
    let thief = FaultServer::start();
    thief.always("/token", Reply::json(r#"{"token":"tok"}"#));
    // Another name for loopback is another host.
    bearer(&server, &thief.host().replace("127.0.0.1", "localhost"));
    let settings = with(&server.host(), Credentials::basic("u", "secret"));
    let text = assert_kind(pull(settings, &server.host()).await, ErrorKind::Credentials);
    assert!(text.contains("localhost") && !text.contains("secret"), "{text}");
    assert!(thief.requests().is_empty());
}

#[tokio::test]
async fn a_password_does_not_go_to_another_port_of_a_plain_registry_unless_it_is_listed() {
    let image = image(1000);
    let (server, other) = (server(&image), FaultServer::start());
    other.always("/token", Reply::json(r#"{"token":"tok"}"#));
    bearer(&server, &other.host());
    let mut settings = with(&server.host(), Credentials::basic("u", "secret"));
    let text = assert_kind(pull(settings.clone(), &server.host()).await, ErrorKind::Credentials);
    assert!(text.contains(&other.host()) && !text.contains("secret"), "{text}");
    assert!(other.requests().is_empty());
    settings.plain_http.insert(other.host().parse().unwrap());
    assert_eq!(pull(settings, &server.host()).await.unwrap(), image.layers[0].blob);
}

#[tokio::test]
async fn a_listing_is_no_permission_to_see_another_hosts_password() {
    let server = server(&image(10));
    let thief = FaultServer::start();
    thief.always("/token", Reply::json(r#"{"token":"tok"}"#));
    let name = thief.host().replace("127.0.0.1", "localhost");
    bearer(&server, &name);
    let mut settings = with(&server.host(), Credentials::basic("u", "secret"));
    settings.plain_http.insert(name.parse().unwrap());
    assert_kind(pull(settings, &server.host()).await, ErrorKind::Credentials);
    assert!(thief.requests().is_empty());
}

#[tokio::test]
async fn a_password_does_not_go_to_a_tls_service_that_a_plain_registry_names() {
    let server = server(&image(10));
    let thief = FaultServer::start_tls();
    thief.always("/token", Reply::json(r#"{"token":"tok"}"#));
    server.require("Bearer tok", &format!("Bearer realm=\"{}\"", thief.url("/token")));
    let settings = with(&server.host(), Credentials::basic("u", "secret"));
    assert_kind(pull(settings, &server.host()).await, ErrorKind::Credentials);
    assert!(thief.requests().is_empty());
}

#[tokio::test]
async fn an_anonymous_token_is_not_fetched_by_plain_http_for_a_registry_with_tls() {
    let image = image(1000);
    for verified in [true, false] {
        let (server, tokens) = (FaultServer::start_tls(), FaultServer::start());
        server.serve_image("app", "v1", &image);
        tokens.always("/token", Reply::json(r#"{"token":"tok"}"#));
        bearer(&server, &tokens.host());
        let mut settings = settings(&[]);
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(ca.path(), server.ca_pem().unwrap()).unwrap();
        match verified {
            true => settings.ca_files.push(ca.path().to_owned()),
            false => settings.insecure = server.host().parse().unwrap(),
        }
        let text = assert_kind(pull(settings.clone(), &server.host()).await, ErrorKind::PlainHttpExpected);
        assert!(text.contains(&format!("list {} with --plain-http", tokens.host())), "{text}");
        assert!(tokens.requests().is_empty());
        settings.plain_http.insert(tokens.host().parse().unwrap());
        assert_eq!(pull(settings, &server.host()).await.unwrap(), image.layers[0].blob);
    }
}

#[tokio::test]
async fn credentials_are_for_their_host_only() {
    let server = server(&image(10));
    server.require(BASIC, "Basic realm=\"x\"");
    let mut settings = with("other.example", Credentials::basic("u", "secret"));
    settings.plain_http.insert(server.host().parse().unwrap());
    assert_kind(pull(settings, &server.host()).await, ErrorKind::Unauthorized);
    assert!(server.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[tokio::test]
async fn a_token_realm_that_redirects_does_not_take_the_password_along() {
    let server = server(&image(10));
    let thief = FaultServer::start();
    thief.always("/token", Reply::json(r#"{"token":"tok"}"#));
    bearer(&server, &server.host());
    server.always("/token", Reply::redirect(307, &thief.url("/token")));
    let settings = with(&server.host(), Credentials::basic("u", "secret"));
    pull(settings, &server.host()).await.unwrap();
    assert_eq!(server.requests_for("/token")[0].header("authorization"), Some(BASIC));
    assert_eq!(thief.requests_for("/token")[0].header("authorization"), None);
}

#[tokio::test]
async fn an_identity_token_is_not_redirected_at_all() {
    let server = server(&image(10));
    let thief = FaultServer::start();
    bearer(&server, &server.host());
    server.always("/token", Reply::redirect(307, &thief.url("/token")));
    let identity = Credentials::IdentityToken(SecretString::from("secret"));
    assert_kind(pull(with(&server.host(), identity), &server.host()).await, ErrorKind::Malformed);
    assert!(thief.requests().is_empty());
}

#[tokio::test]
async fn a_redirected_blob_gets_no_credentials() {
    let image = image(1000);
    let (server, store) = (server(&image), FaultServer::start());
    server.require(BASIC, "Basic realm=\"x\"");
    server.always(&blob_path(&image), Reply::redirect(307, &store.url("/signed?X-Signature=private")));
    store.always("/signed", Reply::blob(&image.layers[0].blob));
    let settings = with(&server.host(), Credentials::basic("u", "secret"));
    assert_eq!(pull(settings, &server.host()).await.unwrap(), image.layers[0].blob);
    let asked = store.requests_for("/signed");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("authorization"), None);
    assert_eq!(asked[0].query, "X-Signature=private");
}

#[tokio::test]
async fn a_challenge_of_a_redirect_target_is_not_answered() {
    let image = image(1000);
    let (server, thief) = (server(&image), FaultServer::start());
    server.require(BASIC, "Basic realm=\"x\"");
    server.always(&blob_path(&image), Reply::redirect(307, &thief.url("/v2/x?sig=private")));
    thief.require("Basic none", "Basic realm=\"give\"");
    let settings = with(&server.host(), Credentials::basic("u", "secret"));
    let text = assert_kind(pull(settings, &server.host()).await, ErrorKind::ServerError);
    assert!(!text.contains("private") && !text.contains("imc login"), "{text}");
    assert!(thief.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[tokio::test]
async fn nobody_is_told_to_log_in_where_a_redirect_leads() {
    let image = image(1000);
    let (server, store) = (server(&image), FaultServer::start());
    server.always(&blob_path(&image), Reply::redirect(307, &store.url("/b")));
    store.always("/b", Reply::error(403, "EXPIRED"));
    let text = assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::ServerError);
    assert!(text.contains(&store.host()) && text.contains("no registry to log in to"), "{text}");
    server.always(&blob_path(&image), Reply::error(403, "DENIED"));
    assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::Forbidden);
}

#[tokio::test]
async fn login_is_checked() {
    let server = server(&image(10));
    server.require(BASIC, "Basic realm=\"x\"");
    let host: RegistryHost = server.host().parse().unwrap();
    let registry = Registry::new(settings(&[host.as_str()])).unwrap();
    registry.ping(&host, Some(&Credentials::basic("u", "secret"))).await.unwrap();
    let wrong = registry.ping(&host, Some(&Credentials::basic("u", "hunter2"))).await;
    let text = assert_kind(wrong, ErrorKind::Unauthorized);
    assert!(text.starts_with("failed to log in to the registry") && !text.contains("hunter2"), "{text}");
    assert_kind(registry.ping(&host, None).await, ErrorKind::Unauthorized);
}

#[test]
fn debug_shows_no_secret() {
    let settings = with("r.example", Credentials::basic("u", "hunter2"));
    let token = Credentials::IdentityToken(SecretString::from("hunter2"));
    let registry = Registry::new(settings.clone()).unwrap();
    let text = format!("{settings:?} {token:?} {registry:?}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_client_for_one_cache_has_its_own_credentials_and_gives_them_to_no_other() {
    let image = image(1000);
    let server = server(&image);
    server.require(BASIC, "Basic realm=\"x\"");
    let host: RegistryHost = server.host().parse().unwrap();
    let image_of = source(&format!("{host}/app:v1"));
    let platform = Platform::linux_amd64();
    let base = Registry::new(settings(&[host.as_str()])).unwrap();
    let own = base.with(
        &RegistryAccess::default(),
        BTreeMap::from([(host.clone(), Credentials::basic("u", "secret"))]),
    );
    own.resolve(&image_of, &platform).await.unwrap();
    // What it got answers neither for the client that it comes of nor for another cache's.
    assert_kind(base.resolve(&image_of, &platform).await.map(|_| ()), ErrorKind::Unauthorized);
    let other = own
        .with(&RegistryAccess::default(), BTreeMap::from([(host.clone(), Credentials::basic("u", "wrong"))]));
    assert_kind(other.resolve(&image_of, &platform).await.map(|_| ()), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn the_servers_credentials_are_not_sent_where_a_cache_alone_asks_for_plain_http() {
    let image = image(1000);
    let server = server(&image);
    server.require(BASIC, "Basic realm=\"x\"");
    let host: RegistryHost = server.host().parse().unwrap();
    let image_of = source(&format!("{host}/app:v1"));
    let credentials = BTreeMap::from([(host.clone(), Credentials::basic("u", "secret"))]);
    let base = Registry::new(Settings { credentials: credentials.clone(), ..settings(&[]) }).unwrap();
    let access = RegistryAccess { plain_http: [host.clone()].into(), ..RegistryAccess::default() };
    let without = base.with(&access, BTreeMap::new());
    assert_kind(
        without.resolve(&image_of, &Platform::linux_amd64()).await.map(|_| ()),
        ErrorKind::Unauthorized,
    );
    assert!(server.requests().iter().all(|request| request.header("authorization").is_none()));
    let with = base.with(&access, credentials);
    with.resolve(&image_of, &Platform::linux_amd64()).await.unwrap();
}
