//! Tags, digests, indexes and platforms.

use model::Platform;
use registry::{ErrorKind, Registry};
use serde_json::json;
use testkit::{
    Compression, FaultServer, Image, ImageBuilder, ImageIndex, LayerBuilder, MediaTypes, Reply, sha256,
};

use crate::support::{assert_kind, image, resolve, server, settings, source};

fn built_for(os: &str, arch: &str, variant: Option<&str>, version: Option<&str>) -> Image {
    let marker = format!("{os} {arch} {variant:?} {version:?}");
    let layer = LayerBuilder::new().file("for", marker).build(Compression::Gzip);
    let builder = ImageBuilder::new().layer(layer).platform(os, arch).media_types(MediaTypes::Docker);
    let builder = variant.into_iter().fold(builder, |builder, variant| builder.variant(variant));
    version.into_iter().fold(builder, |builder, version| builder.os_version(version)).build()
}

async fn choose(server: &FaultServer, wanted: &str) -> Result<registry::ResolvedImage, registry::Error> {
    let wanted: Platform = wanted.parse().unwrap();
    let registry = Registry::new(settings(&[&server.host()])).unwrap();
    registry.resolve(&source(&format!("{}/app:v1", server.host())), &wanted).await
}

#[tokio::test]
async fn a_tag_is_pinned_to_its_digest() {
    let image = image(100);
    let server = server(&image);
    let (_, resolved) =
        resolve(settings(&[&server.host()]), &format!("{}/app:v1", server.host())).await.unwrap();
    assert_eq!(resolved.manifest.digest.to_string(), image.digest());
    assert_eq!(resolved.manifest_document, image.manifest);
    assert_eq!(resolved.config_document, image.config);
    assert_eq!(resolved.index_digest, None);
    assert_eq!(resolved.config.diff_ids[0].to_string(), image.layers[0].diff_id);
    // A tag beside a digest is a comment.
    let text = format!("{}/app:gone@{}", server.host(), image.digest());
    let (_, resolved) = resolve(settings(&[&server.host()]), &text).await.unwrap();
    assert_eq!(resolved.manifest.digest.to_string(), image.digest());
}

#[tokio::test]
async fn an_index_gives_the_best_fit() {
    let images = vec![
        built_for("linux", "arm", Some("v6"), None),
        built_for("linux", "arm", Some("v7"), None),
        built_for("linux", "arm64", Some("v8"), None),
        built_for("linux", "amd64", Some("v3"), None),
        built_for("linux", "amd64", None, None),
        built_for("windows", "amd64", None, Some("10.0.17763.1")),
        built_for("windows", "amd64", None, Some("10.0.20348.2113")),
    ];
    let index = ImageIndex::new(MediaTypes::Docker, images);
    let server = FaultServer::start();
    server.serve_index("app", "v1", &index);
    for (wanted, place) in [
        ("linux/amd64", 4),
        ("linux/amd64/v3", 3),
        ("linux/arm64", 2),
        ("linux/arm64/v8", 2),
        ("linux/arm", 1),
        ("linux/arm/v6", 0),
        ("windows/amd64", 6),
        ("windows:10.0.20348/amd64", 6),
    ] {
        let resolved = choose(&server, wanted).await.unwrap();
        assert_eq!(resolved.manifest.digest.to_string(), index.images[place].digest(), "{wanted}");
        assert_eq!(resolved.index_digest.unwrap().to_string(), index.digest());
    }
    let windows = choose(&server, "windows:10.0.20348/amd64").await.unwrap();
    assert_eq!(windows.platform.os_version.as_deref(), Some("10.0.20348.2113"));
    let text = assert_kind(choose(&server, "linux/s390x").await, ErrorKind::PlatformMissing);
    assert!(text.contains("linux/s390x") && text.contains("linux/arm/v6"), "{text}");
    assert!(text.contains("windows:10.0.17763.1/amd64"), "{text}");
}

#[tokio::test]
async fn a_single_image_of_another_platform() {
    let server = FaultServer::start();
    server.serve_image("app", "v1", &built_for("linux", "arm64", None, None));
    let text = assert_kind(choose(&server, "linux/amd64").await, ErrorKind::PlatformMissing);
    assert!(text.contains("there is: linux/arm64"), "{text}");
}

