//! Fingerprints by number, and numbers by fingerprint.

use hashbrown::HashTable;

use super::fingerprint::Fingerprint;

/// A number for each fingerprint, from 0 on. That of one which is gone is given again.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    fingerprints: Vec<Fingerprint>,
    free: Vec<u32>,
    /// Numbers by fingerprint: the fingerprints are kept once, in their column.
    table: HashTable<u32>,
}

impl Numbers {
    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// How many numbers were given, free ones included.
    pub(crate) fn span(&self) -> usize {
        self.fingerprints.len()
    }

    /// What has that number.
    pub(crate) fn fingerprint(&self, id: u32) -> Fingerprint {
        self.fingerprints[id as usize]
    }

    /// The number of that fingerprint.
    pub(crate) fn find(&self, fingerprint: Fingerprint) -> Option<u32> {
        self.table.find(fingerprint.hash(), |id| self.fingerprint(*id) == fingerprint).copied()
    }

    /// The number of that fingerprint, made where there is none.
    pub(crate) fn intern(&mut self, fingerprint: Fingerprint) -> u32 {
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

    /// Gives back memory that was taken in advance.
    pub(crate) fn shrink(&mut self) {
        self.fingerprints.shrink_to_fit();
    }

    /// Forgets what has that number.
    pub(crate) fn remove(&mut self, id: u32) {
        let hash = self.fingerprint(id).hash();
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == id) {
            entry.remove();
            self.free.push(id);
        }
    }
}
