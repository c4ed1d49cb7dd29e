//! What images are found by: words, names, layers.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::bitmap::Bitmap;
use super::fingerprint::Fingerprint;
use super::images::Images;
use super::members::{IdList, is_dense};

/// A word, a name or a layer, and where it is.
#[derive(Debug)]
pub(super) struct Term {
    fingerprint: Fingerprint,
    /// Bytes of a layer.
    pub(super) size: u64,
    /// The images that have it.
    pub(super) images: IdList,
    /// How many caches have it. Words do without.
    caches: u32,
    /// Which caches have it, where they are many.
    dense: Option<Box<Bitmap>>,
}

/// All terms of one kind, by number and by fingerprint.
#[derive(Default)]
pub(super) struct Terms {
    entries: Vec<Term>,
    free: Vec<u32>,
    /// Numbers by the fingerprints' hash: the fingerprints are kept once, in the entries.
    table: HashTable<u32>,
    // Diff ids come from strangers, so the hash has a key that they do not know.
    hasher: RandomState,
}

impl Terms {
    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn get(&self, id: u32) -> &Term {
        &self.entries[id as usize]
    }

    pub(super) fn get_mut(&mut self, id: u32) -> &mut Term {
        &mut self.entries[id as usize]
    }

    pub(super) fn find(&self, fingerprint: Fingerprint) -> Option<u32> {
        let hash = self.hasher.hash_one(fingerprint);
        self.table.find(hash, |id| self.get(*id).fingerprint == fingerprint).copied()
    }

    /// The number of that term, made where there is none. The size said last counts.
    pub(super) fn intern(&mut self, fingerprint: Fingerprint, size: u64) -> u32 {
        if let Some(id) = self.find(fingerprint) {
            self.get_mut(id).size = size;
            return id;
        }
        let term = Term { fingerprint, size, images: IdList::default(), caches: 0, dense: None };
        let id = match self.free.pop() {
            Some(id) => {
                self.entries[id as usize] = term;
                id
            }
            None => {
                self.entries.push(term);
                // Each takes tens of bytes: memory ends before the numbers do.
                (self.entries.len() - 1) as u32
            }
        };
        let Self { entries, table, hasher, .. } = self;
        let hash_of = |id: &u32| hasher.hash_one(entries[*id as usize].fingerprint);
        table.insert_unique(hasher.hash_one(fingerprint), id, hash_of);
        id
    }

    /// That image has it no more; a term of no image goes.
    pub(super) fn release(&mut self, id: u32, image: u32) {
        let term = self.get_mut(id);
        term.images.remove(image);
        if !term.images.is_empty() {
            return;
        }
        (term.caches, term.dense) = (0, None);
        let hash = self.hasher.hash_one(self.get(id).fingerprint);
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == id) {
            entry.remove();
            self.free.push(id);
        }
    }

    /// A cache has these terms from now on. Its images' records name it already.
    pub(super) fn join(&mut self, terms: &[u32], slot: u32, images: &Images, span: usize) {
        for id in terms {
            let term = self.get_mut(*id);
            term.caches += 1;
            match &mut term.dense {
                Some(bitmap) if is_dense(term.caches as usize, span, true) => bitmap.insert(slot),
                Some(_) => term.dense = None,
                None if is_dense(term.caches as usize, span, false) => {
                    term.dense = Some(Box::new(images.caches_of(term.images.as_slice(), span)));
                }
                None => {}
            }
        }
    }

    /// A cache has these terms no more.
    pub(super) fn part(&mut self, terms: &[u32], slot: u32, span: usize) {
        for id in terms {
            let term = self.get_mut(*id);
            term.caches -= 1;
            match &mut term.dense {
                Some(bitmap) if is_dense(term.caches as usize, span, true) => bitmap.remove(slot),
                _ => term.dense = None,
            }
        }
    }
}

impl Term {
    /// The bitmap of its caches, where they are many.
    pub(super) fn dense(&self) -> Option<&Bitmap> {
        self.dense.as_deref()
    }
}
