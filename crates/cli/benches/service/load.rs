//! Requests over connections that stay open, one after the other on each.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::records::Images;
use super::server::Server;
use super::signed;

/// A request, whole but for who asks.
pub enum Request {
    /// Of the native API: its line and its body.
    Native(String, String),
    /// Of Alibaba's API, signed: operation, query, and the number that makes it one of a kind.
    Alibaba(&'static str, &'static str, u64),
    /// Of Tencent's API, signed: operation and body.
    Tencent(&'static str, String),
}

impl Request {
    fn getting(path: &str) -> Self {
        Self::Native(format!("GET {path}"), String::new())
    }

    /// What the server, the connections and this program take where nothing is looked up.
    pub fn nothing() -> Self {
        Self::getting("/healthz")
    }

    pub fn describing(query: &str) -> Self {
        Self::getting(&format!("/v1/caches?{query}"))
    }

    pub fn showing(name: &str) -> Self {
        // By name the newest usable one is meant.
        Self::getting(&format!("/v1/caches/{name}"))
    }

    /// Images that no registry is asked about.
    pub fn matching(number: u64, kind: Images) -> Self {
        // Of some thousand caches.
        let cache = number * 37 % 100_003;
        let images: Vec<String> = (0..3).map(|place| format!("{:?}", kind.image(cache, place))).collect();
        let body = format!(r#"{{"images": [{}], "by_name_only": true}}"#, images.join(", "));
        Self::Native("POST /v1/matches".to_owned(), body)
    }

    /// Its build fails at once: what is measured is the answer.
    pub fn creating(number: u64) -> Self {
        let body = format!(r#"{{"name": "new-{number}", "images": ["oci:/nowhere:v{number}"]}}"#);
        Self::Native("POST /v1/caches".to_owned(), body)
    }

    pub fn alibaba(number: u64) -> Self {
        Self::Alibaba("DescribeImageCaches", "Limit=20&RegionId=cn-hangzhou", number)
    }

    pub fn tencent(offset: u64) -> Self {
        Self::Tencent("DescribeImageCaches", format!(r#"{{"Limit": 20, "Offset": {offset}}}"#))
    }

    fn text(&self, server: &Server) -> String {
        match self {
            Self::Native(line, body) => format!(
                "{line} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\n\r\n{body}",
                server.address,
                server.token,
                body.len()
            ),
            Self::Alibaba(action, query, number) => signed::alibaba(server, action, query, *number),
            Self::Tencent(action, body) => signed::tencent(server, action, body),
        }
    }
}

/// How a refusal of Tencent's begins, whose status is always 200.
const REFUSED_BY_TENCENT: &[u8] = br#"{"Response":{"Error""#;

/// What came of a load.
pub struct Load {
    pub requests: usize,
    pub latencies: Vec<Duration>,
}

/// One request.
pub fn once(server: &Server, request: &Request) {
    Connection::open(server).ask(&request.text(server));
}

/// As many requests as are answered in that time, the numbered ones in turn.
pub fn run(
    server: &Server,
    connections: usize,
    time: Duration,
    make: impl Fn(u64) -> Request + Sync,
) -> Load {
    let number = AtomicU64::new(0);
    let until = Instant::now() + time;
    let latencies: Vec<Duration> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = Connection::open(server);
                    let mut latencies = Vec::new();
                    while Instant::now() < until {
                        let text = make(number.fetch_add(1, Ordering::Relaxed)).text(server);
                        let begun = Instant::now();
                        connection.ask(&text);
                        latencies.push(begun.elapsed());
                    }
                    latencies
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    Load { requests: latencies.len(), latencies }
}

struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(&server.address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::with_capacity(1 << 18, stream) }
    }

    /// Anything but success ends the benchmark: no number is better than a wrong one.
    fn ask(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let status = line.trim().to_owned();
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        let is_refused = !status.contains(" 2") || body.starts_with(REFUSED_BY_TENCENT);
        assert!(!is_refused, "{status}: {}", String::from_utf8_lossy(&body));
    }
}
