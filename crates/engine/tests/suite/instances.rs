//! Instances as use-cases, over a host in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use blobstore::MemoryStore;
use engine::{
    BuildProgress, Engine, Error, ExecEnd, ExecOrder, HostError, HostErrorKind, HostOrder, HostStarted,
    HostStates, HostStatus, InstanceHost, InstanceOptions, Instances, LineStream, NewInstance, Printed,
    PrintedLine, StartWish,
};
use metastore::{InstanceFilter, MemoryMetastore, Page};
use model::{ByteSize, EventReason, ExitStatus, ImageConfig, InstanceId, InstanceState, Platform, Subject};
use testkit::FaultServer;
use tokio::sync::mpsc::Sender;

use crate::support::{World, image, local, new_cache, noise};

/// Containers that are only remembered.
#[derive(Default)]
struct MemoryHost {
    running: Mutex<BTreeMap<InstanceId, InstanceState>>,
    refuses: Mutex<bool>,
}

impl MemoryHost {
    fn known(&self, id: InstanceId) -> Result<InstanceState, HostError> {
        let unknown = || HostError::new(HostErrorKind::NotFound, "no such instance");
        self.running.lock().unwrap().get(&id).copied().ok_or_else(unknown)
    }

    fn end(&self, id: InstanceId, status: ExitStatus) {
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
    host: Arc<MemoryHost>,
    instances: Instances,
}

impl Scene {
    async fn new() -> Self {
        let server = FaultServer::start();
        server.serve_image("app", "1", &image([noise("layer", 10_000)]));
        let world =
            World::of(Arc::new(MemoryStore::default()), Arc::new(MemoryMetastore::default()), Some(&server));
        let source = format!("{}/app:1", server.host());
        world.create(new_cache("web", &source, ByteSize::gib(1))).await.unwrap();
        let host = Arc::new(MemoryHost::default());
        let instances = Instances::new(Engine::clone(&world.engine), Arc::clone(&host) as _);
        Self { server, world, host, instances }
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
