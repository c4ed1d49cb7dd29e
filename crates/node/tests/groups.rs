//! What the containers of a group share, with real containers. Need root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{RUNTIMES, World, assert_no_cgroups, monitor_of};
use model::{ByteSize, ExitStatus, GroupId};
use node::{
    Attachment, GroupSpec, InstanceSpec, JoinedGroup, MilliCpus, SharedFile, SharedMount, SharedVolume,
};

fn group(own_network: bool) -> GroupSpec {
    let file = SharedFile { path: "conf/app".into(), content: b"from the wish\n".to_vec(), mode: 0o640 };
    GroupSpec {
        id: GroupId::generate(),
        volumes: vec![
            SharedVolume::Directory { limit: None },
            SharedVolume::Memory { limit: Some(ByteSize::mib(1)) },
            SharedVolume::Files(vec![file]),
        ],
        own_network,
        memory: None,
        cpus: None,
    }
}

fn mount(volume: usize, container: &str, sub_path: Option<&str>) -> SharedMount {
    let (container, sub_path) = (PathBuf::from(container), sub_path.map(PathBuf::from));
    SharedMount { volume, sub_path, container, read_only: false }
}

fn spec(
    world: &World,
    runtime: &str,
    group: &GroupSpec,
    script: &str,
    mounts: Vec<SharedMount>,
) -> InstanceSpec {
    let mut spec = world.spec(runtime, &["sh", "-c", script]);
    let shares_network = group.own_network;
    spec.options.group = Some(JoinedGroup { id: group.id, shares_network, mounts });
    spec
}

/// Runs it to its end.
fn run(world: &World, spec: &InstanceSpec) -> (ExitStatus, String) {
    let status = world.start(spec).session.wait().unwrap();
    (status, world.log(spec.id))
}

const DONE: ExitStatus = ExitStatus::Code(0);

#[test]
fn volumes_are_shared_and_go_with_the_group() {
    for runtime in RUNTIMES {
        let Some(world) = World::new() else { return };
        let group = group(false);
        assert_eq!(world.instances.prepare_group(&group).unwrap().warnings, Vec::<String>::new());
        let all = || vec![mount(0, "/data", None), mount(1, "/memory", None), mount(2, "/etc/app", None)];
        let script = "cat /etc/app/conf/app; echo written > /data/file; echo there > /memory/file";
        let (status, text) = run(&world, &spec(&world, runtime, &group, script, all()));
        assert_eq!((status, text.as_str()), (DONE, "from the wish\n"), "{runtime}");
        // Prepared again, nothing is lost.
        assert!(!world.instances.prepare_group(&group).unwrap().was_lost);
        let script =
            "cat /data/file /memory/file; dd if=/dev/zero of=/memory/large bs=1M count=3 2>/dev/null";
        let (status, text) = run(&world, &spec(&world, runtime, &group, script, all()));
        assert_ne!(status, DONE, "the limit of the memory holds: {runtime}");
        assert_eq!(text, "written\nthere\n", "{runtime}");
        let folder = world.data().join("groups").join(group.id.to_string());
        assert_eq!(world.instances.groups().unwrap(), [group.id]);
        world.instances.remove_group(group.id).unwrap();
        assert!(!folder.exists());
        world.instances.remove_group(group.id).unwrap();
        assert_eq!(world.instances.groups().unwrap(), []);
    }
}

#[test]
fn a_read_only_mount_is_read_only() {
    let Some(world) = World::new() else { return };
    let group = group(false);
    world.instances.prepare_group(&group).unwrap();
    let read_only = SharedMount { read_only: true, ..mount(0, "/data", None) };
    let (status, _) = run(&world, &spec(&world, "embedded", &group, "echo x > /data/file", vec![read_only]));
    assert_ne!(status, DONE);
    let below = SharedMount { read_only: true, ..mount(0, "/data", Some("part")) };
    let (status, _) = run(&world, &spec(&world, "embedded", &group, "echo x > /data/file", vec![below]));
    assert_ne!(status, DONE);
    world.instances.remove_group(group.id).unwrap();
}

