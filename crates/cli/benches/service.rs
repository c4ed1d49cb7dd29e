//! What a server with 100,000 caches of five images each takes: until it is ready, until it has answered its first match,
//! what describing, creating and matching take, signed calls of both clouds' APIs among it, and its memory at rest. What is to
//! be reached stands beside it. This program and the server share the machine's processors.
//!
//! ```text
//! cargo bench -p cli --bench service [-- --caches 100000 --seconds 10 --only describe]
//! cargo bench -p cli --bench service -- --distinct            # no image in two caches
//! cargo bench -p cli --bench service -- --kept FOLDER         # the records that are there, or are recorded there first
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

use std::path::PathBuf;
use std::time::{Duration, Instant};

use load::{Load, Request};
use records::Images;
use server::Server;

/// Connections at once.
const CONNECTIONS: usize = 4;

/// What is measured.
struct Kind {
    name: &'static str,
    /// The request of a number.
    make: fn(u64, Images) -> Request,
    /// To be reached: the most milliseconds of all but one in a hundred.
    p99: Option<f64>,
    /// To be reached: the least requests a second.
    rate: Option<f64>,
}

impl Kind {
    const fn of(name: &'static str, make: fn(u64, Images) -> Request) -> Self {
        Self { name, make, p99: None, rate: None }
    }

    const fn within(name: &'static str, p99: f64, make: fn(u64, Images) -> Request) -> Self {
        Self { p99: Some(p99), ..Self::of(name, make) }
    }

    fn reach(&self) -> String {
        let p99 = self.p99.map(|most| format!("p99 {most:.0} ms"));
        let rate = self.rate.map(|least| format!("{least:.0} a second"));
        [p99, rate].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

const KINDS: [Kind; 11] = [
    Kind::of("nothing (/healthz)", |_, _| Request::nothing()),
    Kind::within("describe, 50 a page", 20.0, |_, _| Request::describing("limit=50")),
    Kind::within("describe, by name", 20.0, |number, _| {
        Request::describing(&format!("name=web-{}", number % 5000))
    }),
    Kind::within("describe, by state", 20.0, |_, _| Request::describing("state=Failed&limit=50")),
    Kind {
        rate: Some(1000.0),
        ..Kind::within("Alibaba's describe, 20", 20.0, |number, _| Request::alibaba(number))
    },
    Kind::of("Tencent's describe, 20", |_, _| Request::tencent(0)),
    Kind::of("the same far behind", |number, _| Request::tencent(80_000 + number % 10_000)),
    Kind::of("one cache", |number, _| Request::showing(&format!("web-{}", number % 5000))),
    Kind::of("match", Request::matching),
    Kind::within("create", 20.0, |number, _| Request::creating(number)),
    Kind::within("describe after that", 20.0, |_, _| Request::describing("limit=50&order=newest-first")),
];

struct Wanted {
    caches: u32,
    images: Images,
    /// Where the records are kept.
    kept: Option<PathBuf>,
    seconds: u64,
    /// Only what has this in its name.
    only: String,
}

impl Wanted {
    /// Of the command line. Cargo says `--bench`, too.
    fn read() -> Self {
        let (images, kept, only) = (Images::Shared, None, String::new());
        let mut wanted = Self { caches: 100_000, images, kept, seconds: 10, only };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let number =
                |words: &mut dyn Iterator<Item = String>| words.next().unwrap().parse::<u32>().unwrap();
            match word.as_str() {
                "--caches" => wanted.caches = number(&mut words),
                "--seconds" => wanted.seconds = u64::from(number(&mut words)),
                "--distinct" => wanted.images = Images::Distinct,
                "--kept" => wanted.kept = Some(words.next().unwrap().into()),
                "--only" => wanted.only = words.next().unwrap(),
                _ => {}
            }
        }
        wanted
    }
}

fn main() {
    let wanted = Wanted::read();
    let begun = Instant::now();
    let folder = records::folder(wanted.kept.as_deref(), wanted.caches, wanted.images);
    println!(
        "\n{} caches of five images ({:?}), there after {:.0} s",
        wanted.caches,
        wanted.images,
        begun.elapsed().as_secs_f64()
    );

    let begun = Instant::now();
    let server = Server::start(folder.path());
    println!("  ready after                {:>10.0} ms  to be reached: 2000", millis(begun.elapsed()));
    println!("  memory then                {:>10.0} MB", server.resident_mib());
    let matching = Request::matching(0, wanted.images);
    load::once(&server, &matching);
    println!("  first match answered after {:>10.0} ms", millis(begun.elapsed()));
    println!("  memory then                {:>10.0} MB", server.resident_mib());
    println!("  processor until then       {:>10.0} ms", millis(server.processor_time()));
    let most = 60.0 + f64::from(wanted.caches) / 1024.0;
    server.rest();
    println!(
        "  memory at rest             {:>10.0} MB  to be reached: {most:.0}; at the most {:.0}",
        server.resident_mib(),
        server.peak_mib()
    );
    println!("  processor until then       {:>10.0} ms", millis(server.processor_time()));

    println!(
        "  {:<24}{:>10}{:>10}{:>10}{:>10}{:>10}  to be reached",
        "", "a second", "p50 ms", "p99 ms", "most ms", "server's ms"
    );
    for kind in KINDS.iter().filter(|kind| kind.name.contains(&wanted.only)) {
        measure(&server, kind, &wanted);
    }
    println!("  memory at the end          {:>10.0} MB", server.resident_mib());
}

fn measure(server: &Server, kind: &Kind, wanted: &Wanted) {
    let time = Duration::from_secs(wanted.seconds);
    let before = server.processor_time();
    let Load { requests, mut latencies } =
        load::run(server, CONNECTIONS, time, |number| (kind.make)(number, wanted.images));
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
