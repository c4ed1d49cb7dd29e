//! Columns of numbers that are nearly all small.

use std::collections::HashMap;

/// What a small number is kept in. Its greatest value says that the number lies apart.
pub(super) trait Cell: Copy + Eq + Default + Into<u64> + TryFrom<u64> {
    /// The greatest value.
    const APART: Self;
}

impl Cell for u8 {
    const APART: Self = Self::MAX;
}

impl Cell for u32 {
    const APART: Self = Self::MAX;
}

/// A column of numbers; the few that are too great for a cell lie apart. What was never set is 0.
#[derive(Debug, Default)]
pub(super) struct Narrow<C> {
    cells: Vec<C>,
    apart: HashMap<u32, u64>,
}

impl<C: Cell> Narrow<C> {
    pub(super) fn get(&self, at: u32) -> u64 {
        match self.cells.get(at as usize) {
            Some(cell) if *cell == C::APART => self.apart.get(&at).copied().unwrap_or(C::APART.into()),
            Some(cell) => (*cell).into(),
            None => 0,
        }
    }

    /// Gives back memory that was taken in advance.
    pub(super) fn shrink(&mut self) {
        self.cells.shrink_to_fit();
    }

    pub(super) fn set(&mut self, at: u32, number: u64) {
        let cell = C::try_from(number).unwrap_or(C::APART);
        match self.cells.get_mut(at as usize) {
            Some(known) => {
                if *known == C::APART {
                    self.apart.remove(&at);
                }
                *known = cell;
            }
            None if number == 0 => return,
            None => {
                self.cells.resize(at as usize, C::default());
                self.cells.push(cell);
            }
        }
        if cell == C::APART {
            self.apart.insert(at, number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn holds<C: Cell>(steps: &[(u32, u64)]) {
        let mut column = Narrow::<C>::default();
        let mut expected = HashMap::new();
        for (at, number) in steps {
            column.set(*at, *number);
            expected.insert(*at, *number);
            for at in 0..20 {
                assert_eq!(column.get(at), expected.get(&at).copied().unwrap_or_default());
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_was_set_is_there(
            steps in proptest::collection::vec(
                (0_u32..20, prop_oneof![0_u64..3, 250_u64..260, u64::from(u32::MAX) - 2..u64::from(u32::MAX) + 2, any::<u64>()]),
                0..60,
            ),
        ) {
            holds::<u8>(&steps);
            holds::<u32>(&steps);
        }
    }
}
