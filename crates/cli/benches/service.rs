//! What a server with 100,000 caches of five images each takes: until it is ready, until it has answered its first match,
//! what describing, creating and matching take, and its memory at rest.
//!
//! ```text
//! cargo bench -p cli --bench service [-- --caches 100000 --seconds 10]
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

use std::time::{Duration, Instant};

use load::{Load, Request};
use server::Server;

/// Connections at once.
const CONNECTIONS: usize = 4;

/// What it is called, and how the request of a number is made.
type Kind = (&'static str, fn(u64) -> Request);

struct Wanted {
    caches: u32,
    seconds: u64,
}

impl Wanted {
    /// Of the command line. Cargo says `--bench`, too.
    fn read() -> Self {
        let mut wanted = Self { caches: 100_000, seconds: 10 };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let number =
                |words: &mut dyn Iterator<Item = String>| words.next().unwrap().parse::<u32>().unwrap();
            match word.as_str() {
                "--caches" => wanted.caches = number(&mut words),
                "--seconds" => wanted.seconds = u64::from(number(&mut words)),
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
    println!("  ready after                {:>10.0} ms", millis(begun.elapsed()));
    println!("  memory then                {:>10.0} MB", server.resident_mib());
    let matching = Request::matching(0);
    load::once(&server, &matching);
    println!("  first match answered after {:>10.0} ms", millis(begun.elapsed()));
    println!("  memory then                {:>10.0} MB", server.resident_mib());
    println!("  processor until then       {:>10.0} ms", millis(server.processor_time()));

    println!("  {:<24}{:>12}{:>12}{:>12}{:>12}", "", "a second", "p50 ms", "p99 ms", "most ms");
    let time = Duration::from_secs(wanted.seconds);
    let kinds: [Kind; 6] = [
        ("describe, 50 a page", |_| Request::describing("limit=50")),
        ("describe, by name", |number| Request::describing(&format!("name=web-{}", number % 5000))),
        ("describe, by state", |_| Request::describing("state=Failed&limit=50")),
        ("one cache", |number| Request::showing(&format!("web-{}", number % 5000))),
        ("match", Request::matching),
        ("create", Request::creating),
    ];
    for (name, make) in kinds {
        let Load { requests, mut latencies } = load::run(&server, CONNECTIONS, time, make);
        latencies.sort_unstable();
        let at = |share: f64| millis(latencies[((latencies.len() - 1) as f64 * share) as usize]);
        let rate = requests as f64 / time.as_secs_f64();
        println!("  {name:<24}{rate:>12.0}{:>12.2}{:>12.2}{:>12.2}", at(0.5), at(0.99), at(1.0));
    }
    println!("  memory at the end          {:>10.0} MB", server.resident_mib());
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
