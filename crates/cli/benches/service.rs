//! What a server with 100,000 caches of five images each takes: until it is ready, until it has answered its first match,
//! what describing, creating and matching take, signed calls of both clouds' APIs among it, and its memory at rest. What is to
//! be reached stands beside it. This program and the server share the machine's processors.
//!
//! ```text
//! cargo bench -p cli --bench service [-- --caches 100000 --seconds 10 --only describe]
//! IMC_BIN=/usr/bin/imc cargo bench -p cli --bench service     # of another build
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark prints, and ends where something fails"
)]

#[path = "service/load.rs"]
mod load;
#[path = "service/records.rs"]
mod records;
#[path = "service/server.rs"]
mod server;
#[path = "service/signed.rs"]
mod signed;

use std::time::{Duration, Instant};

use load::{Load, Request};
use server::Server;

/// Connections at once.
const CONNECTIONS: usize = 4;

/// What is measured.
struct Kind {
    name: &'static str,
    /// The request of a number.
    make: fn(u64) -> Request,
    /// To be reached: the most milliseconds of all but one in a hundred.
    p99: Option<f64>,
    /// To be reached: the least requests a second.
    rate: Option<f64>,
}

impl Kind {
    const fn of(name: &'static str, make: fn(u64) -> Request) -> Self {
        Self { name, make, p99: None, rate: None }
    }

    const fn within(name: &'static str, p99: f64, make: fn(u64) -> Request) -> Self {
        Self { p99: Some(p99), ..Self::of(name, make) }
    }

    fn reach(&self) -> String {
        let p99 = self.p99.map(|most| format!("p99 {most:.0} ms"));
        let rate = self.rate.map(|least| format!("{least:.0} a second"));
        [p99, rate].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

const KINDS: [Kind; 11] = [
    Kind::of("nothing (/healthz)", |_| Request::nothing()),
    Kind::within("describe, 50 a page", 20.0, |_| Request::describing("limit=50")),
    Kind::within("describe, by name", 20.0, |number| {
        Request::describing(&format!("name=web-{}", number % 5000))
    }),
    Kind::within("describe, by state", 20.0, |_| Request::describing("state=Failed&limit=50")),
    Kind { rate: Some(1000.0), ..Kind::within("Alibaba's describe, 20", 20.0, Request::alibaba) },
    Kind::of("Tencent's describe, 20", |_| Request::tencent(0)),
    Kind::of("the same far behind", |number| Request::tencent(80_000 + number % 10_000)),
    Kind::of("one cache", |number| Request::showing(&format!("web-{}", number % 5000))),
    Kind::of("match", Request::matching),
    Kind::within("create", 20.0, Request::creating),
    Kind::within("describe after that", 20.0, |_| Request::describing("limit=50&order=newest-first")),
];

struct Wanted {
    caches: u32,
    seconds: u64,
    /// Only what has this in its name.
    only: String,
}

impl Wanted {
    /// Of the command line. Cargo says `--bench`, too.
    fn read() -> Self {
        let mut wanted = Self { caches: 100_000, seconds: 10, only: String::new() };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let number =
                |words: &mut dyn Iterator<Item = String>| words.next().unwrap().parse::<u32>().unwrap();
            match word.as_str() {
                "--caches" => wanted.caches = number(&mut words),
                "--seconds" => wanted.seconds = u64::from(number(&mut words)),
                "--only" => wanted.only = words.next().unwrap(),
                _ => {}
            }
        }
        wanted
    }
}

fn main() {
    let wanted = Wanted::read();
    // In memory, so that writing the records takes seconds; what is measured reads them from there as from a warm disk.
    let parent = if std::path::Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" };
    let folder = tempfile::Builder::new().prefix("imc-bench.").tempdir_in(parent).unwrap();
    let begun = Instant::now();
    records::fill(folder.path(), wanted.caches);
    println!("\n{} caches of five images, recorded in {:.0} s", wanted.caches, begun.elapsed().as_secs_f64());

    let begun = Instant::now();
    let server = Server::start(folder.path());
    println!("  ready after                {:>10.0} ms  to be reached: 2000", millis(begun.elapsed()));
    println!("  memory then                {:>10.0} MB", server.resident_mib());
    let matching = Request::matching(0);
    load::once(&server, &matching);
    println!("  first match answered after {:>10.0} ms", millis(begun.elapsed()));
    println!("  memory then                {:>10.0} MB", server.resident_mib());
    println!("  processor until then       {:>10.0} ms", millis(server.processor_time()));

    println!(
        "  {:<24}{:>10}{:>10}{:>10}{:>10}{:>10}  to be reached",
        "", "a second", "p50 ms", "p99 ms", "most ms", "server's ms"
    );
    let time = Duration::from_secs(wanted.seconds);
    for kind in KINDS.iter().filter(|kind| kind.name.contains(&wanted.only)) {
        measure(&server, kind, time);
    }
    let most = 60.0 + f64::from(wanted.caches) / 1024.0;
    println!(
        "  memory at the end          {:>10.0} MB  to be reached at rest: {most:.0}",
        server.resident_mib()
    );
}

fn measure(server: &Server, kind: &Kind, time: Duration) {
    let before = server.processor_time();
    let Load { requests, mut latencies } = load::run(server, CONNECTIONS, time, kind.make);
    latencies.sort_unstable();
    let at = |share: f64| millis(latencies[((latencies.len() - 1) as f64 * share) as usize]);
    let rate = requests as f64 / time.as_secs_f64();
    let (name, reach) = (kind.name, kind.reach());
    let is_missed =
        kind.p99.is_some_and(|most| at(0.99) > most) || kind.rate.is_some_and(|least| rate < least);
    let word = if is_missed { ": MISSED" } else { "" };
    let processor = millis(server.processor_time() - before) / requests as f64;
    println!(
        "  {name:<24}{rate:>10.0}{:>10.2}{:>10.2}{:>10.2}{processor:>10.2}  {reach}{word}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
