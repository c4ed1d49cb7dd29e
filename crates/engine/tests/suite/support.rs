//! An engine with parts of its own for each test.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use blobstore::{BlobStore, DirectoryStore, MemoryStore};
use engine::{BuildError, Engine, NewCacheRequest, Parts, Settings, SystemTimer};
use metastore::{MemoryMetastore, Metastore, ProcessIdentity, SqliteMetastore};
use model::{AccountId, BlobKey, ByteSize, EventReason, ImageCache, Platform, Subject, SystemClock};
use registry::Registry;
use testkit::{Compression, FaultServer, Image, ImageBuilder, Layer, LayerBuilder};

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<dyn BlobStore>,
}

impl World {
    /// Store and records in a directory.
    pub(crate) async fn on_disk(folder: &Path, server: Option<&FaultServer>) -> Self {
        let store = Arc::new(DirectoryStore::open(folder.join("data")).unwrap());
        let records = Arc::new(SqliteMetastore::open(&folder.join("data/imc.db")).await.unwrap());
        Self::of(store, records, server)
    }

    /// Store and records in memory.
    pub(crate) fn in_memory(server: Option<&FaultServer>) -> Self {
        Self::of(Arc::new(MemoryStore::default()), Arc::new(MemoryMetastore::default()), server)
    }

    pub(crate) fn of(
        store: Arc<dyn BlobStore>,
        records: Arc<dyn Metastore>,
        server: Option<&FaultServer>,
    ) -> Self {
        Self::with(store, records, server, 4)
    }

    /// The same, converting so many layers at once.
    pub(crate) fn with(
        store: Arc<dyn BlobStore>,
        records: Arc<dyn Metastore>,
        server: Option<&FaultServer>,
        conversions: usize,
    ) -> Self {
        Self::under(store, records, server, Settings { conversions, ..Settings::default() })
    }

    /// The same under these settings.
    pub(crate) fn under(
        store: Arc<dyn BlobStore>,
        records: Arc<dyn Metastore>,
        server: Option<&FaultServer>,
        settings: Settings,
    ) -> Self {
        let plain_http = server.map(|server| server.host().parse().unwrap()).unwrap_or_default();
        let registry = Registry::new(registry::Settings { plain_http, ..Default::default() }).unwrap();
        let engine = Engine::new(Parts {
            store: Arc::clone(&store),
            standard: None,
            records,
            registry,
            vault: None,
            clock: Arc::new(SystemClock),
            timer: Arc::new(SystemTimer),
            owner: ProcessIdentity::current().unwrap(),
            settings,
        });
        Self { engine, store }
    }

    /// Creates a cache and waits for it.
    pub(crate) async fn create(&self, new: NewCacheRequest) -> Result<ImageCache, BuildError> {
        self.engine.create_cache(new).await.unwrap().finished().await
    }

    pub(crate) async fn reasons(&self, cache: &ImageCache) -> Vec<EventReason> {
        let events = self.engine.events(&local(), Subject::Cache(cache.id)).await.unwrap();
        events.iter().map(|event| event.reason).collect()
    }

    /// The keys of all blobs in the store.
    pub(crate) async fn blobs(&self) -> Vec<BlobKey> {
        let entries = self.store.list_blobs(None, blobstore::PAGE_LIMIT).await.unwrap();
        entries.into_iter().map(|entry| entry.key).collect()
    }

    /// After a collection nothing is left of what failed: no lease, and blobs only of caches that are ready.
    pub(crate) async fn assert_nothing_left_of_failures(&self) {
        let leases = self.store.list_leases(model::Clock::now(&SystemClock)).await.unwrap();
        assert!(leases.is_empty(), "{leases:?}");
        self.engine.collect(Arc::new(BTreeSet::new())).await.unwrap();
        let mut wanted = BTreeSet::new();
        for view in self.engine.list_caches(&local()).await.unwrap() {
            let snapshot = self.engine.snapshot_of(&view.cache).await.unwrap();
            wanted.extend(snapshot.iter().flat_map(model::ImageSnapshot::blob_keys));
        }
        assert_eq!(self.blobs().await.into_iter().collect::<BTreeSet<_>>(), wanted);
    }
}

pub(crate) fn local() -> AccountId {
    AccountId::local()
}

pub(crate) fn new_cache(name: &str, image: &str, size: ByteSize) -> NewCacheRequest {
    let platform = "linux/amd64".parse::<Platform>().unwrap();
    let images = vec![image.parse().unwrap()];
    NewCacheRequest {
        size_limit: Some(size),
        ..NewCacheRequest::new(local(), name.parse().unwrap(), images, platform)
    }
}

pub(crate) fn noise(name: &str, length: usize) -> Layer {
    let seed = name.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let layer = LayerBuilder::new().dir("srv/", 0o755).noise(&format!("srv/{name}"), length, seed);
    layer.build(Compression::Gzip)
}

pub(crate) fn image(layers: impl IntoIterator<Item = Layer>) -> Image {
    layers.into_iter().fold(ImageBuilder::new().cmd(["/bin/true"]), ImageBuilder::layer).build()
}

/// An image as a layout; the word that names it.
pub(crate) fn layout(folder: &Path, name: &str, image: &Image) -> String {
    let folder = folder.join(name);
    image.write_oci_layout(&folder, "latest");
    format!("oci:{}", folder.display())
}

/// The path under which a server is asked for a layer.
pub(crate) fn blob_path(layer: &Layer) -> String {
    format!("/v2/app/blobs/{}", layer.digest)
}