#[test]
fn a_network_of_the_groups_own_is_shared_and_no_one_elses() {
    for runtime in RUNTIMES {
        let Some(world) = World::new() else { return };
        let group = group(true);
        world.instances.prepare_group(&group).unwrap();
        world.instances.prepare_group(&group).unwrap();
        let show = "ls -l /proc/self/ns/net; cat /proc/net/dev; cat /etc/resolv.conf";
        let (status, first) = run(&world, &spec(&world, runtime, &group, show, Vec::new()));
        assert_eq!(status, DONE, "{runtime}: {first}");
        let (_, second) = run(&world, &spec(&world, runtime, &group, show, Vec::new()));
        let namespace = |text: &str| text.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
        assert_eq!(namespace(&first), namespace(&second), "{runtime}");
        let own = fs::read_link("/proc/self/ns/net").unwrap().display().to_string();
        assert_ne!(namespace(&first), own, "{runtime}");
        // Loopback is there and up: a packet to oneself comes.
        let (status, text) = run(&world, &spec(&world, runtime, &group, "ping -c 1 127.0.0.1", Vec::new()));
        assert_eq!(status, DONE, "{runtime}: {text}");
        world.instances.remove_group(group.id).unwrap();
    }
}

#[test]
fn a_sub_path_never_leads_out_of_its_volume() {
    for runtime in RUNTIMES {
        let Some(world) = World::new() else { return };
        let group = group(false);
        world.instances.prepare_group(&group).unwrap();
        let secret = world.folder.path().join("secret");
        fs::create_dir(&secret).unwrap();
        fs::write(secret.join("key"), "the host's\n").unwrap();
        let volume = world.data().join("groups").join(group.id.to_string()).join("volumes/0");
        // As a hostile container leaves them.
        std::os::unix::fs::symlink(&secret, volume.join("absolute")).unwrap();
        let up = Path::new("../../../../..").join(secret.strip_prefix("/").unwrap());
        std::os::unix::fs::symlink(up, volume.join("up")).unwrap();
        for name in ["absolute", "up"] {
            let attempt = spec(&world, runtime, &group, "cat /data/key", vec![mount(0, "/data", Some(name))]);
            match world.instances.create_and_start(&attempt, Attachment::Log) {
                Ok(started) => {
                    started.session.wait().unwrap();
                    assert!(!world.log(attempt.id).contains("the host's"), "{runtime} {name}");
                }
                Err(error) => assert!(error.to_string().contains("sub-path"), "{error}"),
            }
        }
        // One file of a volume, and a directory that is made.
        let mounts = vec![mount(2, "/etc/one", Some("conf/app")), mount(0, "/made", Some("a/b"))];
        let (status, text) =
            run(&world, &spec(&world, runtime, &group, "cat /etc/one; echo x > /made/file", mounts));
        assert_eq!((status, text.as_str()), (DONE, "from the wish\n"), "{runtime}");
        assert_eq!(fs::read_to_string(volume.join("a/b/file")).unwrap(), "x\n");
        // The removal of instances does not go on into the volume.
        for status in world.instances.reconcile().unwrap().instances {
            world.instances.remove(status.id, true).unwrap();
        }
        assert_eq!(fs::read_to_string(volume.join("a/b/file")).unwrap(), "x\n");
        assert_eq!(fs::read_to_string(secret.join("key")).unwrap(), "the host's\n");
        world.instances.remove_group(group.id).unwrap();
    }
}

#[test]
fn an_instance_whose_monitor_was_killed_lets_go_of_its_sub_path() {
    let Some(world) = World::new() else { return };
    let group = group(false);
    world.instances.prepare_group(&group).unwrap();
    let mounts = vec![mount(0, "/data", Some("part"))];
    let running = spec(&world, "embedded", &group, "echo x > /data/file; sleep 100", mounts);
    let (mut command, _) = world.run_process(&running, false);
    assert!(command.status().unwrap().success());
    rustix::process::kill_process(monitor_of(&world, running.id), rustix::process::Signal::KILL).unwrap();
    world.instances.wait(running.id).unwrap();
    world.instances.reconcile().unwrap();
    world.instances.remove(running.id, true).unwrap();
    let volume = world.data().join("groups").join(group.id.to_string()).join("volumes/0");
    assert!(volume.join("part").is_dir());
    world.instances.remove_group(group.id).unwrap();
}

