//! What is left after deaths, and many instances at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs;
use std::process::Stdio;

use common::{World, assert_no_cgroups, monitor_of, output};
use model::{ExitStatus, InstanceId, InstanceState};
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn a_killed_monitor_leaves_nothing_that_the_next_command_does_not_clean_up() {
    let Some(world) = World::new() else { return };
    for runtime in common::RUNTIMES {
        let spec = world.spec(runtime, &["sleep", "1000"]);
        // Started from a process of its own, so that the killed monitor is not this test's zombie.
        let (mut command, report) = world.run_process(&spec, false);
        assert!(output(&mut command).status.success(), "{runtime}");
        let report: serde_json::Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
        let pid = u32::try_from(report["pid"].as_u64().unwrap()).unwrap();
        kill_process(monitor_of(&world, spec.id), Signal::KILL).unwrap();
        // The lock goes with the process: waiting for it is waiting for the death.
        assert_eq!(world.instances.wait(spec.id).unwrap(), ExitStatus::Unknown);
        let done = world.instances.reconcile().unwrap();
        assert_eq!(done.cleaned, [spec.id], "{runtime}");
        assert_eq!(done.instances[0].state, InstanceState::Exited(ExitStatus::Unknown));
        let gone = |state: &str| state.contains("State:\tZ");
        assert!(
            fs::read_to_string(format!("/proc/{pid}/status")).map_or(true, |state| gone(&state)),
            "{runtime}"
        );
        world.assert_clean();
        assert_eq!(world.instances.reconcile().unwrap().cleaned, [], "once is enough");
        world.instances.remove(spec.id, false).unwrap();
        assert_no_cgroups(spec.id);
    }
}

#[test]
fn a_callers_open_files_are_not_held_by_the_monitor() {
    let Some(world) = World::new() else { return };
    let spec = world.spec("embedded", &["sleep", "1000"]);
    let (command, _) = world.run_process(&spec, false);
    let file = world.folder.path().join("callers");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "exec 9>\"$CALLERS\"; exec \"$0\" \"$@\""]).env("CALLERS", &file);
    shell.arg(command.get_program()).args(command.get_args());
    assert!(output(&mut shell).status.success() && file.exists());
    let pid = world.instances.inspect(spec.id).unwrap().unwrap().pid.unwrap();
    for pid in [monitor_of(&world, spec.id).as_raw_nonzero().get().unsigned_abs(), pid] {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let held =
            open.filter(|entry| fs::read_link(entry.as_ref().unwrap().path()).is_ok_and(|at| at == file));
        assert_eq!(held.count(), 0, "{pid}");
    }
    world.instances.remove(spec.id, true).unwrap();
}

