//! Instances from their start to their removal, with each runtime.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::time::Duration;

use common::{RUNTIMES, World, chain, make_blob, words};
use model::{ByteSize, ExitStatus, InstanceState};
use node::{InstanceErrorKind, Network, Signal, UpperLimit};
use rustix::fs::{XattrFlags, lgetxattr, lsetxattr};

#[test]
fn runs_prints_ends_and_leaves_no_mount() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let script = "echo out; echo err >&2; cat /srv/second; id -u; cat /etc/hostname; echo $FROM; exit 7";
        let spec = world.spec(runtime, &["sh", "-c", script]);
        let started = world.start(&spec);
        assert!(started.pid > 1);
        assert_eq!(started.session.wait().unwrap(), ExitStatus::Code(7), "{runtime}");
        let log = world.log(spec.id);
        for line in ["out\n", "err\n", "from the second layer", "0\n", &format!("{}\n", spec.name), "image\n"]
        {
            assert!(log.contains(line), "{runtime}: `{line}` is not in {log}");
        }
        let status = world.instances.inspect(spec.id).unwrap().unwrap();
        assert_eq!(status.state, InstanceState::Exited(ExitStatus::Code(7)));
        assert!(status.finished >= status.started && status.pid.is_none());
        world.assert_clean();
        world.instances.remove(spec.id, false).unwrap();
        assert_eq!(world.instances.inspect(spec.id).unwrap(), None);
    }
}

#[test]
fn the_root_directory_is_that_of_the_layer_which_says_what_it_is() {
    let Some(mut world) = World::new() else { return };
    let tree = world.data().join("rooted");
    fs::create_dir_all(&tree).unwrap();
    chown(&tree, Some(5), Some(6)).unwrap();
    fs::set_permissions(&tree, Permissions::from_mode(0o751)).unwrap();
    lsetxattr(&tree, "trusted.note", b"kept", XattrFlags::empty()).unwrap();
    world.blobs.lowers.insert(0, make_blob(&tree, &world.data().join("rooted.erofs")));
    for (root, expected) in [(Some(0), "751 5:6"), (None, "755 0:0")] {
        world.blobs.root = root;
        let spec = world.spec("embedded", &["/bin/busybox", "stat", "-c", "%a %u:%g", "/"]);
        assert_eq!(world.start(&spec).session.wait().unwrap(), ExitStatus::Code(0));
        assert_eq!(world.log(spec.id).trim(), expected);
        let upper = world.data().join("instances").join(spec.id.to_string()).join("upper");
        let mut value = [0; 10];
        let found = lgetxattr(&upper, "trusted.note", &mut value[..]).ok();
        assert_eq!(found.map(|length| &value[..length]), root.map(|_| &b"kept"[..]));
        world.instances.remove(spec.id, false).unwrap();
    }
}

#[test]
fn a_running_one_is_seen_signalled_stopped_and_not_removed_without_force() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let script = "trap 'echo told; exit 3' USR1; echo ready; while true; do sleep 0.05; done";
        let mut spec = world.spec(runtime, &["sh", "-c", script]);
        spec.config.stop_signal = Some("SIGUSR1".to_owned());
        let started = world.start(&spec);
        let status = world.instances.inspect(spec.id).unwrap().unwrap();
        assert_eq!((status.state, status.pid), (InstanceState::Running, Some(started.pid)));
        assert_eq!(world.instances.remove(spec.id, false).unwrap_err().kind(), InstanceErrorKind::State);
        wait_for_line(&world, &spec, "ready");
        assert_eq!(
            world.instances.stop(spec.id, Duration::from_secs(20)).unwrap(),
            ExitStatus::Code(3),
            "{runtime}"
        );
        assert!(world.log(spec.id).contains("told"));
        assert!(!world.instances.kill(spec.id, Signal::TERM).unwrap());
        world.assert_clean();
    }
}