/// A control group's directory in the hierarchy of that controller, and the names of the files of its limits of processor
/// time and of memory.
fn control_group(controller: &str, path: &str) -> PathBuf {
    let root = Path::new("/sys/fs/cgroup");
    let hierarchy = if is_unified() { root.to_owned() } else { root.join(controller) };
    hierarchy.join("imc").join(path)
}

fn is_unified() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

fn number(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display())).trim().to_owned()
}

/// The limits of processor time and of memory, and that of memory with swap where the kernel has it.
fn limits(path: &str) -> (String, String, Option<String>) {
    let (cpu, memory) = (control_group("cpu", path), control_group("memory", path));
    if is_unified() {
        let swap = memory.join("memory.swap.max");
        return (
            number(&cpu.join("cpu.max")),
            number(&memory.join("memory.max")),
            swap.exists().then(|| number(&swap)),
        );
    }
    let quota = number(&cpu.join("cpu.cfs_quota_us"));
    let period = number(&cpu.join("cpu.cfs_period_us"));
    let with_swap = memory.join("memory.memsw.limit_in_bytes");
    let unlimited = |bytes: String| match bytes.parse::<u64>() {
        Ok(bytes) if bytes > 1 << 60 => "max".to_owned(),
        _ => bytes,
    };
    let memory = unlimited(number(&memory.join("memory.limit_in_bytes")));
    let quota = if quota == "-1" { "max".to_owned() } else { quota };
    (format!("{quota} {period}"), memory, with_swap.exists().then(|| unlimited(number(&with_swap))))
}

#[test]
fn limits_of_the_group_stand_above_the_containers_and_go_with_it() {
    for runtime in RUNTIMES {
        let Some(world) = World::new() else { return };
        let group =
            GroupSpec { memory: Some(ByteSize::mib(64)), cpus: Some(MilliCpus::of(1500)), ..group(false) };
        assert_eq!(world.instances.prepare_group(&group).unwrap().warnings, Vec::<String>::new());
        let free = spec(&world, runtime, &group, "sleep 1000", Vec::new());
        let mut limited = spec(&world, runtime, &group, "sleep 1000", Vec::new());
        (limited.options.memory, limited.options.cpus) = (Some(ByteSize::mib(16)), Some(MilliCpus::of(500)));
        let sessions = [world.start(&free).session, world.start(&limited).session];
        world.instances.prepare_group(&group).unwrap();

        let of_group = group.id.to_string();
        let (cpu, memory, with_swap) = limits(&of_group);
        assert_eq!((cpu.as_str(), memory.as_str()), ("150000 100000", "67108864"), "{runtime}");
        let none_beyond = if is_unified() { "0" } else { "67108864" };
        assert!(with_swap.is_none_or(|limit| limit == none_beyond), "{runtime}");
        let (cpu, memory, _) = limits(&format!("{of_group}/{}", free.id));
        assert_eq!((cpu.as_str(), memory.as_str()), ("max 100000", "max"), "{runtime}");
        let (cpu, memory, _) = limits(&format!("{of_group}/{}", limited.id));
        assert_eq!((cpu.as_str(), memory.as_str()), ("50000 100000", "16777216"), "{runtime}");

        for (session, id) in sessions.into_iter().zip([free.id, limited.id]) {
            world.instances.remove(id, true).unwrap();
            session.wait().unwrap();
            assert_no_cgroups(id);
        }
        assert!(control_group("memory", &of_group).exists(), "it stays for the next container: {runtime}");
        world.instances.remove_group(group.id).unwrap();
        assert_no_cgroups(group.id);
    }
}

