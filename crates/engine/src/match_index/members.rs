//! Sets of caches, most of which have one member, and a few nearly all.

use std::slice;

use super::bitmap::Bitmap;

/// A set of caches: the only one that is in it, or where the others lie. Four bytes, since there is one for each image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Members(u32);

const NOBODY: u32 = u32::MAX;
const APART: u32 = 1 << 31;

impl Default for Members {
    fn default() -> Self {
        Self(NOBODY)
    }
}

/// The sets that have more than one member, by the numbers that [`Members`] have.
#[derive(Debug, Default)]
pub(super) struct Sets {
    sets: Vec<Set>,
    free: Vec<u32>,
}

/// A list, or a bitmap where that is smaller and faster.
#[derive(Debug)]
enum Set {
    List(Vec<u32>),
    Dense(Box<Bitmap>),
}

/// Who is in a set.
#[derive(Clone, Copy)]
pub(super) enum Caches<'a> {
    /// Slots, ascending.
    Few(&'a [u32]),
    /// Very many.
    Many(&'a Bitmap),
}

impl<'a> Caches<'a> {
    pub(super) fn is_empty(self) -> bool {
        match self {
            Self::Few(list) => list.is_empty(),
            Self::Many(bitmap) => bitmap.is_empty(),
        }
    }

    pub(super) fn count(self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many(bitmap) => bitmap.count(),
        }
    }

    pub(super) fn dense(self) -> Option<&'a Bitmap> {
        match self {
            Self::Few(_) => None,
            Self::Many(bitmap) => Some(bitmap),
        }
    }

    /// Adds them to a set.
    pub(super) fn add_to(self, bitmap: &mut Bitmap) {
        match self {
            Self::Few(list) => list.iter().for_each(|slot| bitmap.insert(*slot)),
            Self::Many(many) => bitmap.add(many),
        }
    }
}

/// A list that long is made a bitmap where its last slot is not this many times as far.
// Small in unit tests, so that few caches walk all paths.
const LONG: usize = if cfg!(test) { 4 } else { 256 };
const SPREAD: usize = 64;

/// Whether a set of that many out of so many slots is better kept as a bitmap. There is a gap between the two bounds, so
/// that a set near them is not made over again and again.
pub(super) fn is_dense(count: usize, span: usize, already: bool) -> bool {
    let slack = if already { 2 } else { 1 };
    count * slack >= LONG && count * SPREAD * slack >= span
}

impl Sets {
    pub(super) fn get<'a>(&'a self, members: &'a Members) -> Caches<'a> {
        match members.0 {
            NOBODY => Caches::Few(&[]),
            code if code & APART == 0 => Caches::Few(slice::from_ref(&members.0)),
            code => match &self.sets[(code & !APART) as usize] {
                Set::List(list) => Caches::Few(list),
                Set::Dense(bitmap) => Caches::Many(bitmap),
            },
        }
    }

    pub(super) fn insert(&mut self, members: &mut Members, slot: u32) {
        match members.0 {
            NOBODY => members.0 = slot,
            code if code == slot => {}
            code if code & APART == 0 => {
                let set = Set::List(vec![code.min(slot), code.max(slot)]);
                members.0 = APART | self.keep(set);
            }
            code => {
                let set = &mut self.sets[(code & !APART) as usize];
                match set {
                    Set::List(list) => {
                        if let Err(place) = list.binary_search(&slot) {
                            list.insert(place, slot);
                        }
                        let span = list.last().map_or(0, |last| *last as usize + 1);
                        if is_dense(list.len(), span, false) {
                            *set = Set::Dense(Box::new(list.iter().copied().collect()));
                        }
                    }
                    Set::Dense(bitmap) => bitmap.insert(slot),
                }
            }
        }
    }

    /// Gives back memory that was taken in advance.
    pub(super) fn shrink(&mut self) {
        for set in &mut self.sets {
            if let Set::List(list) = set {
                list.shrink_to_fit();
            }
        }
        self.sets.shrink_to_fit();
    }

    fn keep(&mut self, set: Set) -> u32 {
        match self.free.pop() {
            Some(place) => {
                self.sets[place as usize] = set;
                place
            }
            None => {
                self.sets.push(set);
                // Each takes tens of bytes: memory ends before the numbers do.
                (self.sets.len() - 1) as u32
            }
        }
    }

    pub(super) fn remove(&mut self, members: &mut Members, slot: u32) {
        if members.0 == slot {
            members.0 = NOBODY;
        }
        if members.0 == NOBODY || members.0 & APART == 0 {
            return;
        }
        let place = members.0 & !APART;
        let set = &mut self.sets[place as usize];
        match set {
            Set::List(list) => {
                if let Ok(place) = list.binary_search(&slot) {
                    list.remove(place);
                }
                if list.len() < list.capacity() / 4 {
                    list.shrink_to_fit();
                }
            }
            Set::Dense(bitmap) => {
                bitmap.remove(slot);
                let span = bitmap.slots().last().map_or(0, |last| last as usize + 1);
                if !is_dense(bitmap.count(), span, true) {
                    *set = Set::List(bitmap.slots().collect());
                }
            }
        }
        if let Set::List(list) = set
            && list.len() <= 1
        {
            members.0 = list.first().copied().unwrap_or(NOBODY);
            *set = Set::List(Vec::new());
            self.free.push(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn members_are_a_set_in_every_form(
            steps in proptest::collection::vec((any::<bool>(), 0_u8..4, 0_u32..2000, 1_u32..400), 0..40),
        ) {
            let mut sets = Sets::default();
            // Two beside each other: neither sees the other's members.
            let mut members = [Members::default(), Members::default()];
            let mut expected = [BTreeSet::new(), BTreeSet::new()];
            for (which, kind, first, count) in steps {
                let (members, set) = (&mut members[usize::from(which)], &mut expected[usize::from(which)]);
                let count = if kind == 3 { 1 } else { count };
                for slot in first..first + count {
                    if kind > 0 {
                        sets.insert(members, slot);
                        set.insert(slot);
                    } else {
                        sets.remove(members, slot);
                        set.remove(&slot);
                    }
                }
                let mut bitmap = Bitmap::default();
                sets.get(members).add_to(&mut bitmap);
                prop_assert!(bitmap.slots().eq(set.iter().copied()));
                prop_assert_eq!(sets.get(members).is_empty(), set.is_empty());
                prop_assert_eq!(sets.get(members).count(), set.len());
            }
        }
    }
}
