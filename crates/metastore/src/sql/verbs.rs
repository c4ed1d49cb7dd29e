//! Each verb as one transaction.

mod answers;
mod builds;
mod caches;
mod events;
mod groups;
mod instances;
mod keys;
mod snapshots;
