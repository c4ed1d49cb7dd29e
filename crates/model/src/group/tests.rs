use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{
    ByteSize, Cloud, Digest, ExitStatus, ImageSnapshotId, Instance, InstanceId, InstanceState,
    ManifestDigest, Platform, RegistryAccess, matching::MatchPolicy,
};

const SECOND: i64 = 1_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + seconds * SECOND)
}

fn container(name: &str) -> ContainerSpec {
    ContainerSpec {
        name: name.parse().unwrap(),
        image: "registry.example/app:1".parse().unwrap(),
        entrypoint: None,
        command: Vec::new(),
        address_variables: BTreeSet::new(),
        working_dir: None,
        user: None,
        milli_cpus: None,
        memory: None,
        mounts: Vec::new(),
    }
}

fn spec(init: usize, main: usize, restart_policy: RestartPolicy) -> GroupSpec {
    GroupSpec {
        platform: Platform::linux_amd64(),
        init_containers: (0..init).map(|index| container(&format!("init{index}"))).collect(),
        containers: (0..main).map(|index| container(&format!("main{index}"))).collect(),
        volumes: Vec::new(),
        restart_policy,
        cache: None,
        match_cache: true,
        policy: MatchPolicy::Alibaba,
        space: None,
        access: RegistryAccess::default(),
        hostname: "web".to_owned(),
        network: GroupNetwork::Host,
        deadline_seconds: None,
        grace_seconds: 30,
        milli_cpus: None,
        memory: None,
    }
}

/// A group, its instances, and the time: what an engine would do with the rule's answers.
struct World {
    group: Group,
    instances: Vec<Instance>,
    now: Timestamp,
    /// Every start so far.
    starts: Vec<(ContainerPlace, Timestamp)>,
}

impl World {
    fn new(spec: GroupSpec) -> Self {
        let name = "web".parse().unwrap();
        let group = Group::asked_for(GroupId::generate(), name, AccountId::local(), spec, at(0));
        Self { group, instances: Vec::new(), now: at(0), starts: Vec::new() }
    }

    /// Does what the rule says until it says nothing more.
    fn settle(&mut self) -> Option<Timestamp> {
        for _ in 0..100 {
            let next = self.group.next(&self.instances, self.now);
            self.group.status = next.status;
            if next.actions.is_empty() {
                return next.due;
            }
            for action in next.actions {
                self.act(action);
            }
        }
        panic!("the rule never rests: {:?}", self.group.status);
    }

    fn act(&mut self, action: GroupAction) {
        match action {
            GroupAction::ChooseImages => {
                self.group.status.choice = Some(GroupChoice {
                    snapshot: ImageSnapshotId::generate(),
                    cache: None,
                    size_limit: ByteSize::gib(30),
                });
            }
            GroupAction::Start(place) => {
                let id = InstanceId::generate();
                self.group.status.begin(place, id, self.now);
                self.instances.push(running(&self.group, id, self.now));
                self.starts.push((place, self.now));
            }
            GroupAction::Stop(id) => self.end(id, ExitStatus::Signal(15)),
            GroupAction::Remove(id) => self.instances.retain(|one| one.id != id),
            GroupAction::Forget => panic!("nobody asked for that"),
        }
    }

    fn end(&mut self, id: InstanceId, status: ExitStatus) {
        let now = self.now;
        for one in self.instances.iter_mut().filter(|one| one.id == id && !one.state.has_ended()) {
            (one.state, one.finished) = (InstanceState::Exited(status), Some(now));
        }
    }

    /// Ends the present run of that container.
    fn ends(&mut self, place: ContainerPlace, code: u8) {
        let id = self.group.status.container(place).unwrap().instance().unwrap();
        self.end(id, ExitStatus::Code(code));
    }

    fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus_micros(seconds * SECOND);
    }

    fn phase(&self) -> GroupPhase {
        self.group.status.phase
    }
}

fn running(group: &Group, id: InstanceId, now: Timestamp) -> Instance {
    Instance {
        id,
        name: "x".parse().unwrap(),
        account: group.account.clone(),
        image: "registry.example/app:1".parse().unwrap(),
        manifest_digest: ManifestDigest::new(Digest::sha256(b"x")),
        snapshot: ImageSnapshotId::generate(),
        cache: None,
        group: Some(group.id),
        command: Vec::new(),
        state: InstanceState::Running,
        pid: Some(1),
        remove_on_exit: false,
        created: now,
        started: Some(now),
        finished: None,
    }
}

use ContainerPlace::{Init, Main};

#[test]
fn init_containers_end_one_after_another_before_the_others_start_together() {
    let mut world = World::new(spec(2, 2, RestartPolicy::Never));
    world.settle();
    assert_eq!((world.starts.len(), world.phase()), (1, GroupPhase::Pending));
    world.ends(Init(0), 0);
    world.settle();
    world.ends(Init(1), 0);
    world.settle();
    let places: Vec<_> = world.starts.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [Init(0), Init(1), Main(0), Main(1)]);
    assert_eq!(world.phase(), GroupPhase::Running);
    world.ends(Main(0), 0);
    world.settle();
    assert_eq!(world.phase(), GroupPhase::Running);
    world.ends(Main(1), 0);
    world.settle();
    assert_eq!(world.phase(), GroupPhase::Succeeded);
    assert_eq!(world.instances.len(), 4);
}

