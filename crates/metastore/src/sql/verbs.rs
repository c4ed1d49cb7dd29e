//! Each verb as one transaction.

mod builds;
mod caches;
mod events;
mod instances;
mod keys;
mod snapshots;