#[test]
fn a_container_neither_sees_the_others_control_groups_nor_lifts_a_limit() {
    for runtime in RUNTIMES {
        let Some(world) = World::new() else { return };
        let group = GroupSpec { memory: Some(ByteSize::mib(64)), ..group(false) };
        world.instances.prepare_group(&group).unwrap();
        let other = spec(&world, runtime, &group, "sleep 1000", Vec::new());
        let session = world.start(&other).session;
        let script = "busybox find /sys/fs/cgroup -name 'ins-*'; busybox find /sys/fs/cgroup -name 'grp-*'; \
                      for limit in /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max; do \
                      busybox test -e $limit && echo seen && echo 1000000000 > $limit && echo LIFTED; done";
        let (_, text) = run(&world, &spec(&world, runtime, &group, script, Vec::new()));
        let found = ["seen", "ins-", "grp-", "LIFTED"].map(|word| text.contains(word));
        assert_eq!(found, [true, false, false, false], "{runtime}: {text}");
        world.instances.remove(other.id, true).unwrap();
        session.wait().unwrap();
        world.instances.remove_group(group.id).unwrap();
    }
}

/// Each takes less than the group may, and both together take more.
#[test]
fn two_containers_do_not_take_more_memory_together_than_their_group_may() {
    for runtime in RUNTIMES {
        let Some(world) = World::new() else { return };
        let group = GroupSpec { memory: Some(ByteSize::mib(64)), ..group(false) };
        world.instances.prepare_group(&group).unwrap();
        // What is killed is found by who writes to it, and its end is the end of the container.
        let script = "(busybox head -c 40000000 /dev/zero; while echo more; do busybox usleep 10000; done) \
                      | busybox tail -c 39000000";
        let specs = [(); 2].map(|()| spec(&world, runtime, &group, script, Vec::new()));
        let (ends, ended) = std::sync::mpsc::channel();
        let begin = |spec: &InstanceSpec| {
            let (session, ends, id) = (world.start(spec).session, ends.clone(), spec.id);
            std::thread::spawn(move || ends.send((id, session.wait().unwrap())))
        };
        let one = begin(&specs[0]);
        // Neither has a limit of its own to meet. Looked at while the first is alone: of two both may be killed.
        assert_eq!(limits(&format!("{}/{}", group.id, specs[0].id)).1, "max", "{runtime}");
        let waiters = [one, begin(&specs[1])];
        let (first, status) = ended.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
        assert_eq!(status, ExitStatus::Code(128 + 9), "{runtime}: {}", world.log(first));
        let peak = if is_unified() { "memory.peak" } else { "memory.max_usage_in_bytes" };
        let peak = number(&control_group("memory", &group.id.to_string()).join(peak)).parse::<u64>().unwrap();
        assert!((60 << 20..=64 << 20).contains(&peak), "{runtime}: {peak}");
        for spec in &specs {
            world.instances.remove(spec.id, true).unwrap();
        }
        for waiter in waiters {
            waiter.join().unwrap().unwrap();
        }
        world.instances.remove_group(group.id).unwrap();
        assert_no_cgroups(group.id);
    }
}

#[test]
fn whatever_was_killed_nothing_is_left_of_a_groups_limits() {
    let Some(world) = World::new() else { return };
    let group = GroupSpec { memory: Some(ByteSize::mib(64)), ..group(false) };
    world.instances.prepare_group(&group).unwrap();
    let running = spec(&world, "embedded", &group, "sleep 1000", Vec::new());
    let (mut command, _) = world.run_process(&running, false);
    assert!(command.status().unwrap().success());
    let below = control_group("memory", &format!("{}/{}", group.id, running.id));
    assert!(below.exists(), "{}", below.display());
    rustix::process::kill_process(monitor_of(&world, running.id), rustix::process::Signal::KILL).unwrap();
    world.instances.wait(running.id).unwrap();
    world.instances.reconcile().unwrap();
    assert_no_cgroups(running.id);

    // As after a restart of the machine: the limits are gone, and are set again.
    fs::remove_dir(control_group("memory", &group.id.to_string())).unwrap();
    world.instances.prepare_group(&group).unwrap();
    assert_eq!(limits(&group.id.to_string()).1, "67108864");
    world.instances.remove(running.id, true).unwrap();
    world.instances.remove_group(group.id).unwrap();
    assert_no_cgroups(group.id);
}
