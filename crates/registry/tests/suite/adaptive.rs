//! Slow servers, layers that are elsewhere.

use model::LayerDescriptor;
use registry::{ErrorKind, RangeSettings, Settings};
use testkit::{FaultServer, Reply};

use crate::support::{assert_kind, blob_path, image, pull, read, resolve, server, settings};

#[tokio::test]
async fn a_slow_connection_gets_company_after_its_first_stretch() {
    let image = image(500_000);
    let server = server(&image);
    // No connection is that fast, so the first stretch always turns out slow.
    let ranges = RangeSettings { from_bytes: 1, part_bytes: 16 << 10, window: 3, slow_below: u64::MAX - 1 };
    let settings = Settings { ranges, ..settings(&[&server.host()]) };
    assert_eq!(pull(settings, &server.host()).await.unwrap(), image.layers[0].blob);
    let mut stretches: Vec<_> =
        server.requests_for(&blob_path(&image)).iter().map(|r| r.range().unwrap()).collect();
    stretches.sort_unstable();
    assert_eq!(stretches[0], (0, Some(32_767)));
    assert_eq!(stretches[1], (32_768, Some(49_151)), "parts follow");
    let length = image.layers[0].blob.len();
    assert_eq!(stretches.len(), 1 + (length - 32_768).div_ceil(16 << 10));
}

#[tokio::test]
async fn a_small_layer_is_asked_for_without_a_range() {
    let image = image(500_000);
    let server = server(&image);
    assert_eq!(pull(settings(&[&server.host()]), &server.host()).await.unwrap(), image.layers[0].blob);
    assert_eq!(server.requests_for(&blob_path(&image))[0].range(), None);
}

#[tokio::test]
async fn a_foreign_layer_is_fetched_from_its_own_address_without_credentials() {
    let image = image(1000);
    let (server, elsewhere) = (FaultServer::start(), FaultServer::start());
    server.serve_image("app", "v1", &image);
    server.require("Basic dTpzZWNyZXQ=", "Basic realm=\"x\"");
    elsewhere.always("/layer", Reply::blob(&image.layers[0].blob));
    let mut settings = settings(&[&server.host(), &elsewhere.host()]);
    let credentials = registry::Credentials::basic("u", "secret");
    settings.credentials.insert(server.host().parse().unwrap(), credentials);
    let (registry, resolved) = resolve(settings, &format!("{}/app:v1", server.host())).await.unwrap();
    server.always(&blob_path(&image), Reply::error(404, "BLOB_UNKNOWN"));
    let urls = vec!["file:///etc/passwd".to_owned(), elsewhere.url("/layer")];
    let layer = LayerDescriptor { urls, ..resolved.manifest.layers[0].clone() };
    let stream = registry.fetch_layer(&resolved, &layer).await.unwrap();
    assert_eq!(read(stream).await.unwrap(), image.layers[0].blob);
    assert_eq!(elsewhere.requests_for("/layer")[0].header("authorization"), None);
    // By plain HTTP only where that host is listed.
    let unlisted =
        LayerDescriptor { urls: vec![elsewhere.url("/layer").replace("127.0.0.1", "localhost")], ..layer };
    let stream = registry.fetch_layer(&resolved, &unlisted).await.unwrap();
    assert_kind(read(stream).await, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_foreign_address_without_the_layer_does_not_outdo_a_registry_that_fails_for_now() {
    let image = image(1000);
    let (server, elsewhere) = (server(&image), FaultServer::start());
    let listed = settings(&[&server.host(), &elsewhere.host()]);
    let (registry, resolved) = resolve(listed, &format!("{}/app:v1", server.host())).await.unwrap();
    server.script(&blob_path(&image), [Reply::error(503, "LATER")]);
    let layer =
        LayerDescriptor { urls: vec![elsewhere.url("/layer")], ..resolved.manifest.layers[0].clone() };
    let stream = registry.fetch_layer(&resolved, &layer).await.unwrap();
    assert_eq!(read(stream).await.unwrap(), image.layers[0].blob);
}

#[tokio::test]
async fn nobody_is_told_to_log_in_to_a_foreign_address() {
    let image = image(1000);
    let (server, elsewhere) = (server(&image), FaultServer::start());
    let listed = settings(&[&server.host(), &elsewhere.host()]);
    let (registry, resolved) = resolve(listed, &format!("{}/app:v1", server.host())).await.unwrap();
    server.always(&blob_path(&image), Reply::error(404, "BLOB_UNKNOWN"));
    elsewhere.always("/layer", Reply::error(403, "DENIED"));
    let layer =
        LayerDescriptor { urls: vec![elsewhere.url("/layer")], ..resolved.manifest.layers[0].clone() };
    let stream = registry.fetch_layer(&resolved, &layer).await.unwrap();
    let text = assert_kind(read(stream).await, ErrorKind::ServerError);
    assert!(text.contains("no registry to log in to"), "{text}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unreachable() {
    let text = assert_kind(pull(settings(&[]), "no-such-host.invalid").await, ErrorKind::Unreachable);
    assert!(text.contains("no-such-host.invalid"), "{text}");
}