fn wait_for_line(world: &World, spec: &node::InstanceSpec, wanted: &str) {
    let mut seen = false;
    let mut each = |line: node::LogLine| {
        seen |= String::from_utf8_lossy(&line.bytes).contains(wanted);
        !seen
    };
    world.instances.logs(spec.id, true, &mut each).unwrap();
    assert!(seen, "`{wanted}` never came");
}

#[test]
fn one_that_ignores_its_stop_signal_is_killed() {
    let Some(world) = World::new() else { return };
    let spec =
        world.spec("embedded", &["sh", "-c", "trap '' TERM; echo ready; while true; do sleep 0.05; done"]);
    let _started = world.start(&spec);
    wait_for_line(&world, &spec, "ready");
    assert_eq!(world.instances.stop(spec.id, Duration::from_millis(50)).unwrap(), ExitStatus::Signal(9));
    world.assert_clean();
}

#[test]
fn options_are_honoured_by_each_runtime() {
    let Some(world) = World::new() else { return };
    let volume = world.folder.path().join("volume");
    std::fs::create_dir(&volume).unwrap();
    std::fs::write(volume.join("given"), "by the host").unwrap();
    for runtime in RUNTIMES {
        let script = "pwd; id; cat /data/given; echo x > /data/made || echo read-only; hostname; echo $A-$FROM-$HOME; \
                      ls /sys/class/net; cat /etc/resolv.conf; grep -c . /proc/self/status; cat /proc/self/status";
        let mut spec = world.spec(runtime, &["sh", "-c", script]);
        spec.options.env = words(&["A=user", "FROM=user"]);
        spec.options.working_dir = Some("/made/on/the/way".to_owned());
        spec.options.user = Some("web".to_owned());
        spec.options.hostname = Some("other-name".to_owned());
        spec.options.network = Network::None;
        spec.options.volumes = vec![format!("{}:/data:ro", volume.display()).parse().unwrap()];
        spec.options.memory = Some(ByteSize::mib(64));
        spec.options.cpus = Some("0.5".parse().unwrap());
        let started = world.start(&spec);
        assert_eq!(started.session.wait().unwrap(), ExitStatus::Code(0), "{runtime}: {}", world.log(spec.id));
        let log = world.log(spec.id);
        for text in [
            "/made/on/the/way\n",
            "uid=1000(web) gid=1001(web) groups=50(extra),1001(web)",
            "by the host",
            "read-only",
            "other-name",
            "user-user-/srv",
            "Seccomp:\t2",
            "CapEff:\t0000000000000000",
            "CapBnd:\t00000000a80425fb",
        ] {
            let other_order = text.replace("50(extra),1001(web)", "1001(web),50(extra)");
            assert!(log.contains(text) || log.contains(&other_order), "{runtime}: `{text}` is not in {log}");
        }
        let network: Vec<&str> =
            log.lines().filter(|line| matches!(*line, "lo" | "eth0" | "docker0")).collect();
        assert_eq!(network, ["lo"], "{runtime}");
    }
    world.assert_clean();
}

#[test]
fn a_container_may_do_the_usual_and_not_what_reaches_out_of_it() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let script = "mount -t tmpfs none /tmp && echo MOUNTED; unshare -U true && echo UNSHARED; \
                      mknod /tmp/disk b 254 0 && cat /tmp/disk >/dev/null && echo READ-DISK; \
                      cat /proc/kcore 2>/dev/null | dd bs=1 count=1 2>/dev/null | grep -q . && echo READ-KCORE; \
                      echo 1 > /proc/sys/kernel/panic && echo WROTE-SYSCTL; \
                      chown web /root && echo usual; echo x > /dev/null && echo null; kill -0 $$ && echo signals";
        let spec = world.spec(runtime, &["busybox", "sh", "-c", script]);
        world.start(&spec).session.wait().unwrap();
        let log = world.log(spec.id);
        for text in ["MOUNTED", "UNSHARED", "READ-DISK", "READ-KCORE", "WROTE-SYSCTL"] {
            assert!(!log.contains(text), "{runtime}: {log}");
        }
        for text in ["usual", "null", "signals"] {
            assert!(log.contains(text), "{runtime}: {log}");
        }
    }
}

