//! Against Debian's registry: plain, TLS, password, tokens, and how fast.

use std::fs;
use std::time::Instant;

use model::RegistryHost;
use registry::{Credentials, ErrorKind, Registry, Settings};

use crate::support::{assert_kind, image, in_parts, pull, resolve, settings};

#[tokio::test(flavor = "multi_thread")]
async fn plain_in_one_and_in_parts() {
    if !testkit::privileged() {
        return;
    }
    let Some(server) = testkit::Registry::start() else { return };
    let image = image(3_000_000);
    server.add("app", "v1", &image);
    for settings in [settings(&[server.host()]), in_parts(settings(&[server.host()]))] {
        assert_eq!(pull(settings, server.host()).await.unwrap(), image.layers[0].blob);
    }
    let gone = resolve(settings(&[server.host()]), &format!("{}/app:none", server.host())).await;
    assert_kind(gone, ErrorKind::NotFound);
    let text = format!("{}/app:v1", server.host());
    assert_kind(resolve(settings(&[]), &text).await, ErrorKind::PlainHttpExpected);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_and_a_password() {
    if !testkit::privileged() {
        return;
    }
    let Some(server) = testkit::Registry::builder().tls().basic_auth("u", "secret").start() else { return };
    let image = image(100_000);
    server.add("app", "v1", &image);
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    fs::write(&ca, server.ca_pem().unwrap()).unwrap();
    let host: RegistryHost = server.host().parse().unwrap();
    assert_kind(pull(settings(&[]), server.host()).await, ErrorKind::Certificate);
    let trusting = Settings { ca_files: vec![ca], ..settings(&[]) };
    assert_kind(pull(trusting.clone(), server.host()).await, ErrorKind::Unauthorized);
    assert_kind(pull(settings(&[server.host()]), server.host()).await, ErrorKind::TlsExpected);
    let insecure = Settings { insecure: server.host().parse().unwrap(), ..settings(&[]) };
    for mut settings in [trusting, insecure] {
        settings.credentials.insert(host.clone(), Credentials::basic("u", "secret"));
        assert_eq!(pull(settings.clone(), server.host()).await.unwrap(), image.layers[0].blob);
        let registry = Registry::new(settings).unwrap();
        registry.ping(&host, None).await.unwrap();
        let wrong = registry.ping(&host, Some(&Credentials::basic("u", "no"))).await;
        assert_kind(wrong, ErrorKind::Unauthorized);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_real_token_server() {
    if !testkit::privileged() {
        return;
    }
    let image = image(100_000);
    let Some(open) = testkit::Registry::builder().anonymous_tokens().start() else { return };
    open.add("app", "v1", &image);
    assert_eq!(pull(settings(&[open.host()]), open.host()).await.unwrap(), image.layers[0].blob);
    assert_eq!(open.tokens_given(), 1);
    let Some(closed) = testkit::Registry::builder().token_auth("u", "secret").start() else { return };
    closed.add("app", "v1", &image);
    assert_kind(pull(settings(&[closed.host()]), closed.host()).await, ErrorKind::Unauthorized);
    // On a port of its own, so that it has to be listed to see a password.
    let mut settings = settings(&[closed.host(), &closed.token_host().unwrap()]);
    settings.credentials.insert(closed.host().parse().unwrap(), Credentials::basic("u", "secret"));
    assert_eq!(pull(settings, closed.host()).await.unwrap(), image.layers[0].blob);
}

/// Prints the speed; the bound is far below what any machine does and only catches a stall.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_layer_comes_fast() {
    if !testkit::privileged() {
        return;
    }
    let Some(server) = testkit::Registry::start() else { return };
    let image = image(256 << 20);
    server.add("app", "v1", &image);
    let parts = Settings {
        ranges: registry::RangeSettings { slow_below: u64::MAX, ..registry::RangeSettings::default() },
        ..settings(&[server.host()])
    };
    for (how, settings) in [("by default", settings(&[server.host()])), ("in parts", parts)] {
        let text = format!("{}/app:v1", server.host());
        let (registry, resolved) = resolve(settings, &text).await.unwrap();
        let mut stream = registry.fetch_layer(&resolved, &resolved.manifest.layers[0]).await.unwrap();
        let (start, mut pieces) = (Instant::now(), 0_u64);
        while stream.chunk().await.unwrap().is_some() {
            pieces += 1;
        }
        let (seconds, size) = (start.elapsed().as_secs_f64(), stream.size());
        println!("{how}: {:.0} MB/s, {} bytes a piece", size as f64 / seconds / 1e6, size / pieces);
        assert!(seconds < 60.0);
    }
}
