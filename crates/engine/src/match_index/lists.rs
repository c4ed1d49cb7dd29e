//! Very many short lists of numbers in one piece of memory.
//!
//! A list is its length and the steps from each number to the next, as LEB128: the numbers of what was made together lie close
//! together, so most take a byte or two, where a list of its own would take 16 bytes for its place and as many for its allocation.

use std::collections::HashMap;

/// Where a list is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListAt(u32);

/// Lists of ascending numbers, each once.
#[derive(Debug)]
pub(crate) struct Lists {
    bytes: Vec<u8>,
    /// Places that lists have left, by their lengths in bytes.
    free: HashMap<u32, Vec<u32>>,
    scratch: Vec<u8>,
}

impl Default for Lists {
    fn default() -> Self {
        // At the beginning lies the empty list, which all places without one point to.
        Self { bytes: vec![0], free: HashMap::new(), scratch: Vec::new() }
    }
}

impl Lists {
    /// Keeps a list.
    pub(crate) fn insert(&mut self, numbers: &[u32]) -> ListAt {
        if numbers.is_empty() {
            return ListAt::default();
        }
        self.scratch.clear();
        // A list of so many numbers that they do not fit is longer than memory.
        put(&mut self.scratch, numbers.len() as u32);
        let mut last = 0;
        for number in numbers {
            put(&mut self.scratch, number - last);
            last = *number;
        }
        let length = self.scratch.len();
        if let Some(place) = self.free.get_mut(&(length as u32)).and_then(Vec::pop) {
            self.bytes[place as usize..place as usize + length].copy_from_slice(&self.scratch);
            return ListAt(place);
        }
        let place =
            u32::try_from(self.bytes.len()).expect("memory for so many caches ends before the numbers do");
        self.bytes.extend_from_slice(&self.scratch);
        ListAt(place)
    }

    /// Gives back memory that was taken in advance.
    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Lets a list go.
    pub(crate) fn remove(&mut self, at: ListAt) {
        if at == ListAt::default() {
            return;
        }
        let mut numbers = self.get(at);
        numbers.by_ref().for_each(drop);
        let length = self.bytes.len() - at.0 as usize - numbers.rest.len();
        self.free.entry(length as u32).or_default().push(at.0);
    }

    /// The numbers of a list, ascending.
    pub(crate) fn get(&self, at: ListAt) -> Numbers<'_> {
        let mut numbers = Numbers { rest: &self.bytes[at.0 as usize..], left: 0, last: 0 };
        numbers.left = numbers.step();
        numbers
    }
}

/// The numbers of a list.
#[derive(Clone, Debug)]
pub(crate) struct Numbers<'a> {
    rest: &'a [u8],
    left: u32,
    last: u32,
}

impl Numbers<'_> {
    fn step(&mut self) -> u32 {
        let (mut step, mut shift) = (0, 0);
        while let Some((byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            step |= u32::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        step
    }
}

impl Iterator for Numbers<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        self.last += self.step();
        Some(self.last)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

fn put(bytes: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        // Seven bits.
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_kept_is_there_until_it_goes(
            steps in proptest::collection::vec((proptest::collection::btree_set(any::<u32>(), 0..6), any::<prop::sample::Index>()), 0..40),
        ) {
            let mut lists = Lists::default();
            let mut kept: Vec<(ListAt, BTreeSet<u32>)> = Vec::new();
            for (numbers, index) in steps {
                let list: Vec<u32> = numbers.iter().copied().collect();
                kept.push((lists.insert(&list), numbers));
                let chosen = index.index(kept.len() + 1);
                if chosen < kept.len() {
                    lists.remove(kept.swap_remove(chosen).0);
                }
                for (at, numbers) in &kept {
                    prop_assert!(lists.get(*at).eq(numbers.iter().copied()));
                }
            }
        }
    }

    #[test]
    fn a_place_is_used_again() {
        let mut lists = Lists::default();
        for number in 0..100 {
            let at = lists.insert(&[number, 1000]);
            lists.remove(at);
        }
        assert_eq!(lists.bytes.len(), 5);
    }
}
