//! The edge over a real engine: store and records in memory, an image in a layout, a host that only says that it runs.

mod keys;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::service::{self, NewCache, Service as _, ServiceErrorKind};
use api::{Edge, Limits, Metrics, OverEngine, OverEngineParts, PageKey, Parts};
use async_trait::async_trait;
use axum::body::Body;
use blobstore::MemoryStore;
use client::{Changed, Client, InProcess, ListCaches, ListInstances};
use engine::{
    Daemon, Engine, ExecEnd, ExecOrder, GroupOrder, GroupPrepared, HostError, HostErrorKind, HostOrder,
    HostStarted, HostStates, HostStatus, InstanceHost, InstanceOptions, Instances, LineStream, PlainVault,
    Printed, PrintedLine, SystemTimer, Vault,
};
use metastore::{InstanceRef, MemoryMetastore, Metastore, ProcessIdentity};
use model::{
    AccountId, BlobKey, ByteSize, CachePolicy, Cloud, CloudNotes, ExitStatus, GroupId, ImageConfig,
    InstanceId, InstanceState, Origin, Platform, RegistryAccess, SystemClock, Tags, Timestamp,
};
use registry::Registry;
use secrecy::ExposeSecret as _;
use testkit::{Compression, ImageBuilder, LayerBuilder};
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;
use wire::{
    CacheState, CreateAccessKey, CreateAccount, CreateCache, CreateInstance, CreateToken, Exec, ExecEvent,
    FindMatches, Found, Grade, KeyStatus, Outcome, PickCache, PolicyPreset, PredictSize, ProblemKind, Scope,
    Staleness, UpdateCache,
};

