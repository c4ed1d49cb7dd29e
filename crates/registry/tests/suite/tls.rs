//! Certificates: trusted by file, by list, or not at all.

use std::fs;

use registry::{ErrorKind, HostList, Registry, Settings};
use testkit::{FaultServer, Reply};

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
