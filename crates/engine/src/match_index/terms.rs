//! The names that the images of an account have in common with their other versions.

use hashbrown::HashTable;

use super::fingerprint::Fingerprint;
use super::holders::Holders;
use super::images::Images;

/// All terms of one kind, by number and by fingerprint.
#[derive(Default)]
pub(super) struct Terms {
    fingerprints: Vec<Fingerprint>,
    pub(super) holders: Holders,
    free: Vec<u32>,
    /// Numbers by fingerprint: the fingerprints are kept once, in their column.
    table: HashTable<u32>,
}

impl Terms {
    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn fingerprint(&self, id: u32) -> Fingerprint {
        self.fingerprints[id as usize]
    }

    /// The images that have it, ascending.
    pub(super) fn images(&self, id: u32) -> &[u32] {
        self.holders.images(id)
    }

    pub(super) fn find(&self, fingerprint: Fingerprint) -> Option<u32> {
        self.table.find(fingerprint.hash(), |id| self.fingerprint(*id) == fingerprint).copied()
    }

    /// The number of that term, made where there is none.
    pub(super) fn intern(&mut self, fingerprint: Fingerprint) -> u32 {
        if let Some(id) = self.find(fingerprint) {
            return id;
        }
        let id = match self.free.pop() {
            Some(id) => {
                self.fingerprints[id as usize] = fingerprint;
                id
            }
            None => {
                self.fingerprints.push(fingerprint);
                // Each takes tens of bytes: memory ends before the numbers do.
                (self.fingerprints.len() - 1) as u32
            }
        };
        let Self { fingerprints, table, .. } = self;
        table.insert_unique(fingerprint.hash(), id, |id| fingerprints[*id as usize].hash());
        id
    }

    /// That image has it from now on.
    pub(super) fn add(&mut self, id: u32, image: u32, images: &Images) {
        self.holders.add(id, image, images, self.fingerprints.len());
    }

    /// That image has it no more; a term of no image goes.
    pub(super) fn release(&mut self, id: u32, image: u32) {
        if !self.holders.release(id, image, self.fingerprints.len()) {
            return;
        }
        let hash = self.fingerprint(id).hash();
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == id) {
            entry.remove();
            self.free.push(id);
        }
    }
}