/// Says so when it is dropped.
struct Told(Arc<Notify>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// A host whose instances run until they are stopped.
#[derive(Default)]
struct Host(Mutex<BTreeSet<InstanceId>>, Arc<Notify>);

#[async_trait]
impl InstanceHost for Host {
    fn command_line(&self, options: &InstanceOptions, config: &ImageConfig) -> Vec<String> {
        if options.command.is_empty() { config.cmd.clone() } else { options.command.clone() }
    }

    async fn start(&self, order: HostOrder) -> Result<HostStarted, HostError> {
        if order.options.command == ["nothing"] {
            return Err(HostError::new(HostErrorKind::CommandNotFound, "there is no `nothing`"));
        }
        self.0.lock().unwrap().insert(order.id);
        Ok(HostStarted {
            pid: 4711,
            image_ready_us: 1,
            total_us: 2,
            limits_not_set: Vec::new(),
            warnings: vec!["it is slow".to_owned()],
        })
    }

    async fn stop(&self, id: InstanceId, _: Duration) -> Result<ExitStatus, HostError> {
        self.0.lock().unwrap().remove(&id);
        Ok(ExitStatus::Code(0))
    }

    async fn wait(&self, _: InstanceId) -> Result<(), HostError> {
        Ok(())
    }

    async fn remove(&self, id: InstanceId, force: bool) -> Result<(), HostError> {
        let mut running = self.0.lock().unwrap();
        if running.contains(&id) && !force {
            return Err(HostError::new(HostErrorKind::State, "it runs"));
        }
        running.remove(&id);
        Ok(())
    }

    async fn logs(&self, _: InstanceId, _: usize) -> Result<Vec<PrintedLine>, HostError> {
        let line = |number: i64| PrintedLine {
            time: Timestamp::from_micros(number),
            stream: LineStream::Stderr,
            bytes: format!("line {number}").into_bytes(),
        };
        Ok((0..5).map(line).collect())
    }

    async fn read_log(&self, id: InstanceId, follow: bool, to: Sender<PrintedLine>) -> Result<(), HostError> {
        for line in self.logs(id, usize::MAX).await? {
            let _ = to.send(line).await;
        }
        if !follow {
            return Ok(());
        }
        // It is followed until nobody reads it: then it is dropped.
        let _told = Told(self.1.clone());
        std::future::pending().await
    }

    async fn exec(&self, _: InstanceId, order: ExecOrder, to: Sender<Printed>) -> Result<ExecEnd, HostError> {
        if order.command == ["nothing"] {
            return Err(HostError::new(HostErrorKind::CommandNotFound, "there is no `nothing`"));
        }
        for bytes in order.env {
            let _ = to.send(Printed { stream: LineStream::Stdout, bytes: bytes.into_bytes() }).await;
        }
        Ok(ExecEnd { status: ExitStatus::Signal(9), is_cut: true })
    }

    async fn prepare_group(&self, _: GroupOrder) -> Result<GroupPrepared, HostError> {
        Ok(GroupPrepared { address: [127, 0, 0, 1].into(), warnings: Vec::new(), was_lost: false })
    }

    async fn remove_group(&self, _: GroupId) -> Result<(), HostError> {
        Ok(())
    }

    async fn groups(&self) -> Result<Vec<GroupId>, HostError> {
        Ok(Vec::new())
    }

    fn on_end(&self, _: Box<dyn Fn() + Send + Sync>) {}

    async fn look_around(&self) -> Result<HostStates, HostError> {
        let running = self.0.lock().unwrap();
        let status = |id: &InstanceId| HostStatus { id: *id, state: InstanceState::Running, pid: Some(4711) };
        Ok(HostStates { instances: running.iter().map(status).collect(), ..HostStates::default() })
    }
}

struct World {
    service: OverEngine,
    engine: Engine,
    records: Arc<dyn Metastore>,
    host: Arc<Host>,
    edge: Edge,
    client: Client,
}

impl World {
    fn new() -> Self {
        Self::under(engine::Settings::default())
    }

    fn under(settings: engine::Settings) -> Self {
        Self::of(settings, None)
    }

    fn of(settings: engine::Settings, vault: Option<Arc<dyn Vault>>) -> Self {
        let records: Arc<dyn Metastore> = Arc::new(MemoryMetastore::default());
        let engine = Engine::new(engine::Parts {
            store: Arc::new(MemoryStore::default()),
            standard: None,
            records: records.clone(),
            registry: Registry::new(registry::Settings::default()).unwrap(),
            vault,
            clock: Arc::new(SystemClock),
            timer: Arc::new(SystemTimer),
            owner: ProcessIdentity::current().unwrap(),
            settings,
        });
        let host = Arc::new(Host::default());
        let service = OverEngine::new(OverEngineParts {
            engine: engine.clone(),
            instances: Instances::new(engine.clone(), host.clone()),
            records: records.clone(),
            in_use: Arc::new(BTreeSet::<BlobKey>::new()),
            retention: settings.retention,
            currency: Some("EUR".to_owned()),
            clock: Arc::new(SystemClock),
        });
        let mut registry = prometheus_client::registry::Registry::default();
        let metrics = Metrics::register(&mut registry);
        let edge = Edge::new(Parts {
            service: Arc::new(service.clone()),
            clock: Arc::new(SystemClock),
            page_key: PageKey::random().unwrap(),
            metrics,
            registry: Arc::new(registry),
            limits: Limits { progress_interval: Duration::from_millis(5), ..Limits::default() },
            clouds: api::CloudSettings::default(),
            stopping: CancellationToken::new(),
            join_trace: None,
        });
        let client = Client::new(InProcess::<_, Body>::new(api::in_process(edge.clone())));
        Self { service, engine, records, host, edge, client }
    }
}

fn layout(dir: &std::path::Path) -> model::ImageSource {
    let layer = LayerBuilder::new().dir("srv/", 0o755).noise("srv/a", 100_000, 7).build(Compression::Gzip);
    let image = ImageBuilder::new().cmd(["/bin/true"]).layer(layer).build();
    image.write_oci_layout(dir, "latest");
    format!("oci:{}", dir.display()).parse().unwrap()
}

fn kind<T: std::fmt::Debug>(result: client::Result<T>) -> Option<ProblemKind> {
    result.unwrap_err().problem_kind()
}

#[tokio::test]
async fn a_cache_from_its_wish_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let image = layout(dir.path());
    let world = World::new();
    let client = &world.client;
    let in_use = Arc::new(BTreeSet::<BlobKey>::new());
    let daemon = Daemon::start(world.engine.clone(), in_use).await.unwrap();

    let mut changes = client.watch_changes(None);
    assert!(matches!(changes.next().await.unwrap(), Changed::Ready(_)));
    let new = CreateCache::of("web".parse().unwrap(), vec![image.clone()]);
    let key: wire::IdempotencyKey = "once".parse().unwrap();
    let made = client.clone().once(key.clone()).create_cache(&new).await.unwrap();
    assert_eq!(client.clone().once(key.clone()).create_cache(&new).await.unwrap().id, made.id);
    let other = CreateCache { size_gib: Some(9), ..new.clone() };
    assert_eq!(
        kind(client.clone().once(key.clone()).create_cache(&other).await),
        Some(ProblemKind::KeyReused)
    );
    assert!(matches!(changes.next().await.unwrap(), Changed::Record(..)));

    let mut watch = client.watch_cache("web");
    let mut last = None;
    while let Some(progress) = watch.next().await.unwrap() {
        last = Some(progress);
    }
    assert_eq!(last.unwrap().state, CacheState::Ready);
    let details = client.cache("web").await.unwrap();
    assert_eq!((details.pinned.len(), details.cache.progress_percent), (1, 100));
    assert!(details.sizes.unwrap().exclusive_bytes.as_u64() > 100_000);
    assert_eq!(details.cost.unwrap().currency.as_deref(), Some("EUR"));
    let events = client.cache_events(&made.id.to_string()).await.unwrap().items;
    assert!(events.iter().any(|event| event.reason == "Ready"), "{events:?}");

    questions(client, &image).await;
    instances(&world, &image, made.id).await;

    let update = UpdateCache {
        name: Some("shop".parse().unwrap()),
        flash_copies: Some(3.try_into().unwrap()),
        ..UpdateCache::default()
    };
    let updated = client.update_cache("web", &update).await.unwrap();
    assert_eq!((updated.name.as_str(), updated.flash_copies, updated.standard_copies), ("shop", 3, 1));
    assert_eq!(kind(client.roll_back_cache("shop", None).await), Some(ProblemKind::NotFound));
    assert_eq!(client.usage().await.unwrap().manual_caches, 1);
    assert!(client.delete_cache("shop", false).await.unwrap().gone);
    assert!(client.list_caches(&ListCaches::default()).await.unwrap().items.is_empty());
    // What is gone is told of still, to its own account alone.
    client.cache_events(&made.id.to_string()).await.unwrap();
    let stranger = client.clone().for_account("stranger".parse().unwrap());
    assert_eq!(kind(stranger.cache_events(&made.id.to_string()).await), Some(ProblemKind::NotFound));
    assert!(client.collect(true).await.unwrap().dry_run);
    world.edge.finish_actions().await;
    daemon.drain(Duration::from_secs(10)).await;
}

