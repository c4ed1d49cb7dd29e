//! The server loop: its bounds, its listeners, its end.

use std::path::Path;
use std::time::Duration;

use api::serve::{Drained, Listener, ServeLimits, TlsIdentity, serve};
use client::{Client, HttpTransport, Trust};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use wire::ProblemKind;

use crate::double::WAITS;
use crate::harness::{Harness, cache};

fn quick() -> ServeLimits {
    ServeLimits { header_timeout: Duration::from_millis(50), ..ServeLimits::default() }
}

/// Serves on that listener while the asking lasts.
async fn while_serving<T>(
    harness: &Harness,
    listener: Listener,
    limits: ServeLimits,
    asking: impl Future<Output = T>,
) -> (Drained, T) {
    let serving = serve(harness.strangers(), &harness.edge, vec![listener], limits);
    let asking = async {
        let asked = asking.await;
        harness.stop.cancel();
        asked
    };
    tokio::join!(serving, asking)
}

async fn loopback() -> (Listener, std::net::SocketAddr) {
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    let address = listener.address().unwrap();
    (listener, address)
}

#[tokio::test]
async fn whoever_comes_by_tcp_needs_a_token() {
    let harness = Harness::new();
    let (listener, address) = loopback().await;
    let asking = async {
        let url = format!("http://{address}").parse().unwrap();
        let client = Client::new(HttpTransport::tcp(url, &Trust::default()).unwrap());
        client.health().await.unwrap();
        client.usage().await.unwrap_err().problem_kind()
    };
    let (_, kind) = while_serving(&harness, listener, ServeLimits::default(), asking).await;
    assert_eq!(kind, Some(ProblemKind::Unauthorized));
}

#[tokio::test]
async fn slow_and_silent_clients_are_given_up() {
    let harness = Harness::new();
    let (listener, address) = loopback().await;
    let asking = async {
        for begun in ["", "GET /heal", "GET /healthz HTTP/1.1\r\nhost: a\r\nx-b"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            // Returns when the server closes, which it does of its own.
            let _ = stream.read_to_end(&mut answer).await;
            assert!(!answer.starts_with(b"HTTP/1.1 2"), "{answer:?}");
        }
        // One that is idle behind an answer as well.
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    };
    while_serving(&harness, listener, quick(), asking).await;
}

#[tokio::test]
async fn bytes_that_are_no_http_harm_nobody() {
    let harness = Harness::new();
    let (listener, address) = loopback().await;
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200));
    let asking = async {
        for bytes in [
            &b"\x16\x03\x01\x02\x00"[..],
            b"\0\0\0\0\r\n\r\n",
            b"GET\r\n\r\n",
            long.as_bytes(),
            many.as_bytes(),
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _ = stream.write_all(bytes).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            let text = String::from_utf8_lossy(&answer);
            assert!(answer.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
        }
        let url = format!("http://{address}").parse().unwrap();
        let client = Client::new(HttpTransport::tcp(url, &Trust::default()).unwrap());
        client.health().await.unwrap();
    };
    while_serving(&harness, listener, quick(), asking).await;
}

#[tokio::test]
async fn further_connections_wait_for_room() {
    let harness = Harness::new();
    let (listener, address) = loopback().await;
    let limits = ServeLimits { max_connections: 1, ..quick() };
    let asking = async {
        // Takes the only place until it is given up.
        let _silent = TcpStream::connect(address).await.unwrap();
        let url = format!("http://{address}").parse().unwrap();
        let client = Client::new(HttpTransport::tcp(url, &Trust::default()).unwrap());
        client.health().await.unwrap();
    };
    while_serving(&harness, listener, limits, asking).await;
}

#[tokio::test]
async fn what_is_begun_is_finished_before_the_end() {
    let harness = Harness::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("imc.sock");
    let listener = Listener::unix(&path).unwrap();
    let serving = serve(harness.strangers(), &harness.edge, vec![listener], ServeLimits::default());
    let client = Client::new(HttpTransport::unix(&path).unwrap());
    let waiting = cache(WAITS);
    let asking = client.create_cache(&waiting);
    let stopping = async {
        until_in_flight(&harness, 2).await;
        harness.stop.cancel();
        harness.double.go_on.notify_one();
    };
    let (drained, made, ()) = tokio::join!(serving, asking, stopping);
    assert!(drained.in_time);
    assert_eq!(made.unwrap().name.as_str(), WAITS);
}

/// Returns when so many requests are at work, this one of the metrics counted.
async fn until_in_flight(harness: &Harness, count: usize) {
    let line = format!("imc_http_requests_in_flight {count}");
    while !harness.client().metrics().await.unwrap().contains(&line) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_request_whose_client_went_away_is_carried_out() {
    let harness = Harness::new();
    let client = harness.client();
    let waiting = cache(WAITS);
    {
        let asking = client.create_cache(&waiting);
        tokio::select! {
            biased;
            _ = asking => panic!("it waits"),
            () = tokio::task::yield_now() => {}
        }
    }
    harness.double.go_on.notify_one();
    harness.edge.finish_actions().await;
    assert_eq!(harness.double.names(), [WAITS]);
}

#[tokio::test]
async fn what_does_not_end_is_cut_at_the_deadline() {
    let harness = Harness::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("imc.sock");
    let listener = Listener::unix(&path).unwrap();
    let limits = ServeLimits { shutdown_deadline: Duration::from_millis(1), ..ServeLimits::default() };
    let serving = serve(harness.strangers(), &harness.edge, vec![listener], limits);
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let asking = async {
        let head = "POST /v1/caches HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        until_in_flight(&harness, 2).await;
        harness.stop.cancel();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    let (drained, answer) = tokio::join!(serving, asking);
    assert!(!drained.in_time && answer.is_empty());
}

fn certificate(dir: &Path) -> (TlsIdentity, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (TlsIdentity::load(&cert, &key).unwrap(), made.cert.pem().into_bytes())
}

#[tokio::test]
async fn tls_with_a_certificate_of_ones_own() {
    let harness = Harness::new();
    let dir = tempfile::tempdir().unwrap();
    let (identity, pem) = certificate(dir.path());
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap(), Some(identity)).await.unwrap();
    let port = listener.address().unwrap().port();
    let asking = async {
        let url: url::Url = format!("https://localhost:{port}").parse().unwrap();
        let trust = Trust { ca_pem: vec![pem] };
        let client = Client::new(HttpTransport::tcp(url.clone(), &trust).unwrap());
        client.health().await.unwrap();
        let distrustful = Client::new(HttpTransport::tcp(url, &Trust::default()).unwrap());
        let refused = distrustful.health().await.unwrap_err();
        assert!(matches!(refused, client::Error::Untrusted { .. }), "{refused:?}");
        // One that speaks no TLS, and one that says nothing.
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    };
    while_serving(&harness, listener, quick(), asking).await;
}

#[tokio::test]
async fn a_key_that_does_not_fit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(dir.path().join("key.pem"), other.signing_key.serialize_pem()).unwrap();
    let load = |cert: &str| TlsIdentity::load(&dir.path().join(cert), &dir.path().join("key.pem"));
    assert!(matches!(load("cert.pem"), Err(api::serve::ServeError::Certificate { .. })));
    assert!(matches!(load("nothing.pem"), Err(api::serve::ServeError::ReadPem { .. })));
}
