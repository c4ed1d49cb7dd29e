//! Docker archives, old and new, compressed, damaged and hostile.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use registry::{ErrorKind, Settings, Spool};
use serde_json::json;
use tempfile::TempDir;
use testkit::{Compression, Image, ImageBuilder, LayerBuilder, sha256};

use crate::support::{assert_kind, image, read, resolve, settings};

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image.tar");
    fs::write(&path, bytes).unwrap();
    (dir, path)
}

async fn pull(settings: Settings, path: &Path, name: &str) -> Result<Vec<u8>, registry::Error> {
    let (registry, image) = resolve(settings, &format!("docker-archive:{}{name}", path.display())).await?;
    let layer = image.manifest.layers.last().unwrap();
    read(registry.fetch_layer(&image, layer).await?).await
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An archive by hand: its manifest names the config as `c` and this layer.
fn by_hand(image: &Image, layer: &str, members: LayerBuilder) -> Vec<u8> {
    let manifest = json!([{"Config": "c", "RepoTags": null, "Layers": [layer]}]);
    members.file("c", &image.config).file("manifest.json", manifest.to_string()).tar()
}

#[tokio::test]
async fn as_docker_saves_it() {
    let image = image(3_000_000);
    let (_dir, path) = file(&image.docker_archive(&["repo/app:v1"]));
    for name in ["", ":repo/app:v1", ":docker.io/repo/app:v1"] {
        assert_eq!(pull(settings(&[]), &path, name).await.unwrap(), image.layers[0].tar, "{name}");
    }
    let text = assert_kind(pull(settings(&[]), &path, ":repo/app:v2").await, ErrorKind::NotFound);
    assert!(text.contains("repo/app:v1"), "{text}");
}

#[tokio::test]
async fn its_manifest_is_made_the_same_each_time() {
    let image = image(1000);
    let (_dir, path) = file(&image.docker_archive(&["a:1"]));
    let text = format!("docker-archive:{}", path.display());
    let (_, first) = resolve(settings(&[]), &text).await.unwrap();
    let (_, second) = resolve(settings(&[]), &text).await.unwrap();
    assert_eq!(first.manifest, second.manifest);
    assert_eq!(first.manifest.digest.to_string(), sha256(&first.manifest_document));
    assert_eq!(first.manifest.layers[0].digest.to_string(), image.layers[0].diff_id);
    assert_eq!(first.manifest.config.digest.to_string(), image.config_digest());
    assert_eq!(first.config_document, image.config);
    let expected = format!(
        concat!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#,
            r#""config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},"#,
            r#""layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{}","size":{}}}]}}"#
        ),
        image.config_digest(),
        image.config.len(),
        image.layers[0].diff_id,
        image.layers[0].tar.len()
    );
    assert_eq!(String::from_utf8_lossy(&first.manifest_document), expected);
}

