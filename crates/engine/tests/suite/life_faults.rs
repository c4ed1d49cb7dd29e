//! Every single verb of the records fails once in a server's life: afterwards all is as it would have been, or says why not.

use std::sync::Arc;
use std::time::Duration;

use engine::{CacheUpdate, DeleteMode};
use metastore::fault::{FaultMetastore, FaultPlan};
use metastore::verbs::*;
use metastore::{CacheFilter, MemoryMetastore, Page};
use model::CacheState;

use crate::service::{DAY, Ground, Service, app, request, server_with};
use crate::support::local;

/// What is done has failed once, or not.
async fn settle(service: &mut Service, time: Duration) {
    service.ground.time.advance(time);
    for _ in 0..4 {
        let _ = service.reconcilers.settle().await;
    }
    // Builds that were taken and lost are noticed by their silence.
    service.ground.time.advance(Duration::from_secs(61));
    for _ in 0..4 {
        let _ = service.reconcilers.settle().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_verb_of_the_records_once() {
    let server = server_with(&["1", "2"]);
    for is_done in [false, true] {
        for call in 0.. {
            let plan = FaultPlan { call, is_done, kind: metastore::ErrorKind::Io };
            let records = Arc::new(FaultMetastore::new(MemoryMetastore::default(), Some(plan)));
            let ground = Ground { records: records.clone(), ..Ground::in_memory(&server) };
            let mut service = ground.service();
            let _ = service.engine.request_cache(request("web", &app(&server, "1"))).await;
            settle(&mut service, Duration::ZERO).await;
            let images = Some(vec![app(&server, "2").parse().unwrap()]);
            let update = CacheUpdate { images, ..CacheUpdate::default() };
            let _ = service.engine.update_cache(&local(), "web", &update, None).await;
            settle(&mut service, Duration::ZERO).await;
            let caches = records.inner().find_caches(&CacheFilter::default(), Page::first()).await.unwrap();
            for cache in &caches {
                let says_why = cache.failure.as_ref().is_some_and(|failure| !failure.message.is_empty());
                let is_right = match cache.state {
                    CacheState::Ready => true,
                    CacheState::Failed | CacheState::UpdateFailed => says_why,
                    CacheState::Preparing | CacheState::Creating | CacheState::Updating => false,
                };
                assert!(is_right, "{plan:?}: {cache:?}");
                if cache.is_usable() {
                    assert!(
                        service.engine.snapshot_of(cache).await.is_ok_and(|found| found.is_some()),
                        "{plan:?}"
                    );
                }
            }
            let _ = service.engine.delete_cache(&local(), "web", DeleteMode::WhenUnused).await;
            settle(&mut service, DAY * 8).await;
            for cache in &caches {
                let _ = service
                    .engine
                    .delete_cache(&local(), &cache.id.to_string(), DeleteMode::WhenUnused)
                    .await;
            }
            settle(&mut service, Duration::ZERO).await;
            assert_eq!(records.inner().count_caches(&CacheFilter::default()).await.unwrap(), 0, "{plan:?}");
            if records.calls() <= call {
                assert!(call > 30, "a life uses more verbs than {call}");
                break;
            }
            assert_eq!(service.documents().await, 0, "{plan:?}");
            assert_eq!(ground.store.list_blobs(None, 10).await.unwrap(), [], "{plan:?}");
        }
    }
}
