//! Images and containers that reach for the host.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use common::{Killed, RUNTIMES, World, chain, read_until};
use node::InstanceErrorKind;

#[test]
fn an_image_whose_system_directories_lead_elsewhere_is_refused_and_the_host_untouched() {
    for path in ["dev", "proc", "sys"] {
        let Some(mut world) = World::new() else { return };
        let host = world.folder.path().join("host");
        fs::create_dir_all(host.join("shm")).unwrap();
        fs::write(host.join("ptmx"), "the host's").unwrap();
        world.add_layer(|tree| {
            fs::create_dir_all(tree.join(host.strip_prefix("/").unwrap())).unwrap();
            symlink(&host, tree.join(path)).unwrap();
        });
        for runtime in RUNTIMES {
            let spec = world.spec(runtime, &["true"]);
            let error = world.instances.create_and_start(&spec, node::Attachment::Log).unwrap_err();
            assert_eq!(error.kind(), InstanceErrorKind::Input, "{runtime}");
            assert!(chain(&error).contains(&format!("`/{path}`")), "{runtime}: {}", chain(&error));
        }
        let names: Vec<_> = fs::read_dir(&host).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        assert_eq!(fs::read_to_string(host.join("ptmx")).unwrap(), "the host's");
        world.assert_clean();
    }
}

/// Reading some of these does something: `/proc/kmsg` takes the kernel's messages away from whoever waits for them.
#[test]
fn a_container_cannot_have_a_file_of_proc_read_for_its_accounts() {
    let Some(world) = World::new() else { return };
    let script = "busybox ln -sf /proc/1/environ /etc/passwd; echo linked; sleep 1000";
    let mut spec = world.spec("embedded", &["sh", "-c", script]);
    spec.options.env = vec!["LINES=\nforged:x:5:5::/:\n".to_owned()];
    let _started = world.start(&spec);
    world.instances.logs(spec.id, true, &mut |_| false).unwrap();
    let value = serde_json::json!({ "command": ["true"], "user": "forged" });
    let done = common::output(&mut world.exec_process(spec.id, value));
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(err.contains("`forged` in the image's /etc/passwd"), "{err}");
}

/// A script whose interpreter is `/proc/self/exe` has the runtime execute itself inside of the container.
#[test]
fn a_container_that_executes_the_runtime_again_cannot_write_to_it() {
    let Some(mut world) = World::new() else { return };
    world.add_layer(|tree| {
        fs::write(tree.join("linger"), "#!/proc/self/exe\n").unwrap();
        fs::set_permissions(tree.join("linger"), fs::Permissions::from_mode(0o755)).unwrap();
    });
    let mut spec = world.spec("embedded", &["/linger"]);
    spec.options.interactive = true;
    spec.options.volumes =
        ["/usr", "/lib", "/lib64"].map(|path| format!("{path}:{path}:ro").parse().unwrap()).to_vec();
    let (mut command, report) = world.run_process(&spec, true);
    let mut child = Killed(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    read_until(child.0.stdout.as_mut().unwrap(), "lingers");
    while !report.exists() {
        std::thread::yield_now();
    }
    let pid = world.instances.inspect(spec.id).unwrap().unwrap().pid.unwrap();
    let program = format!("/proc/{pid}/exe");
    let found = rustix::fs::statvfs(&program).unwrap();
    let same = fs::metadata(&program).unwrap();
    assert!(same.len() == fs::metadata(common::testbin()).unwrap().len(), "it is the runtime itself");
    assert!(found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY));
    drop(child.0.stdin.take());
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    world.assert_clean();
}

/// A runtime makes its devices by path, and whatever is mounted over the instance's own `/dev` by then gets them.
#[test]
fn an_image_that_leads_a_volume_to_a_system_directory_is_refused_and_the_volume_untouched() {
    let Some(mut world) = World::new() else { return };
    let (volume, outer) = (world.folder.path().join("volume"), world.folder.path().join("outer"));
    for folder in [&volume, &outer] {
        fs::create_dir(folder).unwrap();
    }
    fs::write(volume.join("ptmx"), "the host's").unwrap();
    symlink("/system", outer.join("left")).unwrap();
    let links =
        [("dev", "/dev"), ("root", "/"), ("proc", "/proc/x"), ("up", "../../sys"), ("second", "/a/up")];
    world.add_layer(|tree| {
        fs::create_dir_all(tree.join("a")).unwrap();
        for (name, target) in links {
            symlink(target, tree.join("a").join(name)).unwrap();
        }
        symlink("dev", tree.join("system")).unwrap();
    });
    for runtime in RUNTIMES {
        for (path, leads_to) in [
            ("/a/dev", "/dev"),
            ("/a/root", "/"),
            ("/a/proc", "/proc/x"),
            ("/a/second", "/sys"),
            ("/a/root/dev", "/dev"),
            ("/outer/left", "/dev"),
        ] {
            let mut spec = world.spec(runtime, &["true"]);
            spec.options.volumes =
                [format!("{}:/outer", outer.display()), format!("{}:{path}", volume.display())]
                    .map(|text| text.parse().unwrap())
                    .into();
            let error = world.instances.create_and_start(&spec, node::Attachment::Log).unwrap_err();
            assert_eq!(error.kind(), InstanceErrorKind::Input, "{runtime} {path}");
            let said = format!("`{path}`: inside the instance it leads to `{leads_to}`");
            assert!(chain(&error).contains(&said), "{}", chain(&error));
        }
    }
    let names: Vec<_> = fs::read_dir(&volume).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["ptmx"]);
    assert_eq!(fs::read_to_string(volume.join("ptmx")).unwrap(), "the host's");
    world.assert_clean();
}

#[test]
fn a_volume_over_a_system_directory_is_refused_and_one_below_it_is_mounted() {
    let Some(world) = World::new() else { return };
    let volume = world.folder.path().join("volume");
    fs::create_dir(&volume).unwrap();
    fs::write(volume.join("file"), "of the host").unwrap();
    for runtime in RUNTIMES {
        let with = |place: &str| {
            let mut spec = world.spec(runtime, &["cat", &format!("{place}/file")]);
            let volume = node::Volume { host: volume.clone(), container: place.into(), read_only: false };
            spec.options.volumes = vec![volume];
            spec
        };
        for place in ["/", "/dev", "/dev/", "/./dev", "/proc", "/proc/self", "/srv/../dev", "dev"] {
            let error = world.instances.create_and_start(&with(place), node::Attachment::Log).unwrap_err();
            assert_eq!(error.kind(), InstanceErrorKind::Input, "{runtime} {place}");
            assert!(chain(&error).contains("volume"), "{}", chain(&error));
        }
        let spec = with("/dev/shared");
        world.start(&spec).session.wait().unwrap();
        assert_eq!(world.log(spec.id), "of the host", "{runtime}");
    }
    let names: Vec<_> = fs::read_dir(&volume).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["file"]);
    world.assert_clean();
}
