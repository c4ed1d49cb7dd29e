//! Volumes and working directories, whatever symlinks the image has there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::path::Path;

use common::{RUNTIMES, World, chain};
use model::ExitStatus;
use node::InstanceErrorKind;

#[test]
fn mounts_on_dangling_symlinks_of_the_image_are_made_inside() {
    use std::os::unix::fs::symlink;
    let Some(mut world) = World::new() else { return };
    let outside = world.folder.path().join("outside");
    let volume = world.folder.path().join("volume");
    std::fs::create_dir(&volume).unwrap();
    std::fs::write(volume.join("file"), "of the host").unwrap();
    world.add_layer(|tree| {
        std::fs::create_dir_all(tree.join("etc")).unwrap();
        symlink("../run/systemd/resolve/stub-resolv.conf", tree.join("etc/resolv.conf")).unwrap();
        symlink("/run/hosts", tree.join("etc/hosts")).unwrap();
        symlink("nothing", tree.join("etc/hostname")).unwrap();
        symlink(&outside, tree.join("data")).unwrap();
        symlink("../run/inner/file", tree.join("etc/file")).unwrap();
    });
    for runtime in RUNTIMES {
        let script =
            "cat /etc/hostname /data/file /etc/file; cat /etc/hosts /etc/resolv.conf >/dev/null && echo both";
        let mut spec = world.spec(runtime, &["sh", "-c", script]);
        let host = volume.display();
        spec.options.volumes = [format!("{host}:/data"), format!("{host}/file:/etc/file:ro")]
            .map(|text| text.parse().unwrap())
            .into();
        world.start(&spec).session.wait().unwrap();
        assert_eq!(world.log(spec.id), format!("{}\nof the hostof the hostboth\n", spec.name), "{runtime}");
    }
    assert!(!outside.exists());
    world.assert_clean();
}

#[test]
fn a_working_directory_below_a_volume_is_made_in_the_volume() {
    let Some(world) = World::new() else { return };
    let volume = world.folder.path().join("volume");
    let outside = world.folder.path().join("outside");
    std::fs::create_dir(&volume).unwrap();
    std::fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, volume.join("link")).unwrap();
    for (index, runtime) in RUNTIMES.into_iter().enumerate() {
        let mut spec = world.spec(runtime, &["busybox", "pwd"]);
        spec.options.volumes = vec![format!("{}:/data", volume.display()).parse().unwrap()];
        spec.options.working_dir = Some(format!("/data/made/{index}"));
        let status = world.start(&spec).session.wait().unwrap();
        assert_eq!((status, world.log(spec.id)), (ExitStatus::Code(0), format!("/data/made/{index}\n")));
        assert!(volume.join(format!("made/{index}")).is_dir(), "{runtime}");
        assert!(!world.data().join("instances").join(spec.id.to_string()).join("upper/data/made").exists());
        spec.id = model::InstanceId::generate();
        // What the link in the volume means is in the instance's own root.
        spec.options.working_dir = Some("/data/link/inner".to_owned());
        world.start(&spec).session.wait().unwrap();
        assert_eq!(world.log(spec.id), format!("{}/inner\n", outside.display()), "{runtime}");
    }
    let mut spec = world.spec("embedded", &["true"]);
    spec.options.volumes = vec![format!("{}:/data:ro", volume.display()).parse().unwrap()];
    spec.options.working_dir = Some("/data/absent".to_owned());
    let error = world.instances.create_and_start(&spec, node::Attachment::Log).unwrap_err();
    assert_eq!(error.kind(), InstanceErrorKind::Input);
    assert!(
        chain(&error).contains("`/data/absent`") && chain(&error).contains("ead-only"),
        "{}",
        chain(&error)
    );
    assert!(!volume.join("absent").exists());
    assert!(std::fs::read_dir(&outside).unwrap().next().is_none());
    world.assert_clean();
}

#[test]
fn a_working_directory_below_a_volume_behind_the_images_symlink_is_made_in_the_volume() {
    let Some(mut world) = World::new() else { return };
    let volume = world.folder.path().join("volume");
    std::fs::create_dir(&volume).unwrap();
    world.add_layer(|tree| {
        std::fs::create_dir_all(tree.join("srv/app")).unwrap();
        std::os::unix::fs::symlink("/srv/app", tree.join("app")).unwrap();
    });
    for (index, runtime) in RUNTIMES.into_iter().enumerate() {
        for (place, directory) in [("/srv/app", "/app/to"), ("/app", "/srv/app/from")] {
            let directory = format!("{directory}{index}");
            let mut spec = world.spec(runtime, &["true"]);
            spec.options.volumes = vec![format!("{}:{place}", volume.display()).parse().unwrap()];
            spec.options.working_dir = Some(directory.clone());
            assert_eq!(world.start(&spec).session.wait().unwrap(), ExitStatus::Code(0), "{runtime}");
            let made = volume.join(Path::new(&directory).file_name().unwrap());
            assert!(made.is_dir(), "{runtime} {directory}");
            let upper = world.data().join("instances").join(spec.id.to_string()).join("upper");
            assert!(!upper.join("srv").exists(), "{runtime} {directory}");
        }
    }
    world.assert_clean();
}

#[test]
fn a_volume_over_the_directory_of_dangling_bound_files_covers_what_is_made_of_them() {
    let Some(mut world) = World::new() else { return };
    let volume = world.folder.path().join("volume");
    std::fs::create_dir(&volume).unwrap();
    std::fs::write(volume.join("file"), "of the host").unwrap();
    world.add_layer(|tree| {
        std::fs::create_dir_all(tree.join("etc")).unwrap();
        std::os::unix::fs::symlink("../run/systemd/stub", tree.join("etc/resolv.conf")).unwrap();
    });
    for runtime in RUNTIMES {
        let mut spec = world.spec(runtime, &["cat", "/etc/file"]);
        spec.options.volumes = vec![format!("{}:/etc", volume.display()).parse().unwrap()];
        world.start(&spec).session.wait().unwrap();
        assert_eq!(world.log(spec.id), "of the host", "{runtime}");
    }
    assert_eq!(std::fs::read_dir(&volume).unwrap().count(), 1);
    world.assert_clean();
}

#[test]
fn a_volume_that_cannot_lie_over_what_is_there_is_the_users_mistake() {
    let Some(world) = World::new() else { return };
    let volume = world.folder.path().join("volume");
    std::fs::create_dir(&volume).unwrap();
    for runtime in RUNTIMES {
        for (host, place) in [(&*volume, "/etc/hosts"), (Path::new("/etc/passwd"), "/srv")] {
            let mut spec = world.spec(runtime, &["true"]);
            spec.options.volumes = vec![format!("{}:{place}", host.display()).parse().unwrap()];
            let error = world.instances.create_and_start(&spec, node::Attachment::Log).unwrap_err();
            assert_eq!(error.kind(), InstanceErrorKind::Input, "{runtime}");
            assert!(chain(&error).contains(place), "{}", chain(&error));
        }
    }
    world.assert_clean();
}