fn serve_index(server: &FaultServer, name: &str, index: &serde_json::Value) -> (String, usize) {
    let bytes = index.to_string();
    let digest = sha256(bytes.as_bytes());
    let reply = Reply::new(200, "application/vnd.oci.image.index.v1+json", &bytes);
    server.always(&format!("/v2/app/manifests/{name}"), reply.clone());
    server.always(&format!("/v2/app/manifests/{digest}"), reply);
    (digest, bytes.len())
}

#[tokio::test]
async fn nested_indexes_up_to_a_limit() {
    for (nested, fine) in [(2, true), (4, true), (5, false), (9, false)] {
        let image = image(10);
        let server = server(&image);
        let (mut digest, mut size) = (image.digest(), image.manifest.len());
        for level in 1..=nested {
            let name = if level == nested { "v1".to_owned() } else { format!("level{level}") };
            let index = json!({"schemaVersion": 2, "manifests": [{"digest": digest, "size": size}]});
            (digest, size) = serve_index(&server, &name, &index);
        }
        let result = choose(&server, "linux/amd64").await;
        if fine {
            let resolved = result.unwrap();
            assert_eq!(resolved.manifest.digest.to_string(), image.digest());
            assert_eq!(resolved.index_digest.unwrap().to_string(), digest, "the outermost");
        } else {
            assert!(assert_kind(result, ErrorKind::Malformed).contains("nested"));
        }
    }
}

#[tokio::test]
async fn entries_that_do_not_say_their_platform_are_tried_up_to_a_limit() {
    let server = FaultServer::start();
    let other = built_for("linux", "arm64", None, None);
    let right = built_for("linux", "amd64", None, None);
    for image in [&other, &right] {
        server.serve_image("app", "any", image);
    }
    let entry = |image: &Image| json!({"digest": image.digest(), "size": image.manifest.len()});
    serve_index(&server, "v1", &json!({"schemaVersion": 2, "manifests": [entry(&other), entry(&right)]}));
    let resolved = choose(&server, "linux/amd64").await.unwrap();
    assert_eq!(resolved.manifest.digest.to_string(), right.digest());
    let many: Vec<_> = (0..1000).map(|_| entry(&other)).collect();
    serve_index(&server, "v1", &json!({"schemaVersion": 2, "manifests": many}));
    assert_kind(choose(&server, "linux/amd64").await, ErrorKind::Malformed);
    assert!(server.requests().len() < 100);
}

#[tokio::test]
async fn an_index_of_attestations_only_offers_nothing() {
    let server = FaultServer::start();
    let attestation =
        json!({"digest": sha256(b"x"), "size": 1, "platform": {"os": "unknown", "architecture": "unknown"}});
    serve_index(&server, "v1", &json!({"schemaVersion": 2, "manifests": [attestation]}));
    let text = assert_kind(choose(&server, "linux/amd64").await, ErrorKind::PlatformMissing);
    assert!(text.contains("there is: nothing"), "{text}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_index_is_believed_about_the_platform_of_a_cross_built_image() {
    let image = built_for("linux", "amd64", None, None);
    let server = FaultServer::start();
    server.serve_image("app", "any", &image);
    let entry = json!({"digest": image.digest(), "size": image.manifest.len(),
        "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}});
    serve_index(&server, "v1", &json!({"schemaVersion": 2, "manifests": [entry]}));
    let resolved = choose(&server, "linux/arm64").await.unwrap();
    assert_eq!(resolved.platform.to_string(), "linux/arm64/v8");
}

#[tokio::test]
async fn what_is_no_image_says_so() {
    let server = FaultServer::start();
    for (content_type, body) in [
        (
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            json!({"schemaVersion": 1, "fsLayers": [], "history": []}),
        ),
        (
            "application/vnd.oci.image.manifest.v1+json",
            json!({"schemaVersion": 2, "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json",
                "digest": sha256(b""), "size": 0}, "layers": []}),
        ),
    ] {
        server.always("/v2/app/manifests/v1", Reply::new(200, content_type, body.to_string()));
        assert_kind(choose(&server, "linux/amd64").await, ErrorKind::Unsupported);
    }
}
