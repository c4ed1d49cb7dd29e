//! Instances as use-cases, over a host in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use blobstore::MemoryStore;
use engine::{
    BuildProgress, DeleteMode, Deletion, Engine, Error, ExecEnd, ExecOrder, GroupOrder, GroupPrepared,
    HostError, HostErrorKind, HostOrder, HostStarted, HostStates, HostStatus, InstanceHost, InstanceOptions,
    Instances, LineStream, NewInstance, Printed, PrintedLine, StalenessWish, StartWish,
};
use metastore::verbs::*;
use metastore::{InstanceFilter, MemoryMetastore, Page};
use model::{
    ByteSize, CacheState, EventReason, ExitStatus, GroupId, ImageConfig, InstanceId, InstanceState, Platform,
    Subject,
};
use testkit::FaultServer;
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;

use crate::support::{World, image, local, new_cache, noise};

/// Containers that are only remembered.
#[derive(Default)]
pub(crate) struct MemoryHost {
    pub(crate) running: Mutex<BTreeMap<InstanceId, InstanceState>>,
    /// What it was told to start, in order.
    pub(crate) orders: Mutex<Vec<(InstanceId, InstanceOptions)>>,
    pub(crate) groups: Mutex<BTreeMap<GroupId, GroupOrder>>,
    /// The next group that is prepared has lost what was in memory.
    pub(crate) loses_memory: AtomicBool,
    /// Where it is reached, where that is not 192.0.2.7.
    pub(crate) address: Mutex<Option<std::net::IpAddr>>,
    pub(crate) refuses: Mutex<bool>,
    /// Cannot be removed.
    stuck: Mutex<Option<InstanceId>>,
    /// Goes on with a start: (it has begun, it may end).
    gate: Option<(Notify, Notify)>,
}

impl MemoryHost {
    fn known(&self, id: InstanceId) -> Result<InstanceState, HostError> {
        let unknown = || HostError::new(HostErrorKind::NotFound, "no such instance");
        self.running.lock().unwrap().get(&id).copied().ok_or_else(unknown)
    }

    pub(crate) fn end(&self, id: InstanceId, status: ExitStatus) {
        self.running.lock().unwrap().insert(id, InstanceState::Exited(status));
    }
}

#[async_trait]
impl InstanceHost for MemoryHost {
    fn command_line(&self, options: &InstanceOptions, config: &ImageConfig) -> Vec<String> {
        if options.command.is_empty() { config.cmd.clone() } else { options.command.clone() }
    }

    async fn start(&self, order: HostOrder) -> Result<HostStarted, HostError> {
        if *self.refuses.lock().unwrap() {
            return Err(HostError::new(HostErrorKind::CommandNotFound, "there is no such command"));
        }
        if let Some((begun, may_end)) = &self.gate {
            begun.notify_one();
            may_end.notified().await;
        }
        self.orders.lock().unwrap().push((order.id, order.options.clone()));
        self.running.lock().unwrap().insert(order.id, InstanceState::Running);
        Ok(HostStarted {
            pid: 7,
            image_ready_us: 1,
            total_us: 2,
            limits_not_set: vec!["no quota".into()],
            warnings: Vec::new(),
        })
    }

    async fn stop(&self, id: InstanceId, _: Duration) -> Result<ExitStatus, HostError> {
        self.known(id)?;
        self.end(id, ExitStatus::Signal(15));
        Ok(ExitStatus::Signal(15))
    }

    async fn wait(&self, id: InstanceId) -> Result<(), HostError> {
        self.known(id).map(drop)
    }

    async fn remove(&self, id: InstanceId, force: bool) -> Result<(), HostError> {
        if *self.stuck.lock().unwrap() == Some(id) {
            return Err(HostError::new(HostErrorKind::System, "a mount is busy"));
        }
        if self.known(id)? == InstanceState::Running && !force {
            return Err(HostError::new(HostErrorKind::State, "it runs"));
        }
        self.running.lock().unwrap().remove(&id);
        Ok(())
    }

    async fn logs(&self, id: InstanceId, _: usize) -> Result<Vec<PrintedLine>, HostError> {
        self.known(id).map(|_| Vec::new())
    }

