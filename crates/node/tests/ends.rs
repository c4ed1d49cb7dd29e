//! Instances that do not end as others do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::{RUNTIMES, World, assert_no_cgroups, chain, monitor_of, output};
use model::{ExitStatus, InstanceId, InstanceState};
use rustix::process::kill_process;

const FREEZER: &str = "/sys/fs/cgroup/freezer";

fn group_of(id: InstanceId) -> PathBuf {
    Path::new(FREEZER).join("imc").join(id.to_string())
}

/// Sets a group's state and waits until it is reached.
fn set(group: &Path, state: &str) {
    let begun = Instant::now();
    while fs::read_to_string(group.join("freezer.state")).unwrap().trim() != state {
        fs::write(group.join("freezer.state"), state).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not become {state}");
        std::thread::yield_now();
    }
}

/// Started by a process of its own that has gone, without a monitor.
fn left_alone(world: &World, runtime: &str) -> InstanceId {
    let spec = world.spec(runtime, &["sleep", "1000"]);
    let (mut command, _) = world.run_process(&spec, false);
    assert!(output(&mut command).status.success(), "{runtime}");
    kill_process(monitor_of(world, spec.id), rustix::process::Signal::KILL).unwrap();
    assert_eq!(world.instances.wait(spec.id).unwrap(), ExitStatus::Unknown);
    spec.id
}

/// What cgroups v1 has frozen does not die of SIGKILL.
#[test]
fn a_frozen_instance_is_killed_removed_and_cleaned_up() {
    let Some(world) = World::new() else { return };
    if !Path::new(FREEZER).is_dir() {
        return;
    }
    for runtime in RUNTIMES {
        let spec = world.spec(runtime, &["sleep", "1000"]);
        let started = world.start(&spec);
        set(&group_of(spec.id), "FROZEN");
        assert!(world.instances.kill(spec.id, node::Signal::KILL).unwrap());
        assert_eq!(started.session.wait().unwrap(), ExitStatus::Signal(9), "{runtime}");
        let spec = world.spec(runtime, &["sleep", "1000"]);
        let _started = world.start(&spec);
        set(&group_of(spec.id), "FROZEN");
        world.instances.remove(spec.id, true).unwrap();
        let id = left_alone(&world, runtime);
        set(&group_of(id), "FROZEN");
        let done = world.instances.reconcile().unwrap();
        assert!(done.failed.is_empty(), "{runtime}: {}", chain(&done.failed[0].1));
        assert_eq!(done.cleaned, [id], "{runtime}");
        assert_no_cgroups(id);
    }
    world.assert_clean();
}

#[test]
fn a_frozen_group_inside_an_instances_group_does_not_hold_it_up() {
    let Some(world) = World::new() else { return };
    if !Path::new(FREEZER).is_dir() {
        return;
    }
    let spec = world.spec("embedded", &["sh", "-c", "sleep 1000 & echo $!; wait"]);
    let started = world.start(&spec);
    let mut text = Vec::new();
    let mut each = |line: node::LogLine| {
        text.extend(line.bytes);
        false
    };
    world.instances.logs(spec.id, true, &mut each).unwrap();
    let group = group_of(spec.id);
    let members = fs::read_to_string(group.join("cgroup.procs")).unwrap();
    let second = members.lines().find(|pid| **pid != started.pid.to_string()).unwrap();
    fs::create_dir(group.join("inner")).unwrap();
    fs::write(group.join("inner/cgroup.procs"), second).unwrap();
    set(&group.join("inner"), "FROZEN");
    world.instances.remove(spec.id, true).unwrap();
    assert_no_cgroups(spec.id);
    world.assert_clean();
}

#[test]
fn an_instance_that_cannot_be_killed_does_not_keep_the_next_command_waiting() {
    let Some(world) = World::new() else { return };
    if !Path::new(FREEZER).is_dir() {
        return;
    }
    let id = left_alone(&world, "embedded");
    let pid = fs::read_to_string(group_of(id).join("cgroup.procs")).unwrap();
    // Frozen where nobody looks for an instance's processes.
    let foreign = Path::new(FREEZER).join(format!("imc-test-{id}"));
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("cgroup.procs"), pid.trim()).unwrap();
    set(&foreign, "FROZEN");
    let begun = Instant::now();
    let done = world.instances.reconcile();
    let took = begun.elapsed();
    set(&foreign, "THAWED");
    let done = done.unwrap();
    let failed: Vec<_> = done.failed.iter().map(|(id, error)| (*id, chain(error))).collect();
    assert!(
        matches!(&failed[..], [(failed, text)] if *failed == id && text.contains("SIGKILL")),
        "{failed:?}"
    );
    // A removal would wait for 30 s.
    assert!(took < Duration::from_secs(15), "{took:?}");
    world.instances.remove(id, true).unwrap();
    while fs::remove_dir(&foreign).is_err() {
        std::thread::yield_now();
    }
    world.assert_clean();
}

/// Killed between the two, a runtime leaves groups of which its state says nothing.
#[test]
fn groups_of_an_installed_runtime_go_without_its_state() {
    let Some(world) = World::new() else { return };
    for runtime in ["runc", "crun"] {
        let id = left_alone(&world, runtime);
        fs::remove_dir_all(world.data().join("instances").join(id.to_string()).join("oci")).unwrap();
        let done = world.instances.reconcile().unwrap();
        assert!(done.failed.is_empty(), "{runtime}: {}", chain(&done.failed[0].1));
        assert_eq!(done.instances[0].state, InstanceState::Exited(ExitStatus::Unknown));
        assert_no_cgroups(id);
        world.instances.remove(id, false).unwrap();
    }
    world.assert_clean();
}
