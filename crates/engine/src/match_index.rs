//! Matching among very many caches: an index in memory that gives what [`model::matching::rank`] gives.
//!
//! One [`MatchIndex`] holds the caches of one account; no account's index ever sees another's. It is kept current by
//! [`MatchIndex::upsert`] and [`MatchIndex::remove`], and asked by [`MatchIndex::rank`]. It does no I/O and holds no lock.
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

mod bitmap;
mod features;
mod fingerprint;
mod images;
mod lists;
mod members;
mod query;
mod score;
mod search;
mod slots;
mod terms;

#[cfg(test)]
mod tests;

use model::matching::{Candidate, CandidateImage, MatchRequest, Ranking};
use model::{ByteSize, CacheId, DiffId};

pub(crate) use fingerprint::{Fingerprint, Fingerprints};
use images::Images;
pub(crate) use lists::{ListAt, Lists};
use query::Query;
use slots::Slots;
use terms::Terms;

/// The caches of one account, ready to be matched.
#[derive(Default)]
pub struct MatchIndex {
    fingerprints: Fingerprints,
    slots: Slots,
    images: Images,
    /// The words by which images were asked for.
    sources: Terms,
    /// Registry and repository, or the whole word of a layout or archive.
    names: Terms,
    /// Layers by diff id.
    layers: Terms,
}

impl MatchIndex {
    /// How many caches taken, and how many left, are said with their reasons where nobody asked for more.
    pub const DEFAULT_LIMIT: usize = 20;

    /// How many caches are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no cache is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a cache in, or in the place of what was known of it.
    pub fn upsert(&mut self, candidate: &Candidate) {
        self.remove(candidate.id);
        let mut images: Vec<u32> = candidate.images.iter().map(|image| self.intern(image)).collect();
        images.sort_unstable();
        images.dedup();
        let slot = self.slots.insert(candidate, &images);
        for image in &images {
            self.images.join(*image, slot);
        }
        let Self { slots, images: records, names, layers, .. } = self;
        layers.join(&records.layers_of(&images), slot, records, slots.span());
        names.join(&records.names_of(&images), slot, records, slots.span());
    }

    /// Takes a cache out. Whether it was there.
    pub fn remove(&mut self, id: CacheId) -> bool {
        let Some((slot, images)) = self.slots.remove(id) else { return false };
        let Self { slots, images: records, names, layers, .. } = self;
        layers.part(&records.layers_of(&images), slot, slots.span());
        names.part(&records.names_of(&images), slot, slots.span());
        for id in images {
            if self.images.part(id, slot) {
                self.forget(id);
            }
        }
        true
    }

    /// What [`model::matching::rank`] says over all caches of the index.
    #[must_use]
    pub fn rank(&self, request: &MatchRequest, limit: usize) -> Ranking {
        Query::new(self, request).rank(limit)
    }

    /// The number of that image's record, made where there is none.
    fn intern(&mut self, image: &CandidateImage) -> u32 {
        let source = self.sources.intern(self.fingerprints.of_source(&image.source), 0);
        let manifest = self.fingerprints.of_digest(image.manifest_digest.digest());
        let index = image.index_digest.map(|digest| self.fingerprints.of_digest(digest.digest()));
        if let Some(id) = self.images.find(source, manifest, index) {
            return id;
        }
        let name = self.names.intern(self.fingerprints.of_name(&image.source), 0);
        let layer = |(diff_id, size): &(DiffId, ByteSize)| {
            self.layers.intern(self.fingerprints.of_digest(diff_id.digest()), size.as_u64())
        };
        let mut layers: Vec<u32> = image.layers.iter().map(layer).collect();
        layers.sort_unstable();
        layers.dedup();
        let id = self.images.insert((source, name), manifest, index, &layers);
        self.sources.add(source, id, &self.images);
        self.names.add(name, id, &self.images);
        for layer in layers {
            self.layers.add(layer, id, &self.images);
        }
        id
    }

    /// Drops the record of an image that no cache has any more, and what only it had.
    fn forget(&mut self, id: u32) {
        let (source, name) = (self.images.get(id).source, self.images.get(id).name);
        self.sources.release(source, id);
        self.names.release(name, id);
        for layer in self.images.remove(id) {
            self.layers.release(layer, id);
        }
    }

    /// The caches that have a layer or a name, where they are many.
    fn dense<'a>(&'a self, terms: &'a Terms, term: u32) -> Option<&'a bitmap::Bitmap> {
        terms.dense(term, &self.images)
    }
}