    async fn read_log(&self, id: InstanceId, _: bool, _: Sender<PrintedLine>) -> Result<(), HostError> {
        self.known(id).map(drop)
    }

    async fn exec(
        &self,
        id: InstanceId,
        order: ExecOrder,
        to: Sender<Printed>,
    ) -> Result<ExecEnd, HostError> {
        self.known(id)?;
        let bytes = order.command.join(" ").into_bytes();
        to.send(Printed { stream: LineStream::Stdout, bytes }).await.unwrap();
        Ok(ExecEnd { status: ExitStatus::Code(0), is_cut: false })
    }

    async fn prepare_group(&self, order: GroupOrder) -> Result<GroupPrepared, HostError> {
        let was_lost = self.loses_memory.swap(false, Ordering::SeqCst);
        let address = match order.own_network {
            true => "127.0.0.1".parse().unwrap(),
            false => self.address.lock().unwrap().unwrap_or_else(|| "192.0.2.7".parse().unwrap()),
        };
        self.groups.lock().unwrap().insert(order.id, order);
        Ok(GroupPrepared { address, warnings: Vec::new(), was_lost })
    }

    async fn remove_group(&self, id: GroupId) -> Result<(), HostError> {
        self.groups.lock().unwrap().remove(&id);
        Ok(())
    }

    async fn groups(&self) -> Result<Vec<GroupId>, HostError> {
        Ok(self.groups.lock().unwrap().keys().copied().collect())
    }

    fn on_end(&self, _: Box<dyn Fn() + Send + Sync>) {}

    async fn look_around(&self) -> Result<HostStates, HostError> {
        let running = self.running.lock().unwrap();
        let status = |(id, state): (&InstanceId, &InstanceState)| HostStatus {
            id: *id,
            state: *state,
            pid: (*state == InstanceState::Running).then_some(7),
        };
        Ok(HostStates { instances: running.iter().map(status).collect(), ..HostStates::default() })
    }
}

struct Scene {
    server: FaultServer,
    world: World,
    records: Arc<MemoryMetastore>,
    host: Arc<MemoryHost>,
    instances: Instances,
}

impl Scene {
    async fn new() -> Self {
        Self::over(MemoryHost::default()).await
    }

    async fn over(host: MemoryHost) -> Self {
        let server = FaultServer::start();
        server.serve_image("app", "1", &image([noise("layer", 10_000)]));
        let records = Arc::new(MemoryMetastore::default());
        let world = World::of(Arc::new(MemoryStore::default()), Arc::clone(&records) as _, Some(&server));
        let source = format!("{}/app:1", server.host());
        world.create(new_cache("web", &source, ByteSize::gib(1))).await.unwrap();
        let host = Arc::new(host);
        let instances = Instances::new(Engine::clone(&world.engine), Arc::clone(&host) as _);
        Self { server, world, records, host, instances }
    }

    fn wanted(&self, name: &str) -> NewInstance {
        let images = vec![format!("{}/app:1", self.server.host()).parse().unwrap()];
        NewInstance {
            wish: StartWish::new(InstanceId::generate(), images, Platform::linux_amd64()),
            name: Some(name.parse().unwrap()),
            options: InstanceOptions::default(),
            remove_on_exit: false,
            runtime: None,
        }
    }

    async fn create(&self, new: NewInstance) -> Result<model::Instance, Error> {
        let created = self.instances.create(&local(), new, &BuildProgress::default()).await?;
        Ok(created.instance)
    }