#[test]
fn a_failing_init_container_fails_the_group_or_is_tried_again() {
    let mut world = World::new(spec(1, 1, RestartPolicy::Never));
    world.settle();
    world.ends(Init(0), 3);
    world.settle();
    assert_eq!(world.phase(), GroupPhase::Failed);
    for policy in [RestartPolicy::OnFailure, RestartPolicy::Always] {
        let mut world = World::new(spec(1, 1, policy));
        world.settle();
        world.ends(Init(0), 3);
        world.settle();
        assert_eq!(world.group.status.init_containers[0].restarts, 1);
        world.ends(Init(0), 0);
        world.settle();
        assert_eq!(world.phase(), GroupPhase::Running, "{policy:?}");
    }
}

#[test]
fn waits_double_up_to_five_minutes_and_begin_anew_after_a_long_run() {
    let mut world = World::new(spec(0, 1, RestartPolicy::Always));
    world.settle();
    for expected in [0, 10, 20, 40, 80, 160, 300, 300] {
        world.pass(1);
        world.ends(Main(0), 0);
        let ended = world.now;
        match world.settle() {
            None => assert_eq!(expected, 0),
            Some(due) => {
                assert_eq!(due, ended.plus_micros(expected * SECOND));
                let before = world.starts.len();
                world.pass(expected - 1);
                world.settle();
                assert_eq!(world.starts.len(), before, "not before its time");
                world.pass(1);
                world.settle();
                assert_eq!(world.starts.len(), before + 1);
            }
        }
    }
    assert_eq!(world.group.status.containers[0].restarts, 8);
    world.pass(600);
    world.ends(Main(0), 1);
    assert_eq!(world.settle(), None, "at once");
    // The run before is kept for its log, and none before that.
    assert_eq!(world.instances.len(), 2);
}

#[test]
fn what_could_not_start_has_failed_and_what_never_ran_is_started_again() {
    let mut world = World::new(spec(0, 1, RestartPolicy::Never));
    world.settle();
    let instance = world.group.status.containers[0].instance().unwrap();
    let attempt = Attempt { instance, since: world.now };
    // Whoever started it died: its record is there and has never run, or is not there.
    world.group.status.containers[0].state = ContainerState::Starting(attempt);
    world.instances[0].started = None;
    world.instances[0].state = InstanceState::Exited(ExitStatus::Unknown);
    world.settle();
    assert_eq!((world.starts.len(), world.group.status.containers[0].restarts), (2, 0));
    let failure = StartFailure { instance, message: "no such command".to_owned() };
    world.group.status = world.group.start_failed(Main(0), failure, world.now).0;
    world.settle();
    assert_eq!(world.phase(), GroupPhase::Failed);
    let ContainerState::Ended(run) = &world.group.status.containers[0].state else { panic!("it goes on") };
    assert_eq!(run.message.as_deref(), Some("no such command"));
}

#[test]
fn images_are_asked_for_again_or_the_group_cannot_start() {
    let mut world = World::new(spec(0, 1, RestartPolicy::Always));
    world.group.status = world.group.images_failed("the registry is down".to_owned(), false, world.now).0;
    assert_eq!(world.settle(), Some(at(10)));
    world.pass(10);
    world.settle();
    assert_eq!(world.phase(), GroupPhase::Running);
    let mut world = World::new(spec(0, 1, RestartPolicy::Always));
    world.group.status = world.group.images_failed("no such image".to_owned(), true, world.now).0;
    assert_eq!((world.settle(), world.phase()), (None, GroupPhase::ScheduleFailed));
}

#[test]
fn a_deadline_ends_what_runs_and_fails_the_group() {
    let mut world = World::new(GroupSpec { deadline_seconds: Some(60), ..spec(0, 1, RestartPolicy::Always) });
    assert_eq!(world.settle(), Some(at(60)));
    world.pass(60);
    world.settle();
    assert_eq!(world.phase(), GroupPhase::Failed);
    assert_eq!(world.group.status.reason.as_deref(), Some("DeadlineExceeded"));
    assert!(world.instances.iter().all(|one| one.state.has_ended()));
    assert!(matches!(world.group.status.containers[0].state, ContainerState::Ended(_)));
}

#[test]
fn a_deletion_removes_every_instance_first() {
    let mut world = World::new(spec(0, 2, RestartPolicy::Always));
    world.settle();
    world.group.status.deleting = Some(Deleting { since: world.now, force: false });
    let next = world.group.next(&world.instances, world.now);
    let removed: Vec<_> = world.instances.iter().map(|one| GroupAction::Remove(one.id)).collect();
    assert_eq!(next.actions, removed);
    assert_eq!(world.group.next(&[], world.now).actions, [GroupAction::Forget]);
}

