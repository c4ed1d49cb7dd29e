//! A build can be cancelled at any moment.

use std::time::Duration;

use engine::{DeleteMode, FailureKind};
use model::{ByteSize, CacheState, EventReason};

use crate::support::{World, image, layout, local, new_cache, noise};

/// xorshift64: moments that differ and come again.
struct Moments(u64);

impl Moments {
    fn next_micros(&mut self, below: u64) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_micros(self.0 % below)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_any_moment_it_ends_soon_and_leaves_nothing_partial() {
    let folder = testkit::data_dir();
    let layers = [noise("a", 300_000), noise("b", 200_000), noise("c", 100_000)];
    let source = layout(folder.path(), "image", &image(layers));
    let world = World::on_disk(folder.path(), None).await;
    let mut moments = Moments(0x1234_5678_9ABC_DEF1);
    let mut cancelled = 0;
    for round in 0..40 {
        let new = new_cache(&format!("round-{round}"), &source, ByteSize::gib(1));
        let mut build = world.engine.create_cache(new).await.unwrap();
        tokio::time::sleep(moments.next_micros(40_000)).await;
        build.cancel();
        let ended =
            tokio::time::timeout(Duration::from_secs(10), build.finished()).await.expect("it ends soon");
        let cache = world.engine.find_cache(&local(), &build.cache.id.to_string()).await.unwrap().cache;
        match ended {
            Ok(_) => assert_eq!(cache.state, CacheState::Ready),
            Err(error) => {
                cancelled += 1;
                assert_eq!(error.kind(), FailureKind::Cancelled, "{error:?}");
                assert_eq!((cache.state, cache.snapshot), (CacheState::Failed, None));
                assert_eq!(cache.failure.as_ref().unwrap().reason, "cancelled");
                assert_eq!(*world.reasons(&cache).await.last().unwrap(), EventReason::BuildCancelled);
            }
        }
        world.engine.delete_cache(&local(), &cache.id.to_string(), DeleteMode::Refuse).await.unwrap();
        let collected =
            world.engine.collect(std::sync::Arc::new(std::collections::BTreeSet::new())).await.unwrap();
        assert_eq!(collected.store.kept, 0);
    }
    assert!(cancelled > 0, "no moment was early enough");
    world.engine.shut_down().await;
    world.assert_nothing_left_of_failures().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_cancels_what_runs() {
    let server = testkit::FaultServer::start();
    let layer = noise("big", 300_000);
    server.serve_image("app", "1", &image([layer.clone()]));
    let path = crate::support::blob_path(&layer);
    server.always(&path, testkit::Reply::blob(&layer.blob).hang_after(1000));
    let world = World::in_memory(Some(&server));
    let new = new_cache("web", &format!("{}/app:1", server.host()), ByteSize::gib(1));
    let mut build = world.engine.create_cache(new).await.unwrap();
    server.wait_for_requests(&path, 1);
    world.engine.shut_down().await;
    assert_eq!(build.finished().await.unwrap_err().kind(), FailureKind::Cancelled);
    world.assert_nothing_left_of_failures().await;
}
