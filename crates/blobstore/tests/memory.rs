//! The conformance suite over the store in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use blobstore::MemoryStore;
use blobstore::conformance::faults::fails_and_recovers;

async fn make() -> (MemoryStore, ()) {
    (MemoryStore::default(), ())
}

blobstore::blobstore_conformance!(crate::make);

#[tokio::test]
async fn every_call_may_fail() {
    for is_done in [false, true] {
        let mut call = 0;
        while fails_and_recovers(MemoryStore::default(), call, is_done).await {
            call += 1;
        }
        assert!(call >= 15, "the script has more than {call} calls");
    }
}
