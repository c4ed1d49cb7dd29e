//! OCI image layout directories, honest and hostile.

use std::fs;
use std::path::Path;

use registry::ErrorKind;
use serde_json::json;
use testkit::{Compression, Image, ImageBuilder, ImageIndex, LayerBuilder, MediaTypes};

use crate::support::{assert_kind, image, read, resolve, settings};

fn layout(image: &Image, name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    image.write_oci_layout(dir.path(), name);
    dir
}

async fn pull(dir: &Path, name: &str) -> Result<Vec<u8>, registry::Error> {
    let (registry, image) = resolve(settings(&[]), &format!("oci:{}{name}", dir.display())).await?;
    read(registry.fetch_layer(&image, &image.manifest.layers[0]).await?).await
}

fn blob(dir: &Path, digest: &str) -> std::path::PathBuf {
    dir.join("blobs/sha256").join(digest.strip_prefix("sha256:").unwrap())
}

#[tokio::test]
async fn by_name_by_digest_or_the_only_one() {
    let image = image(3_000_000);
    let dir = layout(&image, "v1");
    for name in ["", ":v1", &format!(":{}", image.digest()), &format!(":@{}", image.digest())] {
        assert_eq!(pull(dir.path(), name).await.unwrap(), image.layers[0].blob, "{name}");
    }
    let text = assert_kind(pull(dir.path(), ":v2").await, ErrorKind::NotFound);
    assert!(text.contains("`v2`") && text.contains("v1"), "{text}");
    let other =
        ImageBuilder::new().layer(LayerBuilder::new().file("o", "o").build(Compression::Zstd)).build();
    other.write_oci_layout(dir.path(), "v2");
    let text = assert_kind(pull(dir.path(), "").await, ErrorKind::Ambiguous);
    assert!(text.contains("v1, v2"), "{text}");
    assert_eq!(pull(dir.path(), ":v2").await.unwrap(), other.layers[0].blob);
}

