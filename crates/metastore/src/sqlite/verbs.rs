//! Each verb as one transaction.

mod builds;
mod caches;
mod events;
mod instances;
mod keys;
mod snapshots;

use super::changes::Touched;

fn put<'a, T>(record: &'a T) -> Option<Touched>
where
    Touched: From<&'a T>,
{
    Some(Touched::from(record))
}