#[test]
fn a_container_can_neither_lift_its_limits_nor_make_groups() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let script = "for at in /sys/fs/cgroup /sys/fs/cgroup/*; do busybox test -e $at/cgroup.procs || continue; echo seen; \
                      busybox mkdir $at/sub && echo MADE $at; done; \
                      echo -1 > /sys/fs/cgroup/memory/memory.limit_in_bytes && echo LIFTED; \
                      busybox test -e /sys/fs/cgroup/memory.max && echo max > /sys/fs/cgroup/memory.max && echo LIFTED";
        let mut spec = world.spec(runtime, &["busybox", "sh", "-c", script]);
        spec.options.memory = Some(ByteSize::mib(64));
        world.start(&spec).session.wait().unwrap();
        let log = world.log(spec.id);
        assert!(log.contains("seen"), "{runtime}: {log}");
        assert!(!log.contains("MADE") && !log.contains("LIFTED"), "{runtime}: {log}");
    }
    world.assert_clean();
}

#[test]
fn a_namespace_cannot_be_made_by_clone_either() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        // Perl of the host, since busybox has no tool that calls clone with such flags.
        let call = "$p = syscall(56, 0x10000000 | 17, 0, 0, 0, 0); print $p == -1 ? \"denied\" : $p ? \"made\" : \"\"";
        let mut spec = world.spec(runtime, &["/usr/bin/perl", "-e", call]);
        spec.options.volumes =
            ["/usr", "/lib", "/lib64"].map(|path| format!("{path}:{path}:ro").parse().unwrap()).to_vec();
        world.start(&spec).session.wait().unwrap();
        assert_eq!(world.log(spec.id), "denied", "{runtime}");
    }
}

#[test]
fn memory_over_the_limit_ends_the_process() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let mut spec = world.spec(runtime, &["dd", "if=/dev/zero", "of=/dev/null", "bs=256M", "count=1"]);
        spec.options.memory = Some(ByteSize::mib(32));
        let status = world.start(&spec).session.wait().unwrap();
        assert_eq!(status, ExitStatus::Signal(9), "{runtime}: {}", world.log(spec.id));
    }
}

#[test]
fn what_cannot_start_says_why_and_leaves_nothing() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let cases: [(&[&str], InstanceErrorKind); 3] = [
            (&["absent"], InstanceErrorKind::CommandNotFound),
            (&["/srv/plain"], InstanceErrorKind::CommandNotExecutable),
            (&["/srv/absent/x"], InstanceErrorKind::CommandNotFound),
        ];
        for (command, kind) in cases {
            let spec = world.spec(runtime, command);
            let error = world.instances.create_and_start(&spec, node::Attachment::Log).unwrap_err();
            assert_eq!(error.kind(), kind, "{runtime} {command:?}: {}", chain(&error));
            assert_eq!(world.instances.inspect(spec.id).unwrap(), None);
        }
        let mut spec = world.spec(runtime, &["true"]);
        spec.options.user = Some("stranger".to_owned());
        let error = world.instances.create_and_start(&spec, node::Attachment::Log).unwrap_err();
        assert!(chain(&error).contains("`stranger`"), "{}", chain(&error));
    }
    let mut spec = world.spec("embedded", &["true"]);
    spec.blobs.lowers[1].path = world.folder.path().join("absent.erofs");
    let error = world.instances.create_and_start(&spec, node::Attachment::Log).unwrap_err();
    assert!(chain(&error).contains("absent.erofs"), "{}", chain(&error));
    world.assert_clean();
    assert!(world.instances.reconcile().unwrap().instances.is_empty());
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_made() {
    let Some(world) = World::new() else { return };
    let dangling = world.folder.path().join("dangling");
    std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
    let mut spec = world.spec("embedded", &["true"]);
    spec.options.volumes = vec![format!("{}:/data", dangling.display()).parse().unwrap()];
    let error = world.instances.create_and_start(&spec, node::Attachment::Log).unwrap_err();
    assert_eq!(error.kind(), InstanceErrorKind::Input);
    assert!(chain(&error).contains("host path"), "{}", chain(&error));
    let mut spec = world.spec("embedded", &["true"]);
    spec.options.memory = Some(ByteSize::bytes(0));
    let error = world.instances.create_and_start(&spec, node::Attachment::Log).unwrap_err();
    assert!(chain(&error).contains("memory"), "{}", chain(&error));
}

