//! What images are found by: words, names, layers.
//!
//! Most are in one image alone. Of these nothing is kept but the image's number; which caches have them, the image says.

use std::collections::HashMap;
use std::slice;

use hashbrown::HashTable;

use super::bitmap::Bitmap;
use super::fingerprint::Fingerprint;
use super::images::Images;
use super::members::is_dense;

/// All terms of one kind, by number and by fingerprint.
#[derive(Default)]
pub(super) struct Terms {
    fingerprints: Vec<Fingerprint>,
    /// The image that has it, or [`SHARED`] and the number of what is kept of it; [`NOBODY`].
    images: Vec<u32>,
    /// Bytes of a layer.
    sizes: Sizes,
    shared: Vec<Shared>,
    free_shared: Vec<u32>,
    free: Vec<u32>,
    /// Numbers by fingerprint: the fingerprints are kept once, in their column.
    table: HashTable<u32>,
}

/// The images and caches of a term that several images have.
#[derive(Debug, Default)]
struct Shared {
    /// The images that have it, ascending.
    images: Vec<u32>,
    /// How many caches have it. Words do without.
    caches: u32,
    /// Which caches have it, where they are many.
    dense: Option<Box<Bitmap>>,
}

const SHARED: u32 = 1 << 31;
const NOBODY: u32 = u32::MAX;

impl Terms {
    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Bytes of a layer.
    pub(super) fn size(&self, id: u32) -> u64 {
        self.sizes.get(id)
    }

    /// The images that have it, ascending.
    pub(super) fn images(&self, id: u32) -> &[u32] {
        match self.shared(id) {
            Some(shared) => &shared.images,
            None if self.images[id as usize] == NOBODY => &[],
            None => slice::from_ref(&self.images[id as usize]),
        }
    }

    /// The bitmap of its caches, where they are many.
    pub(super) fn dense<'a>(&'a self, id: u32, images: &'a Images) -> Option<&'a Bitmap> {
        match (self.shared(id), self.images(id)) {
            (Some(shared), _) => shared.dense.as_deref(),
            (None, [image]) => images.caches(*image).dense(),
            (None, _) => None,
        }
    }

    fn shared(&self, id: u32) -> Option<&Shared> {
        let code = self.images[id as usize];
        (code & SHARED != 0 && code != NOBODY).then(|| &self.shared[(code & !SHARED) as usize])
    }

    fn shared_mut(&mut self, id: u32) -> Option<&mut Shared> {
        let code = self.images[id as usize];
        (code & SHARED != 0 && code != NOBODY).then(|| &mut self.shared[(code & !SHARED) as usize])
    }

    pub(super) fn find(&self, fingerprint: Fingerprint) -> Option<u32> {
        self.table.find(fingerprint.hash(), |id| self.fingerprints[*id as usize] == fingerprint).copied()
    }

    /// The number of that term, made where there is none. The size said last counts.
    pub(super) fn intern(&mut self, fingerprint: Fingerprint, size: u64) -> u32 {
        if let Some(id) = self.find(fingerprint) {
            self.sizes.set(id, size);
            return id;
        }
        let id = match self.free.pop() {
            Some(id) => {
                self.fingerprints[id as usize] = fingerprint;
                id
            }
            None => {
                self.fingerprints.push(fingerprint);
                self.images.push(NOBODY);
                // Each takes tens of bytes: memory ends before the numbers do.
                (self.fingerprints.len() - 1) as u32
            }
        };
        self.sizes.set(id, size);
        let Self { fingerprints, table, .. } = self;
        table.insert_unique(fingerprint.hash(), id, |id| fingerprints[*id as usize].hash());
        id
    }

    /// That image has it from now on.
    pub(super) fn add(&mut self, id: u32, image: u32, images: &Images) {
        if let Some(shared) = self.shared_mut(id) {
            // New images have the greatest numbers.
            match shared.images.last() {
                Some(last) if *last >= image => {
                    if let Err(place) = shared.images.binary_search(&image) {
                        shared.images.insert(place, image);
                    }
                }
                _ => shared.images.push(image),
            }
            return;
        }
        let code = self.images[id as usize];
        if code == NOBODY || code == image {
            self.images[id as usize] = image;
            return;
        }
        let two = vec![code.min(image), code.max(image)];
        // The caches of the image that had it alone until now.
        let shared = Shared { images: two, caches: images.caches(code).count() as u32, dense: None };
        let place = match self.free_shared.pop() {
            Some(place) => {
                self.shared[place as usize] = shared;
                place
            }
            None => {
                self.shared.push(shared);
                (self.shared.len() - 1) as u32
            }
        };
        self.images[id as usize] = SHARED | place;
    }

    /// That image has it no more; a term of no image goes.
    pub(super) fn release(&mut self, id: u32, image: u32) {
        if let Some(shared) = self.shared_mut(id) {
            if let Ok(place) = shared.images.binary_search(&image) {
                shared.images.remove(place);
            }
            if shared.images.len() < shared.images.capacity() / 4 {
                shared.images.shrink_to_fit();
            }
            if let [alone] = shared.images[..] {
                *shared = Shared::default();
                self.free_shared.push(self.images[id as usize] & !SHARED);
                self.images[id as usize] = alone;
            }
            return;
        }
        self.images[id as usize] = NOBODY;
        let hash = self.fingerprints[id as usize].hash();
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == id) {
            entry.remove();
            self.free.push(id);
        }
    }

    /// A cache has these terms from now on. Its images' records name it already.
    pub(super) fn join(&mut self, terms: &[u32], slot: u32, images: &Images, span: usize) {
        for id in terms {
            let Some(shared) = self.shared_mut(*id) else { continue };
            shared.caches += 1;
            match &mut shared.dense {
                Some(bitmap) if is_dense(shared.caches as usize, span, true) => bitmap.insert(slot),
                Some(_) => shared.dense = None,
                None if is_dense(shared.caches as usize, span, false) => {
                    shared.dense = Some(Box::new(images.caches_of(&shared.images, span)));
                }
                None => {}
            }
        }
    }

    /// A cache has these terms no more.
    pub(super) fn part(&mut self, terms: &[u32], slot: u32, span: usize) {
        for id in terms {
            let Some(shared) = self.shared_mut(*id) else { continue };
            shared.caches -= 1;
            match &mut shared.dense {
                Some(bitmap) if is_dense(shared.caches as usize, span, true) => bitmap.remove(slot),
                _ => shared.dense = None,
            }
        }
    }
}

/// Sizes in four bytes each; the few that are greater lie apart.
#[derive(Debug, Default)]
struct Sizes {
    small: Vec<u32>,
    large: HashMap<u32, u64>,
}

impl Sizes {
    fn get(&self, id: u32) -> u64 {
        match self.small.get(id as usize) {
            Some(&u32::MAX) => self.large.get(&id).copied().unwrap_or(u64::from(u32::MAX)),
            Some(size) => u64::from(*size),
            None => 0,
        }
    }

    fn set(&mut self, id: u32, size: u64) {
        let small = u32::try_from(size).unwrap_or(u32::MAX);
        match self.small.get_mut(id as usize) {
            Some(known) => {
                if *known == u32::MAX {
                    self.large.remove(&id);
                }
                *known = small;
            }
            // Words and names have none.
            None if size == 0 => return,
            None => {
                self.small.resize(id as usize, 0);
                self.small.push(small);
            }
        }
        if small == u32::MAX {
            self.large.insert(id, size);
        }
    }
}