#[test]
fn after_a_restart_of_the_machine_records_mounts_and_shares_match_again() {
    let Some(world) = World::new() else { return };
    // What a restart leaves: directories that say Running, holds without mounts, empty mount points.
    let id = InstanceId::generate();
    let dir = world.data().join("instances").join(id.to_string());
    for folder in ["upper", "work", "merged", "oci"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    fs::write(dir.join("lock"), "").unwrap();
    let spec = world.spec("embedded", &["true"]);
    let key = spec.blobs.lowers[0].key.to_string().replace("layer sha256:", "layer-sha256-");
    fs::create_dir_all(world.data().join("mounts/refs").join(&key)).unwrap();
    fs::write(world.data().join("mounts/refs").join(&key).join(id.to_string()), "").unwrap();
    fs::create_dir_all(world.data().join("mounts/layers").join(key.replace("layer-", ""))).unwrap();
    let record = serde_json::json!({
        "id": id, "name": "gone", "blobs": spec.blobs, "options": spec.options, "runtime": "embedded",
        "self_exe": common::testbin(), "stop_signal": 15, "size_limit": null, "remove_on_exit": false,
        "environment": [], "working_dir": "/", "user": "", "device_rules": true,
    });
    fs::write(dir.join("instance.json"), record.to_string()).unwrap();
    let process = serde_json::json!({
        "process": { "pid": std::process::id(), "start_ticks": 1, "boot": "an-earlier-boot" },
        "started": "2026-01-01T00:00:00Z",
    });
    fs::write(dir.join("process.json"), process.to_string()).unwrap();

    let done = world.instances.reconcile().unwrap();
    assert_eq!((done.cleaned.as_slice(), done.instances.len()), ([id].as_slice(), 1));
    assert_eq!(done.instances[0].state, InstanceState::Exited(ExitStatus::Unknown));
    world.assert_clean();
    assert!(fs::read_dir(world.data().join("mounts/layers")).unwrap().next().is_none());
    world.instances.remove(id, false).unwrap();
}

#[test]
fn one_that_cannot_be_cleaned_up_is_named_and_in_nobody_elses_way() {
    let Some(world) = World::new() else { return };
    let instances = world.data().join("instances");
    let (broken, half_made) = (InstanceId::generate(), InstanceId::generate());
    // A directory where its record was: neither read nor taken for missing.
    fs::create_dir_all(instances.join(broken.to_string()).join("instance.json")).unwrap();
    fs::write(instances.join(broken.to_string()).join("lock"), "").unwrap();
    fs::create_dir(instances.join(half_made.to_string())).unwrap();
    for cleaned in [vec![half_made], vec![]] {
        let done = world.instances.reconcile().unwrap();
        assert_eq!(done.cleaned, cleaned);
        let failed: Vec<_> = done.failed.iter().map(|(id, error)| (*id, common::chain(error))).collect();
        assert!(matches!(&failed[..], [(id, text)] if *id == broken && text.contains("instance.json")));
    }
    let spec = world.spec("embedded", &["true"]);
    assert_eq!(world.start(&spec).session.wait().unwrap(), ExitStatus::Code(0));
    fs::remove_dir_all(instances.join(broken.to_string())).unwrap();
}

/// What a container with writable groups could leave, and what an earlier version left.
#[test]
fn groups_inside_an_instances_group_do_not_hold_it_up() {
    let Some(world) = World::new() else { return };
    let spec = world.spec("embedded", &["sleep", "1000"]);
    let started = world.start(&spec);
    let mut made = 0;
    for hierarchy in fs::read_dir("/sys/fs/cgroup").unwrap() {
        let group = hierarchy.unwrap().path().join("imc").join(spec.id.to_string());
        if group.exists() {
            // Not those above it: of an instance that has ended nothing may come to be again.
            fs::create_dir(group.join("inner")).unwrap();
            fs::create_dir(group.join("inner/most")).unwrap();
            made += 1;
        }
    }
    assert!(made > 0);
    assert!(world.instances.kill(spec.id, node::Signal::KILL).unwrap());
    started.session.wait().unwrap();
    world.assert_clean();
    assert_no_cgroups(spec.id);
}

#[test]
fn after_a_restart_a_reused_number_of_a_process_is_not_the_instances() {
    let Some(world) = World::new() else { return };
    let spec = world.spec("embedded", &["sleep", "1000"]);
    let (mut command, _) = world.run_process(&spec, false);
    assert!(output(&mut command).status.success());
    let pid = world.instances.inspect(spec.id).unwrap().unwrap().pid.unwrap();
    kill_process(monitor_of(&world, spec.id), Signal::KILL).unwrap();
    world.instances.wait(spec.id).unwrap();
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
    // What is left is the machine's as it is after a restart: no groups, and the number means somebody else.
    let mut bystander = common::Killed(std::process::Command::new("sleep").arg("1000").spawn().unwrap());
    for hierarchy in fs::read_dir("/sys/fs/cgroup").unwrap() {
        let group = hierarchy.unwrap().path().join("imc").join(spec.id.to_string());
        while group.exists() && fs::remove_dir(&group).is_err() {
            std::thread::yield_now();
        }
    }
    let dir = world.data().join("instances").join(spec.id.to_string());
    let state = dir.join("oci").join(spec.id.to_string()).join("state.json");
    let mut document: serde_json::Value = serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
    document["pid"] = serde_json::json!(bystander.0.id());
    fs::write(&state, document.to_string()).unwrap();
    let done = world.instances.reconcile().unwrap();
    assert!(done.failed.is_empty(), "{}", common::chain(&done.failed[0].1));
    assert_eq!(done.cleaned, [spec.id]);
    assert!(bystander.0.try_wait().unwrap().is_none(), "somebody else's process was ended");
    world.assert_clean();
}

/// The directory of an instance between its lock and its first process.
fn just_starting(world: &World, id: InstanceId) -> (std::path::PathBuf, fs::File) {
    let dir = world.data().join("instances").join(id.to_string());
    fs::create_dir_all(&dir).unwrap();
    let lock = fs::File::create(dir.join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    (dir, lock)
}

#[test]
fn one_that_is_just_starting_is_stopped_and_removed_when_it_has_started() {
    use std::os::unix::process::ExitStatusExt;
    let Some(world) = World::new() else { return };
    for (force, signal) in [(false, 15), (true, 9)] {
        let id = InstanceId::generate();
        let (dir, lock) = just_starting(&world, id);
        std::thread::scope(|scope| {
            let instances = &world.instances;
            let asked = scope.spawn(move || match force {
                false => instances.stop(id, std::time::Duration::from_secs(20)).map(drop),
                true => instances.remove(id, true),
            });
            // Not for ever, so that an unheard signal fails the test and does not hang it.
            let mut first = std::process::Command::new("sleep").arg("20").spawn().unwrap();
            let stat = fs::read_to_string(format!("/proc/{}/stat", first.id())).unwrap();
            let ticks: u64 =
                stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap();
            let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
            let process = serde_json::json!({
                "process": { "pid": first.id(), "start_ticks": ticks, "boot": boot.trim() },
                "started": "2026-01-01T00:00:00Z",
            });
            fs::write(dir.join("partial"), process.to_string()).unwrap();
            fs::rename(dir.join("partial"), dir.join("process.json")).unwrap();
            let status = first.wait().unwrap();
            drop(lock);
            asked.join().unwrap().unwrap();
            assert_eq!(status.signal(), Some(signal));
        });
    }
    // One that gives up before it has a process has ended.
    let id = InstanceId::generate();
    let (_, lock) = just_starting(&world, id);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| world.instances.stop(id, std::time::Duration::from_secs(20)));
        drop(lock);
        assert_eq!(asked.join().unwrap().unwrap(), ExitStatus::Unknown);
    });
}

