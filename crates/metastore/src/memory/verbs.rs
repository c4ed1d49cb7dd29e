//! Each verb on a copy of the records.

mod answers;
mod builds;
mod caches;
mod events;
mod groups;
mod instances;
mod keys;
mod snapshots;
