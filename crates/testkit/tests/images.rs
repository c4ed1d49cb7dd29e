//! What testkit makes is what others take for an image: skopeo reads every form, and tar reads every layer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::os::unix::fs::MetadataExt;
use std::process::{Command, Output};

use testkit::{
    Compression, Entry, EntryKind, Image, ImageBuilder, ImageIndex, LayerBuilder, MediaTypes, Registry,
    program, sha256,
};

fn sample(compression: Compression, family: MediaTypes) -> Image {
    let base = LayerBuilder::new().dir("etc", 0o755).file("etc/hello", "hello\n").noise("blob", 100_000, 7);
    let top =
        LayerBuilder::new().whiteout("etc/hello").symlink("etc/link", "../blob").hard_link("copy", "blob");
    ImageBuilder::new()
        .media_types(family)
        .layer(base.build(compression))
        .layer(top.build(compression))
        .entrypoint(["/bin/true"])
        .env(["A=b"])
        .build()
}

fn skopeo(arguments: &[&str]) -> Option<Output> {
    let output = Command::new(program("skopeo")?).args(arguments).output().unwrap();
    Some(output)
}

fn assert_inspects(arguments: &[&str], image: &Image) {
    let mut all = vec!["inspect"];
    all.extend_from_slice(arguments);
    let Some(output) = skopeo(&all) else { return };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["Env"][0], "A=b");
    assert_eq!(document["Layers"].as_array().unwrap().len(), image.layers.len());
}

#[test]
fn skopeo_copies_a_layout_of_every_compression() {
    let folder = testkit::data_dir();
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let layout = folder.path().join(format!("{compression:?}"));
        sample(compression, MediaTypes::Oci).write_oci_layout(&layout, "one");
        sample(compression, MediaTypes::Oci).write_oci_layout(&layout, "two");
        let source = format!("oci:{}:two", layout.display());
        // Copying checks digests and sizes of everything.
        let target = format!("dir:{}", folder.path().join(format!("copy-{compression:?}")).display());
        let Some(output) = skopeo(&["copy", "--quiet", &source, &target]) else { return };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn skopeo_reads_an_archive() {
    let folder = testkit::data_dir();
    let image = sample(Compression::Gzip, MediaTypes::Docker);
    let file = folder.path().join("image.tar");
    image.write_docker_archive(&file, &["example.test/app:1"]);
    assert_inspects(&[&format!("docker-archive:{}", file.display())], &image);
}

#[test]
fn skopeo_reads_from_every_kind_of_registry() {
    let kinds = [
        (Registry::builder(), None),
        (Registry::builder().tls(), None),
        (Registry::builder().tls().basic_auth("anna", "secret"), Some("anna:secret")),
        (Registry::builder().token_auth("anna", "secret"), Some("anna:secret")),
        (Registry::builder().anonymous_tokens(), None),
    ];
    for (builder, credentials) in kinds {
        let text = format!("{builder:?}");
        let Some(registry) = builder.start() else { return };
        let image = sample(Compression::Gzip, MediaTypes::Docker);
        registry.add("team/app", "1", &image);
        let reference = format!("docker://{}", registry.reference("team/app", "1"));
        let refused = skopeo(&["inspect", "--tls-verify=false", "--creds=anna:wrong", &reference]);
        let Some(refused) = refused else { return };
        assert_eq!(refused.status.success(), credentials.is_none(), "{text} with a wrong password");
        let mut arguments = vec!["--tls-verify=false"];
        let login = credentials.map(|credentials| format!("--creds={credentials}"));
        arguments.extend(login.as_deref());
        arguments.push(&reference);
        assert_inspects(&arguments, &image);
        assert_eq!(registry.tokens_given() > 0, text.contains("Tokens"));
    }
}

#[test]
fn a_registry_forgets_nothing_when_it_is_off_for_a_while() {
    let Some(mut registry) = Registry::start() else { return };
    let image = sample(Compression::Zstd, MediaTypes::Oci);
    let other =
        ImageBuilder::new().platform("linux", "arm64").variant("v8").layer(image.layers[0].clone()).build();
    let index = ImageIndex::new(MediaTypes::Oci, vec![image.clone(), other]);
    registry.add_index("app", "1", &index);
    let reference = format!("docker://{}", registry.reference("app", "1"));
    let raw = ["inspect", "--raw", "--tls-verify=false", &reference];
    registry.stop();
    let Some(off) = skopeo(&raw) else { return };
    assert!(!off.status.success(), "it answered while it was off");
    registry.restart();
    let on = skopeo(&raw).unwrap();
    assert_eq!(sha256(&on.stdout), index.digest());
    assert!(registry.requests().iter().any(|request| request.path.ends_with("/manifests/1")));
    assert!(!registry.requests().iter().any(testkit::LoggedRequest::is_blob_download));
}

#[test]
fn tar_lists_what_an_entry_says() {
    let long = "d/".repeat(60) + "name";
    let layer = LayerBuilder::new()
        .entry(&Entry::new(&long, EntryKind::File(b"x".to_vec())).owner(3_000_000_000, 70_000).mode(0o4755))
        .entry(&Entry::new("dev", EntryKind::CharDevice(5, 1)))
        .entry(&Entry::new("old", EntryKind::Fifo))
        .build(Compression::None);
    let folder = testkit::data_dir();
    let file = folder.path().join("layer.tar");
    std::fs::write(&file, &layer.tar).unwrap();
    let output = Command::new("tar")
        .args(["--numeric-owner", "--full-time", "--utc", "-tvf"])
        .arg(&file)
        .output()
        .expect("tar is everywhere");
    let listing = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = listing.lines().collect();
    assert!(lines[0].starts_with("-rwsr-xr-x 3000000000/70000"), "{listing}");
    assert!(lines[0].ends_with(&long), "{listing}");
    assert!(lines[1].contains("5,1"), "{listing}");
    assert!(lines[2].starts_with("prw-r--r--"), "{listing}");
}

#[test]
fn tar_unpacks_a_time_before_1970() {
    let entry = Entry::new("old", EntryKind::File(Vec::new())).mtime(-2, 250_000_000);
    let layer = LayerBuilder::new().entry(&entry).build(Compression::None);
    let folder = testkit::data_dir();
    std::fs::write(folder.path().join("layer.tar"), &layer.tar).unwrap();
    let done = Command::new("tar").current_dir(folder.path()).args(["-xf", "layer.tar"]).status().unwrap();
    assert!(done.success());
    let metadata = std::fs::metadata(folder.path().join("old")).unwrap();
    assert_eq!((metadata.mtime(), metadata.mtime_nsec()), (-2, 250_000_000));
}
