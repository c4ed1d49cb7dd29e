//! Which images have a term, and which caches by that.
//!
//! Most terms are in one image alone. Of these nothing is kept but the image's number; which caches have them, the image says.

use std::slice;

use super::bitmap::Bitmap;
use super::column::{Column, NOBODY};
use super::images::Images;
use super::members::is_dense;

/// The images of all terms of one kind, by the terms' numbers.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// The image that has it, or [`SHARED`] and the number of what is kept of it.
    images: Column,
    shared: Vec<Shared>,
    free: Vec<u32>,
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

impl Holders {
    /// The images that have it, ascending.
    pub(super) fn images(&self, id: u32) -> &[u32] {
        let code = self.images.get(id);
        match self.shared(*code) {
            Some(shared) => &shared.images,
            None if *code == NOBODY => &[],
            None => slice::from_ref(code),
        }
    }

    /// The bitmap of its caches, where they are many.
    pub(super) fn dense<'a>(&'a self, id: u32, images: &'a Images) -> Option<&'a Bitmap> {
        let code = *self.images.get(id);
        match self.shared(code) {
            Some(shared) => shared.dense.as_deref(),
            None if code == NOBODY => None,
            None => images.caches(code).dense(),
        }
    }

    fn shared(&self, code: u32) -> Option<&Shared> {
        (code & SHARED != 0 && code != NOBODY).then(|| &self.shared[(code & !SHARED) as usize])
    }

    fn shared_mut(&mut self, code: u32) -> Option<&mut Shared> {
        (code & SHARED != 0 && code != NOBODY).then(|| &mut self.shared[(code & !SHARED) as usize])
    }

    /// That image has it from now on; there are `span` terms in all. Whether it is the first image that has it.
    pub(super) fn add(&mut self, id: u32, image: u32, images: &Images, span: usize) -> bool {
        let code = *self.images.get(id);
        if let Some(shared) = self.shared_mut(code) {
            // New images have the greatest numbers.
            match shared.images.last() {
                Some(last) if *last >= image => {
                    if let Err(place) = shared.images.binary_search(&image) {
                        shared.images.insert(place, image);
                    }
                }
                _ => shared.images.push(image),
            }
            return false;
        }
        if code == NOBODY {
            self.images.set(id, image, span);
            return true;
        }
        if code != image {
            let two = vec![code.min(image), code.max(image)];
            // The caches of the image that had it alone until now.
            let shared = Shared { images: two, caches: images.caches(code).count() as u32, dense: None };
            let place = self.keep(shared);
            self.images.set(id, SHARED | place, span);
        }
        false
    }

    /// Gives back memory that was taken in advance.
    pub(super) fn shrink(&mut self) {
        self.images.shrink();
        self.shared.iter_mut().for_each(|shared| shared.images.shrink_to_fit());
        self.shared.shrink_to_fit();
    }

    fn keep(&mut self, shared: Shared) -> u32 {
        match self.free.pop() {
            Some(place) => {
                self.shared[place as usize] = shared;
                place
            }
            None => {
                self.shared.push(shared);
                // Each takes tens of bytes: memory ends before the numbers do.
                (self.shared.len() - 1) as u32
            }
        }
    }

    /// That image has it no more. Whether no image does.
    pub(super) fn release(&mut self, id: u32, image: u32, span: usize) -> bool {
        let code = *self.images.get(id);
        let Some(shared) = self.shared_mut(code) else {
            self.images.set(id, NOBODY, span);
            return true;
        };
        if let Ok(place) = shared.images.binary_search(&image) {
            shared.images.remove(place);
        }
        if shared.images.len() < shared.images.capacity() / 4 {
            shared.images.shrink_to_fit();
        }
        if let [alone] = shared.images[..] {
            *shared = Shared::default();
            self.free.push(code & !SHARED);
            self.images.set(id, alone, span);
        }
        false
    }

    /// A cache has these terms from now on. Its images' records name it already.
    pub(super) fn join(&mut self, terms: &[u32], slot: u32, images: &Images, span: usize) {
        for id in terms {
            let code = *self.images.get(*id);
            let Some(shared) = self.shared_mut(code) else { continue };
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
            let code = *self.images.get(*id);
            let Some(shared) = self.shared_mut(code) else { continue };
            shared.caches -= 1;
            match &mut shared.dense {
                Some(bitmap) if is_dense(shared.caches as usize, span, true) => bitmap.remove(slot),
                _ => shared.dense = None,
            }
        }
    }
}
