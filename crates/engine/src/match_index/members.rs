//! Lists of ids that are nearly always short, and sets of caches that may be large.

use super::bitmap::Bitmap;

/// Up to this many ids need no memory of their own.
const INLINE: usize = 3;

/// Ids in ascending order, each once. 16 bytes, where a `Vec` takes 24 and an allocation for its first id.
#[derive(Clone, Debug)]
#[expect(clippy::box_collection, reason = "most lists are inline; the few others pay the second step")]
pub(super) enum IdList {
    Inline { len: u8, ids: [u32; INLINE] },
    Heap(Box<Vec<u32>>),
}

impl Default for IdList {
    fn default() -> Self {
        Self::Inline { len: 0, ids: [0; INLINE] }
    }
}

impl IdList {
    pub(super) fn as_slice(&self) -> &[u32] {
        match self {
            Self::Inline { len, ids } => &ids[..usize::from(*len)],
            Self::Heap(ids) => ids,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn insert(&mut self, id: u32) {
        let Err(position) = self.as_slice().binary_search(&id) else { return };
        match self {
            Self::Inline { len, ids } if usize::from(*len) < INLINE => {
                ids.copy_within(position..usize::from(*len), position + 1);
                ids[position] = id;
                *len += 1;
            }
            Self::Inline { ids, .. } => {
                let mut list = Vec::with_capacity(INLINE + 2);
                list.extend_from_slice(ids);
                list.insert(position, id);
                *self = Self::Heap(Box::new(list));
            }
            Self::Heap(list) => list.insert(position, id),
        }
    }

    pub(super) fn remove(&mut self, id: u32) {
        let Ok(position) = self.as_slice().binary_search(&id) else { return };
        match self {
            Self::Inline { len, ids } => {
                ids.copy_within(position + 1..usize::from(*len), position);
                *len -= 1;
            }
            Self::Heap(list) => {
                list.remove(position);
                if list.len() <= INLINE {
                    let mut ids = [0; INLINE];
                    ids[..list.len()].copy_from_slice(list);
                    // At most INLINE.
                    *self = Self::Inline { len: list.len() as u8, ids };
                } else if list.len() < list.capacity() / 4 {
                    list.shrink_to_fit();
                }
            }
        }
    }
}

/// A set of caches: a list, or a bitmap where that is smaller and faster.
#[derive(Clone, Debug)]
pub(super) enum Members {
    Few(IdList),
    Many(Box<Bitmap>),
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

impl Default for Members {
    fn default() -> Self {
        Self::Few(IdList::default())
    }
}

impl Members {
    pub(super) fn insert(&mut self, slot: u32) {
        match self {
            Self::Few(list) => {
                list.insert(slot);
                let span = list.as_slice().last().map_or(0, |last| *last as usize + 1);
                if is_dense(list.len(), span, false) {
                    *self = Self::Many(Box::new(list.as_slice().iter().copied().collect()));
                }
            }
            Self::Many(bitmap) => bitmap.insert(slot),
        }
    }

    pub(super) fn remove(&mut self, slot: u32) {
        match self {
            Self::Few(list) => list.remove(slot),
            Self::Many(bitmap) => {
                bitmap.remove(slot);
                let count = bitmap.count();
                if !is_dense(count, bitmap.slots().last().map_or(0, |last| last as usize + 1), true) {
                    let mut list = IdList::default();
                    bitmap.slots().for_each(|slot| list.insert(slot));
                    *self = Self::Few(list);
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(list) => list.is_empty(),
            Self::Many(bitmap) => bitmap.is_empty(),
        }
    }

    /// Adds them to a set.
    pub(super) fn add_to(&self, bitmap: &mut Bitmap) {
        match self {
            Self::Few(list) => list.as_slice().iter().for_each(|slot| bitmap.insert(*slot)),
            Self::Many(many) => bitmap.add(many),
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
        fn a_list_is_an_ordered_set(steps in proptest::collection::vec((any::<bool>(), 0_u32..12), 0..60)) {
            let mut list = IdList::default();
            let mut set = BTreeSet::new();
            for (add, id) in steps {
                if add { list.insert(id); set.insert(id); } else { list.remove(id); set.remove(&id); }
                prop_assert_eq!(list.as_slice(), set.iter().copied().collect::<Vec<_>>());
            }
        }

        #[test]
        fn members_are_a_set_in_either_form(steps in proptest::collection::vec((0_u8..4, 0_u32..2000, 1_u32..400), 0..40)) {
            let mut members = Members::default();
            let mut set = BTreeSet::new();
            for (kind, first, count) in steps {
                for slot in first..first + count {
                    if kind > 0 { members.insert(slot); set.insert(slot); } else { members.remove(slot); set.remove(&slot); }
                }
                let mut bitmap = Bitmap::default();
                members.add_to(&mut bitmap);
                prop_assert!(bitmap.slots().eq(set.iter().copied()));
                prop_assert_eq!(members.is_empty(), set.is_empty());
            }
        }
    }
}
