//! Records of an account with very many caches, as its builds would have left them.

use std::path::Path;
use std::time::Duration;

use blobstore::conformance::snapshot_over;
use metastore::conformance::{build_of, cache_named, fail, process, whole};
use metastore::verbs::*;
use metastore::{Admission, SnapshotRecord, SqliteMetastore};
use model::rules::Quotas;
use model::{
    ByteSize, Clock as _, DiffId, Digest, Event, EventKind, EventReason, ManifestDigest, SnapshotSummary,
    Subject, SummaryImage, SummaryLayer, SystemClock, Timestamp,
};
use tempfile::TempDir;

const REPOSITORIES: u64 = 2_000;
const VERSIONS: u64 = 50;
const BASES: u64 = 20;
const IMAGES_EACH: u64 = 5;
/// Of so many layers each cache has an event; real ones have it of all, which only takes longer to record here.
const LAYERS_TOLD: usize = 10;

/// Whether caches have images in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Images {
    /// 100,000 different images, of which a cache has five.
    Shared,
    /// No image is in two caches; bases and repositories have layers in common.
    Distinct,
}

impl Images {
    /// The image that a cache has at that place.
    pub fn image(self, cache: u64, place: u64) -> String {
        let (repository, version) = self.image_of(cache, place);
        format!("registry.example/team/app-{repository}:v{version}")
    }

    fn image_of(self, cache: u64, place: u64) -> (u64, u64) {
        let number = cache * IMAGES_EACH + place;
        // Far apart for neighbours, the same on every run.
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let version = match self {
            Self::Shared => mixed / REPOSITORIES % VERSIONS,
            Self::Distinct => number,
        };
        (mixed % REPOSITORIES, version)
    }

    /// How many versions a repository may have.
    fn versions(self) -> u64 {
        match self {
            Self::Shared => VERSIONS,
            Self::Distinct => 1 << 32,
        }
    }

    /// Eight layers: three of the base, two of the repository, three of its own.
    fn layers(self, repository: u64, version: u64) -> Vec<SummaryLayer> {
        let base = repository % BASES;
        let own = repository * self.versions() + version;
        let mut layers: Vec<_> = (0..3).map(|n| layer("base", base * 3 + n, 20 + base + n)).collect();
        layers.extend((0..2).map(|n| layer("repository", repository * 2 + n, 5 + repository % 50)));
        layers.extend((0..3).map(|n| layer("own", own * 3 + n, 2 + (own + n) % 40)));
        layers
    }
}

fn layer(kind: &str, number: u64, mib: u64) -> SummaryLayer {
    let diff_id = DiffId::new(Digest::sha256(format!("{kind} {number}").as_bytes()));
    SummaryLayer { diff_id, compressed_size: ByteSize::mib(mib / 2), blob_size: ByteSize::mib(mib) }
}

fn summary(kind: Images, cache: u64) -> SnapshotSummary {
    let mut all: Vec<SummaryLayer> = Vec::new();
    let images: Vec<(u64, Vec<SummaryLayer>)> = (0..IMAGES_EACH)
        .map(|place| {
            let (repository, version) = kind.image_of(cache, place);
            (place, kind.layers(repository, version))
        })
        .collect();
    all.extend(images.iter().flat_map(|(_, layers)| layers));
    all.sort_unstable_by_key(|layer| layer.diff_id);
    all.dedup_by_key(|layer| layer.diff_id);
    let place_of =
        |layer: &SummaryLayer| all.binary_search_by_key(&layer.diff_id, |one| one.diff_id).unwrap() as u32;
    let images = images
        .iter()
        .map(|(place, layers)| {
            let source = kind.image(cache, *place);
            SummaryImage {
                manifest_digest: ManifestDigest::new(Digest::sha256(source.as_bytes())),
                source: source.parse().unwrap(),
                index_digest: None,
                layers: layers.iter().map(place_of).collect(),
            }
        })
        .collect();
    SnapshotSummary { layers: all, images }
}

