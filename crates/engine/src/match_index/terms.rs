//! The names that the images of an account have in common with their other versions.

use super::fingerprint::Fingerprint;
use super::holders::Holders;
use super::images::Images;
use super::numbers::Numbers;

/// All terms of one kind, by number and by fingerprint.
#[derive(Default)]
pub(super) struct Terms {
    numbers: Numbers,
    pub(super) holders: Holders,
}

impl Terms {
    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The images that have it, ascending.
    pub(super) fn images(&self, id: u32) -> &[u32] {
        self.holders.images(id)
    }

    pub(super) fn find(&self, fingerprint: Fingerprint) -> Option<u32> {
        self.numbers.find(fingerprint)
    }

    /// The number of that term, made where there is none.
    pub(super) fn intern(&mut self, fingerprint: Fingerprint) -> u32 {
        self.numbers.intern(fingerprint)
    }

    /// That image has it from now on.
    pub(super) fn add(&mut self, id: u32, image: u32, images: &Images) {
        self.holders.add(id, image, images, self.numbers.span());
    }

    /// That image has it no more; a term of no image goes.
    pub(super) fn release(&mut self, id: u32, image: u32) {
        if self.holders.release(id, image, self.numbers.span()) {
            self.numbers.remove(id);
        }
    }
}
