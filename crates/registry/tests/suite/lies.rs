//! Registries that lie end in a named error.

use std::time::Duration;

use registry::{ErrorKind, Settings, Timeouts};
use testkit::{FaultServer, Reply};

use crate::support::{assert_kind, blob_path, image, pull, resolve, server, settings};

#[tokio::test]
async fn layers_of_another_length() {
    let image = image(50_000);
    let blob = &image.layers[0].blob;
    let longer: Vec<u8> = blob.iter().chain(b"more").copied().collect();
    for reply in [
        Reply::blob(&blob[..40_000]),
        Reply::blob(&longer),
        Reply::blob(&longer).chunked(),
        Reply::blob(&blob[..40_000]).chunked(),
        Reply::blob(&blob[..40_000]).chunked().without_ranges(),
        Reply::blob(""),
        Reply::blob("").chunked(),
    ] {
        let server = server(&image);
        server.always(&blob_path(&image), reply.clone());
        let text =
            assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::WrongLength);
        assert!(text.contains(&image.layers[0].digest) && text.contains(&server.host()), "{text}");
    }
}

#[tokio::test]
async fn a_length_that_the_body_does_not_keep() {
    let image = image(50_000);
    let blob = &image.layers[0].blob;
    let server = server(&image);
    // Says the right length, sends less, closes; again and again.
    server.always(
        &blob_path(&image),
        Reply::blob(&blob[..40_000]).lying_length(blob.len() as u64).without_ranges(),
    );
    let error = pull(settings(&[&server.host()]), &server.host()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Cut | ErrorKind::WrongLength), "{error:?}");
}

#[tokio::test]
async fn documents_of_another_digest_or_length() {
    let image = image(100);
    let server = server(&image);
    let mut other = image.config.clone();
    *other.last_mut().unwrap() = b' ';
    server.always(&format!("/v2/app/blobs/{}", image.config_digest()), Reply::blob(&other));
    assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::WrongDigest);
    server.always(&format!("/v2/app/blobs/{}", image.config_digest()), Reply::blob(&other[1..]));
    assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::WrongLength);
    let by_digest = format!("{}/app@{}", server.host(), image.digest());
    let mut manifest = image.manifest.clone();
    manifest.push(b'\n');
    server.always(
        &format!("/v2/app/manifests/{}", image.digest()),
        Reply::new(200, image.manifest_type(), manifest),
    );
    assert_kind(resolve(settings(&[&server.host()]), &by_digest).await, ErrorKind::WrongDigest);
}

#[tokio::test]
async fn a_digest_header_that_is_not_that_of_the_body() {
    let image = image(100);
    let server = server(&image);
    let reply = Reply::new(200, image.manifest_type(), &image.manifest)
        .header("docker-content-digest", &image.config_digest());
    server.always("/v2/app/manifests/v1", reply);
    assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::WrongDigest);
}

#[tokio::test]
async fn web_pages() {
    let image = image(5000);
    let manifest = "/v2/app/manifests/v1".to_owned();
    let config = format!("/v2/app/blobs/{}", image.config_digest());
    for path in [manifest.clone(), config, blob_path(&image)] {
        let server = server(&image);
        server.always(&path, Reply::html(200));
        let text = assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::Malformed);
        assert!(text.contains("web page"), "{text}");
    }
    let server = server(&image);
    server.always(&manifest, Reply::json("<html></html>"));
    let text = assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::Malformed);
    assert!(text.contains("web page"), "{text}");
}

#[tokio::test]
async fn statuses_have_their_names() {
    for (reply, kind, requests) in [
        (Reply::error(404, "MANIFEST_UNKNOWN"), ErrorKind::NotFound, 1),
        (Reply::error(403, "DENIED"), ErrorKind::Forbidden, 1),
        (Reply::error(400, "TAG_INVALID"), ErrorKind::ServerError, 1),
        (Reply::error(418, "TEAPOT"), ErrorKind::ServerError, 1),
        (Reply::error(500, "UNKNOWN"), ErrorKind::ServerError, 3),
        (Reply::html(502), ErrorKind::ServerError, 3),
        (Reply::too_many_requests(0), ErrorKind::RateLimited, 3),
        (Reply::too_many_requests(100_000), ErrorKind::RateLimited, 1),
        (Reply::error(200, "NONE"), ErrorKind::Malformed, 1),
    ] {
        let server = server(&image(10));
        server.always("/v2/app/manifests/v1", reply);
        let text = assert_kind(pull(settings(&[&server.host()]), &server.host()).await, kind);
        assert!(text.contains(&server.host()) && text.contains("app"), "{text}");
        assert_eq!(server.requests_for("/v2/app/manifests/v1").len(), requests, "{text}");
    }
}

