//! A look at the ends of a layer.

use registry::{Peek, Registry, ResolvedImage};
use testkit::{Image, Reply};

use crate::support::{blob_path, image, resolve, server, settings};

async fn looks(registry: &Registry, image: &ResolvedImage, peek: Peek) -> Option<Vec<u8>> {
    let layer = &image.manifest.layers[0];
    registry.peek_layer(image, layer, peek).await.unwrap().map(|bytes| bytes.to_vec())
}

fn ends(image: &Image) -> (Vec<u8>, Vec<u8>) {
    let blob = &image.layers[0].blob;
    (blob[..18].to_vec(), blob[blob.len() - 8..].to_vec())
}

#[tokio::test]
async fn a_registry_is_asked_for_just_those_bytes() {
    let image = image(300_000);
    let (first, last) = ends(&image);
    let server = server(&image);
    let host = server.host();
    let (registry, resolved) = resolve(settings(&[&host]), &format!("{host}/app:v1")).await.unwrap();
    assert_eq!(looks(&registry, &resolved, Peek::Last(8)).await, Some(last));
    assert_eq!(looks(&registry, &resolved, Peek::First(18)).await, Some(first));
    let length = image.layers[0].blob.len() as u64;
    let ranges: Vec<_> = server.requests_for(&blob_path(&image)).iter().map(|asked| asked.range()).collect();
    assert_eq!(ranges, [Some((length - 8, Some(length - 1))), Some((0, Some(17)))]);
}

#[tokio::test]
async fn a_cut_is_tried_again() {
    let image = image(300_000);
    let (_, last) = ends(&image);
    let server = server(&image);
    let host = server.host();
    server.script(&blob_path(&image), [Reply::error(503, "UNAVAILABLE")]);
    let (registry, resolved) = resolve(settings(&[&host]), &format!("{host}/app:v1")).await.unwrap();
    assert_eq!(looks(&registry, &resolved, Peek::Last(8)).await, Some(last));
}

#[tokio::test]
async fn without_ranges_the_end_is_not_seen_and_the_layer_not_fetched() {
    let image = image(3_000_000);
    let (first, _) = ends(&image);
    let server = server(&image);
    let host = server.host();
    server.always(&blob_path(&image), Reply::blob(&image.layers[0].blob).without_ranges());
    let (registry, resolved) = resolve(settings(&[&host]), &format!("{host}/app:v1")).await.unwrap();
    assert_eq!(looks(&registry, &resolved, Peek::Last(8)).await, None);
    assert_eq!(looks(&registry, &resolved, Peek::First(18)).await, Some(first));
}

#[tokio::test]
async fn a_layout_and_an_archive_are_looked_into() {
    let image = image(300_000);
    let (first, last) = ends(&image);
    let dir = tempfile::tempdir().unwrap();
    image.write_oci_layout(dir.path(), "v1");
    let (registry, resolved) =
        resolve(settings(&[]), &format!("oci:{}", dir.path().display())).await.unwrap();
    assert_eq!(looks(&registry, &resolved, Peek::Last(8)).await, Some(last.clone()));
    let file = dir.path().join("saved.tar");
    image.write_docker_archive(&file, &["app:v1"]);
    let (registry, resolved) =
        resolve(settings(&[]), &format!("docker-archive:{}", file.display())).await.unwrap();
    assert_eq!(looks(&registry, &resolved, Peek::First(18)).await, Some(first));
    assert_eq!(looks(&registry, &resolved, Peek::Last(8)).await, Some(last));
}
