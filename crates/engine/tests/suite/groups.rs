//! Container groups, over a host in memory and time that tests move.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use engine::{GroupDetails, Groups, Instances, NewGroup, Reconcilers};
use metastore::{CacheFilter, GroupStep, InstanceFilter, Page};
use model::matching::MatchPolicy;
use model::{
    ByteSize, CacheState, Clock as _, Cloud, CloudNotes, ContainerPlace, ContainerSpec, ContainerState,
    EventReason, ExitStatus, Group, GroupId, GroupMount, GroupNetwork, GroupPhase, GroupSecrets, GroupSpec,
    GroupVolume, ImageCache, InstanceId, Origin, Platform, RegistryAccess, RestartPolicy, VolumeFile,
    VolumeSource,
};
use testkit::{FaultServer, Reply};
use tokio::task::JoinSet;

use crate::instances::MemoryHost;
use crate::service::{Ground, Service, app, image_of, request, server_with};
use crate::support::{blob_path, local};

struct Scene {
    server: FaultServer,
    ground: Ground,
    service: Service,
    host: Arc<MemoryHost>,
    groups: Groups,
    work: Reconcilers,
}

impl Scene {
    fn new() -> Self {
        let server = server_with(&["1", "2"]);
        let ground = Ground::in_memory(&server);
        Self::over(server, ground, Arc::new(MemoryHost::default()))
    }

    fn over(server: FaultServer, ground: Ground, host: Arc<MemoryHost>) -> Self {
        let service = ground.service();
        let groups = Groups::new(Instances::new(service.engine.clone(), Arc::clone(&host) as _));
        let work = Reconcilers::of_groups(&groups);
        Self { server, ground, service, host, groups, work }
    }

    /// The next server, after this one was killed.
    fn next(self) -> Self {
        Self::over(self.server, self.ground, self.host)
    }

    fn container(&self, name: &str, tag: &str) -> ContainerSpec {
        ContainerSpec {
            name: name.parse().unwrap(),
            image: app(&self.server, tag).parse().unwrap(),
            entrypoint: None,
            command: vec![name.to_owned()],
            address_variables: BTreeSet::new(),
            working_dir: None,
            user: None,
            milli_cpus: Some(500),
            memory: None,
            mounts: Vec::new(),
        }
    }

    fn spec(&self, policy: RestartPolicy) -> GroupSpec {
        GroupSpec {
            platform: Platform::linux_amd64(),
            init_containers: vec![self.container("prepare", "2")],
            containers: vec![self.container("main", "1"), self.container("side", "2")],
            volumes: Vec::new(),
            restart_policy: policy,
            cache: None,
            match_cache: true,
            policy: MatchPolicy::Alibaba,
            space: Some(ByteSize::gib(30)),
            access: RegistryAccess::default(),
            hostname: "web".to_owned(),
            network: GroupNetwork::Host,
            deadline_seconds: None,
            grace_seconds: 30,
            milli_cpus: None,
            memory: None,
        }
    }

    async fn create(&self, spec: GroupSpec) -> Group {
        self.create_with(spec, GroupSecrets::default()).await
    }

    async fn create_with(&self, spec: GroupSpec, secrets: GroupSecrets) -> Group {
        self.groups.create(&local(), new_group(spec, secrets)).await.unwrap()
    }

    /// Whatever is due is done.
    async fn pass(&mut self) {
        self.work.pass().await.unwrap();
    }

    async fn after(&mut self, seconds: u64) {
        self.ground.time.advance(Duration::from_secs(seconds));
        self.pass().await;
    }

    async fn look(&self, id: GroupId) -> GroupDetails {
        self.groups.find(&local(), id).await.unwrap()
    }

    async fn phase(&self, id: GroupId) -> GroupPhase {
        self.look(id).await.group.status.phase
    }

    async fn instance(&self, id: GroupId, place: ContainerPlace) -> InstanceId {
        self.look(id).await.group.status.container(place).unwrap().instance().unwrap()
    }

