//! Matching among very many caches: an index in memory that gives what [`model::matching::rank`] gives.
//!
//! One [`AccountIndex`] holds the caches of one account; no account's index ever sees another's, only that a layer has the same
//! number in all of them. It does no I/O and holds no lock. A [`MatchIndex`] is one alone.
//!
//! # How it is small
//! Nothing is kept as text: names, words and diff ids are fingerprints of 8 bytes, each once, and everything else names them by a
//! `u32`. Equal images of several caches are one record: a cache is some numbers and the ids of its images. Which caches a
//! layer or a name is in is found through the images that have it, or, where these are many, in a bitmap over all caches. What is
//! in one image, and an image that is in one cache, need nothing beside that number.
//!
//! # How it is fast
//! A request becomes a few sets of caches ("has this layer", "has this image", "has this name"), each a bitmap. Caches in
//! the same sets have the same grade, so the search splits all caches set by set, the weightiest first, and drops every part
//! whose best possible grade is below what it already has. Only the best are compared by size and age, and only what is
//! answered gets its reasons. That holds where every cache shares a layer with the request, too.

mod account;
mod bitmap;
mod column;
mod features;
mod fingerprint;
mod holders;
mod images;
mod lists;
mod members;
mod numbers;
mod prints;
mod query;
mod score;
mod search;
mod slots;
mod sources;
mod terms;

#[cfg(test)]
mod tests;

use model::CacheId;
use model::matching::{Candidate, MatchRequest, Ranking};

use crate::layers::Layers;
pub(crate) use account::AccountIndex;
pub(crate) use fingerprint::{Fingerprint, Fingerprints};
pub(crate) use lists::{ListAt, Lists};
pub(crate) use numbers::Numbers;
pub(crate) use prints::Prints;
pub(crate) use slots::CacheFacts;

/// The caches of one account with layers of their own, ready to be matched.
#[derive(Default)]
pub struct MatchIndex {
    layers: Layers,
    caches: AccountIndex,
}

impl MatchIndex {
    /// How many caches are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.caches.len()
    }

    /// Whether no cache is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a cache in, or in the place of what was known of it.
    pub fn upsert(&mut self, candidate: &Candidate) {
        let prints = Prints::of_candidate(self.layers.keys(), candidate);
        self.caches.put(&mut self.layers, &CacheFacts::from(candidate), &prints);
    }

    /// Takes a cache out. Whether it was there.
    pub fn remove(&mut self, id: CacheId) -> bool {
        self.caches.remove(&mut self.layers, id)
    }

    /// What [`model::matching::rank`] says over all caches of the index.
    #[must_use]
    pub fn rank(&self, request: &MatchRequest, limit: usize) -> Ranking {
        self.caches.rank(&self.layers, request, limit)
    }
}