#[test]
fn the_newest_of_the_ended_are_kept() {
    let mut groups = Vec::new();
    for end in 0..5 {
        let mut group = World::new(spec(0, 1, RestartPolicy::Never)).group;
        (group.status.phase, group.status.ended) = (GroupPhase::Failed, Some(at(end)));
        groups.push(group);
    }
    let kept = KeptGroups { seconds: 100, most: 2 };
    let over = |now| kept.over(&groups, at(now)).len();
    assert_eq!([over(99), over(101), over(1000)], [0, 2, 3]);
    // Each region has its own newest; what no region is known of counts together.
    for (group, region) in groups.iter_mut().zip(["a", "a", "b", "a"]) {
        let labels = BTreeMap::from([(Cloud::Alibaba.region_label(), region.to_owned())]);
        let notes = CloudNotes::new(Cloud::Alibaba, String::new()).unwrap();
        group.notes = Some(notes.with_labels(labels).unwrap());
    }
    let over = kept.over(&groups, at(1000));
    assert_eq!(over, [&groups[0]]);
}

#[test]
fn a_wish_that_cannot_be_is_refused() {
    let good = spec(1, 1, RestartPolicy::Always);
    assert_eq!(good.check(), Ok(()));
    let file = |path: &str| VolumeFile { path: path.into(), mode: 0o644 };
    let files = |paths: &[&str]| GroupVolume {
        name: "v".to_owned(),
        source: VolumeSource::Files { files: paths.iter().copied().map(file).collect() },
    };
    let mount = |path: &str, sub_path: Option<&str>| GroupMount {
        volume: 0,
        path: path.into(),
        sub_path: sub_path.map(Into::into),
        read_only: false,
    };
    let with = |volume: GroupVolume, mount: GroupMount| {
        let mut spec = good.clone();
        spec.volumes.push(volume);
        spec.containers[0].mounts.push(mount);
        spec.check()
    };
    assert_eq!(with(files(&["a/b", "a/c"]), mount("/etc/app", Some("a"))), Ok(()));
    for (volume, place) in [
        (files(&["a", "a/b"]), mount("/a", None)),
        (files(&["a", "a"]), mount("/a", None)),
        (files(&["../a"]), mount("/a", None)),
        (files(&["/a"]), mount("/a", None)),
        (files(&["a"]), mount("/", None)),
        (files(&["a"]), mount("a", None)),
        (files(&["a"]), mount("/a/../b", None)),
        (files(&["a"]), mount("/a", Some("../b"))),
        (files(&["a"]), mount("/a", Some("/b"))),
        (files(&["a"]), GroupMount { volume: 1, ..mount("/a", None) }),
    ] {
        assert!(with(volume.clone(), place.clone()).is_err(), "{volume:?} {place:?}");
    }
    let mut twice = good.clone();
    twice.containers.push(container("init0"));
    assert!(twice.check().is_err());
}

fn policies() -> impl Strategy<Value = RestartPolicy> {
    prop_oneof![Just(RestartPolicy::Always), Just(RestartPolicy::OnFailure), Just(RestartPolicy::Never)]
}

proptest! {
    /// Whatever happens in whatever order: no two runs of a container at once, no container before the init containers have
    /// ended well, nothing starts once it is over, and the recorded form is read back.
    #[test]
    fn holds_whatever_happens(
        policy in policies(),
        (init, main) in (0_usize..3, 1_usize..4),
        happenings in prop::collection::vec((0_usize..6, 0_u8..3, 0_i64..400, any::<bool>()), 1..40),
    ) {
        let mut world = World::new(spec(init, main, policy));
        world.settle();
        for (which, code, seconds, is_lost) in happenings {
            let living: Vec<InstanceId> =
                world.instances.iter().filter(|one| !one.state.has_ended()).map(|one| one.id).collect();
            if let Some(id) = living.get(which) {
                match is_lost {
                    true => world.instances.retain(|one| one.id != *id),
                    false => world.end(*id, ExitStatus::Code(code)),
                }
            }
            world.pass(seconds);
            let (was_over, before) = (world.phase().has_ended(), world.starts.len());
            let due = world.settle();
            prop_assert!(due.is_none_or(|due| due > world.now));
            prop_assert!(!was_over || world.starts.len() == before);
            let status = &world.group.status;
            let living = world.instances.iter().filter(|one| !one.state.has_ended());
            for one in living {
                let named = status.all().filter(|container| container.instance() == Some(one.id)).count();
                prop_assert_eq!(named, 1);
            }
            let begun = |container: &ContainerStatus| container.state != ContainerState::Waiting;
            if status.containers.iter().any(begun) {
                prop_assert!(status.init_containers.iter().all(ContainerStatus::is_done));
            }
            prop_assert_eq!(world.phase().has_ended(), status.ended.is_some());
            if policy == RestartPolicy::Always && status.init_containers.is_empty() {
                prop_assert!(!world.phase().has_ended());
            }
            let text = serde_json::to_string(&world.group).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Group>(&text).unwrap(), &world.group);
            // Looked at once more, nothing changes.
            let again = world.group.next(&world.instances, world.now);
            prop_assert_eq!((&again.status, again.actions, again.news), (&world.group.status, vec![], vec![]));
        }
    }
}
