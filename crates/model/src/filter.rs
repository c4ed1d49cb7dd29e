//! Which caches a listing is to find.

use std::collections::BTreeMap;

use crate::{
    AccountId, CacheId, CacheName, CacheState, ImageSnapshotId, ImageSource, LabelFilter, Origin,
    RepositoryName,
};

/// Which caches to find: those that every given part lets through. The default finds all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheFilter {
    /// Only those of this account.
    pub account: Option<AccountId>,
    /// Only these; those that are not there are left out.
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
    /// Only those that have an image of this repository, whatever host and tag.
    pub repository: Option<RepositoryName>,
    /// Only those that have all of these tags; a key without a value lets every value through.
    pub tags: BTreeMap<String, Option<String>>,
    /// Only those that every one of these lets through, by the labels of what a cloud's call said.
    pub labels: BTreeMap<String, LabelFilter>,
    /// Only those whose deletion was not asked for.
    pub lasting: bool,
}