#[tokio::test]
async fn passing_failures_are_survived() {
    let image = image(5000);
    let server = server(&image);
    server.script("/v2/app/manifests/v1", [Reply::error(503, "X"), Reply::too_many_requests(0)]);
    server.script(&blob_path(&image), [Reply::error(500, "X"), Reply::blob("").hang()]);
    assert_eq!(pull(settings(&[&server.host()]), &server.host()).await.unwrap(), image.layers[0].blob);
}

#[tokio::test]
async fn the_registrys_own_words_are_shown_short_and_clean() {
    let server = server(&image(10));
    let said = serde_json::json!({"errors": [{"code": "BAD", "message": format!("\u{1b}[31m{}", "x".repeat(5000))}]});
    server.always("/v2/app/manifests/v1", Reply::new(422, "application/json", said.to_string()));
    let text = assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::ServerError);
    assert!(text.contains("BAD: [31mxx") && !text.contains('\u{1b}') && text.len() < 600, "{text}");
}

#[tokio::test]
async fn silence_is_a_hang() {
    let image = image(50_000);
    let blob = &image.layers[0].blob;
    let manifest = Reply::new(200, image.manifest_type(), &image.manifest);
    for (path, reply) in [
        ("/v2/app/manifests/v1".to_owned(), manifest.clone().hang()),
        ("/v2/app/manifests/v1".to_owned(), manifest.hang_after(10)),
        (blob_path(&image), Reply::blob(blob).hang()),
        (blob_path(&image), Reply::blob(blob).hang_after(0)),
    ] {
        let server = server(&image);
        server.always(&path, reply);
        let mut settings = settings(&[&server.host()]);
        settings.timeouts.idle = Duration::from_millis(50);
        let text = assert_kind(pull(settings, &server.host()).await, ErrorKind::Hang);
        assert!(text.contains("silent"), "{text}");
    }
}

#[tokio::test]
async fn a_hang_in_the_middle_is_resumed() {
    let image = image(50_000);
    let server = server(&image);
    server.script(&blob_path(&image), [Reply::blob(&image.layers[0].blob).hang_after(30_000)]);
    let mut settings = settings(&[&server.host()]);
    settings.timeouts.idle = Duration::from_millis(100);
    assert_eq!(pull(settings, &server.host()).await.unwrap(), image.layers[0].blob);
    let asked = server.requests_for(&blob_path(&image));
    assert_eq!(asked[1].range().map(|(first, _)| first), Some(30_000));
}

#[tokio::test]
async fn a_document_may_not_trickle_for_ever() {
    let server = server(&image(10));
    server.always("/v2/app/manifests/v1", Reply::json("{").held());
    let settings = settings(&[&server.host()]);
    let timeouts =
        Timeouts { idle: Duration::from_secs(60), document: Duration::from_millis(50), ..settings.timeouts };
    assert_kind(pull(Settings { timeouts, ..settings }, &server.host()).await, ErrorKind::Hang);
}

#[tokio::test]
async fn nobody_there() {
    let mut server = FaultServer::start();
    let host = server.host();
    server.stop();
    let text = assert_kind(pull(settings(&[&host]), &host).await, ErrorKind::Unreachable);
    assert!(text.contains(&host), "{text}");
}

#[tokio::test]
async fn documents_are_bounded() {
    let image = image(10);
    let server = server(&image);
    for reply in [Reply::json(vec![b' '; 5 << 20]), Reply::json(vec![b' '; 5 << 20]).chunked()] {
        server.always("/v2/app/manifests/v1", reply);
        let text = assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::Malformed);
        assert!(text.contains("over the limit of 4194304 bytes"), "{text}");
    }
}

#[tokio::test]
async fn an_encoding_that_was_not_asked_for() {
    let image = image(1000);
    let server = server(&image);
    server.always(&blob_path(&image), Reply::blob(&image.layers[0].blob).header("content-encoding", "gzip"));
    assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::Malformed);
    let asked = server.requests_for(&blob_path(&image));
    assert_eq!(asked[0].header("accept-encoding"), Some("identity"));
}
