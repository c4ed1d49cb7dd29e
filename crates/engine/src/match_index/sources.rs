//! Images by the words by which they were asked for.
//!
//! A word is in its image's record already. Most words are one image's: of these nothing is kept here but its number.

use std::slice;

use hashbrown::HashTable;

use super::fingerprint::Fingerprint;
use super::images::Images;

/// All words of an account's images.
#[derive(Default)]
pub(super) struct Sources {
    /// The image that has the word, or [`SHARED`] and the number of those that have it.
    table: HashTable<u32>,
    shared: Vec<(Fingerprint, Vec<u32>)>,
    free: Vec<u32>,
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

    /// That image is there from now on.
    pub(super) fn add(&mut self, image: u32, images: &Images) {
        let source = images.get(image).source;
        let Self { table, shared, free } = self;
        let Some(entry) = table.find_mut(source.hash(), |entry| word(*entry, shared, images) == source)
        else {
            table.insert_unique(source.hash(), image, |entry| word(*entry, shared, images).hash());
            return;
        };
        if *entry & SHARED != 0 {
            let all = &mut shared[(*entry & !SHARED) as usize].1;
            if let Err(place) = all.binary_search(&image) {
                all.insert(place, image);
            }
            return;
        }
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
        let Self { table, shared, free } = self;
        let found = table.find_entry(source.hash(), |entry| word(*entry, shared, images) == source);
        let Ok(mut found) = found else { return };
        let entry = *found.get();
        if entry & SHARED == 0 {
            found.remove();
            return;
        }
        let all = &mut shared[(entry & !SHARED) as usize].1;
        all.retain(|other| *other != image);
        if let [alone] = all[..] {
            *found.get_mut() = alone;
            *all = Vec::new();
            free.push(entry & !SHARED);
        }
    }

    /// Gives back memory that was taken in advance.
    pub(super) fn shrink(&mut self) {
        self.shared.iter_mut().for_each(|(_, images)| images.shrink_to_fit());
    }
}
