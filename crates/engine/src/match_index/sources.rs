//! Images by the words by which they were asked for, and by what they are.
//!
//! A word is in its image's record already. Most words are one image's: of these nothing is kept here but its number. Where several
//! have a word, as a tag that moves, they are also in a table by what they are.

use std::slice;

use hashbrown::HashTable;

use super::fingerprint::Fingerprint;
use super::images::{Images, Key};

/// All words of an account's images.
#[derive(Default)]
pub(super) struct Sources {
    /// The image that has the word, or [`SHARED`] and the number of those that have it.
    table: HashTable<u32>,
    shared: Vec<(Fingerprint, Vec<u32>)>,
    free: Vec<u32>,
    /// The images of shared words, by their keys.
    by_key: HashTable<u32>,
}

const SHARED: u32 = 1 << 31;

/// The word that an entry of the table is found by.
fn word(entry: u32, shared: &[(Fingerprint, Vec<u32>)], images: &Images) -> Fingerprint {
    match entry & SHARED {
        0 => images.get(entry).source,
        _ => shared[(entry & !SHARED) as usize].0,
    }
}

impl Sources {
    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// The images that have that word, ascending.
    pub(super) fn images(&self, source: Fingerprint, images: &Images) -> &[u32] {
        let found = self.table.find(source.hash(), |entry| word(*entry, &self.shared, images) == source);
        match found {
            Some(entry) if entry & SHARED != 0 => &self.shared[(entry & !SHARED) as usize].1,
            Some(alone) => slice::from_ref(alone),
            None => &[],
        }
    }

    /// The image that is just that.
    pub(super) fn find(&self, key: Key, images: &Images) -> Option<u32> {
        let word_of = |entry: &u32| word(*entry, &self.shared, images);
        let entry = *self.table.find(key.source.hash(), |entry| word_of(entry) == key.source)?;
        match entry & SHARED {
            0 => Some(entry).filter(|image| images.get(*image).key() == key),
            _ => self.by_key.find(key.hash(), |image| images.get(*image).key() == key).copied(),
        }
    }

    /// That image is there from now on.
    pub(super) fn add(&mut self, image: u32, images: &Images) {
        let source = images.get(image).source;
        let Self { table, shared, free, by_key } = self;
        let Some(entry) = table.find_mut(source.hash(), |entry| word(*entry, shared, images) == source)
        else {
            table.insert_unique(source.hash(), image, |entry| word(*entry, shared, images).hash());
            return;
        };
        let mut keep = |image: u32| {
            let hash = |image: &u32| images.get(*image).key().hash();
            by_key.insert_unique(hash(&image), image, hash);
        };
        keep(image);
        if *entry & SHARED != 0 {
            let all = &mut shared[(*entry & !SHARED) as usize].1;
            if let Err(place) = all.binary_search(&image) {
                all.insert(place, image);
            }
            return;
        }
        keep(*entry);
        let two = vec![(*entry).min(image), (*entry).max(image)];
        let place = match free.pop() {
            Some(place) => {
                shared[place as usize] = (source, two);
                place
            }
            None => {
                shared.push((source, two));
                // Each takes tens of bytes: memory ends before the numbers do.
                (shared.len() - 1) as u32
            }
        };
        *entry = SHARED | place;
    }

    /// That image goes; its record is still there.
    pub(super) fn release(&mut self, image: u32, images: &Images) {
        let source = images.get(image).source;
        let Self { table, shared, free, by_key } = self;
        let found = table.find_entry(source.hash(), |entry| word(*entry, shared, images) == source);
        let Ok(mut found) = found else { return };
        let entry = *found.get();
        if entry & SHARED == 0 {
            found.remove();
            return;
        }
        let mut drop_key = |image: u32| {
            if let Ok(kept) = by_key.find_entry(images.get(image).key().hash(), |other| *other == image) {
                kept.remove();
            }
        };
        drop_key(image);
        let all = &mut shared[(entry & !SHARED) as usize].1;
        all.retain(|other| *other != image);
        if let [alone] = all[..] {
            drop_key(alone);
            *found.get_mut() = alone;
            *all = Vec::new();
            free.push(entry & !SHARED);
        }
    }

    /// Gives back memory that was taken in advance.
    pub(super) fn shrink(&mut self) {
        self.shared.iter_mut().for_each(|(_, images)| images.shrink_to_fit());
        self.shared.shrink_to_fit();
    }
}