/// A data directory of its own with such records: those that are in the kept folder, where one is given, and which are made
/// there first where there are none. They are made anew after some hours, when failed caches would be past their time.
pub fn folder(kept: Option<&Path>, caches: u32, kind: Images) -> TempDir {
    // In memory, so that writing the records takes seconds; what is measured reads them from there as from a warm disk.
    let parent = if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" };
    let folder = tempfile::Builder::new().prefix("imc-bench.").tempdir_in(parent).unwrap();
    let Some(kept) = kept else {
        fill(folder.path(), caches, kind);
        return folder;
    };
    let kept = kept.join(format!("{caches}-{kind:?}").to_lowercase());
    let is_young = |age: Duration| age < Duration::from_secs(8 * 3600);
    let made = std::fs::metadata(kept.join("made")).and_then(|made| made.modified());
    if !made.is_ok_and(|made| made.elapsed().is_ok_and(is_young)) {
        let _ = std::fs::remove_dir_all(&kept);
        std::fs::create_dir_all(&kept).unwrap();
        fill(&kept, caches, kind);
        std::fs::write(kept.join("made"), []).unwrap();
    }
    std::fs::copy(kept.join("imc.db"), folder.path().join("imc.db")).unwrap();
    let snapshots = folder.path().join("snapshots");
    std::fs::create_dir(&snapshots).unwrap();
    for document in std::fs::read_dir(kept.join("snapshots")).unwrap() {
        let document = document.unwrap();
        std::fs::copy(document.path(), snapshots.join(document.file_name())).unwrap();
    }
    folder
}

/// Writes the records of that many caches, one in twenty failed, and a document for each image snapshot.
fn fill(data_dir: &Path, caches: u32, kind: Images) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqliteMetastore::open(&data_dir.join("imc.db")).await.unwrap();
        std::fs::create_dir(data_dir.join("snapshots")).unwrap();
        // Of the last hours, a tenth of a second apart: none of them is past its time.
        let first = SystemClock.now().as_micros() - 12 * 3_600_000_000;
        for number in 0..caches {
            let now = Timestamp::from_micros(first + i64::from(number) * 100_000);
            record(&store, data_dir, (u64::from(number), kind), now).await;
        }
        store.close().await;
    });
}

async fn record(store: &SqliteMetastore, data_dir: &Path, (number, kind): (u64, Images), now: Timestamp) {
    let mut cache = cache_named(&format!("web-{}", number % 5000), now);
    let summary = summary(kind, number);
    cache.images = summary.images.iter().map(|image| image.source.clone()).collect();
    let build = build_of(&cache, &process(1), now);
    let quotas = Quotas { manual: 1_000_000, automatic: 1_000_000 };
    let admission = Admission { quotas, ..Admission::default() };
    let subject = Subject::Cache(cache.id);
    let event = |reason, message: &str| Event::once(subject, EventKind::Normal, reason, message, now);
    let mut begun =
        vec![event(EventReason::Created, &format!("`{}` of {} images", cache.name, cache.images.len()))];
    begun.push(event(EventReason::BuildStarted, &format!("build {}", build.id)));
    begun.extend(
        cache
            .images
            .iter()
            .map(|image| event(EventReason::ImageResolved, &format!("{image} is linux/amd64"))),
    );
    let reused = summary.layers.iter().take(LAYERS_TOLD);
    begun.extend(reused.map(|layer| event(EventReason::LayerReused, &format!("{} is here", layer.diff_id))));
    store.create_cache(&cache, &build, &admission, &begun).await.unwrap();
    if number.is_multiple_of(20) {
        fail(store, &build, now).await.unwrap();
        return;
    }
    let mut document = snapshot_over(&[]);
    document.id = build.snapshot;
    let path = data_dir.join("snapshots").join(format!("{}.json", build.snapshot));
    std::fs::write(path, serde_json::to_vec(&document).unwrap()).unwrap();
    let snapshot =
        SnapshotRecord { id: build.snapshot, created: now, size: summary.unpacked_size(), summary };
    let owner = build.owner.clone().unwrap();
    let ended = [
        event(EventReason::SnapshotCommitted, &format!("image snapshot {}", build.snapshot)),
        event(EventReason::Ready, "5 image(s) can be started from"),
    ];
    store.finish_build(build.id, &owner, &snapshot, whole(), None, &ended, now).await.unwrap();
}
