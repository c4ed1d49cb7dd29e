use super::*;
use std::fs;
use std::process::Command;

fn blob(folder: &Path, name: &str, file: &str, text: &str) -> PathBuf {
    let tree = folder.join(format!("{name}.tree"));
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join(file), text).unwrap();
    let blob = folder.join(format!("{name}.erofs"));
    let made = Command::new("mkfs.erofs").arg(&blob).arg(&tree).output().unwrap();
    assert!(made.status.success());
    blob
}

fn folder(parent: &Path, name: &str) -> PathBuf {
    let path = parent.join(name);
    fs::create_dir(&path).unwrap();
    path
}

#[test]
fn a_blob_is_mounted_read_only_from_its_file_and_from_a_loop_device() {
    if !testkit::privileged() {
        return;
    }
    let data = testkit::data_dir();
    let image = blob(data.path(), "one", "file", "text");
    for (via, name) in [(Via::Best, "best"), (Via::Loop, "loop")] {
        let point = folder(data.path(), name);
        assert!(!is_mount_point(&point).unwrap());
        mount_blob(&image, &[], &point, via).unwrap();
        assert!(is_mount_point(&point).unwrap());
        assert_eq!(fs::read_to_string(point.join("file")).unwrap(), "text");
        let refused = fs::write(point.join("new"), "").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ReadOnlyFilesystem);
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let line = table.lines().find(|line| line.contains(point.to_str().unwrap())).unwrap();
        assert_eq!(line.contains("/dev/loop"), via == Via::Loop, "{line}");
        assert!(line.contains("nosuid,nodev"), "{line}");
        unmount_path(&point).unwrap();
        unmount_path(&point).unwrap();
        assert!(!is_mount_point(&point).unwrap());
    }
    let backing = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("loop/backing_file")).ok();
    let is_left = || {
        let mut used = fs::read_dir("/sys/block").unwrap().filter_map(|entry| backing(entry.unwrap()));
        used.any(|path| path.contains(image.to_str().unwrap()))
    };
    // A container that somebody starts meanwhile has a copy of the mount for a moment, and the device goes with the last.
    let begun = std::time::Instant::now();
    while is_left() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "a loop device is left");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_no_blob_is_refused_by_name() {
    if !testkit::privileged() {
        return;
    }
    let data = testkit::data_dir();
    let point = folder(data.path(), "point");
    fs::write(data.path().join("text"), vec![b'x'; 8192]).unwrap();
    let error = mount_blob(&data.path().join("text"), &[], &point, Via::Best).unwrap_err();
    assert!(matches!(&error, AttachError::MountBlob { .. }) && error.to_string().contains("text"), "{error}");
    let error = mount_blob(&data.path().join("absent"), &[], &point, Via::Best).unwrap_err();
    assert!(matches!(error, AttachError::OpenBlob { .. }));
}

/// A hundred and twenty lowers: far over a page of options as paths, whichever way they are told.
#[test]
fn more_lowers_than_a_page_of_options_holds() {
    if !testkit::privileged() {
        return;
    }
    let data = testkit::data_dir();
    let long = folder(data.path(), &"a-long-name-of-a-data-directory-,with:odd\\characters-".repeat(3));
    let mut lowers = Vec::new();
    for index in 0..120 {
        let lower = folder(&long, &format!("lower-{index}"));
        fs::write(lower.join(format!("file-{index}")), "").unwrap();
        fs::write(lower.join("same"), index.to_string()).unwrap();
        lowers.push(lower);
    }
    for (how, name) in [(Lowers::Best, "best"), (Lowers::OneString, "one")] {
        let base = folder(&long, name);
        let (upper, work, merged) = (folder(&base, "upper"), folder(&base, "work"), folder(&base, "merged"));
        let overlay = Overlay { lowers: &lowers, upper: &upper, work: &work, nodev: false };
        mount_overlay(&overlay, &merged, how).unwrap();
        let names = fs::read_dir(&merged).unwrap().count();
        let top = fs::read_to_string(merged.join("same")).unwrap();
        fs::write(merged.join("new"), "new").unwrap();
        unmount_path(&merged).unwrap();
        assert_eq!((names, top.as_str()), (121, "119"), "{how:?}");
        assert!(upper.join("new").exists());
    }
    let many = vec![lowers[0].clone(); MOST_LOWERS + 1];
    let overlay = Overlay { lowers: &many, upper: &long, work: &long, nodev: false };
    let error = mount_overlay(&overlay, &long, Lowers::Best).unwrap_err();
    assert!(matches!(error, AttachError::TooManyLowers(501, 500)));
}

/// A metadata image whose file data lies in another file, as a merged metadata image's does in the layers' blobs.
#[test]
fn a_blob_with_its_data_on_another_device_is_mounted_both_ways() {
    if !testkit::privileged() {
        return;
    }
    let data = testkit::data_dir();
    let tree = folder(data.path(), "tree");
    let text: String = (0..40_000).map(|number| format!("{number}\n")).collect();
    fs::write(tree.join("file"), &text).unwrap();
    let (meta, device) = (data.path().join("meta.erofs"), data.path().join("device"));
    let made = Command::new("mkfs.erofs")
        .arg("--chunksize=4096")
        .arg(format!("--blobdev={}", device.display()))
        .args([&meta, &tree])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for (via, name) in [(Via::Best, "best"), (Via::Loop, "loop")] {
        let point = folder(data.path(), name);
        mount_blob(&meta, std::slice::from_ref(&device), &point, via).unwrap();
        let read = fs::read_to_string(point.join("file"));
        unmount_path(&point).unwrap();
        assert!(read.unwrap() == text, "{via:?}");
    }
}
