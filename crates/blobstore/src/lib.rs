//! The store of EROFS blobs and image snapshots: nothing is visible before it is whole and durable, and nothing is
//! collected while somebody needs it, with any number of tasks and processes on one directory, killed at any instruction.
//!
//! # The directory
//!
//! ```text
//! store.json                                   version of this form; a newer one is refused
//! lock                                         the store's lock, flock(2)
//! layers/<algorithm>/<aa>/<hex>.erofs          a layer's blob, by its diff id
//!                         <hex>.json           its sidecar
//! merged/<algorithm>/<aa>/<hex>.erofs, .json   a merged metadata image, by the chain id of its layers
//! snapshots/<id>.json                          an image snapshot
//! leases/<id>.held, <id>.until                 a lease: whose it is, then one line for each blob that it names
//! tmp/<boot>.<pid>.<n>.<what>                  what is being written; nobody reads it
//!     <kind>-<algorithm>-<hex>.claim           a claim: who has it locked makes that blob
//! ```
//!
//! `aa` is the first two digits of `hex`. The paths of layers are those that containerd's EROFS snapshotter (2.4) reads as its
//! layer content cache. Files that do not look like these are left alone.
//!
//! # What is visible
//!
//! A blob is there when both its files are. A commit syncs the bytes and the sidecar in `tmp/`, then, under the lock,
//! renames the sidecar, syncs the folder, renames the blob, syncs the folder. Deleting unlinks the blob and then the
//! sidecar. So whatever instruction is the last: a blob with both names is whole and durable or about to be, and a file
//! without its partner is a leftover. Putting a snapshot syncs the folders of all blobs that it names, because one of
//! them may have been committed by a process that died before its last sync.
//!
//! # What is collected
//!
//! The roots are the image snapshots, the leases that hold, and what is mounted (the caller tells, see [`InUse`]).
//! Blobs that no root names go. A document that cannot be read might name anything: then nothing goes.
//!
//! # The protocol
//!
//! 1. Who builds or starts something takes a [`Lease`] on the blobs first and looks for them afterwards
//!    ([`BlobStore::begin`] names its key in the lease itself). Taking or extending a lease holds the lock *shared*.
//! 2. Commits, snapshots and deletions hold the lock *exclusively* around their last, short steps; bytes are synced
//!    before. Two ingests of one key thus never mix one's blob with the other's sidecar.
//! 3. A collection marks without the lock, then takes it *exclusively* for a few blobs at a time, reads the roots again
//!    and deletes what is still not named. So a lease is either written before that (the blob stays) or after it
//!    (the look that follows does not find the blob, and it is built).
//! 4. Who lives is told by flock(2), which the kernel releases however a process ends: a held lease and every file in
//!    `tmp/` are locked by their owner from before they have a name that counts. One whose lock can be had is swept:
//!    ingests when a store is opened and at collections, leases at collections. No clock and no process id is trusted.
//! 5. Who makes a layer takes its [`Claim`] first, looks for the blob once more, and drops the claim after the commit; so
//!    any number of processes make it once. It is a lock on a file in `tmp/`. Its name, unlike those beside it, comes
//!    again: who has the lock, sweepers too, first looks whether the file was removed meanwhile, and only who has
//!    the lock removes it. Claims protect work, not blobs: a commit without one does no harm. Their owners give
//!    signs of life ([`Claim::beat`]), so that whoever waits for one that is stopped can do without.
//! 6. Whatever waits for the lock waits for a bounded time and then says [`ErrorKind::Busy`].
//!
//! An instance takes a held lease on its snapshot's blobs before it mounts them and releases it when they are mounted:
//! from then on [`InUse`], asked under the lock, names them.
//!
//! # Tests
//!
//! [`fault::point`] names the steps at which tests fail an operation or kill the process. The feature `test-suite` has the
//! conformance suite and a store that fails by plan.

mod chunk;
#[cfg(feature = "test-suite")]
pub mod conformance;
mod directory;
mod error;
pub mod fault;
#[cfg(feature = "test-suite")]
mod fault_store;
mod memory;
mod sidecar;
mod store;

pub use directory::{DirectoryOptions, DirectoryStore, Steps};
pub use error::{Error, ErrorKind, Result};
#[cfg(feature = "test-suite")]
pub use fault_store::{FaultPlan, FaultStore};
pub use memory::MemoryStore;
pub use sidecar::{ChunkTable, Sidecar};
pub use store::{
    BlobEntry, BlobInfo, BlobStore, BlobWriter, Claim, ClaimBeat, CollectReport, Committed, InUse, Lease,
    LeaseInfo, LeaseTerm, OpenBlob, PAGE_LIMIT, Space, Verified,
};
