//! What the use-cases take and give where `model` has no word for it.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::BoxStream;
use model::{
    AccountId, ByteSize, CacheId, CacheName, CacheState, CloudNotes, ImageCache, ImageSnapshot,
    ImageSnapshotId, ImageSource, Instance, LabelFilter, Origin, Platform, PolicyEdit, RegistryAccess,
    RepositoryName, Subject, Timestamp,
};
use wire::{Build, Choice, Cost, CreateInstance, Login, Order, Scope, Sizes, Unsettled};

use super::ServiceError;

/// A cache to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCache {
    /// Its name.
    pub name: CacheName,
    /// Who had it made.
    pub origin: Origin,
    /// Its images.
    pub images: Vec<ImageSource>,
    /// Which platform's images.
    pub platform: Platform,
    /// The most that its unpacked images may take; `None`: the server's default.
    pub size_limit: Option<ByteSize>,
    /// What its owner says of it beside its images.
    pub policy: model::CachePolicy,
    /// How its images' registries are spoken to.
    pub access: RegistryAccess,
    /// Credentials for them.
    pub credentials: Vec<Login>,
    /// What the cloud's call that asks for it says beside; `/v1` has none.
    pub notes: Option<CloudNotes>,
}

/// What is changed of a cache; `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheUpdate {
    /// Its name.
    pub name: Option<CacheName>,
    /// Its images.
    pub images: Option<Vec<ImageSource>>,
    /// Its size.
    pub size_limit: Option<ByteSize>,
    /// Of its policy.
    pub policy: PolicyEdit,
    /// Credentials in place of those that it has.
    pub credentials: Option<Vec<Login>>,
    /// What the cloud's call says beside, in place of what is known.
    pub notes: Option<CloudNotes>,
}

/// Which caches; those that every given part lets through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheFilter {
    /// Only these.
    pub ids: Option<Vec<CacheId>>,
    /// Only those of one of these names.
    pub names: Option<Vec<CacheName>>,
    /// Only those in one of these states.
    pub states: Option<Vec<CacheState>>,
    /// Only those of this origin.
    pub origin: Option<Origin>,
    /// Only those that serve this snapshot.
    pub snapshot: Option<ImageSnapshotId>,
    /// Only those that have this very image.
    pub image: Option<ImageSource>,
    /// Only those that have an image of this repository.
    pub repository: Option<RepositoryName>,
    /// Only those that have all of these tags; a key without a value lets every value through.
    pub tags: BTreeMap<String, Option<String>>,
    /// Only those that every one of these lets through, by the labels of what a cloud's call said; `/v1` has none.
    pub labels: BTreeMap<String, LabelFilter>,
}

/// One page of a listing, in the order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<Id> {
    /// Begin behind this one.
    pub after: Option<Id>,
    /// The most of them.
    pub limit: u32,
    /// Which way.
    pub order: Order,
    /// How many are passed over first.
    pub skip: u32,
}

/// A cache with what the rules and its build say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheView {
    /// Its record.
    pub cache: ImageCache,
    /// When the rules delete it.
    pub expires: Option<Timestamp>,
    /// Whether its build's process ended in the middle.
    pub interrupted: bool,
    /// Which of the copies that were asked for are not kept here, in a sentence.
    pub fewer_copies: Option<String>,
}

/// One page of caches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePage {
    /// The caches.
    pub caches: Vec<CacheView>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<CacheId>,
    /// How many there are on all pages.
    pub total: u64,
}

/// A cache with what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheDetails {
    /// The cache.
    pub view: CacheView,
    /// The image snapshot that it serves.
    pub snapshot: Option<ImageSnapshot>,
    /// What it takes of the store, where it serves one.
    pub sizes: Option<Sizes>,
    /// What it has cost, where it serves one.
    pub cost: Option<Cost>,
    /// Its build that waits or runs.
    pub build: Option<Build>,
    /// How many further caches have its name.
    pub others_of_name: u64,
}

/// The answer to a request that may have come before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The cache.
    pub view: CacheView,
    /// Whether it was done before, by a request of the same key.
    pub before: bool,
}

/// What deleting does with a cache that is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeleteMode {
    /// Refuses.
    #[default]
    Refuse,
    /// Deletes it once nothing uses it.
    WhenUnused,
}

/// What became of a cache that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone; as it was last.
    Done(CacheView),
    /// It goes once nothing uses it.
    Asked(CacheView),
}

/// Asks how large a cache would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredictRequest {
    /// The images.
    pub images: Vec<ImageSource>,
    /// Which platform's.
    pub platform: Platform,
    /// How their registries are spoken to.
    pub access: RegistryAccess,
    /// Credentials for them.
    pub credentials: Vec<Login>,
}

/// An instance to start: as the document says it, with what it leaves out filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInstance {
    /// Its id, where whoever asks has to know it beforehand; a fresh one otherwise.
    pub id: Option<model::InstanceId>,
    /// The document, checked.
    pub wish: CreateInstance,
    /// Which platform's image.
    pub platform: Platform,
}

/// An instance that was started, and what from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedInstance {
    /// The instance.
    pub instance: Instance,
    /// What from.
    pub choice: Choice,
    /// What is not as it was asked for, in sentences.
    pub warnings: Vec<String>,
}

/// One page of instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstancePage {
    /// The instances.
    pub instances: Vec<Instance>,
    /// Those of the account that could not be looked after.
    pub unsettled: Vec<Unsettled>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<model::InstanceId>,
}

/// Which lines of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogRequest {
    /// Whether to wait for further ones until the instance ends.
    pub follow: bool,
    /// Only so many of the last.
    pub tail: Option<u64>,
}

/// Things that come one after another, until they end or fail.
pub type Feed<T> = BoxStream<'static, Result<T, ServiceError>>;

/// A record was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberedChange {
    /// Its place; later ones have larger numbers.
    pub number: u64,
    /// Which record.
    pub subject: Subject,
    /// Whether it is gone.
    pub gone: bool,
    /// When.
    pub at: Timestamp,
}

/// Changes behind a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// These, up to and with the number `seen`.
    Known {
        /// Those of the account.
        changes: Vec<NumberedChange>,
        /// How far was looked.
        seen: u64,
    },
    /// Some of them were dropped already: everything is to be read anew.
    Missed,
}

/// A bearer token as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its id: the first eight bytes of the digest in hexadecimal.
    pub id: String,
    /// SHA-256 of the token.
    pub digest: [u8; 32],
    /// Whose requests it makes.
    pub account: AccountId,
    /// What it is for.
    pub label: String,
    /// What it allows.
    pub scopes: BTreeSet<Scope>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// When a request last came with it.
    pub last_used: Option<Timestamp>,
}

impl TokenRecord {
    /// Whether it opens anything at that time.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

/// Numbers of the whole server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Caches by state.
    pub caches: BTreeMap<&'static str, u64>,
    /// Builds that wait for their turn.
    pub builds_waiting: u64,
    /// Builds that this server runs.
    pub builds_running: u64,
    /// Builds of this server that ended, by how: `succeeded`, `failed`, `cancelled`.
    pub builds_ended: BTreeMap<&'static str, u64>,
    /// Instances that run.
    pub instances_running: u64,
}
