//! Mirrors and overrides of hosts.toml.

use std::fs;

use registry::{Credentials, ErrorKind, Settings};
use tempfile::TempDir;
use testkit::{FaultServer, Reply};

use crate::support::{assert_kind, blob_path, image, pull, resolve, server, settings};

fn certs_dir(host: &str, hosts_toml: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join(host)).unwrap();
    fs::write(root.path().join(host).join("hosts.toml"), hosts_toml).unwrap();
    root
}

fn with(root: &TempDir) -> Settings {
    Settings { certs_dirs: vec![root.path().to_owned()], ..settings(&[]) }
}

#[tokio::test]
async fn mirrors_are_asked_in_order_then_the_server() {
    let image = image(1000);
    let (first, second, server) = (FaultServer::start(), FaultServer::start(), server(&image));
    second.serve_image("app", "v1", &image);
    second.always(&blob_path(&image), Reply::error(404, "BLOB_UNKNOWN"));
    let root = certs_dir(
        "images.example",
        &format!(
            "server = \"{}\"\n[host.\"{}\"]\n[host.\"{}\"]\n",
            server.url(""),
            first.url(""),
            second.url("")
        ),
    );
    assert_eq!(pull(with(&root), "images.example").await.unwrap(), image.layers[0].blob);
    assert_eq!(first.requests_for("/v2/app/manifests/v1").len(), 1);
    assert_eq!(second.requests_for("/v2/app/manifests/v1").len(), 1);
    assert!(server.requests_for("/v2/app/manifests/v1").is_empty());
    assert_eq!(server.requests_for(&blob_path(&image)).len(), 1);
    assert!(first.requests().iter().all(|r| r.parameter("ns").as_deref() == Some("images.example")));
}

#[tokio::test]
async fn a_mirror_without_resolve_is_not_asked_for_tags() {
    let image = image(1000);
    let (mirror, server) = (server(&image), server(&image));
    let root = certs_dir(
        "images.example",
        &format!(
            "server = \"{}\"\n[host.\"{}\"]\ncapabilities = [\"pull\"]\n",
            server.url(""),
            mirror.url("")
        ),
    );
    assert_eq!(pull(with(&root), "images.example").await.unwrap(), image.layers[0].blob);
    assert!(mirror.requests_for("/v2/app/manifests/v1").is_empty());
    assert_eq!(mirror.requests_for(&blob_path(&image)).len(), 1);
    assert!(server.requests_for(&blob_path(&image)).is_empty());
}

#[tokio::test]
async fn mirrors_that_are_off_or_lie_are_passed_over() {
    let image = image(1000);
    let (mut off, liar, server) = (FaultServer::start(), server(&image), server(&image));
    off.stop();
    liar.always("/v2/app/manifests/v1", Reply::html(200));
    let config = format!("/v2/app/blobs/{}", image.config_digest());
    liar.always(&config, Reply::blob("not it"));
    liar.always(&blob_path(&image), Reply::blob("short"));
    let root = certs_dir(
        "images.example",
        &format!(
            "server = \"{}\"\n[host.\"{}\"]\n[host.\"{}\"]\n",
            server.url(""),
            off.url(""),
            liar.url("")
        ),
    );
    assert_eq!(pull(with(&root), "images.example").await.unwrap(), image.layers[0].blob);
    for path in ["/v2/app/manifests/v1", &config, &blob_path(&image)] {
        assert_eq!((liar.requests_for(path).len(), server.requests_for(path).len()), (1, 1), "{path}");
    }
}

#[tokio::test]
async fn the_servers_word_counts_last() {
    let image = image(10);
    let (mirror, server) = (FaultServer::start(), FaultServer::start());
    mirror.always("/v2/app/manifests/v1", Reply::error(500, "X"));
    let root = certs_dir(
        "images.example",
        &format!("server = \"{}\"\n[host.\"{}\"]\n", server.url(""), mirror.url("")),
    );
    let text = assert_kind(pull(with(&root), "images.example").await, ErrorKind::NotFound);
    assert!(text.contains(&server.host()), "{text}");
    let told = format!("its mirrors failed ({} has failed with HTTP status 500)", mirror.host());
    assert!(text.contains(&told), "{text}");
    drop(image);
}

#[tokio::test]
async fn a_server_that_fails_for_now_is_asked_again_though_its_mirror_has_nothing() {
    let image = image(1000);
    let (mirror, server) = (FaultServer::start(), server(&image));
    for path in ["/v2/app/manifests/v1", &blob_path(&image)] {
        server.script(path, [Reply::blob("").hang(), Reply::blob("").hang()]);
    }
    let root = certs_dir(
        "images.example",
        &format!("server = \"{}\"\n[host.\"{}\"]\n", server.url(""), mirror.url("")),
    );
    assert_eq!(pull(with(&root), "images.example").await.unwrap(), image.layers[0].blob);
    assert_eq!(server.requests_for(&blob_path(&image)).len(), 3);
}

/// One mirror and the registry's own server, for `images.example`.
fn mirrored(mirror: &FaultServer, server: &FaultServer) -> TempDir {
    let hosts_toml = format!("server = \"{}\"\n[host.\"{}\"]\n", server.url(""), mirror.url(""));
    certs_dir("images.example", &hosts_toml)
}

