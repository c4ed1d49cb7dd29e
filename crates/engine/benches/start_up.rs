//! How long a server with 100,000 caches of five images each takes until it answers its first match, and how much memory it
//! needs for them.
//!
//! Prints both for images that are shared as usual, and where no image is in two caches. The records are in a SQLite file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a benchmark prints, and ends where something fails; it shares its caches with another"
)]

#[path = "matching/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use blobstore::MemoryStore;
use engine::{Engine, Parts, Settings, SystemTimer};
use metastore::{ProcessIdentity, SnapshotRecord, SqliteMetastore};
use model::matching::{Candidate, MatchPolicy, MatchRequest};
use model::{
    AccountId, CacheState, CopyState, ImageCache, ImageSnapshotId, NewImageCache, Origin, Platform,
    SnapshotCopies, SnapshotSummary, SummaryImage, SummaryLayer, SystemClock,
};
use registry::Registry;

use world::{CACHES, DISTINCT, Numbers, SHARED, World, resident_bytes, unknown};

/// The word by which this program is told to measure.
const MEASURE: &str = "measure";

/// Time that all threads have run: beside the time that has passed, since a busy machine adds its own to that.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn summary_of(cache: &Candidate) -> SnapshotSummary {
    let layers: BTreeMap<_, _> = cache.images.iter().flat_map(|image| image.layers.iter().copied()).collect();
    let places: BTreeMap<_, u32> = layers.keys().copied().zip(0..).collect();
    let images = cache.images.iter().map(|image| SummaryImage {
        source: image.source.clone(),
        manifest_digest: image.manifest_digest,
        index_digest: image.index_digest,
        layers: image.layers.iter().map(|(diff_id, _)| places[diff_id]).collect(),
    });
    let layer = |(diff_id, size)| SummaryLayer { diff_id, compressed_size: size, blob_size: size };
    SnapshotSummary { images: images.collect(), layers: layers.into_iter().map(layer).collect() }
}

fn records_of(candidate: &Candidate) -> (ImageCache, SnapshotRecord) {
    let snapshot = SnapshotRecord {
        id: ImageSnapshotId::generate(),
        created: candidate.created,
        size: candidate.unpacked_size,
        summary: summary_of(candidate),
    };
    let new = NewImageCache {
        account: AccountId::local(),
        name: format!("cache-{}", candidate.id).to_lowercase().parse().unwrap(),
        origin: Origin::Manual,
        images: candidate.images.iter().map(|image| image.source.clone()).collect(),
        platform: candidate.platform.clone(),
        size_limit: candidate.size_limit,
        policy: model::CachePolicy::default(),
        access: model::RegistryAccess::default(),
        notes: None,
    };
    let copies = SnapshotCopies { flash: CopyState::Complete, standard: CopyState::Complete };
    let cache = ImageCache {
        id: candidate.id,
        state: CacheState::Ready,
        snapshot: Some(snapshot.id),
        copies,
        ..ImageCache::asked_for(new, candidate.created)
    };
    (cache, snapshot)
}

async fn engine_over(path: &Path) -> Engine {
    Engine::new(Parts {
        store: Arc::new(MemoryStore::default()),
        standard: None,
        records: Arc::new(SqliteMetastore::open(path).await.unwrap()),
        registry: Registry::new(registry::Settings::default()).unwrap(),
        vault: None,
        clock: Arc::new(SystemClock),
        timer: Arc::new(SystemTimer),
        owner: ProcessIdentity::current().unwrap(),
        settings: Settings::default(),
    })
}

async fn record(world: &World, path: &Path) {
    let mut numbers = Numbers(7);
    let caches = (0..CACHES).map(|number| records_of(&world.cache(number, &mut numbers)));
    let records = SqliteMetastore::open(path).await.unwrap();
    records.record_all(caches).await.unwrap();
    records.close().await;
}

/// In a process of its own, so that no memory is counted that the recording needed.
async fn measure(world: &World, path: &Path) {
    let mut numbers = Numbers(11);
    let image = unknown(world.any_image(&mut numbers));
    let request = MatchRequest::new([image], Platform::linux_amd64(), MatchPolicy::Content);
    let (before, begun, ran) = (resident_bytes(), Instant::now(), processor_time());
    let engine = engine_over(path).await;
    let ranking = engine.match_images(&AccountId::local(), &request, 20).await.unwrap();
    let (passed, ran) = (begun.elapsed(), processor_time() - ran);
    assert_eq!(ranking.taken_in_all + ranking.left_in_all + ranking.nothing_in_common, CACHES as usize);
    println!(
        "{}: {CACHES} caches; first match after {} ms, {} ms of processor (limit 2000); {} bytes per cache (limit 1024)",
        world.name,
        passed.as_millis(),
        ran.as_millis(),
        resident_bytes().saturating_sub(before) / u64::from(CACHES),
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // What `cargo test` asks of every bench.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let [_, word, name, path] = arguments.as_slice()
        && word == MEASURE
    {
        let world = [SHARED, DISTINCT].into_iter().find(|world| world.name == name).unwrap();
        return runtime.block_on(measure(&world, Path::new(path)));
    }
    for world in [SHARED, DISTINCT] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("imc.db");
        runtime.block_on(record(&world, &path));
        let mut again = Command::new(std::env::current_exe().unwrap());
        for _ in 0..2 {
            let done = again.args([MEASURE, world.name]).arg(&path).status().unwrap();
            assert!(done.success());
            again = Command::new(std::env::current_exe().unwrap());
        }
    }
}
