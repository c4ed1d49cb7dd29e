//! The records of images, each once for all caches that have it.

use super::bitmap::Bitmap;
use super::fingerprint::Fingerprint;
use super::lists::{ListAt, Lists, Numbers};
use super::members::{Caches, Members, Sets};

/// An image as some caches have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Image {
    /// The word by which it was asked for.
    pub(super) source: Fingerprint,
    /// Number of its name.
    pub(super) name: u32,
    /// What it is pinned to.
    pub(super) manifest: Fingerprint,
    /// The index that it was chosen from.
    pub(super) index: Option<Fingerprint>,
    /// Numbers of its layers, ascending, each once.
    layers: ListAt,
    /// The caches that have it.
    caches: Members,
}

/// What makes it that image: the word, and what it is pinned to. The manifest settles the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) source: Fingerprint,
    pub(super) manifest: Fingerprint,
    pub(super) index: Option<Fingerprint>,
}

impl Key {
    /// What it is found by in a table. Fingerprints are as good as random already.
    pub(super) fn hash(self) -> u64 {
        let index = self.index.map_or(0, Fingerprint::hash).rotate_left(32);
        (self.manifest.hash() ^ index).wrapping_add(self.source.hash().rotate_left(16))
    }
}

impl Image {
    pub(super) fn key(&self) -> Key {
        Key { source: self.source, manifest: self.manifest, index: self.index }
    }

    /// Whether it is pinned to that digest.
    pub(super) fn is_pinned_to(&self, digest: Fingerprint) -> bool {
        self.manifest == digest || self.index == Some(digest)
    }
}

/// All images, by number. By what they are [`Sources`](super::sources::Sources) finds them.
#[derive(Default)]
pub(super) struct Images {
    records: Vec<Image>,
    layers: Lists,
    sets: Sets,
    free: Vec<u32>,
}

impl Images {
    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.records.len() - self.free.len()
    }

    pub(super) fn get(&self, id: u32) -> &Image {
        &self.records[id as usize]
    }

    /// Numbers of its layers, ascending, each once.
    pub(super) fn layers(&self, id: u32) -> Numbers<'_> {
        self.layers.get(self.get(id).layers)
    }

    /// The caches that have it.
    pub(super) fn caches(&self, id: u32) -> Caches<'_> {
        self.sets.get(&self.records[id as usize].caches)
    }

    /// A cache has it from now on.
    pub(super) fn join(&mut self, id: u32, slot: u32) {
        self.sets.insert(&mut self.records[id as usize].caches, slot);
    }

    /// A cache has it no more. Whether none does.
    pub(super) fn part(&mut self, id: u32, slot: u32) -> bool {
        self.sets.remove(&mut self.records[id as usize].caches, slot);
        self.caches(id).is_empty()
    }

    /// Takes in an image that is not there yet; its number.
    pub(super) fn insert(&mut self, Key { source, manifest, index }: Key, name: u32, layers: &[u32]) -> u32 {
        let layers = self.layers.insert(layers);
        let image = Image { source, name, manifest, index, layers, caches: Members::default() };
        match self.free.pop() {
            Some(id) => {
                self.records[id as usize] = image;
                id
            }
            None => {
                self.records.push(image);
                // Each takes tens of bytes: memory ends before the numbers do.
                (self.records.len() - 1) as u32
            }
        }
    }

    /// Takes out a record of an image that no cache has; its layers.
    pub(super) fn remove(&mut self, id: u32) -> Vec<u32> {
        self.free.push(id);
        let layers = self.layers(id).collect();
        let record = &mut self.records[id as usize];
        self.layers.remove(std::mem::take(&mut record.layers));
        layers
    }

    /// Gives back memory that was taken in advance.
    pub(super) fn shrink(&mut self) {
        self.sets.shrink();
        self.layers.shrink();
        self.records.shrink_to_fit();
    }

    /// The layers of these images, ascending, each once.
    pub(super) fn layers_of(&self, images: &[u32]) -> Vec<u32> {
        distinct(images.iter().flat_map(|id| self.layers(*id)))
    }

    /// The names of these images, ascending, each once.
    pub(super) fn names_of(&self, images: &[u32]) -> Vec<u32> {
        distinct(images.iter().map(|id| self.get(*id).name))
    }

    /// The caches that have any of these images, ascending, where they are `most` at the most.
    pub(super) fn few_caches_of(&self, images: &[u32], most: usize) -> Option<Vec<u32>> {
        let mut caches = Vec::new();
        for id in images {
            let Caches::Few(list) = self.caches(*id) else { return None };
            caches.extend_from_slice(list);
            if caches.len() > most {
                return None;
            }
        }
        Some(distinct(caches.into_iter()))
    }

    /// The caches that have any of these images.
    pub(super) fn caches_of(&self, images: &[u32], span: usize) -> Bitmap {
        let mut caches = Bitmap::with_span(span);
        images.iter().for_each(|id| self.caches(*id).add_to(&mut caches));
        caches
    }
}

fn distinct(ids: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut ids: Vec<u32> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