#[tokio::test]
async fn a_mirror_that_hangs_once_is_asked_again_where_the_server_is_off() {
    let image = image(1000);
    let (mirror, mut off) = (server(&image), FaultServer::start());
    off.stop();
    let config = format!("/v2/app/blobs/{}", image.config_digest());
    for path in ["/v2/app/manifests/v1", &config, &blob_path(&image)] {
        mirror.script(path, [Reply::blob("").hang()]);
    }
    assert_eq!(pull(with(&mirrored(&mirror, &off)), "images.example").await.unwrap(), image.layers[0].blob);
    assert_eq!(mirror.requests_for(&blob_path(&image)).len(), 2);
}

#[tokio::test]
async fn a_mirror_that_answers_again_rests_no_more() {
    let image = image(1000);
    let (mirror, server) = (server(&image), server(&image));
    let manifest = "/v2/app/manifests/v1";
    mirror.script(manifest, [Reply::blob("").hang()]);
    server.always(manifest, Reply::error(500, "X"));
    assert_eq!(
        pull(with(&mirrored(&mirror, &server)), "images.example").await.unwrap(),
        image.layers[0].blob
    );
    assert!(server.requests().iter().all(|request| request.path == manifest));
}

#[tokio::test]
async fn what_a_mirror_failed_with_in_an_earlier_round_is_told() {
    let (mut mirror, server) = (FaultServer::start(), FaultServer::start());
    mirror.stop();
    server.script("/v2/app/manifests/v1", [Reply::error(500, "X")]);
    let text =
        assert_kind(pull(with(&mirrored(&mirror, &server)), "images.example").await, ErrorKind::NotFound);
    let told = format!("its mirrors failed ({} cannot be reached)", mirror.host());
    assert!(text.contains(&told), "{text}");
}

#[tokio::test]
async fn a_mirror_gets_its_own_credentials_and_headers_and_no_others() {
    let image = image(1000);
    let (mirror, server) = (server(&image), server(&image));
    for host in [&mirror, &server] {
        host.require("Basic bTptaXJyb3I=", "Basic realm=\"x\"");
    }
    let root = certs_dir(
        "images.example",
        &format!(
            "server = \"{}\"\n[host.\"{}\"]\n[host.\"{}\".header]\nx-mirror-key = \"k\"\n",
            server.url(""),
            mirror.url(""),
            mirror.url("")
        ),
    );
    let mut settings = with(&root);
    settings.credentials.insert("images.example".parse().unwrap(), Credentials::basic("o", "origin"));
    settings.credentials.insert(mirror.host().parse().unwrap(), Credentials::basic("m", "mirror"));
    assert_eq!(pull(settings, "images.example").await.unwrap(), image.layers[0].blob);
    assert!(mirror.requests().iter().all(|r| r.header("x-mirror-key") == Some("k")));
    let sent: Vec<_> =
        mirror.requests().iter().filter_map(|r| r.header("authorization").map(str::to_owned)).collect();
    assert!(!sent.is_empty() && sent.iter().all(|value| value == "Basic bTptaXJyb3I="), "{sent:?}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn override_path_and_prefix() {
    let image = image(10);
    let server = FaultServer::start();
    let root =
        certs_dir("images.example", &format!("[host.\"{}\"]\noverride_path = true\n", server.url("/api/x")));
    server.always("/api/x/app/manifests/v1", Reply::new(200, image.manifest_type(), &image.manifest));
    server.always(&format!("/api/x/app/blobs/{}", image.config_digest()), Reply::blob(&image.config));
    resolve(with(&root), "images.example/app:v1").await.unwrap();
}

#[tokio::test]
async fn a_registry_listed_for_plain_http_stays_so_under_a_hosts_toml_without_a_server() {
    let image = image(1000);
    let server = server(&image);
    let mut off = FaultServer::start();
    off.stop();
    let mirror = format!("[host.\"{}\"]\n", off.url(""));
    for (dir, hosts_toml) in
        [(server.host(), mirror.as_str()), (server.host(), ""), ("_default".to_owned(), &mirror)]
    {
        let root = certs_dir(&dir, hosts_toml);
        let listed = Settings { plain_http: server.host().parse().unwrap(), ..with(&root) };
        assert_eq!(pull(listed, &server.host()).await.unwrap(), image.layers[0].blob, "{dir}: {hosts_toml}");
    }
    // Docker's directories with certificates alone say nothing of TLS either.
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join(server.host())).unwrap();
    let listed = Settings { plain_http: server.host().parse().unwrap(), ..with(&root) };
    assert_eq!(pull(listed, &server.host()).await.unwrap(), image.layers[0].blob);
}

#[tokio::test]
async fn where_no_server_may_be_asked_the_file_says_why() {
    let root = certs_dir("images.example", "capabilities = [\"pull\"]\n");
    let text = assert_kind(pull(with(&root), "images.example").await, ErrorKind::Settings);
    assert!(text.contains("images.example/hosts.toml") && text.contains("`resolve`"), "{text}");
}

#[tokio::test]
async fn an_unusable_hosts_toml_is_named() {
    let root = certs_dir("images.example", "server = 5");
    let text = assert_kind(pull(with(&root), "images.example").await, ErrorKind::Settings);
    assert!(text.contains("images.example/hosts.toml"), "{text}");
}
