//! The lying server lies exactly as told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::{Read, Write};
use std::net::TcpStream;

use testkit::{Compression, FaultServer, ImageBuilder, LayerBuilder, Reply};

/// Sends one request and reads until the server closes: `Connection: close` is not obeyed, so the client half-closes.
fn ask(server: &FaultServer, method: &str, path: &str, headers: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(server.host()).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let body = answer.split_off(end);
    (String::from_utf8(answer).unwrap(), body)
}

#[test]
fn a_script_is_used_up_in_order() {
    let server = FaultServer::start();
    server.script("/a", [Reply::error(503, "UNAVAILABLE"), Reply::too_many_requests(2)]);
    server.always("/a", Reply::json("{}"));
    let statuses: Vec<String> = (0..4).map(|_| ask(&server, "GET", "/a?x=1", "").0).collect();
    assert!(statuses[0].starts_with("HTTP/1.1 503"));
    assert!(statuses[1].starts_with("HTTP/1.1 429") && statuses[1].contains("retry-after: 2\r\n"));
    assert!(statuses[2].starts_with("HTTP/1.1 200") && statuses[3].starts_with("HTTP/1.1 200"));
    assert!(ask(&server, "GET", "/other", "").0.starts_with("HTTP/1.1 404"));
    let asked = server.requests_for("/a");
    assert_eq!((asked.len(), asked[0].query.as_str()), (4, "x=1"));
}

#[test]
fn bodies_are_cut_stretched_and_ranged() {
    let server = FaultServer::start();
    server.script(
        "/b",
        [
            Reply::blob(b"0123456789").cut_after(4),
            Reply::blob(b"0123456789").lying_length(20),
            Reply::blob(b"0123456789").without_ranges(),
            Reply::blob(b"0123456789"),
            Reply::blob(b"0123456789").lying_range(0),
            Reply::blob(b"0123456789"),
            Reply::blob(b"0123456789").chunked(),
        ],
    );
    let (head, body) = ask(&server, "GET", "/b", "");
    assert!(head.contains("content-length: 10\r\n"));
    assert_eq!(body, b"0123");
    let (head, body) = ask(&server, "GET", "/b", "");
    assert!(head.contains("content-length: 20\r\n"));
    assert_eq!(body, b"0123456789");
    let (head, body) = ask(&server, "GET", "/b", "range: bytes=3-4\r\n");
    assert!(head.starts_with("HTTP/1.1 200"));
    assert_eq!(body, b"0123456789");
    let (head, body) = ask(&server, "GET", "/b", "range: bytes=3-4\r\n");
    assert!(head.starts_with("HTTP/1.1 206") && head.contains("content-range: bytes 3-4/10\r\n"));
    assert_eq!(body, b"34");
    let (head, body) = ask(&server, "GET", "/b", "range: bytes=7-\r\n");
    assert!(head.contains("content-range: bytes 0-9/10\r\n"));
    assert_eq!(body, b"789");
    assert!(ask(&server, "GET", "/b", "range: bytes=10-\r\n").0.starts_with("HTTP/1.1 416"));
    let (head, body) = ask(&server, "GET", "/b", "");
    assert!(head.contains("transfer-encoding: chunked"));
    assert_eq!(body, b"a\r\n0123456789\r\n0\r\n\r\n");
}

#[test]
fn a_held_reply_waits_until_it_is_released() {
    let server = FaultServer::start();
    server.always("/c", Reply::json("{}").held());
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..3).map(|_| scope.spawn(|| ask(&server, "GET", "/c", ""))).collect();
        server.wait_for_requests("/c", 3);
        assert_eq!(server.peak_requests(), 3);
        server.release();
        for client in clients {
            assert!(client.join().unwrap().0.starts_with("HTTP/1.1 200"));
        }
    });
}

#[test]
fn a_hang_ends_with_the_server() {
    let mut server = FaultServer::start();
    server.always("/d", Reply::blob(b"0123456789").hang_after(2));
    let mut stream = TcpStream::connect(server.host()).unwrap();
    stream.write_all(b"GET /d HTTP/1.1\r\n\r\n").unwrap();
    server.wait_for_requests("/d", 1);
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n01") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend_from_slice(&byte);
    }
    server.stop();
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest));
    assert!(rest.is_empty(), "{rest:?}");
    assert!(TcpStream::connect(server.host()).is_err());
}

#[test]
fn a_demand_for_credentials_is_for_the_registry_alone() {
    let server = FaultServer::start();
    let layer = LayerBuilder::new().file("a", "b").build(Compression::Gzip);
    let image = ImageBuilder::new().layer(layer).build();
    server.serve_image("app", "1", &image);
    server.always("/token", Reply::json("{}"));
    server.require("Bearer abc", "Bearer realm=\"x\"");
    let (head, _) = ask(&server, "GET", "/v2/app/manifests/1", "");
    assert!(head.starts_with("HTTP/1.1 401") && head.contains("www-authenticate: Bearer realm=\"x\"\r\n"));
    let (head, body) = ask(&server, "GET", "/v2/app/manifests/1", "authorization: Bearer abc\r\n");
    assert!(head.starts_with("HTTP/1.1 200"));
    assert_eq!(body, image.manifest);
    assert!(ask(&server, "GET", "/token", "").0.starts_with("HTTP/1.1 200"));
    let (head, body) = ask(&server, "HEAD", "/v2/app/manifests/1", "authorization: Bearer abc\r\n");
    assert!(head.contains(&format!("content-length: {}\r\n", image.manifest.len())) && body.is_empty());
}