async fn questions(client: &Client, image: &model::ImageSource) {
    let ranking = client.match_images(&FindMatches::of(vec![image.clone()])).await.unwrap();
    let best = &ranking.taken[0];
    assert!(best.is_perfect && matches!(best.grade, Grade::Content { perfect: true, .. }));
    assert_eq!((best.name.as_str(), best.images[0].found), ("web", Found::Exact));
    let request = |image: model::ImageSource| PredictSize {
        images: vec![image],
        platform: None,
        plain_http: Vec::new(),
        insecure: Vec::new(),
        credentials: Vec::new(),
    };
    let prediction = client.predict_size(&request(image.clone())).await.unwrap();
    assert!(prediction.images[0].layers[0].is_here && prediction.totals.unpacked.is_exact());
    let nowhere = request("oci:/nowhere".parse().unwrap());
    assert_eq!(kind(client.predict_size(&nowhere).await), Some(ProblemKind::BadImage));
}

async fn instances(world: &World, image: &model::ImageSource, cache: model::CacheId) {
    let client = &world.client;
    let new = CreateInstance {
        name: Some("web-1".parse().unwrap()),
        image: Some(image.clone()),
        ..CreateInstance::default()
    };
    let made = client.create_instance(&new).await.unwrap();
    assert_eq!((made.choice.outcome, made.choice.cache), (Outcome::Hit, Some(cache)));
    assert_eq!(
        (made.choice.fetched_bytes, made.warnings.as_slice()),
        (ByteSize::ZERO, &["it is slow".to_owned()][..])
    );
    assert_eq!(kind(client.create_instance(&new).await), Some(ProblemKind::NameTaken));
    let missing = CreateInstance { command: vec!["nothing".to_owned()], name: None, ..new.clone() };
    assert_eq!(kind(client.create_instance(&missing).await), Some(ProblemKind::InvalidField));
    let unknown = CreateInstance { cache: PickCache::Only("nothing".to_owned()), name: None, ..new.clone() };
    assert_eq!(kind(client.create_instance(&unknown).await), Some(ProblemKind::NotFound));
    let once = client.clone().once("once".parse().unwrap());
    let named = |name: &str| CreateInstance { name: Some(name.parse().unwrap()), ..new.clone() };
    let first = once.create_instance(&named("web-2")).await.unwrap();
    assert_eq!(once.create_instance(&named("web-2")).await.unwrap(), first);
    assert_eq!(kind(once.create_instance(&named("web-3")).await), Some(ProblemKind::KeyReused));
    let gone = once.delete_instance("web-2", true).await.unwrap();
    assert_eq!(once.delete_instance("web-2", true).await.unwrap(), gone);

    let mut log = client.instance_logs("web-1", false, Some(2)).await.unwrap();
    let first = log.next().await.unwrap().unwrap();
    assert_eq!(first.output.text.as_deref(), Some("line 3"));
    for (follow, tail, first) in [(true, None, "line 0"), (true, Some(2), "line 3"), (false, None, "line 0")]
    {
        let mut log = client.instance_logs("web-1", follow, tail).await.unwrap();
        assert_eq!(
            log.next().await.unwrap().unwrap().output.text.as_deref(),
            Some(first),
            "{follow} {tail:?}"
        );
        while log.next().await.unwrap().unwrap().output.text.as_deref() != Some("line 4") {}
        if follow && tail.is_none() {
            drop(log);
            // Nobody reads it any more, and the host hears of that.
            world.host.1.notified().await;
        } else if !follow {
            assert_eq!(log.next().await.unwrap(), None);
        }
    }
    let env = [("A".to_owned(), "b".to_owned())].into();
    let exec = Exec { command: vec!["env".to_owned()], env, ..Exec::default() };
    let mut feed = client.exec("web-1", &exec).await.unwrap();
    let ExecEvent::Output(output) = feed.next().await.unwrap() else { panic!("no output") };
    assert_eq!(output.text.as_deref(), Some("A=b"));
    let ExecEvent::Ended(ended) = feed.next().await.unwrap() else { panic!("no end") };
    assert!(ended.is_cut && ended.ended.signal == Some(9));
    let exec = Exec { command: vec!["nothing".to_owned()], ..Exec::default() };
    let error = client.exec("web-1", &exec).await.unwrap().next().await.unwrap_err();
    let client::Error::Refused(problem) = error else { panic!("{error}") };
    assert_eq!(
        (problem.reason.as_deref(), problem.field.as_deref()),
        (Some("command-not-found"), Some("command"))
    );

    assert_eq!(kind(client.delete_cache("web", false).await), Some(ProblemKind::InUse));
    assert_eq!(kind(client.delete_instance("web-1", false).await), Some(ProblemKind::WrongState));
    let one = ListInstances { limit: Some(1), ..ListInstances::default() };
    let page = client.list_instances(&one).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
    let stopped = client.stop_instance("web-1", None).await.unwrap();
    assert_eq!(stopped.ended.unwrap().code, Some(0));
    let exec = Exec { command: vec!["env".to_owned()], ..Exec::default() };
    assert_eq!(
        client.exec("web-1", &exec).await.err().unwrap().problem_kind(),
        Some(ProblemKind::WrongState)
    );
    client.delete_instance("web-1", false).await.unwrap();
    assert!(!client.instance_events(&made.instance.id.to_string()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_change_of_some_copies_leaves_the_others_and_may_come_again_with_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let client = World::new().client;
    let new = CreateCache::of("web".parse().unwrap(), vec![layout(dir.path())]);
    client.create_cache(&new).await.unwrap();
    let key: wire::IdempotencyKey = "once".parse().unwrap();
    let flash = UpdateCache { flash: Some(true), ..UpdateCache::default() };
    assert!(client.clone().once(key.clone()).update_cache("web", &flash).await.unwrap().flash);
    let more = UpdateCache { standard_copies: Some(2.try_into().unwrap()), ..UpdateCache::default() };
    assert!(client.update_cache("web", &more).await.unwrap().flash);
    // It was done before, and is not done again: what came between stays.
    let again = client.clone().once(key.clone()).update_cache("web", &flash).await.unwrap();
    assert_eq!((again.flash, again.flash_copies, again.standard_copies), (true, 1, 2));
}

#[tokio::test]
async fn what_the_settings_do_not_allow_is_refused_with_the_field_and_what_they_do() {
    let dir = tempfile::tempdir().unwrap();
    let bounds = engine::CacheBounds {
        most_size: ByteSize::gib(4),
        most_images: 1,
        least_refresh_seconds: 600,
        most_refresh_seconds: 3600,
    };
    let client = World::under(engine::Settings { bounds, ..engine::Settings::default() }).client;
    let image = layout(dir.path());
    let new = CreateCache::of("web".parse().unwrap(), vec![image.clone()]);
    client.create_cache(&new).await.unwrap();
    let every = |seconds: u32| Staleness::Refresh { interval_seconds: seconds.try_into().unwrap() };
    let update = UpdateCache { staleness: Some(every(600)), ..UpdateCache::default() };
    client.update_cache("web", &update).await.unwrap();

    let (size_gib, images) = (Some(5), vec![image, "a/b:1".parse().unwrap()]);
    let rule = |seconds| (Some(every(seconds)), "staleness", "600 to 3600");
    let mut refused = vec![
        (CreateCache { size_gib, ..new.clone() }, "size_gib", "1 to 4"),
        (CreateCache { images: images.clone(), ..new.clone() }, "images", "1 to 1"),
    ];
    for (staleness, field, allowed) in [rule(599), rule(3601)] {
        refused.push((CreateCache { staleness, ..new.clone() }, field, allowed));
    }
    for (new, field, allowed) in refused {
        let update = UpdateCache {
            size_gib: new.size_gib,
            images: (field == "images").then(|| images.clone()),
            staleness: new.staleness,
            ..UpdateCache::default()
        };
        let created = client.create_cache(&new).await.unwrap_err();
        let updated = client.update_cache("web", &update).await.unwrap_err();
        for error in [created, updated] {
            let problem = match error {
                client::Error::Refused(problem) => problem,
                other => panic!("{other}"),
            };
            assert_eq!(problem.known_kind(), Some(ProblemKind::InvalidField), "{problem}");
            let told = (problem.field.as_deref(), problem.allowed.as_slice());
            assert_eq!(told, (Some(field), [allowed.to_owned()].as_slice()), "{problem}");
        }
    }
}

#[tokio::test]
async fn a_start_tells_of_the_cache_that_is_made_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let client = World::new().client;
    let new = CreateInstance { image: Some(layout(dir.path())), ..CreateInstance::default() };
    let made = client.create_instance(&new).await.unwrap();
    assert_eq!((made.choice.outcome, made.choice.cache), (Outcome::Miss, None));
    assert!(made.choice.reason.starts_with("no cache had oci:"), "{}", made.choice.reason);
    let automatic = made.choice.auto_created.unwrap();
    assert_eq!(client.cache(&automatic.to_string()).await.unwrap().cache.origin, wire::Origin::Automatic);
    let again = client.create_instance(&new).await.unwrap();
    assert_eq!((again.choice.outcome, again.choice.cache), (Outcome::Hit, Some(automatic)));
    assert_eq!(again.choice.auto_created, None);
}

#[tokio::test]
async fn the_metrics_count_builds_that_ended_and_every_instance() {
    let dir = tempfile::tempdir().unwrap();
    let image = layout(dir.path());
    let world = World::new();
    let metrics = async || world.client.metrics().await.unwrap();
    assert!(metrics().await.contains("imc_builds_total{result=\"succeeded\"} 0"));
    for image in [image.clone(), "oci:/nowhere".parse().unwrap()] {
        let platform = model::Platform::linux_amd64();
        let new =
            engine::NewCacheRequest::new(AccountId::local(), "web".parse().unwrap(), vec![image], platform);
        let (_, build) = world.engine.create_here(new).await.unwrap();
        let _ = build.unwrap().finished().await;
    }
    let told = metrics().await;
    assert!(told.contains("imc_builds_total{result=\"succeeded\"} 1"), "{told}");
    assert!(told.contains("imc_builds_total{result=\"failed\"} 1"), "{told}");
    assert!(told.contains("imc_builds_total{result=\"cancelled\"} 0"), "{told}");

    let new = CreateInstance { image: Some(image), ..CreateInstance::default() };
    let one = world.client.create_instance(&new).await.unwrap().instance;
    let one = world.records.instance(&AccountId::local(), &InstanceRef::Id(one.id)).await.unwrap();
    for _ in 0..metastore::PAGE_LIMIT {
        let id = InstanceId::generate();
        let further = model::Instance {
            id,
            name: id.to_string().parse().unwrap(),
            state: InstanceState::Creating,
            pid: None,
            started: None,
            ..one.clone()
        };
        world.records.create_instance(&further, &[]).await.unwrap();
    }
    let told = metrics().await;
    assert!(told.contains("imc_instances_running 1001"), "{told}");
}

#[tokio::test]
async fn tokens_of_the_records_open_what_they_say() {
    let world = World::new();
    let new = CreateToken {
        label: "ci".to_owned(),
        scopes: [Scope::CachesRead].into(),
        account: None,
        expires_in_seconds: None,
    };
    let made = world.client.create_token(&new).await.unwrap();
    let stranger = Client::new(InProcess::<_, Body>::new(api::router(world.edge.clone())));
    let reader = stranger.with_token(made.secret.into());
    reader.usage().await.unwrap();
    assert_eq!(kind(reader.collect(true).await), Some(ProblemKind::Forbidden));
    let listed = world.client.list_tokens(true).await.unwrap().items.remove(0);
    assert!(listed.last_used >= Some(listed.created), "{listed:?}");
    world.client.revoke_token(&made.token.id).await.unwrap();
    assert_eq!(kind(reader.usage().await), Some(ProblemKind::Unauthorized));
    assert_eq!(kind(world.client.revoke_token("0000000000000000").await), Some(ProblemKind::NotFound));
    assert_eq!(kind(world.client.revoke_token("nothing").await), Some(ProblemKind::NotFound));
    assert!(world.client.metrics().await.unwrap().contains("imc_caches{state=\"Ready\"} 0"));
    world.client.readiness().await.unwrap();
}

/// What was refused, and about which field.
fn told<T: std::fmt::Debug>(result: client::Result<T>) -> (ProblemKind, String) {
    let client::Error::Refused(problem) = result.unwrap_err() else { panic!("no refusal") };
    (problem.known_kind().unwrap(), problem.field.unwrap_or_default())
}

/// Whoever had begun with a key is dead: the next one takes it up, under the same id.
#[tokio::test]
async fn a_start_whose_server_died_is_taken_up_with_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::new();
    let new = CreateInstance { image: Some(layout(dir.path())), ..CreateInstance::default() };
    let said = serde_json::to_vec(&serde_json::to_string(&new).unwrap()).unwrap();
    let model::Digest::Sha256(fingerprint) = model::Digest::sha256(&said) else { panic!("a SHA-256") };
    let id = InstanceId::generate();
    let begun = metastore::AnswerRequest {
        key: metastore::AnswerKey {
            account: AccountId::local(),
            operation: "start an instance",
            token: "once".parse().unwrap(),
        },
        fingerprint,
        subject: serde_json::to_vec(&id).unwrap(),
        owner: ProcessIdentity { pid: 1, start_ticks: 0, boot_id: "another".to_owned() },
        kept_until: Timestamp::from_micros(i64::MAX),
    };
    world.records.begin_answer(&begun, None, Timestamp::from_micros(0)).await.unwrap();
    let once = world.client.clone().once("once".parse().unwrap());
    let started = once.create_instance(&new).await.unwrap();
    assert_eq!(started.instance.id, id);
    assert_eq!(once.create_instance(&new).await.unwrap(), started);
}

