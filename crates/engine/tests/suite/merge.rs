//! Images whose layers lean on those below get a merged metadata image, once.

use engine::{DeleteMode, FailureKind};
use model::{BlobKey, ByteSize, EventReason};
use testkit::{Compression, LayerBuilder};

use crate::support::{World, image, layout, local, new_cache};

#[tokio::test(flavor = "multi_thread")]
async fn layers_that_lean_are_merged_once_and_collected_with_their_caches() {
    let folder = testkit::data_dir();
    let below = LayerBuilder::new()
        .dir("tmp/", 0o1777)
        .dir("usr/", 0o755)
        .dir("usr/lib/", 0o755)
        .symlink("lib", "usr/lib")
        .file("usr/lib/a", "a")
        .build(Compression::Gzip);
    // `tmp` and `lib` are implied, and the link's target is only below.
    let above = LayerBuilder::new()
        .file("tmp/new", "new")
        .file("lib/b", "b")
        .hard_link("usr/lib/c", "usr/lib/a")
        .build(Compression::Gzip);
    let source = layout(folder.path(), "image", &image([below, above]));
    let world = World::on_disk(folder.path(), None).await;
    let first = world.create(new_cache("first", &source, ByteSize::gib(1))).await.unwrap();
    assert!(world.reasons(&first).await.contains(&EventReason::LayersMerged));
    let snapshot = world.engine.snapshot_of(&first).await.unwrap().unwrap();
    let merged = snapshot.images[0].merged.expect("a merged metadata image");
    let info = world.store.stat(&BlobKey::Merged(merged)).await.unwrap().unwrap();
    let second = world.create(new_cache("second", &source, ByteSize::gib(1))).await.unwrap();
    assert_eq!(world.engine.snapshot_of(&second).await.unwrap().unwrap().images[0].merged, Some(merged));
    assert_eq!(world.store.stat(&BlobKey::Merged(merged)).await.unwrap().unwrap(), info);
    assert_eq!(world.blobs().await.len(), 3);
    for name in ["first", "second"] {
        world.engine.delete_cache(&local(), name, DeleteMode::Refuse).await.unwrap();
    }
    world.assert_nothing_left_of_failures().await;
    assert!(world.blobs().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_hides_all_below_is_merged_and_one_that_says_what_its_root_is_is_known() {
    let folder = testkit::data_dir();
    let below = LayerBuilder::new().dir("./", 0o700).file("old", "old").build(Compression::Gzip);
    let hiding = LayerBuilder::new().file(".wh..wh..opq", "").file("new", "new").build(Compression::Gzip);
    let world = World::in_memory(None);
    for (name, layers, merged) in [
        ("hides", vec![below.clone(), hiding.clone()], true),
        ("nothing-to-hide", vec![hiding, below], false),
    ] {
        let source = layout(folder.path(), name, &image(layers));
        let cache = world.create(new_cache(name, &source, ByteSize::gib(1))).await.unwrap();
        let snapshot = world.engine.snapshot_of(&cache).await.unwrap().unwrap();
        assert_eq!(snapshot.images[0].merged.is_some(), merged, "{name}");
        let given: Vec<bool> = snapshot.images[0].layers.iter().map(|layer| layer.root_is_given).collect();
        assert_eq!(given, [merged, !merged], "{name}");
    }
}

/// An image whose second layer leans on the first.
fn leaning(folder: &std::path::Path) -> String {
    let below = LayerBuilder::new().dir("tmp/", 0o1777).file("tmp/a", "a").build(Compression::Gzip);
    let above = LayerBuilder::new().file("tmp/b", "b").build(Compression::Gzip);
    layout(folder, "leaning", &image([below, above]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_metadata_image_counts_against_the_size_made_or_found() {
    let folder = testkit::data_dir();
    let source = leaning(folder.path());
    let room = World::in_memory(None);
    let cache = room.create(new_cache("web", &source, ByteSize::gib(1))).await.unwrap();
    let snapshot = room.engine.snapshot_of(&cache).await.unwrap().unwrap();
    let merged = snapshot.images[0].merged.expect("a merged metadata image");
    let mut exact = room.store.stat(&BlobKey::Merged(merged)).await.unwrap().unwrap().size;
    for layer in &snapshot.images[0].layers {
        let info = room.store.stat(&BlobKey::Layer(layer.diff_id)).await.unwrap().unwrap();
        exact = exact.plus(info.size.max(info.sidecar.tar_size));
    }
    let less = ByteSize::bytes(exact.as_u64() - 1);
    // Found in the store, and made anew.
    for world in [&room, &World::in_memory(None)] {
        let refused = world.create(new_cache("less", &source, less)).await.unwrap_err();
        assert_eq!(refused.kind(), FailureKind::SizeTooSmall, "{refused}");
        world.create(new_cache("exact", &source, exact)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_metadata_image_that_is_broken_in_the_store_is_made_again() {
    let folder = testkit::data_dir();
    let source = leaning(folder.path());
    let world = World::on_disk(folder.path(), None).await;
    let cache = world.create(new_cache("web", &source, ByteSize::gib(1))).await.unwrap();
    let snapshot = world.engine.snapshot_of(&cache).await.unwrap().unwrap();
    let blob = world.store.local_path(&BlobKey::Merged(snapshot.images[0].merged.unwrap())).unwrap();
    let whole = std::fs::read(&blob).unwrap();
    for broken in [blob.clone(), blob.with_extension("json")] {
        std::fs::remove_file(&broken).unwrap();
        std::fs::write(&broken, "x").unwrap();
        world.create(new_cache("again", &source, ByteSize::gib(1))).await.unwrap();
        assert_eq!(std::fs::read(&blob).unwrap(), whole);
    }
}