#[tokio::test]
async fn compressed_as_a_whole() {
    let image = image(300_000);
    let plain = image.docker_archive(&["a:1"]);
    for packed in [gzip(&plain), zstd::encode_all(plain.as_slice(), 1).unwrap()] {
        let (dir, path) = file(&packed);
        let spool = Spool { dir: Some(dir.path().to_owned()), limit_bytes: plain.len() as u64 };
        let fits = Settings { spool: spool.clone(), ..settings(&[]) };
        assert_eq!(pull(fits, &path, "").await.unwrap(), image.layers[0].tar);
        let bomb = Settings { spool: Spool { limit_bytes: spool.limit_bytes - 1, ..spool }, ..settings(&[]) };
        assert!(assert_kind(pull(bomb, &path, "").await, ErrorKind::Malformed).contains("limit"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left in the spool");
        fs::write(&path, &packed[..packed.len() / 2]).unwrap();
        assert_kind(pull(settings(&[]), &path, "").await, ErrorKind::Malformed);
    }
    let (_dir, path) = file(b"\xfd7zXZ\0rest");
    assert!(assert_kind(pull(settings(&[]), &path, "").await, ErrorKind::Malformed).contains("xz"));
}

#[tokio::test]
async fn layers_as_blobs_plain_and_compressed() {
    let image = image(10_000);
    let tar = &image.layers[0].tar;
    let name = format!("blobs/sha256/{}", &image.layers[0].diff_id[7..]);
    let (_dir, path) = file(&by_hand(&image, &name, LayerBuilder::new().file(&name, tar)));
    assert_eq!(&pull(settings(&[]), &path, "").await.unwrap(), tar);
    let packed = gzip(tar);
    let name = format!("blobs/sha256/{}", &sha256(&packed)[7..]);
    for name in [name.as_str(), "some/layer.tar.gz"] {
        let (_dir, path) = file(&by_hand(&image, name, LayerBuilder::new().file(name, &packed)));
        let (registry, resolved) =
            resolve(settings(&[]), &format!("docker-archive:{}", path.display())).await.unwrap();
        let layer = &resolved.manifest.layers[0];
        assert_eq!(layer.compression, model::Compression::Gzip);
        assert_eq!(layer.digest.to_string(), sha256(&packed), "as a registry would serve it");
        assert_eq!(read(registry.fetch_layer(&resolved, layer).await.unwrap()).await.unwrap(), packed);
    }
}

#[tokio::test]
async fn links_inside_are_followed() {
    let image = image(1000);
    let tar = &image.layers[0].tar;
    let members = LayerBuilder::new()
        .file("b/layer.tar", tar)
        .symlink("a/layer.tar", "../b/layer.tar")
        .hard_link("c/layer.tar", "a/layer.tar");
    let (_dir, path) = file(&by_hand(&image, "./c//layer.tar", members));
    assert_eq!(&pull(settings(&[]), &path, "").await.unwrap(), tar);
}

#[tokio::test]
async fn names_and_links_that_lead_out_name_nothing() {
    let image = image(1000);
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.tar");
    fs::write(&secret, &image.layers[0].tar).unwrap();
    let secret = secret.display().to_string();
    let up = format!("../../../../../../../..{secret}");
    for (layer, members) in [
        (secret.as_str(), LayerBuilder::new().file("x", "")),
        (up.as_str(), LayerBuilder::new().file("x", "")),
        ("l", LayerBuilder::new().symlink("l", &secret)),
        ("l", LayerBuilder::new().symlink("l", &up)),
        ("l", LayerBuilder::new().hard_link("l", &secret)),
        ("l", LayerBuilder::new().symlink("l", "l")),
        ("l", LayerBuilder::new().symlink("l", "m").symlink("m", "l")),
        ("l", LayerBuilder::new().dir("l", 0o755)),
        ("gone", LayerBuilder::new().file("x", "")),
    ] {
        let (_dir, path) = file(&by_hand(&image, layer, members));
        let text = assert_kind(pull(settings(&[]), &path, "").await, ErrorKind::Malformed);
        assert!(text.contains("image.tar"), "{text}");
    }
}

#[tokio::test]
async fn of_several_images_one_is_named() {
    let (one, two) = (image(1000), image(2000));
    let entry = |image: &Image, config: &str, tag: &str| json!({"Config": config, "RepoTags": [tag], "Layers": [image.layers[0].digest]});
    let manifest = json!([entry(&one, "c1", "debian:latest"), entry(&two, "c2", "r.example/two:x")]);
    let archive = LayerBuilder::new()
        .file("c1", &one.config)
        .file("c2", &two.config)
        .file(&one.layers[0].digest, &one.layers[0].tar)
        .file(&two.layers[0].digest, &two.layers[0].tar)
        .file("manifest.json", manifest.to_string())
        .tar();
    let (_dir, path) = file(&archive);
    assert!(
        assert_kind(pull(settings(&[]), &path, "").await, ErrorKind::Ambiguous)
            .contains("debian:latest, r.example/two:x")
    );
    assert_eq!(pull(settings(&[]), &path, ":debian").await.unwrap(), one.layers[0].tar);
    assert_eq!(pull(settings(&[]), &path, ":r.example/two:x").await.unwrap(), two.layers[0].tar);
}

#[tokio::test]
async fn of_several_images_without_tags_one_is_named_by_its_id() {
    let (one, two) = (image(1000), image(2000));
    let config = |image: &Image| format!("{}.json", &image.config_digest()[7..]);
    let entry = |image: &Image| json!({"Config": config(image), "RepoTags": null, "Layers": [image.layers[0].digest]});
    let archive = LayerBuilder::new()
        .file(&config(&one), &one.config)
        .file(&config(&two), &two.config)
        .file(&one.layers[0].digest, &one.layers[0].tar)
        .file(&two.layers[0].digest, &two.layers[0].tar)
        .file("manifest.json", json!([entry(&one), entry(&two)]).to_string())
        .tar();
    let (_dir, path) = file(&archive);
    let text = assert_kind(pull(settings(&[]), &path, "").await, ErrorKind::Ambiguous);
    assert!(text.contains(&format!("{}, {}", one.config_digest(), two.config_digest())), "{text}");
    for name in [format!(":{}", two.config_digest()), format!(":@{}", two.config_digest())] {
        assert_eq!(pull(settings(&[]), &path, &name).await.unwrap(), two.layers[0].tar, "{name}");
    }
}

#[tokio::test]
async fn gzip_padded_with_zeros_and_in_several_members() {
    let image = image(300_000);
    let plain = image.docker_archive(&["a:1"]);
    let (first, second) = plain.split_at(100_000);
    let mut packed = [gzip(first), gzip(second)].concat();
    packed.resize(packed.len().next_multiple_of(10_240) + 500_000, 0);
    let (_dir, path) = file(&packed);
    assert_eq!(pull(settings(&[]), &path, "").await.unwrap(), image.layers[0].tar);
    packed.extend(b"something");
    fs::write(&path, &packed).unwrap();
    assert_kind(pull(settings(&[]), &path, "").await, ErrorKind::Malformed);
}

#[tokio::test]
async fn damage_is_found() {
    let image = image(10_000);
    let whole = image.docker_archive(&["a:1"]);
    for length in [0, 1, 511, 512, 700, whole.len() / 2] {
        let (_dir, path) = file(&whole[..length]);
        assert_kind(pull(settings(&[]), &path, "").await, ErrorKind::Malformed);
    }
    let other =
        ImageBuilder::new().layer(LayerBuilder::new().file("x", "y").build(Compression::None)).build();
    let name = format!("{}.json", &image.config_digest()[7..]);
    let manifest = json!([{"Config": name, "RepoTags": null, "Layers": ["l"]}]);
    let lies = LayerBuilder::new()
        .file(&name, &other.config)
        .file("l", "")
        .file("manifest.json", manifest.to_string());
    let (_dir, path) = file(&lies.tar());
    assert_kind(pull(settings(&[]), &path, "").await, ErrorKind::WrongDigest);
    let none = pull(settings(&[]), Path::new("/nonexistent/a.tar"), "").await;
    assert_kind(none, ErrorKind::LocalMissing);
    let dir = tempfile::tempdir().unwrap();
    assert_kind(pull(settings(&[]), dir.path(), "").await, ErrorKind::Malformed);
}

#[tokio::test]
async fn what_another_file_holds_is_not_told() {
    let (_dir, path) = file("secret:in:this:file\n".repeat(100).as_bytes());
    let text = assert_kind(pull(settings(&[]), &path, "").await, ErrorKind::Malformed);
    assert!(text.contains("no tar") && !text.contains("secret"), "{text}");
}

#[tokio::test]
async fn other_platforms_and_too_large_documents() {
    let arm = ImageBuilder::new().platform("linux", "arm64").build();
    let (_dir, path) = file(&arm.docker_archive(&["a:1"]));
    assert_kind(pull(settings(&[]), &path, "").await, ErrorKind::PlatformMissing);
    let (_dir, path) = file(&LayerBuilder::new().file("manifest.json", vec![b' '; 5 << 20]).tar());
    assert!(assert_kind(pull(settings(&[]), &path, "").await, ErrorKind::Malformed).contains("limit"));
}

#[tokio::test]
async fn an_archive_that_is_replaced_stays_the_one_that_was_resolved() {
    let image = image(3_000_000);
    let (_dir, path) = file(&image.docker_archive(&["a:1"]));
    let (registry, resolved) =
        resolve(settings(&[]), &format!("docker-archive:{}", path.display())).await.unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "something else").unwrap();
    let stream = registry.fetch_layer(&resolved, &resolved.manifest.layers[0]).await.unwrap();
    assert_eq!(read(stream).await.unwrap(), image.layers[0].tar);
}