    /// That container ends, and what follows is done.
    async fn ends(&mut self, id: GroupId, place: ContainerPlace, code: u8) {
        let instance = self.instance(id, place).await;
        self.host.end(instance, ExitStatus::Code(code));
        self.pass().await;
    }

    async fn reasons(&self, id: GroupId) -> Vec<EventReason> {
        let events = self.groups.events(&local(), id).await.unwrap();
        events.into_iter().map(|event| event.reason).collect()
    }

    async fn automatic(&self) -> Vec<ImageCache> {
        let filter = CacheFilter { origin: Some(Origin::Automatic), ..CacheFilter::default() };
        self.ground.records.find_caches(&filter, Page::first()).await.unwrap()
    }

    /// What the host was told to run, by the words of the commands.
    fn ordered(&self) -> Vec<String> {
        self.host.orders.lock().unwrap().iter().map(|(_, options)| options.command.join(" ")).collect()
    }
}

use ContainerPlace::{Init, Main};

fn new_group(spec: GroupSpec, secrets: GroupSecrets) -> NewGroup {
    let (id, name) = (GroupId::generate(), "web".parse().unwrap());
    NewGroup { id, name, spec, secrets, credentials: BTreeMap::new(), notes: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_lives_from_its_init_containers_to_its_end() {
    let mut scene = Scene::new();
    let id = scene.create(scene.spec(RestartPolicy::Never)).await.id;
    assert_eq!(scene.phase(id).await, GroupPhase::Scheduling);
    scene.pass().await;
    assert_eq!((scene.ordered(), scene.phase(id).await), (vec!["prepare".to_owned()], GroupPhase::Pending));
    scene.ends(id, Init(0), 0).await;
    assert_eq!(scene.ordered(), ["prepare", "main", "side"]);
    scene.pass().await;
    let details = scene.look(id).await;
    assert_eq!(details.group.status.phase, GroupPhase::Running);
    assert!(details.instances.iter().all(|one| one.group == Some(id)) && details.instances.len() == 3);
    scene.ends(id, Main(0), 0).await;
    scene.ends(id, Main(1), 3).await;
    assert_eq!(scene.phase(id).await, GroupPhase::Failed);
    let reasons = scene.reasons(id).await;
    for reason in
        [EventReason::CacheMiss, EventReason::AutoCreated, EventReason::Started, EventReason::GroupEnded]
    {
        assert!(reasons.contains(&reason), "{reasons:?}");
    }
    // What its containers shared is given back; what they wrote is kept.
    scene.pass().await;
    assert!(scene.host.groups.lock().unwrap().is_empty());
    assert_eq!(scene.look(id).await.instances.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miss_is_matched_once_and_makes_one_cache_of_all_images() {
    let mut scene = Scene::new();
    let id = scene.create(scene.spec(RestartPolicy::Always)).await.id;
    scene.pass().await;
    scene.ends(id, Init(0), 0).await;
    let made = scene.automatic().await;
    let [cache] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((cache.images.len(), cache.state), (2, CacheState::Ready));
    // Asked for what is the same, the next one hits, and no registry is asked.
    let requests = scene.server.requests().len();
    let second = scene.create(scene.spec(RestartPolicy::Always)).await.id;
    scene.pass().await;
    let status = scene.look(second).await.group.status;
    assert_eq!(status.choice.unwrap().cache, Some(cache.id));
    assert!(scene.reasons(second).await.contains(&EventReason::CacheHit));
    assert_eq!((scene.automatic().await.len(), scene.server.requests().len()), (1, requests));
    assert_eq!(scene.automatic().await[0].savings.starts, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automatic_cache_is_in_the_region_of_the_group_that_missed() {
    let mut scene = Scene::new();
    let labels = BTreeMap::from([(Cloud::Alibaba.region_label(), "cn-beijing".to_owned())]);
    let said = CloudNotes::new(Cloud::Alibaba, r#"{"ZoneId":"a"}"#.to_owned()).unwrap();
    let notes = said.with_labels(labels).unwrap();
    let new = NewGroup {
        notes: Some(notes),
        ..new_group(scene.spec(RestartPolicy::Always), GroupSecrets::default())
    };
    scene.groups.create(&local(), new).await.unwrap();
    scene.pass().await;
    let made = scene.automatic().await;
    let [cache] = made.as_slice() else { panic!("{made:?}") };
    let notes = cache.notes.as_ref().unwrap();
    assert_eq!((notes.region(), notes.document()), (Some("cn-beijing"), "{}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_starts_again_ever_later_as_a_new_instance() {
    let mut scene = Scene::new();
    let mut spec = scene.spec(RestartPolicy::OnFailure);
    spec.init_containers.clear();
    spec.containers.truncate(1);
    let id = scene.create(spec).await.id;
    scene.pass().await;
    let first = scene.instance(id, Main(0)).await;
    scene.ends(id, Main(0), 1).await;
    let second = scene.instance(id, Main(0)).await;
    assert_ne!(first, second);
    scene.pass().await;
    scene.ends(id, Main(0), 1).await;
    let status = scene.look(id).await.group.status.containers[0].clone();
    assert!(matches!(status.state, ContainerState::BackOff { .. }), "{status:?}");
    assert_eq!((status.restarts, status.last.unwrap().instance), (1, second));
    scene.after(9).await;
    assert_eq!(scene.ordered().len(), 2);
    scene.after(1).await;
    assert_eq!(scene.ordered().len(), 3);
    // The run before is kept for its log, and none before that.
    scene.pass().await;
    let kept: Vec<InstanceId> = scene.look(id).await.instances.iter().map(|one| one.id).collect();
    assert_eq!(kept, [second, scene.instance(id, Main(0)).await]);
    assert!(scene.reasons(id).await.contains(&EventReason::BackOff));
    scene.ends(id, Main(0), 0).await;
    assert_eq!(scene.phase(id).await, GroupPhase::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_server_goes_on_wherever_the_last_one_was_killed() {
    let mut scene = Scene::new();
    let group = scene.create(scene.spec(RestartPolicy::Never)).await;
    // Killed before anything was chosen.
    scene = scene.next();
    scene.pass().await;
    scene.ends(group.id, Init(0), 0).await;
    scene = scene.next();
    scene.pass().await;
    assert_eq!(scene.phase(group.id).await, GroupPhase::Running);
    assert_eq!(scene.ordered(), ["prepare", "main", "side"]);
    scene.ends(group.id, Main(0), 0).await;
    scene.ends(group.id, Main(1), 0).await;
    assert_eq!(scene.phase(group.id).await, GroupPhase::Succeeded);
    // Killed between the record of a start and the start.
    let group = scene.create(scene.spec(RestartPolicy::Never)).await;
    scene.pass().await;
    scene.ends(group.id, Init(0), 0).await;
    let mut known = scene.look(group.id).await.group;
    let lost = InstanceId::generate();
    known.status.begin(Main(0), lost, scene.ground.time.now());
    let step = GroupStep { id: known.id, revision: known.revision, status: known.status, made: None };
    scene.ground.records.step_group(&step, &[], scene.ground.time.now()).await.unwrap().unwrap();
    scene = scene.next();
    scene.pass().await;
    let status = scene.look(group.id).await.group.status.containers[0].clone();
    assert!(status.instance().is_some_and(|id| id != lost) && status.restarts == 0, "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_deleted_while_its_images_are_fetched() {
    let scene = Scene::new();
    let layer = image_of("1").layers[0].clone();
    scene.server.always(&blob_path(&layer), Reply::blob(&layer.blob).hang_after(100));
    let id = scene.create(scene.spec(RestartPolicy::Always)).await.id;
    let Scene { server, ground, host, groups, mut work, service } = scene;
    let mut passing = JoinSet::new();
    passing.spawn(async move { work.pass().await.map(|()| work) });
    server.wait_for_requests(&blob_path(&layer), 1);
    groups.delete(&local(), id, false).await.unwrap();
    let mut work = passing.join_next().await.unwrap().unwrap().unwrap();
    work.pass().await.unwrap();
    assert!(matches!(groups.find(&local(), id).await, Err(engine::Error::UnknownGroup { .. })));
    assert!(host.orders.lock().unwrap().is_empty() && host.groups.lock().unwrap().is_empty());
    assert!(ground.records.held_snapshots().await.unwrap().is_empty());
    // It is told of still.
    assert!(!groups.events(&local(), id).await.unwrap().is_empty());
    drop(service);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_runs_is_deleted_with_all_that_it_had() {
    let mut scene = Scene::new();
    let mut spec = scene.spec(RestartPolicy::Always);
    spec.match_cache = false;
    let id = scene.create(spec).await.id;
    scene.pass().await;
    scene.ends(id, Init(0), 0).await;
    scene.pass().await;
    let snapshot = scene.look(id).await.group.status.choice.unwrap().snapshot;
    scene.groups.delete(&local(), id, true).await.unwrap();
    scene.pass().await;
    assert!(scene.groups.list(&local()).await.unwrap().is_empty());
    assert!(scene.host.running.lock().unwrap().is_empty());
    let left = scene.ground.records.find_instances(&InstanceFilter::default(), Page::first()).await.unwrap();
    assert_eq!(left, []);
    assert!(scene.ground.records.snapshot(snapshot).await.unwrap().is_none());
    assert_eq!(scene.service.documents().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_are_not_there_end_it_and_a_registry_that_is_away_does_not() {
    let mut scene = Scene::new();
    let mut spec = scene.spec(RestartPolicy::Always);
    spec.containers[0].image = app(&scene.server, "none").parse().unwrap();
    let id = scene.create(spec).await.id;
    scene.pass().await;
    let status = scene.look(id).await.group.status;
    assert_eq!(status.phase, GroupPhase::ScheduleFailed);
    assert!(status.message.unwrap().contains("none"));
    let mut spec = scene.spec(RestartPolicy::Always);
    spec.containers[0].image = "127.0.0.1:9/app:1".parse().unwrap();
    spec.access.plain_http = ["127.0.0.1:9".parse().unwrap()].into();
    let id = scene.create(spec).await.id;
    scene.pass().await;
    let status = scene.look(id).await.group.status;
    assert_eq!((status.phase, status.images.as_ref().unwrap().tries), (GroupPhase::Scheduling, 1));
    scene.after(9).await;
    assert_eq!(scene.look(id).await.group.status.images.unwrap().tries, 1);
    scene.after(1).await;
    assert_eq!(scene.look(id).await.group.status.images.unwrap().tries, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_cannot_start_has_failed() {
    let mut scene = Scene::new();
    let mut spec = scene.spec(RestartPolicy::Never);
    spec.init_containers.clear();
    let id = scene.create(spec).await.id;
    *scene.host.refuses.lock().unwrap() = true;
    scene.pass().await;
    let status = scene.look(id).await.group.status;
    assert_eq!(status.phase, GroupPhase::Failed);
    let ContainerState::Ended(run) = &status.containers[0].state else { panic!("{status:?}") };
    assert!(run.started.is_none() && run.message.as_ref().unwrap().contains("no such command"));
    assert!(scene.reasons(id).await.contains(&EventReason::StartFailed));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_its_containers_may_read_is_sealed_and_reaches_them() {
    let mut scene = Scene::new();
    let mut spec = scene.spec(RestartPolicy::Never);
    let file = VolumeFile { path: "app.conf".into(), mode: 0o600 };
    let source = VolumeSource::Files { files: vec![file] };
    spec.volumes = vec![GroupVolume { name: "conf".to_owned(), source }];
    let mount = |path: &str| GroupMount { volume: 0, path: path.into(), sub_path: None, read_only: true };
    spec.init_containers[0].mounts = vec![mount("/etc/app")];
    let mut secrets = GroupSecrets::default();
    secrets.environment.insert("prepare".parse().unwrap(), vec![("KEY".into(), "a secret word".into())]);
    secrets.files.insert(0, vec![b"secret bytes".to_vec()]);
    let id = scene.create_with(spec, secrets).await.id;
    let record = serde_json::to_string(&scene.look(id).await.group).unwrap();
    assert!(!record.contains("secret"), "{record}");
    scene.pass().await;
    let (_, options) = scene.host.orders.lock().unwrap()[0].clone();
    assert_eq!(options.env, ["KEY=a secret word"]);
    assert_eq!(options.group.unwrap().mounts, [mount("/etc/app")]);
    let order = scene.host.groups.lock().unwrap()[&id].clone();
    let engine::OrderedVolume::Files(files) = &order.volumes[0] else { panic!("{order:?}") };
    assert_eq!((files[0].content.as_slice(), files[0].mode), (b"secret bytes".as_slice(), 0o600));
    let events = scene.groups.events(&local(), id).await.unwrap();
    assert!(!format!("{events:?} {order:?}").contains("secret"));
    let opened = scene.groups.secrets(&local(), id).await.unwrap();
    assert_eq!(opened.files[&0], [b"secret bytes"]);
    let other = "other".parse().unwrap();
    assert!(scene.groups.secrets(&other, id).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn init_containers_run_once_more_where_what_they_left_in_memory_is_lost() {
    let mut scene = Scene::new();
    let id = scene.create(scene.spec(RestartPolicy::Always)).await.id;
    scene.pass().await;
    scene.ends(id, Init(0), 0).await;
    scene.pass().await;
    // The machine was restarted.
    for place in [Main(0), Main(1)] {
        let instance = scene.instance(id, place).await;
        scene.host.end(instance, ExitStatus::Unknown);
    }
    scene.host.loses_memory.store(true, Ordering::SeqCst);
    scene.pass().await;
    assert_eq!(scene.ordered(), ["prepare", "main", "side", "prepare"]);
    scene.ends(id, Init(0), 0).await;
    scene.pass().await;
    assert_eq!(scene.phase(id).await, GroupPhase::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_what_runs() {
    let mut scene = Scene::new();
    let mut spec = scene.spec(RestartPolicy::Always);
    (spec.deadline_seconds, spec.init_containers) = (Some(60), Vec::new());
    let id = scene.create(spec).await.id;
    scene.pass().await;
    scene.after(59).await;
    assert_eq!(scene.phase(id).await, GroupPhase::Running);
    scene.after(1).await;
    scene.pass().await;
    assert_eq!(scene.phase(id).await, GroupPhase::Failed);
    let running = scene.host.running.lock().unwrap().values().filter(|state| !state.has_ended()).count();
    assert_eq!(running, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_so_many_groups_at_once() {
    let server = server_with(&["1", "2"]);
    let mut ground = Ground::in_memory(&server);
    ground.settings.groups_per_account = 1;
    let mut scene = Scene::over(server, ground, Arc::new(MemoryHost::default()));
    let id = scene.create(scene.spec(RestartPolicy::Never)).await.id;
    let (name, spec) = ("web".parse().unwrap(), scene.spec(RestartPolicy::Never));
    let secrets = GroupSecrets::default();
    let new =
        NewGroup { id: GroupId::generate(), name, spec, secrets, credentials: BTreeMap::new(), notes: None };
    let refused = scene.groups.create(&local(), new.clone()).await;
    assert!(matches!(refused, Err(engine::Error::TooManyGroups { most: 1 })), "{refused:?}");
    scene.groups.delete(&local(), id, true).await.unwrap();
    scene.pass().await;
    scene.groups.create(&local(), new).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_cache_is_used_as_it_is() {
    let mut scene = Scene::new();
    let cache = scene.service.built(request("web", &app(&scene.server, "1"))).await;
    let mut spec = scene.spec(RestartPolicy::Never);
    (spec.cache, spec.match_cache) = (Some(cache.id), false);
    spec.init_containers.clear();
    spec.containers.truncate(1);
    let id = scene.create(spec.clone()).await.id;
    scene.pass().await;
    let status = scene.look(id).await.group.status;
    assert_eq!(status.choice.unwrap().snapshot, cache.snapshot.unwrap());
    // The cache goes; what the group starts from stays while it is there.
    scene
        .service
        .engine
        .delete_cache(&local(), &cache.id.to_string(), engine::DeleteMode::WhenUnused)
        .await
        .unwrap();
    assert!(scene.ground.records.snapshot(cache.snapshot.unwrap()).await.unwrap().is_some());
    let id = scene.create(spec).await.id;
    scene.pass().await;
    assert_eq!(scene.phase(id).await, GroupPhase::ScheduleFailed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_has_of_groups_that_are_not_recorded_goes() {
    let mut scene = Scene::new();
    let stray = GroupId::generate();
    let order = engine::GroupOrder {
        id: stray,
        volumes: Vec::new(),
        own_network: false,
        memory: None,
        milli_cpus: None,
    };
    scene.host.groups.lock().unwrap().insert(stray, order);
    scene.pass().await;
    assert!(scene.host.groups.lock().unwrap().is_empty());
}

/// What the host was told of the environment and the limits of the containers of that command.
fn told(scene: &Scene, command: &str) -> Vec<(Vec<String>, Option<ByteSize>, Option<u32>)> {
    let orders = scene.host.orders.lock().unwrap();
    let of_command = orders.iter().filter(|(_, options)| options.command == [command]);
    of_command.map(|(_, options)| (options.env.clone(), options.memory, options.milli_cpus)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_keeps_the_address_that_it_first_started_with() {
    let mut scene = Scene::new();
    let mut spec = scene.spec(RestartPolicy::Always);
    spec.init_containers.clear();
    spec.containers.truncate(1);
    spec.containers[0].address_variables = BTreeSet::from([1]);
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut secrets = GroupSecrets::default();
    let variables = vec![variable("A", "given"), variable("B", ""), variable("C", "")];
    secrets.environment.insert("main".parse().unwrap(), variables);
    let group = scene.create_with(spec, secrets).await;
    assert_eq!(scene.look(group.id).await.group.status.address, None);
    scene.pass().await;
    assert_eq!(scene.look(group.id).await.group.status.address, Some([192, 0, 2, 7].into()));
    *scene.host.address.lock().unwrap() = Some([192, 0, 2, 9].into());
    scene.ends(group.id, Main(0), 1).await;
    assert_eq!(scene.look(group.id).await.group.status.address, Some([192, 0, 2, 7].into()));
    let environment = ["A=given", "B=192.0.2.7", "C="].map(str::to_owned).to_vec();
    let all: Vec<_> = told(&scene, "main").into_iter().map(|(environment, ..)| environment).collect();
    assert_eq!(all, [environment.clone(), environment]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_group_may_take_is_told_once_and_no_container_may_take_more() {
    let mut scene = Scene::new();
    let mut spec = scene.spec(RestartPolicy::Always);
    spec.init_containers.clear();
    (spec.milli_cpus, spec.memory) = (Some(1000), Some(ByteSize::gib(1)));
    (spec.containers[0].milli_cpus, spec.containers[0].memory) = (Some(2000), Some(ByteSize::gib(2)));
    (spec.containers[1].milli_cpus, spec.containers[1].memory) = (None, Some(ByteSize::mib(1)));
    let group = scene.create(spec).await;
    scene.pass().await;
    let orders = scene.host.groups.lock().unwrap();
    assert_eq!(
        (orders[&group.id].milli_cpus, orders[&group.id].memory),
        (Some(1000), Some(ByteSize::gib(1)))
    );
    drop(orders);
    let limits = |command| told(&scene, command).into_iter().map(|(_, memory, cpus)| (memory, cpus)).next();
    assert_eq!(limits("main"), Some((Some(ByteSize::gib(1)), Some(1000))));
    assert_eq!(limits("side"), Some((Some(ByteSize::mib(1)), None)));
}
