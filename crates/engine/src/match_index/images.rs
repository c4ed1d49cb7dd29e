//! The records of images, each once for all caches that have it.

use hashbrown::HashTable;

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

impl Image {
    /// What it is found by in a table. Fingerprints are as good as random already.
    fn hash((source, manifest, index): (Fingerprint, Fingerprint, Option<Fingerprint>)) -> u64 {
        let index = index.map_or(0, Fingerprint::hash).rotate_left(32);
        (manifest.hash() ^ index).wrapping_add(source.hash().rotate_left(16))
    }

    /// What makes it that image. The manifest settles the layers.
    fn key(&self) -> (Fingerprint, Fingerprint, Option<Fingerprint>) {
        (self.source, self.manifest, self.index)
    }

    /// Whether it is pinned to that digest.
    pub(super) fn is_pinned_to(&self, digest: Fingerprint) -> bool {
        self.manifest == digest || self.index == Some(digest)
    }
}

/// All images, by number and by what they are.
#[derive(Default)]
pub(super) struct Images {
    records: Vec<Image>,
    layers: Lists,
    sets: Sets,
    free: Vec<u32>,
    table: HashTable<u32>,
}

impl Images {
    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
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

    /// The number of the image of that word which is pinned to these digests.
    pub(super) fn find(
        &self,
        source: Fingerprint,
        manifest: Fingerprint,
        index: Option<Fingerprint>,
    ) -> Option<u32> {
        let key = (source, manifest, index);
        self.table.find(Image::hash(key), |id| self.get(*id).key() == key).copied()
    }

    /// Takes in an image that is not there yet; its number.
    pub(super) fn insert(
        &mut self,
        (source, name): (Fingerprint, u32),
        manifest: Fingerprint,
        index: Option<Fingerprint>,
        layers: &[u32],
    ) -> u32 {
        let layers = self.layers.insert(layers);
        let image = Image { source, name, manifest, index, layers, caches: Members::default() };
        let hash = Image::hash(image.key());
        let id = match self.free.pop() {
            Some(id) => {
                self.records[id as usize] = image;
                id
            }
            None => {
                self.records.push(image);
                // Each takes tens of bytes: memory ends before the numbers do.
                (self.records.len() - 1) as u32
            }
        };
        let Self { records, table, .. } = self;
        table.insert_unique(hash, id, |id| Image::hash(records[*id as usize].key()));
        id
    }

    /// Takes out a record of an image that no cache has; its layers.
    pub(super) fn remove(&mut self, id: u32) -> Vec<u32> {
        let hash = Image::hash(self.get(id).key());
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == id) {
            entry.remove();
            self.free.push(id);
        }
        let layers = self.layers(id).collect();
        let record = &mut self.records[id as usize];
        self.layers.remove(std::mem::take(&mut record.layers));
        layers
    }

    /// Gives back memory that was taken in advance.
    pub(super) fn shrink(&mut self) {
        self.sets.shrink();
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
