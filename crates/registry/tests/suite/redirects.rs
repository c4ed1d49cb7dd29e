//! Redirects: how far, where to, and what the messages keep to themselves.

use registry::{ErrorKind, Settings};
use testkit::{FaultServer, Reply};

use crate::support::{assert_kind, blob_path, image, in_parts, pull, server, settings};

#[tokio::test]
async fn circles_and_endless_chains_end() {
    let image = image(1000);
    let server = server(&image);
    let path = blob_path(&image);
    server.always(&path, Reply::redirect(302, &path));
    assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::TooManyRedirects);
    server.always(&path, Reply::redirect(302, "/hop/0"));
    for hop in 0..20 {
        server.always(&format!("/hop/{hop}"), Reply::redirect(302, &format!("/hop/{}", hop + 1)));
    }
    let text =
        assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::TooManyRedirects);
    assert!(text.contains("more than 10"), "{text}");
    assert!(server.requests_for("/hop/9").len() == 1 && server.requests_for("/hop/10").is_empty());
}

#[tokio::test]
async fn ten_are_followed() {
    let image = image(1000);
    let server = server(&image);
    server.always(&blob_path(&image), Reply::redirect(301, "/hop/1"));
    for hop in 1..10 {
        server.always(&format!("/hop/{hop}"), Reply::redirect(308, &format!("/hop/{}", hop + 1)));
    }
    server.always("/hop/10", Reply::blob(&image.layers[0].blob));
    assert_eq!(pull(settings(&[&server.host()]), &server.host()).await.unwrap(), image.layers[0].blob);
}

#[tokio::test]
async fn locations_that_lead_nowhere() {
    let image = image(1000);
    for location in ["file:///etc/passwd", "ftp://x/", "http://", "\u{1}"] {
        let server = server(&image);
        server.always(&blob_path(&image), Reply::redirect(302, location));
        assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::Malformed);
    }
    let server = server(&image);
    server.always(&blob_path(&image), Reply::new(302, "text/plain", ""));
    assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::Malformed);
}

#[tokio::test]
async fn user_and_password_of_a_location_are_not_sent() {
    let image = image(1000);
    let (server, store) = (server(&image), FaultServer::start());
    let location = store.url("/b").replace("http://", "http://user:pw@");
    server.always(&blob_path(&image), Reply::redirect(302, &location));
    store.always("/b", Reply::blob(&image.layers[0].blob));
    pull(settings(&[&server.host()]), &server.host()).await.unwrap();
    assert_eq!(store.requests_for("/b")[0].header("authorization"), None);
}

#[tokio::test]
async fn a_registry_with_tls_does_not_lead_to_plain_http_that_is_not_listed() {
    let image = image(1000);
    let manifest = "/v2/app/manifests/v1".to_owned();
    for path in [manifest, blob_path(&image)] {
        let (server, store) = (FaultServer::start_tls(), server(&image));
        server.serve_image("app", "v1", &image);
        server.always(&path, Reply::redirect(307, &store.url(&format!("{path}?sig=private"))));
        let trusting =
            |plain: &[&str]| Settings { insecure: server.host().parse().unwrap(), ..settings(plain) };
        let text = assert_kind(pull(trusting(&[]), &server.host()).await, ErrorKind::PlainHttpExpected);
        assert!(text.contains(&store.host()) && !text.contains("private"), "{text}");
        assert!(store.requests().is_empty());
        let listed = pull(trusting(&[&store.host()]), &server.host()).await.unwrap();
        assert_eq!(listed, image.layers[0].blob);
    }
}

#[tokio::test]
async fn messages_show_no_query() {
    let image = image(1000);
    let (server, mut store) = (server(&image), FaultServer::start());
    server.always(&blob_path(&image), Reply::redirect(302, &store.url("/b?X-Signature=private")));
    store.always("/b", Reply::error(403, "EXPIRED"));
    let text = assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::ServerError);
    assert!(!text.contains("private"), "{text}");
    store.stop();
    let text = assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::Unreachable);
    assert!(!text.contains("private") && text.contains(&store.host()), "{text}");
}

#[tokio::test]
async fn parts_go_straight_to_where_the_first_was_redirected() {
    let image = image(200 << 10);
    let (server, store) = (server(&image), FaultServer::start());
    server.always(&blob_path(&image), Reply::redirect(307, &store.url("/signed?s=1")));
    store.always("/signed", Reply::blob(&image.layers[0].blob));
    let bytes = pull(in_parts(settings(&[&server.host()])), &server.host()).await.unwrap();
    assert_eq!(bytes, image.layers[0].blob);
    let parts = store.requests_for("/signed").len();
    assert_eq!(parts, image.layers[0].blob.len().div_ceil(16 << 10));
    // At most the window's first ones had to ask.
    assert!(server.requests_for(&blob_path(&image)).len() <= 3);
}

#[tokio::test]
async fn an_expired_address_is_asked_for_anew() {
    let image = image(200 << 10);
    let (server, store) = (server(&image), FaultServer::start());
    server.script(&blob_path(&image), [Reply::redirect(307, &store.url("/old"))]);
    server.always(&blob_path(&image), Reply::redirect(307, &store.url("/new")));
    store.script("/old", [Reply::blob(&image.layers[0].blob).cut_after(50_000)]);
    store.always("/old", Reply::error(403, "EXPIRED"));
    store.always("/new", Reply::blob(&image.layers[0].blob));
    assert_eq!(pull(settings(&[&server.host()]), &server.host()).await.unwrap(), image.layers[0].blob);
    assert_eq!(store.requests_for("/new")[0].range().map(|(first, _)| first), Some(50_000));
}
