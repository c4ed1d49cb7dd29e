//! Records of caches, builds, image snapshots, layers, instances, events, credentials, tokens, accounts and access keys,
//! behind domain verbs.
//!
//! A verb ([`Metastore`]) is one transaction: it looks, decides and writes, or does nothing. What it decides is in one place
//! for every backend, the crate's `rules`; the steps of a cache's life are [`model::CacheState`]'s. There is no general
//! reading and writing of rows, and SQL is in this crate alone. Times and ids are the caller's.
//!
//! # Who names what
//!
//! ```text
//! cache ──serves──────────> snapshot <──holds── instance
//!   ├──can go back to─────> snapshot (a generation)
//!   └──< build ──will commit──> snapshot (not indexed before it has)
//! ```
//!
//! A snapshot is indexed from the end of its build until no cache (by its generations too) and no instance names it; the verb
//! that takes the last name away says so (`released`), and the caller deletes the document. Should it die before, the document
//! is one that [`Metastore::retained_snapshots`] does not name, and goes with the next collection.
//!
//! # Waiting and interrupted builds
//!
//! A build without an owner waits; [`Metastore::take_queued_build`] gives it to whoever asks, in fair turns over the accounts.
//! A build with one records it as a [`ProcessIdentity`]: number, start time and boot, so that a later process of the same
//! number is not taken for it. [`claim_interrupted_builds`] gives those of dead owners to the caller, each to one caller only, and
//! an owner that lost its build cannot end it any more; its next sign of life tells it.
//!
//! # Changes
//!
//! Every record that a verb writes, or writes an event about, leaves a [`Change`] in the same transaction, numbered in the order
//! in which it became visible: whoever reads on from the last number that it saw misses none.
//!
//! # Where the records are
//!
//! In a SQLite file ([`SqliteMetastore`]), for the processes of one machine; in PostgreSQL ([`PostgresMetastore`]), for servers on
//! any number of machines; in memory ([`MemoryMetastore`]), for tests.
//!
//! # Tests
//!
//! The feature `test-suite` has the conformance suite and a metastore that fails by plan.

mod claim;
#[cfg(feature = "test-suite")]
pub mod conformance;
mod error;
#[cfg(feature = "test-suite")]
pub mod fault;
mod memory;
mod postgres;
mod process;
mod record;
mod rows;
mod rules;
mod sqlite;
mod store;

/// The verbs of every concern, for who calls them on a metastore by its own type: `use metastore::verbs::*`.
pub mod verbs {
    pub use crate::store::{
        AnswerVerbs, BuildVerbs, CacheVerbs, EventVerbs, GroupVerbs, InstanceVerbs, KeyVerbs, Metastore,
        SnapshotVerbs,
    };
}

pub use claim::{claim_builds, claim_interrupted_builds};
pub use error::{Error, ErrorKind, Result};
pub use memory::MemoryMetastore;
pub use postgres::{PostgresMetastore, PostgresSettings, PostgresUrl, PostgresUrlError};
pub use process::ProcessIdentity;
pub use record::{
    Admission, Admitted, AnswerKey, AnswerRequest, AnswerTurn, Beat, Build, BuildPlan, BuildState,
    CacheChange, CacheEdit, CacheFilter, CacheListing, CacheOutline, CacheRef, Change, ChangeKind,
    ChangeNumber, ClientToken, ClientTokenError, CredentialOwner, EVENTS_PER_SUBJECT, InstanceFilter,
    InstanceRef, InstanceRemoval, LayerRecord, NewBuild, OTHERS_LIMIT, Operation, Order, OutlineAndSummary,
    PAGE_LIMIT, Page, ResolvedCache, SealedCredential, SnapshotRecord, TokenId, TokenRecord, TokenUse, Turns,
    Usage,
};
pub use sqlite::SqliteMetastore;
pub use store::{
    AnswerVerbs, BuildVerbs, CacheVerbs, EventVerbs, GroupChange, GroupFilter, GroupStep, GroupVerbs,
    InstanceVerbs, KeyVerbs, Metastore, SnapshotVerbs,
};