/// Who may start instances need not be allowed to look at caches: the server says what a word means.
#[tokio::test]
async fn a_word_is_a_cache_or_an_image_also_for_whoever_may_only_start() {
    let dir = tempfile::tempdir().unwrap();
    let (world, image) = (World::new(), layout(dir.path()));
    let daemon = Daemon::start(world.engine.clone(), Arc::new(BTreeSet::<BlobKey>::new())).await.unwrap();
    let new = CreateCache::of("web".parse().unwrap(), vec![image.clone()]);
    let cache = world.client.create_cache(&new).await.unwrap().id;
    let mut watch = world.client.watch_cache("web");
    while watch.next().await.unwrap().is_some() {}
    let token = CreateToken {
        label: "starts".to_owned(),
        scopes: [Scope::InstancesWrite].into(),
        account: None,
        expires_in_seconds: None,
    };
    let token = world.client.create_token(&token).await.unwrap().secret;
    let starter = Client::new(InProcess::<_, Body>::new(api::router(world.edge.clone())));
    let starter = starter.with_token(token.into());
    assert_eq!(kind(starter.cache("web").await), Some(ProblemKind::Forbidden));
    let by_word = |word: &str, image: Option<&model::ImageSource>| CreateInstance {
        word: Some(word.to_owned()),
        image: image.cloned(),
        ..CreateInstance::default()
    };
    let no_cache = "docker.io/library/nothing:1".parse().unwrap();
    let started = starter.create_instance(&by_word("web", Some(&no_cache))).await.unwrap();
    assert_eq!((started.instance.cache, &started.instance.image), (Some(cache), &image));
    let started = world.client.create_instance(&by_word("other", Some(&image))).await.unwrap();
    assert_eq!((started.choice.outcome, &started.instance.image), (Outcome::Hit, &image));
    let (problem, field) = told(starter.create_instance(&by_word("other", None)).await);
    assert_eq!((problem, field.as_str()), (ProblemKind::NotFound, "word"));
    let both = CreateInstance { cache: PickCache::None, ..by_word("web", Some(&no_cache)) };
    let (problem, field) = told(starter.create_instance(&both).await);
    assert_eq!((problem, field.as_str()), (ProblemKind::InvalidField, "word"));
    daemon.drain(Duration::from_secs(5)).await;
}