#[test]
fn a_full_disk_costs_output_and_nothing_else() {
    let Some(world) = World::new() else { return };
    // A data directory on a small disk of its own, with the images elsewhere.
    let disk = world.folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("tmpfs", &disk, "tmpfs", flags, Some(c"size=1m")).unwrap();
    let instances =
        node::Instances::open(node::NodeConfig { data_dir: disk.join("data"), self_exe: common::testbin() })
            .unwrap();
    let script = "until busybox test -e /answers/go; do :; done; busybox seq 2000; exit 6";
    let mut spec = world.spec("embedded", &["sh", "-c", script]);
    spec.options.volumes = vec![format!("{}:/answers", world.folder.path().display()).parse().unwrap()];
    let started = instances.create_and_start(&spec, node::Attachment::Log).unwrap();
    let mut filler = fs::File::create(disk.join("filler")).unwrap();
    while std::io::Write::write_all(&mut filler, &[0; 4096]).is_ok() {}
    fs::write(world.folder.path().join("go"), "").unwrap();
    let status = started.session.wait();
    let mounts = testkit::mounts_below(&disk.join("data"));
    let end = instances.inspect(spec.id);
    rustix::mount::unmount(&disk, rustix::mount::UnmountFlags::DETACH).unwrap();
    assert_eq!(status.unwrap(), ExitStatus::Code(6));
    assert_eq!(mounts, Vec::<std::path::PathBuf>::new());
    assert_eq!(end.unwrap().unwrap().state, InstanceState::Exited(ExitStatus::Code(6)));
    assert_no_cgroups(spec.id);
}

#[test]
fn half_made_directories_are_removed() {
    let Some(world) = World::new() else { return };
    let instances = world.data().join("instances");
    let (bare, locked) = (InstanceId::generate(), InstanceId::generate());
    fs::create_dir(instances.join(bare.to_string())).unwrap();
    fs::create_dir_all(instances.join(locked.to_string()).join("merged")).unwrap();
    fs::write(instances.join(locked.to_string()).join("lock"), "").unwrap();
    assert_eq!(world.instances.reconcile().unwrap().cleaned.len(), 2);
    assert!(!instances.join(bare.to_string()).exists() && !instances.join(locked.to_string()).exists());
}

#[test]
fn fifty_instances_share_their_layers_mounts() {
    let Some(world) = World::new() else { return };
    let specs: Vec<_> = (0..50).map(|_| world.spec("embedded", &["sleep", "1000"])).collect();
    std::thread::scope(|scope| {
        for chunk in specs.chunks(25) {
            let world = &world;
            scope.spawn(move || chunk.iter().for_each(|spec| drop(world.start(spec))));
        }
    });
    let mounts = testkit::mounts_below(&world.data());
    let layers = mounts.iter().filter(|path| path.to_string_lossy().contains("/mounts/layers/")).count();
    assert_eq!((layers, mounts.len()), (2, 52));
    for (index, spec) in specs.iter().enumerate() {
        assert_eq!(world.instances.blobs_in_use().unwrap().len(), 2, "after {index}");
        world.instances.remove(spec.id, true).unwrap();
    }
    world.assert_clean();
}

#[test]
fn two_processes_start_and_sweep_at_once_and_do_no_harm() {
    let Some(world) = World::new() else { return };
    let specs: Vec<_> = (0..6).map(|_| world.spec("embedded", &["sh", "-c", "cat /srv/second"])).collect();
    let mut children = Vec::new();
    for spec in &specs {
        let (mut command, _) = world.run_process(spec, true);
        children.push(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
        assert_eq!(world.instances.reconcile().unwrap().cleaned, []);
    }
    for child in children {
        let done = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&done.stdout), "from the second layer");
    }
    world.instances.reconcile().unwrap();
    world.assert_clean();
}
