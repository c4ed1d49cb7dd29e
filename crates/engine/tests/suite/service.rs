//! A server's engine for tests: time that they move, reconcilers that they run, registries that they script.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use blobstore::{BlobStore, MemoryStore};
use engine::{Engine, NewCacheRequest, Parts, PlainVault, Reconcilers, Settings, StandardStore, TestTime};
use metastore::{MemoryMetastore, Metastore, ProcessIdentity};
use model::{
    AccountId, BlobKey, Clock as _, Event, EventReason, ExitStatus, ImageCache, Instance, InstanceId,
    InstanceState, Subject, Timestamp,
};
use registry::{Registry, RetryPolicy, Timeouts};
use testkit::FaultServer;

use crate::support::local;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// Standard copies in memory.
#[derive(Default)]
pub(crate) struct MemoryCopies(Mutex<BTreeMap<u32, MemoryStore>>);

#[async_trait]
impl StandardStore for MemoryCopies {
    async fn copy(&self, number: u32) -> blobstore::Result<Arc<dyn BlobStore>> {
        Ok(Arc::new(self.0.lock().unwrap().entry(number).or_default().clone()))
    }

    async fn copies(&self) -> blobstore::Result<Vec<Arc<dyn BlobStore>>> {
        let copies = self.0.lock().unwrap();
        Ok(copies.values().map(|copy| Arc::new(copy.clone()) as Arc<dyn BlobStore>).collect())
    }
}

/// What a service is made of; another one of the same parts is what comes after a crash.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) store: Arc<dyn BlobStore>,
    pub(crate) standard: Option<Arc<dyn StandardStore>>,
    pub(crate) records: Arc<dyn Metastore>,
    pub(crate) time: TestTime,
    pub(crate) plain_http: Vec<String>,
    pub(crate) settings: Settings,
}

impl Ground {
    pub(crate) fn in_memory(server: &FaultServer) -> Self {
        Self {
            store: Arc::new(MemoryStore::default()),
            standard: None,
            records: Arc::new(MemoryMetastore::default()),
            time: TestTime::at(Timestamp::from_micros(1_700_000_000_000_000)),
            plain_http: vec![server.host()],
            settings: Settings::default(),
        }
    }

    pub(crate) fn with_standard(self) -> Self {
        Self { standard: Some(Arc::new(MemoryCopies::default())), ..self }
    }

    pub(crate) fn service(&self) -> Service {
        self.service_of(ProcessIdentity::current().unwrap())
    }

    /// A service of a process that is taken for dead by the others as soon as they look.
    pub(crate) fn doomed(&self, number: u64) -> Service {
        let us = ProcessIdentity::current().unwrap();
        self.service_of(ProcessIdentity { start_ticks: us.start_ticks + number, ..us })
    }

    fn service_of(&self, owner: ProcessIdentity) -> Service {
        let settings = registry::Settings {
            plain_http: self.plain_http.join(",").parse().unwrap(),
            timeouts: Timeouts { connect: Duration::from_secs(5), ..Timeouts::default() },
            retry: RetryPolicy {
                attempts: 1,
                connect_attempts: 1,
                first_pause: Duration::from_millis(1),
                ..RetryPolicy::default()
            },
            ..registry::Settings::default()
        };
        let engine = Engine::new(Parts {
            store: Arc::clone(&self.store),
            standard: self.standard.clone(),
            records: Arc::clone(&self.records),
            registry: Registry::new(settings).unwrap(),
            vault: Some(Arc::new(PlainVault)),
            clock: Arc::new(self.time.clone()),
            timer: Arc::new(self.time.clone()),
            owner,
            settings: self.settings,
        });
        let reconcilers = Reconcilers::of(&engine, Arc::new(BTreeSet::<BlobKey>::new()));
        Service { engine, reconcilers, ground: self.clone() }
    }
}

pub(crate) struct Service {
    pub(crate) engine: Engine,
    pub(crate) reconcilers: Reconcilers,
    pub(crate) ground: Ground,
}

impl Service {
    /// Time goes on, and everything that is due then is done.
    pub(crate) async fn after(&mut self, time: Duration) {
        self.ground.time.advance(time);
        self.settle().await;
    }

    pub(crate) async fn settle(&mut self) {
        self.reconcilers.settle().await.unwrap();
    }

    /// Asks for a cache and has everything done for it.
    pub(crate) async fn built(&mut self, new: NewCacheRequest) -> ImageCache {
        let id = self.engine.request_cache(new).await.unwrap().into_cache().id;
        self.settle().await;
        self.cache(id).await
    }

    pub(crate) async fn cache(&self, id: model::CacheId) -> ImageCache {
        self.ground.records.cache(id).await.unwrap()
    }

    pub(crate) async fn is_gone(&self, cache: &ImageCache) -> bool {
        self.ground.records.cache(cache.id).await.is_err()
    }

    pub(crate) async fn events(&self, cache: &ImageCache) -> Vec<Event> {
        self.ground.records.events(Subject::Cache(cache.id)).await.unwrap()
    }

    pub(crate) async fn has_event(&self, cache: &ImageCache, reason: EventReason) -> bool {
        self.events(cache).await.iter().any(|event| event.reason == reason)
    }

    /// An instance that holds what the cache serves.
    pub(crate) async fn start_instance(&self, cache: &ImageCache) -> Instance {
        let now = self.ground.time.now();
        let id = InstanceId::generate();
        let instance = Instance {
            id,
            name: id.to_string().parse().unwrap(),
            account: cache.account.clone(),
            image: cache.images[0].clone(),
            manifest_digest: format!("sha256:{}", "0".repeat(64)).parse().unwrap(),
            snapshot: cache.snapshot.unwrap(),
            cache: Some(cache.id),
            group: None,
            command: Vec::new(),
            state: InstanceState::Creating,
            pid: None,
            remove_on_exit: false,
            created: now,
            started: None,
            finished: None,
        };
        self.ground.records.create_instance(&instance, &[]).await.unwrap();
        self.ground.records.touch_cache_used(cache.id, model::Savings::default(), now).await.unwrap();
        instance
    }

    pub(crate) async fn end_instance(&self, instance: &Instance) {
        let now = self.ground.time.now();
        self.ground.records.instance_exited(instance.id, ExitStatus::Code(0), &[], now).await.unwrap();
        self.ground.records.remove_instance(instance.id, &[]).await.unwrap();
    }

    pub(crate) async fn documents(&self) -> usize {
        self.ground.store.list_snapshots(None, blobstore::PAGE_LIMIT).await.unwrap().len()
    }
}

pub(crate) fn request(name: &str, image: &str) -> NewCacheRequest {
    request_of(&local(), name, image)
}

pub(crate) fn request_of(account: &AccountId, name: &str, image: &str) -> NewCacheRequest {
    let images = vec![image.parse().unwrap()];
    NewCacheRequest::new(account.clone(), name.parse().unwrap(), images, "linux/amd64".parse().unwrap())
}

/// A server that has an image of one small layer under each of these tags of `app`.
pub(crate) fn server_with(tags: &[&str]) -> FaultServer {
    let server = FaultServer::start();
    for tag in tags {
        server.serve_image("app", tag, &image_of(tag));
    }
    server
}

pub(crate) fn image_of(seed: &str) -> testkit::Image {
    crate::support::image([crate::support::noise(seed, 20_000)])
}

pub(crate) fn app(server: &FaultServer, tag: &str) -> String {
    format!("{}/app:{tag}", server.host())
}