/// A layout of images with annotations as exporters write them.
fn layout_of(images: &[(&Image, serde_json::Value)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut entries = Vec::new();
    for (image, annotations) in images {
        image.write_oci_layout(dir.path(), "x");
        entries.push(json!({"mediaType": image.manifest_type(), "digest": image.digest(),
            "size": image.manifest.len(), "annotations": annotations}));
    }
    let index = json!({"schemaVersion": 2, "manifests": entries}).to_string();
    fs::write(dir.path().join("index.json"), index).unwrap();
    dir
}

fn two() -> (Image, Image) {
    (image(1000), image(2000))
}

#[tokio::test]
async fn several_images_without_names_are_chosen_by_digest() {
    let (one, two) = two();
    let dir = layout_of(&[(&one, json!(null)), (&two, json!(null)), (&one, json!(null))]);
    let text = assert_kind(pull(dir.path(), "").await, ErrorKind::Ambiguous);
    assert!(text.contains(&one.digest()) && text.matches(&two.digest()).count() == 1, "{text}");
    assert_eq!(pull(dir.path(), &format!(":{}", two.digest())).await.unwrap(), two.layers[0].blob);
    let twice = layout_of(&[(&one, json!(null)), (&one, json!(null))]);
    assert_eq!(pull(twice.path(), "").await.unwrap(), one.layers[0].blob);
}

#[tokio::test]
async fn one_image_under_several_tags_needs_no_choice() {
    let (one, two) = two();
    let tag = |tag: &str| json!({"org.opencontainers.image.ref.name": tag});
    let dir = layout_of(&[(&one, tag("1")), (&one, tag("latest"))]);
    for name in ["", ":1", ":latest"] {
        assert_eq!(pull(dir.path(), name).await.unwrap(), one.layers[0].blob, "{name}");
    }
    let other = layout_of(&[(&one, tag("1")), (&one, tag("latest")), (&two, tag("2"))]);
    let text = assert_kind(pull(other.path(), "").await, ErrorKind::Ambiguous);
    assert!(text.contains("1, 2, latest"), "{text}");
}

#[tokio::test]
async fn images_that_share_a_tag_are_told_apart_by_their_whole_name() {
    let (one, two) = two();
    let names =
        |name: &str| json!({"org.opencontainers.image.ref.name": "latest", "io.containerd.image.name": name});
    let dir = layout_of(&[
        (&one, names("docker.io/library/debian:latest")),
        (&two, names("docker.io/library/alpine:latest")),
    ]);
    for name in ["", ":latest"] {
        let text = assert_kind(pull(dir.path(), name).await, ErrorKind::Ambiguous);
        assert!(text.contains("library/alpine:latest, docker.io/library/debian:latest"), "{text}");
    }
    for name in [":debian", ":docker.io/library/debian:latest"] {
        assert_eq!(pull(dir.path(), name).await.unwrap(), one.layers[0].blob, "{name}");
    }
    let unnamed = json!({"org.opencontainers.image.ref.name": "latest"});
    let dir = layout_of(&[(&one, unnamed.clone()), (&two, unnamed)]);
    let text = assert_kind(pull(dir.path(), ":latest").await, ErrorKind::Ambiguous);
    assert!(text.contains(&format!("{} (latest)", two.digest())), "{text}");
}

#[tokio::test]
async fn an_index_in_a_layout() {
    let arm = ImageBuilder::new().platform("linux", "arm64").build();
    let amd = image(100);
    let index = ImageIndex::new(MediaTypes::Oci, vec![arm, amd.clone()]);
    let dir = tempfile::tempdir().unwrap();
    index.write_oci_layout(dir.path(), "v1");
    let (_, resolved) = resolve(settings(&[]), &format!("oci:{}", dir.path().display())).await.unwrap();
    assert_eq!(resolved.manifest.digest.to_string(), amd.digest());
    assert_eq!(resolved.index_digest.unwrap().to_string(), index.digest());
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let none = pull(Path::new("/nonexistent/layout"), "").await;
    assert!(assert_kind(none, ErrorKind::LocalMissing).contains("/nonexistent/layout"));
    let image = image(100);
    for digest in [image.digest(), image.config_digest(), image.layers[0].digest.clone()] {
        let dir = layout(&image, "v1");
        fs::remove_file(blob(dir.path(), &digest)).unwrap();
        let text = assert_kind(pull(dir.path(), "").await, ErrorKind::LocalMissing);
        assert!(text.contains(digest.strip_prefix("sha256:").unwrap()), "{text}");
    }
}

#[tokio::test]
async fn damaged_documents_and_cut_layers() {
    let image = image(100);
    for digest in [image.digest(), image.config_digest()] {
        let dir = layout(&image, "v1");
        let path = blob(dir.path(), &digest);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() = b' ';
        fs::write(&path, &bytes).unwrap();
        assert_kind(pull(dir.path(), "").await, ErrorKind::WrongDigest);
        fs::write(&path, &bytes[1..]).unwrap();
        assert_kind(pull(dir.path(), "").await, ErrorKind::WrongLength);
    }
    let dir = layout(&image, "v1");
    let path = blob(dir.path(), &image.layers[0].digest);
    fs::write(&path, &image.layers[0].blob[..50]).unwrap();
    assert_kind(pull(dir.path(), "").await, ErrorKind::WrongLength);
}

#[tokio::test]
async fn a_layer_cut_while_it_is_read() {
    let image = image(3_000_000);
    let dir = layout(&image, "v1");
    let (registry, resolved) =
        resolve(settings(&[]), &format!("oci:{}", dir.path().display())).await.unwrap();
    let mut stream = registry.fetch_layer(&resolved, &resolved.manifest.layers[0]).await.unwrap();
    stream.chunk().await.unwrap().unwrap();
    let file = fs::OpenOptions::new().write(true).open(blob(dir.path(), &image.layers[0].digest)).unwrap();
    file.set_len(1_500_000).unwrap();
    assert_kind(read_rest(stream).await, ErrorKind::WrongLength);
}

async fn read_rest(mut stream: registry::LayerStream) -> Result<(), registry::Error> {
    while stream.chunk().await?.is_some() {}
    Ok(())
}

#[tokio::test]
async fn names_that_try_to_lead_elsewhere() {
    let dir = layout(&image(100), "v1");
    let entry = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": "sha256:../../../../etc/passwd", "size": 1});
    fs::write(dir.path().join("index.json"), json!({"schemaVersion": 2, "manifests": [entry]}).to_string())
        .unwrap();
    assert_kind(pull(dir.path(), "").await, ErrorKind::Malformed);
}

#[tokio::test]
async fn what_would_block_is_not_opened() {
    let image = image(100);
    let dir = layout(&image, "v1");
    for path in [dir.path().join("index.json"), blob(dir.path(), &image.config_digest())] {
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(assert_kind(pull(dir.path(), "").await, ErrorKind::Malformed).contains("regular file"));
        fs::remove_file(&path).unwrap();
        fs::write(&path, kept).unwrap();
    }
}

#[tokio::test]
async fn directories_that_are_no_layout() {
    let dir = tempfile::tempdir().unwrap();
    assert_kind(pull(dir.path(), "").await, ErrorKind::LocalMissing);
    fs::write(dir.path().join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
    assert_kind(pull(dir.path(), "").await, ErrorKind::Malformed);
    fs::write(dir.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    fs::write(dir.path().join("index.json"), r#"{"manifests":[]}"#).unwrap();
    assert_kind(pull(dir.path(), "").await, ErrorKind::Malformed);
    fs::write(dir.path().join("index.json"), vec![b' '; 5 << 20]).unwrap();
    assert_kind(pull(dir.path(), "").await, ErrorKind::Malformed);
}
