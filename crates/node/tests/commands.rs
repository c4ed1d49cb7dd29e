//! What a command finds when it begins, and what becomes of one that cannot.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{RUNTIMES, World, output};
use serde_json::json;

#[test]
fn no_signal_is_ignored_or_blocked_in_a_container() {
    let Some(world) = World::new() else { return };
    let script = "cat /proc/self/status; sleep 1000";
    let spec = world.spec("embedded", &["sh", "-c", script]);
    let _started = world.start(&spec);
    let value = json!({ "command": ["cat", "/proc/self/status"] });
    let done = output(&mut world.exec_process(spec.id, value));
    let mut printed = String::new();
    let mut each = |line: node::LogLine| {
        printed.push_str(&String::from_utf8_lossy(&line.bytes));
        !printed.contains("CapInh")
    };
    world.instances.logs(spec.id, true, &mut each).unwrap();
    for text in [printed.as_str(), &String::from_utf8_lossy(&done.stdout)] {
        for line in ["SigIgn:\t0000000000000000", "SigBlk:\t0000000000000000"] {
            assert!(text.contains(line), "{text}");
        }
    }
}

#[test]
fn a_working_directory_that_is_none_is_named() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let spec = world.spec(runtime, &["sleep", "1000"]);
        let _started = world.start(&spec);
        let exec = |directory: &str| {
            let value = json!({ "command": ["busybox", "pwd"], "working_dir": directory });
            let done = output(&mut world.exec_process(spec.id, value));
            (
                done.status.code().unwrap(),
                String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned(),
            )
        };
        for directory in ["/absent", "/bin/sh", "relative"] {
            let (code, said) = exec(directory);
            let named = format!("failed to take the option workdir `{directory}`");
            assert!(code != 0 && said.contains(&named), "{runtime} {directory}: {code} {said}");
        }
        for directory in ["/tmp", "/dev/shm", "/proc/self/cwd"] {
            let (code, said) = exec(directory);
            assert_eq!(code, 0, "{runtime} {directory}: {said}");
        }
    }
}

#[test]
fn a_command_that_cannot_be_executed_is_126_or_127_wherever_it_lies() {
    use std::os::unix::fs::PermissionsExt;
    let Some(mut world) = World::new() else { return };
    world.add_layer(|tree| {
        std::fs::create_dir_all(tree.join("bin")).unwrap();
        for (name, text, mode) in
            [("rootonly", "#!/bin/sh\nexit 0\n", 0o700), ("lost", "#!/bin/absent\n", 0o755)]
        {
            std::fs::write(tree.join("bin").join(name), text).unwrap();
            std::fs::set_permissions(tree.join("bin").join(name), PermissionsExt::from_mode(mode)).unwrap();
        }
    });
    let volume = world.folder.path().join("volume");
    std::fs::create_dir(&volume).unwrap();
    for runtime in RUNTIMES {
        let run = |command: &str, user: Option<&str>, with_volume: bool| {
            let mut spec = world.spec(runtime, &[command]);
            spec.options.user = user.map(str::to_owned);
            if with_volume {
                spec.options.volumes = vec![format!("{}:/data", volume.display()).parse().unwrap()];
            }
            let done = output(&mut world.run_process(&spec, true).0);
            (done.status.code().unwrap(), String::from_utf8_lossy(&done.stderr).into_owned())
        };
        for (command, user, with_volume, code) in [
            ("absent", None, true, 127),
            ("/bin/absent", None, true, 127),
            ("/srv/plain", None, true, 126),
            ("/bin/rootonly", Some("web"), false, 126),
            ("/bin/rootonly", None, true, 0),
        ] {
            let (found, err) = run(command, user, with_volume);
            assert_eq!(found, code, "{runtime} {command}: {err}");
        }
        if runtime == "embedded" {
            let (found, err) = run("/bin/lost", None, false);
            assert_eq!(found, 127, "{err}");
            assert!(err.contains("interpreter") && err.contains("/bin/lost"), "{err}");
        }
        let spec = world.spec(runtime, &["sh", "-c", "busybox cp /bin/busybox /dev/shm/; sleep 1000"]);
        let _started = world.start(&spec);
        let exec = |command: &str, user: &str| {
            let value = json!({ "command": [command, "true"], "user": user });
            let done = output(&mut world.exec_process(spec.id, value));
            (done.status.code().unwrap(), String::from_utf8_lossy(&done.stderr).into_owned())
        };
        while exec("/dev/shm/busybox", "root").0 == 127 {
            std::thread::yield_now();
        }
        for (command, user, code) in [
            ("absent", "root", 127),
            ("/dev/shm/busybox", "root", 126),
            ("/bin/rootonly", "web", 126),
            ("/proc/self/root/bin/busybox", "root", 0),
            ("/proc/absent", "root", 127),
        ] {
            let (found, err) = exec(command, user);
            assert_eq!(found, code, "{runtime} {command}: {err}");
        }
        world.instances.remove(spec.id, true).unwrap();
    }
    world.assert_clean();
}
