//! A set of caches, one bit for each slot.

/// A set of slots. What lies beyond its words is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bitmap {
    words: Vec<u64>,
}

const BITS: usize = u64::BITS as usize;

impl Bitmap {
    /// An empty set with room for that many slots.
    pub(super) fn with_span(span: usize) -> Self {
        Self { words: vec![0; span.div_ceil(BITS)] }
    }

    /// The slots whose value in a column passes.
    pub(super) fn of_column<T>(column: &[T], passes: impl Fn(&T) -> bool) -> Self {
        // Without a branch for each value, which nothing could predict.
        let word = |values: &[T]| {
            values.iter().enumerate().fold(0, |word, (bit, value)| word | u64::from(passes(value)) << bit)
        };
        Self { words: column.chunks(BITS).map(word).collect() }
    }

    pub(super) fn insert(&mut self, slot: u32) {
        let word = slot as usize / BITS;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (slot as usize % BITS);
    }

    pub(super) fn remove(&mut self, slot: u32) {
        if let Some(word) = self.words.get_mut(slot as usize / BITS) {
            *word &= !(1 << (slot as usize % BITS));
        }
    }

    pub(super) fn contains(&self, slot: u32) -> bool {
        self.words.get(slot as usize / BITS).is_some_and(|word| word >> (slot as usize % BITS) & 1 == 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        // In blocks, so that the compiler may look at several words at once and still stop early.
        self.words.chunks(32).all(|block| block.iter().fold(0, |any, word| any | word) == 0)
    }

    /// Whether there are so many at the most. Ends as soon as there are more.
    pub(super) fn has_at_most(&self, most: usize) -> bool {
        let mut count = 0;
        self.words.chunks(32).all(|block| {
            count += block.iter().map(|word| word.count_ones() as usize).sum::<usize>();
            count <= most
        })
    }

    pub(super) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Adds what is in the other.
    pub(super) fn add(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, theirs) in self.words.iter_mut().zip(&other.words) {
            *word |= theirs;
        }
    }

    /// Keeps only what is in the other, too.
    pub(super) fn keep(&mut self, other: &Self) {
        self.words.truncate(other.words.len());
        for (word, theirs) in self.words.iter_mut().zip(&other.words) {
            *word &= theirs;
        }
    }

    /// Takes out what is in the other.
    pub(super) fn subtract(&mut self, other: &Self) {
        for (word, theirs) in self.words.iter_mut().zip(&other.words) {
            *word &= !theirs;
        }
    }

    /// What is in both.
    pub(super) fn both(&self, other: &Self) -> Self {
        Self { words: self.words.iter().zip(&other.words).map(|(ours, theirs)| ours & theirs).collect() }
    }

    /// The words that are not empty, each with its first slot, the last one first: caches that came late stand before
    /// their equals.
    pub(super) fn words_from_last(&self) -> impl Iterator<Item = (usize, u64)> {
        let words = self.words.iter().enumerate().rev().filter(|(_, word)| **word != 0);
        words.map(|(index, word)| (index * BITS, *word))
    }

    /// How many are before each word.
    pub(super) fn ranks(&self) -> Vec<usize> {
        let before = |count: &mut usize, word: &u64| {
            let before = *count;
            *count += word.count_ones() as usize;
            Some(before)
        };
        self.words.iter().scan(0, before).collect()
    }

    /// Of those that are in both, how many of ours are before each; `ranks` are ours.
    pub(super) fn ranks_in(&self, other: &Self, ranks: &[usize], mut each: impl FnMut(usize)) {
        for ((ours, theirs), before) in self.words.iter().zip(&other.words).zip(ranks) {
            let mut rest = ours & theirs;
            while rest != 0 {
                let lowest = rest & rest.wrapping_neg();
                each(before + (ours & (lowest - 1)).count_ones() as usize);
                rest &= rest - 1;
            }
        }
    }

    /// The slots, ascending.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> {
        self.words.iter().enumerate().filter(|(_, word)| **word != 0).flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                // Slots are numbered in u32 throughout.
                Some((index * BITS) as u32 + bit)
            })
        })
    }
}

impl FromIterator<u32> for Bitmap {
    fn from_iter<I: IntoIterator<Item = u32>>(slots: I) -> Self {
        let mut bitmap = Self::default();
        for slot in slots {
            bitmap.insert(slot);
        }
        bitmap
    }
}
