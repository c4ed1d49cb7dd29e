//! The contract of every metastore: domain verbs, one transaction each.

mod answers;
mod builds;
mod caches;
mod events;
mod groups;
mod instances;
mod keys;
mod snapshots;

pub use answers::AnswerVerbs;
pub use builds::BuildVerbs;
pub use caches::CacheVerbs;
pub use events::EventVerbs;
pub use groups::{GroupChange, GroupFilter, GroupStep, GroupVerbs};
pub use instances::InstanceVerbs;
pub use keys::KeyVerbs;
pub use snapshots::SnapshotVerbs;

/// The records of one data directory or of any number of servers.
///
/// Each verb is one transaction: after an error nothing of it happened. Each may fail with kind `Busy`, `NoSpace`
/// or `Io` beside what it names. Times are the caller's. Verbs that carry events write them in the same transaction, and each
/// record that a verb writes, or writes an event about, leaves a [`Change`](crate::Change).
///
/// Durable when they return: the verbs that create or change caches and builds, and those that may release a snapshot. The
/// others (starts and ends of instances, uses, signs of life, layers, lone events) are atomic and seen by everyone at once, but
/// a power loss may undo the last of them: no instance survives it either, and what was learned is learned again.
///
/// Verbs by id do not ask whose the record is: whoever acts for an account looks first. Those by name take the account.
pub trait Metastore:
    CacheVerbs + BuildVerbs + SnapshotVerbs + InstanceVerbs + EventVerbs + KeyVerbs + AnswerVerbs + GroupVerbs
{
}

impl<
    M: CacheVerbs
        + BuildVerbs
        + SnapshotVerbs
        + InstanceVerbs
        + EventVerbs
        + KeyVerbs
        + AnswerVerbs
        + GroupVerbs,
> Metastore for M
{
}
