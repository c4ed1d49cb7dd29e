//! What both databases do alike: compiled once for each, inside the module of its backend, which says over it what `Connection` and
//! `Store` are, and has in `dialect`, `find` and `locks` what differs.

mod access_keys;
mod answers;
mod builds;
#[cfg(feature = "test-suite")]
mod bulk;
mod caches;
mod changes;
mod credentials;
mod events;
mod groups;
mod instances;
mod layers;
mod life;
mod listing;
pub(super) mod pages;
mod quota;
mod requests;
mod snapshots;
mod tokens;
mod usage;
mod verbs;
mod writing;

use super::{Connection, Database, Held, Store, dialect, find, locks};

/// A statement with what is bound to it.
type Query = sqlx::query::Query<'static, Database, <Database as sqlx::Database>::Arguments>;

pub(super) use changes::publish;
pub(super) use writing::{Verb, Writing};
