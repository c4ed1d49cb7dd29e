//! Random sequences of operations: the directory answers as the store in memory does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::sync::Arc;

use blobstore::conformance::{
    at, check_invariants, commit_in, layer_key, listed, merged_key, sidecar_of, snapshot_over,
};
use blobstore::{BlobStore, DirectoryStore, Lease, LeaseTerm, MemoryStore};
use model::{BlobKey, ImageSnapshot};
use proptest::prelude::*;
use tempfile::TempDir;

#[derive(Clone, Debug)]
enum Op {
    Commit(usize),
    DropIngest(usize),
    WrongSize(usize),
    Delete(usize),
    PutSnapshot(usize),
    DeleteSnapshot(usize),
    Lease(usize, bool),
    EndLease,
    Collect(Option<usize>),
    Reopen,
}

fn key(number: usize) -> BlobKey {
    if number.is_multiple_of(2) { layer_key(&number.to_string()) } else { merged_key(&number.to_string()) }
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => (0..4_usize).prop_map(Op::Commit),
        1 => (0..4_usize).prop_map(Op::DropIngest),
        1 => (0..4_usize).prop_map(Op::WrongSize),
        1 => (0..4_usize).prop_map(Op::Delete),
        2 => (0..4_usize).prop_map(Op::PutSnapshot),
        1 => (0..4_usize).prop_map(Op::DeleteSnapshot),
        2 => (0..4_usize, any::<bool>()).prop_map(|(key, held)| Op::Lease(key, held)),
        1 => Just(Op::EndLease),
        3 => proptest::option::of(0..4_usize).prop_map(Op::Collect),
        1 => Just(Op::Reopen),
    ];
    proptest::collection::vec(op, 1..25)
}

/// A store, and what its user holds.
struct Run<S> {
    store: S,
    leases: Vec<Box<dyn Lease>>,
    snapshots: Vec<ImageSnapshot>,
}

impl<S: BlobStore> Run<S> {
    /// Does it and says what came out, in words that do not depend on the store.
    async fn apply(&mut self, op: &Op) -> String {
        let store = &self.store;
        let fresh = || store.lease("random", &[], LeaseTerm::Held);
        match op {
            Op::Commit(n) => {
                let lease = fresh().await.unwrap();
                format!("{:?}", commit_in(store, &*lease, &key(*n)).await.unwrap())
            }
            Op::DropIngest(n) => {
                let lease = fresh().await.unwrap();
                format!("{}", store.begin(&*lease, &key(*n)).await.unwrap().key())
            }
            Op::WrongSize(n) => {
                let lease = fresh().await.unwrap();
                let writer = store.begin(&*lease, &key(*n)).await.unwrap();
                writer.commit(sidecar_of(&key(*n))).await.unwrap_err().to_string()
            }
            Op::Delete(n) => format!("{}", store.delete(&key(*n)).await.unwrap()),
            Op::PutSnapshot(n) => {
                let outcome = store.put_snapshot(&self.snapshots[*n]).await;
                format!("{:?}", outcome.map_err(|error| error.to_string()))
            }
            Op::DeleteSnapshot(n) => {
                format!("{}", store.delete_snapshot(self.snapshots[*n].id).await.unwrap())
            }
            Op::Lease(n, held) => {
                let term = if *held { LeaseTerm::Held } else { LeaseTerm::Until(at(5)) };
                self.leases.push(store.lease("random", &[key(*n)], term).await.unwrap());
                String::new()
            }
            Op::EndLease => format!("{}", self.leases.pop().is_some()),
            Op::Collect(mounted) => {
                let in_use: BTreeSet<BlobKey> = mounted.iter().map(|n| key(*n)).collect();
                let report = store.collect(Arc::new(in_use), at(0)).await.unwrap();
                format!("{report:?}")
            }
            Op::Reopen => String::new(),
        }
    }
}

async fn agree(ops: &[Op]) {
    let dir = TempDir::new().unwrap();
    let snapshots: Vec<ImageSnapshot> = (0..4).map(|n| snapshot_over(&[key(n), key((n + 1) % 4)])).collect();
    let directory = DirectoryStore::open(dir.path()).unwrap();
    let mut ours = Run { store: directory, leases: Vec::new(), snapshots: snapshots.clone() };
    let mut model = Run { store: MemoryStore::default(), leases: Vec::new(), snapshots };
    for op in ops {
        if matches!(op, Op::Reopen) {
            ours.store = DirectoryStore::open(dir.path()).unwrap();
        }
        assert_eq!(ours.apply(op).await, model.apply(op).await, "{op:?}");
        assert_eq!(listed(&ours.store).await, listed(&model.store).await, "after {op:?}");
        let ids = ours.store.list_snapshots(None, 9).await.unwrap();
        assert_eq!(ids, model.store.list_snapshots(None, 9).await.unwrap(), "after {op:?}");
    }
    // Explicit deletion may leave a snapshot without its blob; then only the listings can be compared.
    if !ops.iter().any(|op| matches!(op, Op::Delete(_))) {
        check_invariants(&ours.store).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_directory_answers_as_the_memory_does(ops in ops()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(agree(&ops));
    }
}
