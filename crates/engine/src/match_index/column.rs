//! A number for some of very many ids: in their order where most have one, and else in a table.

use hashbrown::HashTable;

/// What an id has that has none.
pub(super) const NOBODY: u32 = u32::MAX;

/// Numbers by id. An account that has most of all layers keeps four bytes for each; one that has few keeps no place for the
/// others' ones.
#[derive(Debug, Default)]
pub(super) struct Column {
    form: Form,
    /// How many ids have one.
    count: usize,
}

#[derive(Debug)]
enum Form {
    /// By id.
    Whole(Vec<u32>),
    /// Pairs of id and number.
    Sparse(HashTable<(u32, u32)>),
}

impl Default for Form {
    fn default() -> Self {
        Self::Whole(Vec::new())
    }
}

/// A pair in a table takes about three times of what a place in a row does.
const DEARER: usize = 3;

fn hash(id: u32) -> u64 {
    // Ids are counted up: as many different hashes, spread over all bits.
    u64::from(id).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(20)
}

impl Column {
    pub(super) fn get(&self, id: u32) -> &u32 {
        let found = match &self.form {
            Form::Whole(numbers) => numbers.get(id as usize),
            Form::Sparse(pairs) => pairs.find(hash(id), |pair| pair.0 == id).map(|pair| &pair.1),
        };
        found.unwrap_or(&NOBODY)
    }

    /// Sets an id's number; [`NOBODY`] takes it away. There are `span` ids in all.
    pub(super) fn set(&mut self, id: u32, number: u32, span: usize) {
        let had = *self.get(id) != NOBODY;
        self.count = self.count + usize::from(number != NOBODY) - usize::from(had);
        self.fit(span.max(id as usize + 1));
        match &mut self.form {
            Form::Whole(numbers) => match numbers.get_mut(id as usize) {
                Some(known) => *known = number,
                None if number == NOBODY => {}
                None => {
                    numbers.resize(id as usize, NOBODY);
                    numbers.push(number);
                }
            },
            Form::Sparse(pairs) => {
                if let Ok(entry) = pairs.find_entry(hash(id), |pair| pair.0 == id) {
                    entry.remove();
                }
                if number != NOBODY {
                    pairs.insert_unique(hash(id), (id, number), |pair| hash(pair.0));
                }
            }
        }
    }

    /// Gives back memory that was taken in advance.
    pub(super) fn shrink(&mut self) {
        if let Form::Whole(numbers) = &mut self.form {
            numbers.shrink_to_fit();
        }
    }

    /// Takes the form that is the smaller one. There is a gap between the two bounds, so that a column near them is not
    /// made over again and again.
    fn fit(&mut self, span: usize) {
        match &self.form {
            Form::Whole(numbers) if self.count * DEARER * 2 < span => {
                let pairs = numbers.iter().enumerate().filter(|(_, number)| **number != NOBODY);
                let mut table = HashTable::with_capacity(self.count);
                // Ids are numbered in u32 throughout.
                pairs.for_each(|(id, number)| {
                    table.insert_unique(hash(id as u32), (id as u32, *number), |pair| hash(pair.0));
                });
                self.form = Form::Sparse(table);
            }
            Form::Sparse(pairs) if self.count * DEARER >= span => {
                let mut numbers = vec![NOBODY; span];
                pairs.iter().for_each(|(id, number)| numbers[*id as usize] = *number);
                self.form = Form::Whole(numbers);
            }
            Form::Whole(_) | Form::Sparse(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_form_keeps_what_was_set(
            steps in proptest::collection::vec((0_u32..60, prop_oneof![Just(NOBODY), 0_u32..9], 0_usize..200), 0..80),
        ) {
            let mut column = Column::default();
            let mut expected = HashMap::new();
            for (id, number, span) in steps {
                column.set(id, number, span.max(60));
                expected.insert(id, number);
                for id in 0..61 {
                    prop_assert_eq!(*column.get(id), expected.get(&id).copied().unwrap_or(NOBODY));
                }
            }
        }
    }

    #[test]
    fn few_of_very_many_take_no_place_for_the_others() {
        let mut column = Column::default();
        column.set(1_000_000, 7, 1_000_001);
        assert!(matches!(&column.form, Form::Sparse(pairs) if pairs.len() == 1));
        assert_eq!(*column.get(1_000_000), 7);
        (0..500_000).for_each(|id| column.set(id, id, 1_000_001));
        assert!(matches!(&column.form, Form::Whole(_)));
    }
}
