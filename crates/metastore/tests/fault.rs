//! The conformance suite through the failing wrapper with nothing planned: it changes nothing of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use metastore::MemoryMetastore;
use metastore::fault::FaultMetastore;

async fn make() -> (FaultMetastore<MemoryMetastore>, ()) {
    (FaultMetastore::new(MemoryMetastore::default(), None), ())
}

metastore::metastore_conformance!(crate::make);