#[test]
fn without_a_network_there_is_loopback_and_it_is_up() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let mut spec = world.spec(runtime, &["busybox", "ping", "-c1", "-w5", "127.0.0.1"]);
        spec.options.network = Network::None;
        let status = world.start(&spec).session.wait().unwrap();
        assert_eq!(status, ExitStatus::Code(0), "{runtime}: {}", world.log(spec.id));
    }
    world.assert_clean();
}

#[test]
fn a_refusal_of_the_embedded_runtime_has_its_cause() {
    let Some(mut world) = World::new() else { return };
    world.add_layer(|tree| std::fs::create_dir_all(tree.join("etc/hosts/is/a/directory")).unwrap());
    let spec = world.spec("embedded", &["true"]);
    let error = world.instances.create_and_start(&spec, node::Attachment::Log).unwrap_err();
    let text = chain(&error);
    assert!(text.contains("mount \"/etc/hosts\"") && text.contains("EINVAL"), "{text}");
    assert!(!text.contains('{'), "{text}");
    world.assert_clean();
}

#[test]
fn swap_is_limited_with_memory_where_the_kernel_accounts_for_it() {
    let Some(world) = World::new() else { return };
    if !std::path::Path::new("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes").exists() {
        return;
    }
    for runtime in RUNTIMES {
        let mut spec = world.spec(runtime, &["cat", "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"]);
        spec.options.memory = Some(ByteSize::mib(64));
        world.start(&spec).session.wait().unwrap();
        assert_eq!(world.log(spec.id).trim(), (64 << 20).to_string(), "{runtime}");
    }
}

#[test]
fn a_runtime_that_refuses_is_quoted() {
    let Some(mut world) = World::new() else { return };
    world.add_layer(|tree| std::fs::create_dir_all(tree.join("etc/hosts/is/a/directory")).unwrap());
    for runtime in RUNTIMES {
        // An image's directory where a file is mounted passes our own look and not the runtime's.
        let spec = world.spec(runtime, &["true"]);
        let error = world.instances.create_and_start(&spec, node::Attachment::Log).unwrap_err();
        assert_eq!(error.kind(), InstanceErrorKind::System);
        assert!(chain(&error).contains(runtime), "{}", chain(&error));
    }
    world.assert_clean();
}

#[test]
fn an_asked_limit_is_set_or_said_not_to_be() {
    let Some(world) = World::new() else { return };
    let mut spec = world.spec("embedded", &["true"]);
    spec.size_limit = Some(ByteSize::gib(1));
    spec.remove_on_exit = true;
    let started = world.start(&spec);
    // What `doctor` says of the same directory is what an instance in it gets.
    let checks = node::probe(&world.data());
    let check = checks.iter().find(|check| check.name == "writable-limit").unwrap();
    match &started.upper_limit {
        UpperLimit::NotEnforced(reason) => {
            assert!(reason.starts_with(&check.found), "{reason} / {}", check.found);
            assert!(reason.contains("quotas"), "{reason}");
        }
        UpperLimit::Enforced => assert_eq!(check.result, node::CheckResult::Ok),
        UpperLimit::NotAsked => panic!("it was asked for"),
    }
    assert_eq!(started.session.wait().unwrap(), ExitStatus::Code(0));
    assert_eq!(world.instances.inspect(spec.id).unwrap(), None, "--rm removes it");
    world.assert_clean();
}
