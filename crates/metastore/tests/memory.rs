//! The conformance suite over the records in memory, bare and behind the failing wrapper.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use metastore::MemoryMetastore;
use metastore::conformance::faults::fails_and_recovers;

async fn make() -> (MemoryMetastore, ()) {
    (MemoryMetastore::default(), ())
}

metastore::metastore_conformance!(crate::make);

#[tokio::test]
async fn every_call_may_fail() {
    for is_done in [false, true] {
        let mut call = 0;
        while fails_and_recovers(MemoryMetastore::default(), call, is_done).await {
            call += 1;
        }
        assert!(call >= 10, "the script has more than {call} calls");
    }
}
