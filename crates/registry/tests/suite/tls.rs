//! Certificates: trusted by file, by list, or not at all.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use registry::{ErrorKind, HostList, Registry, Settings};
use testkit::{FaultServer, Reply, TestCertificate};

use crate::support::{assert_kind, blob_path, image, pull, server, settings};

#[tokio::test]
async fn an_unknown_certificate_is_refused_with_advice() {
    let server = FaultServer::start_tls();
    let text = assert_kind(pull(settings(&[]), &server.host()).await, ErrorKind::Certificate);
    assert!(text.contains("--ca-file") && text.contains("--insecure-registry"), "{text}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn by_ca_file_by_list_and_by_hosts_toml() {
    let image = image(1000);
    let server = FaultServer::start_tls();
    server.serve_image("app", "v1", &image);
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    fs::write(&ca, server.ca_pem().unwrap()).unwrap();
    let certs = dir.path().join("certs.d").join(server.host());
    fs::create_dir_all(&certs).unwrap();
    fs::write(certs.join("hosts.toml"), format!("ca = \"{}\"", ca.display())).unwrap();
    let skips = dir.path().join("skips").join(server.host());
    fs::create_dir_all(&skips).unwrap();
    fs::write(skips.join("hosts.toml"), "skip_verify = true").unwrap();
    for settings in [
        Settings { ca_files: vec![ca], ..settings(&[]) },
        Settings { insecure: server.host().parse::<HostList>().unwrap(), ..settings(&[]) },
        Settings { certs_dirs: vec![dir.path().join("certs.d")], ..settings(&[]) },
        Settings { certs_dirs: vec![dir.path().join("none"), dir.path().join("skips")], ..settings(&[]) },
    ] {
        assert_eq!(pull(settings, &server.host()).await.unwrap(), image.layers[0].blob);
    }
}

/// What `openssl req -x509` makes by itself is marked as an authority's.
#[tokio::test]
async fn a_server_s_own_certificate_is_trusted_where_it_is_given_itself_also_marked_as_an_authority() {
    let image = image(1000);
    let here = ["localhost", "127.0.0.1", "::1"];
    let server = FaultServer::start_tls_with(TestCertificate::of_authority(&here));
    server.serve_image("app", "v1", &image);
    let dir = tempfile::tempdir().unwrap();
    let given = |name: &str, pem: String| {
        let file = dir.path().join(name);
        fs::write(&file, pem).unwrap();
        Settings { ca_files: vec![file], ..settings(&[]) }
    };
    let itself = given("itself.pem", server.ca_pem().unwrap());
    let certs = dir.path().join("certs.d").join(server.host());
    fs::create_dir_all(&certs).unwrap();
    fs::write(certs.join("hosts.toml"), "ca = \"../../itself.pem\"").unwrap();
    let by_list = Settings { certs_dirs: vec![dir.path().join("certs.d")], ..settings(&[]) };
    for settings in [itself, by_list] {
        assert_eq!(pull(settings, &server.host()).await.unwrap(), image.layers[0].blob);
    }
    // Another one of the same names is not the one that was given.
    let other = given("other.pem", TestCertificate::of_authority(&here).certificate_pem());
    assert_kind(pull(other, &server.host()).await, ErrorKind::Certificate);
}

#[tokio::test]
async fn a_server_s_own_certificate_is_still_for_its_names_and_its_time() {
    let image = image(1000);
    let dir = tempfile::tempdir().unwrap();
    for (certificate, why) in [
        (TestCertificate::of_authority(&["registry.example"]), "not valid for name"),
        (TestCertificate::of_former_authority(), "expired"),
    ] {
        let server = FaultServer::start_tls_with(certificate);
        server.serve_image("app", "v1", &image);
        let file = dir.path().join("ca.pem");
        fs::write(&file, server.ca_pem().unwrap()).unwrap();
        let given = Settings { ca_files: vec![file], ..settings(&[]) };
        let text = assert_kind(pull(given, &server.host()).await, ErrorKind::Certificate);
        assert!(text.contains(why), "{text}");
    }
}

#[tokio::test]
async fn an_insecure_listing_does_not_reach_where_it_redirects_to() {
    let image = image(1000);
    let (server, store) = (FaultServer::start_tls(), FaultServer::start_tls());
    server.serve_image("app", "v1", &image);
    server.always(&blob_path(&image), Reply::redirect(307, &store.url("/b?sig=private")));
    store.always("/b", Reply::blob(&image.layers[0].blob));
    let listed = Settings { insecure: server.host().parse().unwrap(), ..settings(&[]) };
    let text = assert_kind(pull(listed.clone(), &server.host()).await, ErrorKind::Certificate);
    assert!(text.contains(&store.host()) && !text.contains("private"), "{text}");
    let both =
        Settings { insecure: format!("{},{}", server.host(), store.host()).parse().unwrap(), ..listed };
    assert_eq!(pull(both, &server.host()).await.unwrap(), image.layers[0].blob);
}

#[tokio::test]
async fn a_plain_http_server_is_told_apart() {
    let server = server(&image(10));
    let text = assert_kind(pull(settings(&[]), &server.host()).await, ErrorKind::PlainHttpExpected);
    assert!(text.contains("--plain-http") && text.contains(&server.host()), "{text}");
}

/// A server that sends these bytes to whoever connects, and closes.
fn blunt(answer: &'static [u8]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        }
    });
    (host, connections)
}

#[tokio::test]
async fn a_tls_server_asked_by_plain_http_is_told_apart() {
    let server = FaultServer::start_tls();
    let text = assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::TlsExpected);
    assert!(text.contains("--plain-http"), "{text}");
    let nginx = "<center>The plain HTTP request was sent to HTTPS port</center>";
    let plain = FaultServer::start();
    plain.always("/v2/app/manifests/v1", Reply::new(400, "text/html", nginx));
    assert_kind(pull(settings(&[&plain.host()]), &plain.host()).await, ErrorKind::TlsExpected);
    // Some just close, which may be anything else as well.
    let (host, connections) = blunt(b"");
    let mut settings = settings(&[&host]);
    (settings.retry.attempts, settings.retry.connect_attempts) = (9, 2);
    let text = assert_kind(pull(settings, &host).await, ErrorKind::Cut);
    assert!(text.contains("--plain-http"), "{text}");
    // The client itself tries once more where a connection breaks before an answer.
    assert!(connections.load(Ordering::SeqCst) <= 4);
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_is_asked_once() {
    // TLS alerts: handshake failure, certificate required.
    for alert in [b"\x15\x03\x03\x00\x02\x02\x28", b"\x15\x03\x03\x00\x02\x02\x74"] {
        let (host, connections) = blunt(alert);
        let text = assert_kind(pull(settings(&[]), &host).await, ErrorKind::ClientCertificate);
        assert!(text.contains("`client`"), "{text}");
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn a_ca_file_without_a_certificate_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    fs::write(&file, "hello").unwrap();
    let result = Registry::new(Settings { ca_files: vec![file.clone()], ..settings(&[]) });
    assert!(assert_kind(result, ErrorKind::Settings).contains("ca.pem"));
    fs::remove_file(&file).unwrap();
    let result = Registry::new(Settings { ca_files: vec![file], ..settings(&[]) });
    let text = assert_kind(result, ErrorKind::Settings);
    assert!(text.contains("ca.pem is not usable: it does not exist"), "{text}");
}