    async fn all(&self) -> Vec<model::Instance> {
        self.instances.list(&InstanceFilter::default(), Page::first()).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_created_looked_at_stopped_and_deleted() {
    let scene = Scene::new().await;
    let created = scene.create(scene.wanted("front")).await.unwrap();
    assert_eq!((created.state, created.pid), (InstanceState::Running, Some(7)));
    assert_eq!(created.command, ["/bin/true"]);
    let events = scene.world.engine.events(&local(), Subject::Instance(created.id)).await.unwrap();
    let reasons: Vec<EventReason> = events.iter().map(|event| event.reason).collect();
    for reason in [EventReason::CacheHit, EventReason::Started, EventReason::LimitNotSet] {
        assert!(reasons.contains(&reason), "{reasons:?}");
    }
    let order = ExecOrder { command: vec!["echo".into(), "hi".into()], ..ExecOrder::default() };
    let (to, mut printed) = tokio::sync::mpsc::channel(1);
    let ended = scene.instances.exec(&local(), "front", order, to).await.unwrap();
    assert_eq!(ended.status, ExitStatus::Code(0));
    assert_eq!(printed.recv().await.unwrap().bytes, b"echo hi");
    let theirs = "theirs".parse().unwrap();
    let unknown = scene.instances.find(&theirs, &created.id.to_string()).await;
    assert!(matches!(unknown, Err(Error::UnknownInstance { .. })));
    let runs = scene.instances.delete(&local(), "front", false).await.unwrap_err();
    assert!(matches!(&runs, Error::Host { source, .. } if source.kind() == HostErrorKind::State), "{runs}");
    let stopped = scene.instances.stop(&local(), "front", Duration::from_secs(1)).await.unwrap();
    assert_eq!(stopped.state, InstanceState::Exited(ExitStatus::Signal(15)));
    assert_eq!(scene.instances.stop(&local(), "front", Duration::ZERO).await.unwrap(), stopped);
    scene.instances.delete(&local(), "front", false).await.unwrap();
    assert!(scene.all().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_or_a_name_that_is_taken_leaves_nothing() {
    let scene = Scene::new().await;
    *scene.host.refuses.lock().unwrap() = true;
    let failed = scene.create(scene.wanted("front")).await.unwrap_err();
    assert!(matches!(&failed, Error::Host { source, .. } if source.kind() == HostErrorKind::CommandNotFound));
    assert!(scene.all().await.is_empty());
    let cache = scene.world.engine.find_cache(&local(), "web").await.unwrap().cache.id;
    let events = scene.world.engine.events(&local(), Subject::Cache(cache)).await.unwrap();
    let told = events.iter().find(|event| event.reason == EventReason::StartFailed).unwrap();
    assert_eq!(told.message, "there is no such command");
    *scene.host.refuses.lock().unwrap() = false;
    scene.create(scene.wanted("front")).await.unwrap();
    let taken = scene.create(scene.wanted("front")).await.unwrap_err();
    assert!(matches!(taken, Error::Records(metastore::Error::NameTaken { .. })), "{taken}");
    assert_eq!(scene.all().await.len(), 1);
    let leases = scene.world.store.list_leases(model::Clock::now(&model::SystemClock)).await.unwrap();
    assert!(leases.is_empty(), "{leases:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_unseen_is_settled() {
    let scene = Scene::new().await;
    let stays = scene.create(scene.wanted("stays")).await.unwrap();
    let goes = scene.create(NewInstance { remove_on_exit: true, ..scene.wanted("goes") }).await.unwrap();
    scene.host.end(stays.id, ExitStatus::Code(3));
    scene.host.end(goes.id, ExitStatus::Code(0));
    assert!(scene.instances.settle().await.unwrap().is_empty());
    let all = scene.all().await;
    let [left] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((left.id, left.state), (stays.id, InstanceState::Exited(ExitStatus::Code(3))));
    scene.instances.settle().await.unwrap();
    assert_eq!(scene.all().await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_a_wish_for_a_refresh_says_what_has_moved() {
    let scene = Scene::new().await;
    scene.server.serve_image("app", "1", &image([noise("moved", 10_000)]));
    let mut new = scene.wanted("front");
    new.wish.staleness = Some(StalenessWish::Refresh);
    scene.create(new).await.unwrap();
    let cache = scene.world.engine.find_cache(&local(), "web").await.unwrap().cache;
    assert_eq!(cache.state, CacheState::Ready);
    let reasons = scene.world.reasons(&cache).await;
    assert!(reasons.contains(&EventReason::TagMoved), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_deleted_during_its_start_does_not_run() {
    let gate = Some((Notify::new(), Notify::new()));
    let scene = Scene::over(MemoryHost { gate, ..MemoryHost::default() }).await;
    let deleting = async {
        let (begun, may_end) = scene.host.gate.as_ref().unwrap();
        begun.notified().await;
        scene.instances.delete(&local(), "front", true).await.unwrap();
        may_end.notify_one();
    };
    let (created, ()) = tokio::join!(scene.create(scene.wanted("front")), deleting);
    let refused = created.unwrap_err();
    assert!(
        matches!(&refused, Error::Host { source, .. } if source.kind() == HostErrorKind::State),
        "{refused}"
    );
    assert!(scene.host.running.lock().unwrap().is_empty() && scene.all().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_left_alone_while_it_is_started_and_ended_once_its_start_is_given_up() {
    let gate = Some((Notify::new(), Notify::new()));
    let scene = Scene::over(MemoryHost { gate, ..MemoryHost::default() }).await;
    let states = async || scene.all().await.iter().map(|instance| instance.state).collect::<Vec<_>>();
    let mut start = Box::pin(scene.create(scene.wanted("front")));
    tokio::select! {
        created = &mut start => panic!("{created:?}"),
        () = scene.host.gate.as_ref().unwrap().0.notified() => {}
    }
    scene.instances.settle().await.unwrap();
    assert_eq!(states().await, [InstanceState::Creating]);
    // As whatever ends a process drops what it was at.
    drop(start);
    scene.instances.settle().await.unwrap();
    assert_eq!(states().await, [InstanceState::Exited(ExitStatus::Unknown)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_cannot_be_settled_keeps_no_other() {
    let scene = Scene::new().await;
    let mut all = Vec::new();
    for name in ["one", "two", "three"] {
        let new = NewInstance { remove_on_exit: true, ..scene.wanted(name) };
        all.push(scene.create(new).await.unwrap().id);
    }
    all.iter().for_each(|id| scene.host.end(*id, ExitStatus::Code(0)));
    *scene.host.stuck.lock().unwrap() = Some(all[1]);
    scene.instances.settle().await.unwrap_err();
    let left: Vec<_> = scene.all().await.iter().map(|instance| instance.id).collect();
    assert_eq!(left, [all[1]]);
    *scene.host.stuck.lock().unwrap() = None;
    scene.instances.settle().await.unwrap();
    assert!(scene.all().await.is_empty());
}

fn nothing() -> Arc<BTreeSet<model::BlobKey>> {
    Arc::default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_is_to_go_goes_with_its_last_instance() {
    let scene = Scene::new().await;
    let instances = [scene.create(scene.wanted("one")).await, scene.create(scene.wanted("two")).await];
    let deletion = scene.world.engine.delete_cache(&local(), "web", DeleteMode::WhenUnused).await.unwrap();
    assert!(matches!(deletion, Deletion::Asked(_)));
    for instance in instances {
        assert!(scene.world.engine.find_cache(&local(), "web").await.is_ok());
        scene.instances.delete(&local(), instance.unwrap().name.as_str(), true).await.unwrap();
    }
    let gone = scene.world.engine.find_cache(&local(), "web").await;
    assert!(matches!(gone, Err(Error::UnknownCache { .. })), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_takes_a_cache_that_is_to_go_and_that_nothing_uses() {
    let scene = Scene::new().await;
    let instance = scene.create(scene.wanted("one")).await.unwrap();
    scene.world.engine.delete_cache(&local(), "web", DeleteMode::WhenUnused).await.unwrap();
    scene.world.engine.collect(nothing()).await.unwrap();
    assert!(scene.world.engine.find_cache(&local(), "web").await.is_ok());
    // As where the process that removed it ended behind the record.
    scene.records.instance_exited(instance.id, ExitStatus::Code(0), &[], instance.created).await.unwrap();
    scene.records.remove_instance(instance.id, &[]).await.unwrap();
    scene.world.engine.collect(nothing()).await.unwrap();
    assert!(scene.world.engine.find_cache(&local(), "web").await.is_err());
    assert!(scene.world.blobs().await.is_empty());
}
