//! What the kernel shows of our blobs against what independent tools unpack: umoci and GNU tar. Needs root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use layer::{Control, Converted, MergeLayer, merge, needs_merge_exactly};
use model::Compression;
use support::mounted::{Directories, Mounted, assert_same, dump};
use support::tape::{Header, Tape};
use support::{chunks, options};
use testkit::{ImageBuilder, Layer};

fn convert_to(stream: &[u8], options: &layer::ConvertOptions, path: &Path) -> Converted {
    let file = File::create(path).unwrap();
    let converted = layer::convert(chunks(stream, 256 << 10), options, &file, &Control::new()).unwrap();
    fsck(path);
    converted
}

fn fsck(blob: &Path) {
    let Some(program) = testkit::program("fsck.erofs") else { return };
    let output = Command::new(program).arg(blob).output().unwrap();
    assert!(output.status.success(), "fsck.erofs: {}", String::from_utf8_lossy(&output.stderr));
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(testkit::program(program).unwrap()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Layers of an OCI layout with one image: their streams, lowest first.
fn streams(layout: &Path) -> (Vec<Vec<u8>>, Vec<model::DiffId>) {
    let blob = |digest: &serde_json::Value| {
        let (algorithm, hex) = digest.as_str().unwrap().split_once(':').unwrap();
        fs::read(layout.join("blobs").join(algorithm).join(hex)).unwrap()
    };
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    let manifest =
        json(&blob(&json(&fs::read(layout.join("index.json")).unwrap())["manifests"][0]["digest"]));
    let config = json(&blob(&manifest["config"]["digest"]));
    let layers = manifest["layers"].as_array().unwrap().iter().map(|layer| blob(&layer["digest"])).collect();
    let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
    (layers, diff_ids.iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect())
}

/// Converts an image, mounts it in every way that it may be mounted, and compares with what umoci unpacks.
fn compare_with_umoci(layout: &Path, tag: &str) -> bool {
    let folder = testkit::data_dir();
    let at = |name: &str| folder.path().join(name);
    let times = Directories::TimesBefore(fs::metadata(folder.path()).unwrap().mtime());
    let (streams, diff_ids) = streams(layout);
    let mut layers = Vec::new();
    for (index, (stream, diff_id)) in streams.iter().zip(&diff_ids).enumerate() {
        let path = at(&format!("{index}.erofs"));
        let mut options = options(stream, b"", Compression::Gzip);
        options.diff_id = *diff_id;
        let converted = convert_to(stream, &options, &path);
        layers.push((File::open(&path).unwrap(), path, converted.leans));
    }
    let bundle = at("bundle");
    run(
        "umoci",
        &["unpack", "--image", &format!("{}:{tag}", layout.display()), &bundle.display().to_string()],
    );
    let unpacked = dump(&bundle.join("rootfs"));
    let inputs: Vec<_> = layers.iter().map(|(blob, _, leans)| MergeLayer { blob, leans }).collect();
    let paths: Vec<PathBuf> = layers.iter().map(|(_, path, _)| path.clone()).collect();

    let image = at("merged.erofs");
    merge(&inputs, &File::create(&image).unwrap(), &Control::new()).unwrap();
    let mounted = Mounted::erofs(&image, &paths, &at("merged"));
    assert_same("merged", &dump(&mounted.0), &unpacked, times);
    drop(mounted);

    let needed = needs_merge_exactly(&inputs).unwrap();
    if !needed {
        let mounts: Vec<Mounted> = (0..)
            .zip(&paths)
            .map(|(index, path)| Mounted::erofs(path, &[], &at(&format!("layer-{index}"))))
            .collect();
        if let [only] = &mounts[..] {
            assert_same("mounted", &dump(&only.0), &unpacked, times);
        } else {
            let lowers: Vec<&Path> = mounts.iter().map(|mounted| mounted.0.as_path()).collect();
            let overlay = Mounted::overlay(&lowers, &at("overlay"));
            assert_same("overlay", &dump(&overlay.0), &unpacked, times);
        }
    }
    testkit::assert_no_mounts_left(folder.path());
    needed
}

#[test]
fn real_images_as_umoci_unpacks_them() {
    if !testkit::privileged() {
        return;
    }
    for (name, leans) in
        [("small", true), ("small-zstd", true), ("odd", true), ("odd-zstd", true), ("debian", false)]
    {
        let Some(layout) = testkit::test_image(name) else { return };
        // Debian 12's umoci knows no zstd: the gzip image of the same content was compared already.
        if !name.ends_with("zstd") {
            assert_eq!(compare_with_umoci(&layout, "latest"), leans, "{name}");
        }
    }
}

fn compare_tars(tars: &[Vec<u8>]) -> bool {
    let mut builder = ImageBuilder::new();
    for tar in tars {
        builder = builder.layer(Layer::from_tar(tar.clone(), testkit::Compression::Gzip));
    }
    let folder = testkit::data_dir();
    builder.build().write_oci_layout(folder.path(), "t");
    compare_with_umoci(folder.path(), "t")
}

#[test]
fn odd_tars_as_umoci_unpacks_them() {
    if !testkit::privileged() {
        return;
    }
    let acl = b"\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x02\x00\x04\x00\xe8\x03\x00\x00\x04\x00\x04\x00\xff\xff\xff\xff\x10\x00\x06\x00\xff\xff\xff\xff\x20\x00\x04\x00\xff\xff\xff\xff";
    let capability = b"\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    let base = Tape::new()
        .entry(Header::new(b"dir/", b'5', 0).mode(0o2755), b"")
        .pax(&[("mtime", b"-86400.25"), ("uid", b"100000"), ("gid", b"200000")])
        .file("dir/old", b"before 1970")
        .pax(&[("SCHILY.xattr.security.capability", capability), ("SCHILY.xattr.user.note", b"a\0b")])
        .entry(Header::new(b"dir/ping", b'0', 4).mode(0o4755), b"ping")
        .pax(&[("SCHILY.xattr.system.posix_acl_access", acl)])
        .entry(Header::new(b"dir/acl", b'0', 0).mode(0o664), b"")
        .extension(b'L', format!("dir/{}\0", "n".repeat(200)).as_bytes())
        .entry(Header::new(b"short", b'0', 3).gnu(), b"gnu")
        .entry(&mut Header::new(b"dir/\xff\xfe", b'0', 1), b"x")
        .entry(Header::new(b"dir/null", b'3', 0).device(1, 3), b"")
        .entry(Header::new(b"dir/disk", b'4', 0).device(259, 70_000), b"")
        .entry(&mut Header::new(b"dir/pipe", b'6', 0), b"")
        .symlink("link", "dir")
        .hard_link("dir/hard", "dir/ping")
        .hard_link("hardlink-to-link", "link")
        .file("link/through", b"in dir")
        .file("twice", b"first")
        .symlink("twice", "second")
        .dir("file-then-dir")
        .file("file-then-dir/x", b"")
        .file("file-then-dir", b"a file")
        .end();
    assert!(!compare_tars(std::slice::from_ref(&base)));
    // Overlayfs shows the link count of the lower inode: a name replaced above still counts in it, unlike after unpacking.
    // So nothing with several names is replaced here.
    let above = Tape::new()
        .dir("dir")
        .file("dir/.wh.old", b"")
        .file("dir/acl", b"replaced")
        .dir("opaque")
        .file("opaque/new", b"")
        .file(".wh.twice", b"")
        .dir("twice")
        .file("twice/now-a-dir", b"")
        .end();
    assert!(!compare_tars(&[base.clone(), above.clone()]));
    let hiding = Tape::new()
        .dir("dir")
        .file("dir/.wh..wh..opq", b"")
        .file("dir/only", b"")
        .file(".wh.twice", b"")
        .end();
    assert!(!compare_tars(&[base.clone(), above.clone(), hiding]));
    let anew = Tape::new().file(".wh..wh..opq", b"").dir("dir").file("dir/alone", b"").end();
    assert!(compare_tars(&[base.clone(), anew.clone()]), "overlayfs obeys no mark on a layer's root");
    assert!(!compare_tars(&[anew]), "below the first layer is nothing to hide");
    let leaning = Tape::new()
        .file("link/below", b"through the symlink below")
        .file("dir/leaning", b"")
        .hard_link("linked", "dir/hard")
        .file("link/.wh.acl", b"")
        .file("fresh/implied", b"")
        .end();
    assert!(compare_tars(&[base, above, leaning]));
}

#[test]
fn trees_that_gnu_tar_packed() {
    if !testkit::privileged() {
        return;
    }
    let folder = testkit::data_dir();
    let source = folder.path().join("source");
    fs::create_dir_all(source.join("deep/er/st")).unwrap();
    for i in 0..300u32 {
        fs::write(source.join(format!("deep/er/file{i}")), vec![i as u8; (i * i) as usize]).unwrap();
    }
    let sparse = File::create(source.join("sparse")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"end", 20 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"middle", 9 << 20).unwrap();
    drop(sparse);
    fs::hard_link(source.join("sparse"), source.join("sparse-too")).unwrap();
    std::os::unix::fs::symlink("t".repeat(150), source.join("long-link")).unwrap();
    let run_in = |arguments: &str| {
        let status =
            Command::new("sh").args(["-e", "-c", arguments]).current_dir(folder.path()).status().unwrap();
        assert!(status.success(), "{arguments}");
    };
    run_in(
        "cd source; mkfifo pipe; mknod zero c 1 5; chown 3000000:70000 deep/er/st; touch -d '1960-02-03 04:05:06.789' pipe",
    );
    run_in("cd source; setfattr -n user.x -v y deep/er/file7; chmod 6711 deep/er/file8");
    let expected = dump(&source);
    for options in [
        "--format=gnu --sparse",
        "--format=oldgnu --sparse",
        "--format=pax --sparse --sparse-version=0.0",
        "--format=pax --sparse --sparse-version=0.1",
        "--format=pax --sparse --sparse-version=1.0",
        "--format=pax",
        "--format=gnu",
    ] {
        let exact = options.contains("pax");
        let xattrs = if exact { "--xattrs --xattrs-include='*'" } else { "" };
        run_in(&format!("tar {options} {xattrs} --numeric-owner -C source -cf t.tar ."));
        let tar = fs::read(folder.path().join("t.tar")).unwrap();
        let blob = folder.path().join("t.erofs");
        let converted = convert_to(&tar, &support::options(&tar, &tar, Compression::None), &blob);
        assert!(converted.leans.is_empty());
        let mounted = Mounted::erofs(&blob, &[], &folder.path().join("mounted"));
        let expected = if exact {
            expected.clone()
        } else {
            // Without PAX records there are no fractions of seconds and no attributes: take what tar itself unpacks.
            run_in("rm -rf again; mkdir again; tar --numeric-owner -C again -xpf t.tar");
            dump(&folder.path().join("again"))
        };
        assert_same(options, &dump(&mounted.0), &expected, Directories::Whole);
    }
}

#[test]
fn a_deletion_of_nothing_shows_under_overlayfs_and_not_in_a_merged_image() {
    if !testkit::privileged() {
        return;
    }
    let folder = testkit::data_dir();
    let at = |name: &str| folder.path().join(name);
    let tars =
        [Tape::new().dir("d").end(), Tape::new().dir("e").file("e/kept", b"").file("e/.wh.f", b"").end()];
    let paths = [at("0.erofs"), at("1.erofs")];
    let leans: Vec<_> = tars
        .iter()
        .zip(&paths)
        .map(|(tar, path)| convert_to(tar, &options(tar, tar, Compression::None), path).leans)
        .collect();
    let names = |mounted: &Mounted| {
        let mut names: Vec<_> =
            fs::read_dir(mounted.0.join("e")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let lowers = [Mounted::erofs(&paths[0], &[], &at("l0")), Mounted::erofs(&paths[1], &[], &at("l1"))];
    let overlay = Mounted::overlay(&[&lowers[0].0, &lowers[1].0], &at("overlay"));
    assert_eq!(names(&overlay), ["f", "kept"], "why such a layer needs a merge");
    drop((overlay, lowers));

    let blobs: Vec<File> = paths.iter().map(|path| File::open(path).unwrap()).collect();
    let inputs: Vec<_> = blobs.iter().zip(&leans).map(|(blob, leans)| MergeLayer { blob, leans }).collect();
    assert!(needs_merge_exactly(&inputs).unwrap());
    let image = at("merged.erofs");
    merge(&inputs, &File::create(&image).unwrap(), &Control::new()).unwrap();
    assert_eq!(names(&Mounted::erofs(&image, &paths, &at("merged"))), ["kept"]);
}
