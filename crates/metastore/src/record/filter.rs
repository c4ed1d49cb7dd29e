//! Which records to find, and how many at once.

use model::{AccountId, CacheId, GroupId, ImageSnapshotId};

/// Which instances to find: those that every given part lets through. The default finds all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceFilter {
    /// Only those of this account.
    pub account: Option<AccountId>,
    /// Only those that hold this snapshot.
    pub snapshot: Option<ImageSnapshotId>,
    /// Only those started from this cache.
    pub cache: Option<CacheId>,
    /// Only those of this container group.
    pub group: Option<GroupId>,
    /// Only those that have not ended.
    pub unfinished: bool,
}

/// In which order a listing goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// The oldest first.
    #[default]
    OldestFirst,
    /// The newest first.
    NewestFirst,
}

/// One page of a listing, in the order of the ids, which is the order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<Id> {
    /// Begin behind this id, in the order that is asked for.
    pub after: Option<Id>,
    /// The most records; cut to [`PAGE_LIMIT`](crate::PAGE_LIMIT).
    pub limit: u32,
    /// Which way.
    pub order: Order,
    /// How many are passed over first. They are stepped over one by one, of caches along an index alone.
    pub skip: u32,
}

impl<Id> Page<Id> {
    /// How many records it has at most.
    pub(crate) fn records(&self) -> u32 {
        self.limit.min(crate::PAGE_LIMIT)
    }

    /// The first page, as large as pages are, the oldest first.
    #[must_use]
    pub fn first() -> Self {
        Self { after: None, limit: crate::PAGE_LIMIT, order: Order::OldestFirst, skip: 0 }
    }

    /// The page after that id, as large as pages are, the oldest first.
    #[must_use]
    pub fn after(id: Id) -> Self {
        Self { after: Some(id), ..Self::first() }
    }
}
