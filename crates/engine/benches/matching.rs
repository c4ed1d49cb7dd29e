//! How long a match among 100,000 caches of five images each takes, and how much memory their index does.
//!
//! Prints p50 and p99 for each kind of request: typical ones, and those where every cache has something in common with what
//! is wanted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark prints, and ends where something fails"
)]

#[path = "matching/world.rs"]
mod world;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use engine::MatchIndex;
use model::matching::{MatchCondition, MatchPolicy, MatchRequest, WantedImage};
use model::{ByteSize, Platform};

use world::{CACHES, DISTINCT, Numbers, SHARED, World, known, next_version, resident_bytes, unknown};

const REQUESTS: u64 = 2_000;

/// How many caches are told.
const LIMIT: usize = 20;

/// The same, but every image stands on one base, and six images are in half of the caches each.
const POPULAR: World =
    World { name: "one base, popular images", repositories: 2_000, versions: 50, bases: 1, popular: 6 };
/// One repository for all, as a build server with a tag for each commit has it.
const ONE_NAME: World =
    World { name: "one repository", repositories: 1, versions: 100_000, bases: 1, popular: 0 };

fn built(world: &World) -> MatchIndex {
    let mut numbers = Numbers(7);
    let before = resident_bytes();
    let mut index = MatchIndex::default();
    let mut took = Duration::ZERO;
    for number in 0..CACHES {
        let cache = world.cache(number, &mut numbers);
        let start = thread_time();
        index.upsert(&cache);
        took += thread_time() - start;
    }
    let bytes = (resident_bytes() - before) / u64::from(CACHES);
    println!(
        "\n{}: {bytes} bytes per cache (limit 1024), built in {} ms of processor",
        world.name,
        took.as_millis()
    );
    println!(
        "  {:<44}{:>16}{:>16}{:>10}",
        "microseconds, p50 and p99 (limit 1000)", "passed", "of processor", "taken"
    );
    index
}

/// The value below which that share of the times lies.
fn percentile(times: &[Duration], percent: usize) -> Duration {
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

/// Time that this thread has run: beside the time that has passed, since a busy machine adds its own to that.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn measure(index: &MatchIndex, name: &str, mut request: impl FnMut(u64) -> MatchRequest) {
    let (mut passed, mut ran): (Vec<Duration>, Vec<Duration>) = (0..REQUESTS)
        .map(|number| {
            let request = request(number);
            let (start, ran_before) = (Instant::now(), thread_time());
            black_box(index.rank(&request, LIMIT));
            (start.elapsed(), thread_time() - ran_before)
        })
        .unzip();
    passed.sort_unstable();
    ran.sort_unstable();
    let in_all = index.rank(&request(0), 0).taken_in_all;
    let micros = |times: &[Duration], percent| percentile(times, percent).as_micros();
    println!(
        "  {name:<44}{:>8}{:>8}{:>8}{:>8}{in_all:>10}",
        micros(&passed, 50),
        micros(&passed, 99),
        micros(&ran, 50),
        micros(&ran, 99),
    );
}

fn wants(policy: MatchPolicy, images: Vec<WantedImage>) -> MatchRequest {
    MatchRequest::new(images, Platform::linux_amd64(), policy)
}

fn typical(index: &MatchIndex, world: &World) {
    for policy in MatchPolicy::ALL {
        let mut numbers = Numbers(11);
        measure(index, &format!("{policy}: 1 to 3 images, layers known"), |_| {
            let count = 1 + numbers.below(3);
            wants(policy, (0..count).map(|_| known(world.any_image(&mut numbers))).collect())
        });
        let mut numbers = Numbers(12);
        measure(index, &format!("{policy}: 1 to 3 images by their words"), |_| {
            let count = 1 + numbers.below(3);
            wants(policy, (0..count).map(|_| unknown(world.any_image(&mut numbers))).collect())
        });
        let mut numbers = Numbers(13);
        measure(index, &format!("{policy}: a new version of 1 image"), |number| {
            wants(policy, vec![next_version(&world.any_image(&mut numbers), number)])
        });
    }
}

fn worst(index: &MatchIndex, world: &World) {
    for policy in MatchPolicy::ALL {
        measure(index, &format!("{policy}: 1 popular image"), |_| {
            wants(policy, vec![unknown(world.image(0, 0))])
        });
        for (what, form) in [("known", known as fn(_) -> _), ("unknown", unknown)] {
            let five = move || (0..5).map(|number| form(world.image(number, 0))).collect();
            measure(index, &format!("{policy}: 5 popular images, layers {what}"), |_| wants(policy, five()));
            measure(index, &format!("{policy}: the same, 3 at least, in 40 GiB"), |_| {
                let mut request = wants(policy, five());
                request.condition = MatchCondition::AtLeast(3.try_into().unwrap());
                request.space = Some(ByteSize::gib(40));
                request
            });
        }
        let mut numbers = Numbers(14);
        measure(index, &format!("{policy}: 20 images, layers known"), |_| {
            wants(policy, (0..20).map(|_| known(world.any_image(&mut numbers))).collect())
        });
    }
}

fn matching(criterion: &mut Criterion) {
    let shared = built(&SHARED);
    typical(&shared, &SHARED);
    let popular = built(&POPULAR);
    typical(&popular, &POPULAR);
    worst(&popular, &POPULAR);
    let one_name = built(&ONE_NAME);
    typical(&one_name, &ONE_NAME);
    drop((popular, one_name));
    drop(built(&DISTINCT));

    let mut numbers = Numbers(15);
    let request =
        wants(MatchPolicy::Content, (0..3).map(|_| known(SHARED.any_image(&mut numbers))).collect());
    criterion.bench_function("match 3 images among 100,000 caches", |bencher| {
        bencher.iter(|| shared.rank(&request, LIMIT));
    });
    let mut index = shared;
    let cache = SHARED.cache(CACHES / 2, &mut numbers);
    criterion
        .bench_function("put a cache in anew among 100,000", |bencher| bencher.iter(|| index.upsert(&cache)));
}

criterion_group!(benches, matching);
criterion_main!(benches);
