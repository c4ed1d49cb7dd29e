//! The caches of one account.

use std::borrow::Cow;

use model::CacheId;
use model::matching::{MatchRequest, Ranking};

use super::bitmap::Bitmap;
use super::features::Having;
use super::holders::Holders;
use super::images::{Images, Key};
use super::members::Caches;
use super::prints::{ImagePrint, Prints};
use super::query::Query;
use super::slots::{CacheFacts, Slots};
use super::sources::Sources;
use super::terms::Terms;
use crate::layers::{Holder, Layers};

/// Up to so many caches are listed instead of being a bitmap over all.
// Small in unit tests, so that few caches walk all paths.
const LISTED: usize = if cfg!(test) { 3 } else { 32 };

/// The caches of one account. What it says of layers are numbers of the [`Layers`] that it is given, always the same ones.
#[derive(Default)]
pub(crate) struct AccountIndex {
    pub(super) slots: Slots,
    pub(super) images: Images,
    /// The words by which images were asked for.
    pub(super) sources: Sources,
    /// Registry and repository, or the whole word of a layout or archive.
    pub(super) names: Terms,
    /// Which images have which layers.
    pub(super) holders: Holders,
}

impl AccountIndex {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Puts a cache in, or in the place of what was known of it. The numbers of its layers, ascending, each once.
    pub(crate) fn put(&mut self, layers: &mut Layers, facts: &CacheFacts<'_>, prints: &Prints) -> Vec<u32> {
        self.remove(layers, facts.id);
        let mut images: Vec<u32> =
            prints.images.iter().map(|image| self.intern(layers, prints, image)).collect();
        images.sort_unstable();
        images.dedup();
        let slot = self.slots.insert(facts, &images);
        for image in &images {
            self.images.join(*image, slot);
        }
        let numbers = self.images.layers_of(&images);
        let Self { slots, images: records, names, holders, .. } = self;
        holders.join(&numbers, slot, records, slots.span());
        names.holders.join(&records.names_of(&images), slot, records, slots.span());
        numbers
    }

    /// Takes a cache out. Whether it was there.
    pub(crate) fn remove(&mut self, layers: &mut Layers, id: CacheId) -> bool {
        let Some((slot, images)) = self.slots.remove(id) else { return false };
        let Self { slots, images: records, names, holders, .. } = self;
        holders.part(&records.layers_of(&images), slot, slots.span());
        names.holders.part(&records.names_of(&images), slot, slots.span());
        for id in images {
            if self.images.part(id, slot) {
                self.forget(layers, id);
            }
        }
        true
    }

    /// What [`model::matching::rank`] says over all caches of the index.
    pub(crate) fn rank(&self, layers: &Layers, request: &MatchRequest, limit: usize) -> Ranking {
        Query::new(self, layers, request).rank(limit)
    }

    /// Gives back memory that was taken in advance, after very many caches were put in.
    pub(crate) fn shrink(&mut self) {
        self.slots.shrink();
        self.images.shrink();
        self.sources.shrink();
        self.names.holders.shrink();
        self.holders.shrink();
    }

    /// The number of that image's record, made where there is none.
    fn intern(&mut self, layers: &mut Layers, prints: &Prints, image: &ImagePrint) -> u32 {
        let key = Key { source: image.source, manifest: image.manifest, index: image.index };
        if let Some(id) = self.sources.find(key, &self.images) {
            return id;
        }
        let name = self.names.intern(image.name);
        let mut numbers: Vec<u32> =
            prints.layers_of(image).map(|(layer, size)| layers.intern(layer, size)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let id = self.images.insert(key, name, &numbers);
        self.sources.add(id, &self.images);
        self.names.add(name, id, &self.images);
        for layer in numbers {
            if self.holders.add(layer, id, &self.images, layers.span()) {
                layers.hold(layer, Holder::Account);
            }
        }
        id
    }

    /// Drops the record of an image that no cache has any more, and what only it had.
    fn forget(&mut self, layers: &mut Layers, id: u32) {
        self.sources.release(id, &self.images);
        self.names.release(self.images.get(id).name, id);
        for layer in self.images.remove(id) {
            if self.holders.release(layer, id, layers.span()) {
                layers.release(layer, Holder::Account);
            }
        }
    }

    /// The caches that have a layer or a name.
    pub(super) fn having<'a>(&'a self, holders: &'a Holders, term: u32) -> Having<'a> {
        match self.dense(holders, term) {
            Some(dense) => Having::Many(Cow::Borrowed(dense)),
            None => self.having_images(holders.images(term)),
        }
    }

    /// The caches that have any of these images.
    pub(super) fn having_images(&self, images: &[u32]) -> Having<'_> {
        if let [image] = images
            && let Caches::Many(many) = self.images.caches(*image)
        {
            return Having::Many(Cow::Borrowed(many));
        }
        match self.images.few_caches_of(images, LISTED) {
            Some(few) => Having::Few(few),
            None => Having::Many(Cow::Owned(self.images.caches_of(images, self.slots.span()))),
        }
    }

    /// The caches that have a layer or a name, where they are many.
    pub(super) fn dense<'a>(&'a self, holders: &'a Holders, term: u32) -> Option<&'a Bitmap> {
        holders.dense(term, &self.images)
    }
}
