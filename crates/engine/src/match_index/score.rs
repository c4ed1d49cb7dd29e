//! The grade of all caches that have the same features.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use model::ByteSize;
use model::matching::{Grade, MatchPolicy};

use super::features::{Features, Signs};

/// A set of features, one bit each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FeatureSet(Vec<u64>);

impl Hash for FeatureSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|word| state.write_u64(*word));
    }
}

/// Hashes a few words in a few steps: thousands of sets are looked up for one request, and nobody chooses which.
#[derive(Default)]
struct Words(u64);

impl Hasher for Words {
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93_u128;
        // Both halves of the product.
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl FeatureSet {
    pub(super) fn empty(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    pub(super) fn insert(&mut self, feature: usize) {
        self.0[feature / 64] |= 1 << (feature % 64);
    }

    pub(super) fn remove(&mut self, feature: usize) {
        self.0[feature / 64] &= !(1 << (feature % 64));
    }

    pub(super) fn contains(&self, feature: usize) -> bool {
        self.0[feature / 64] >> (feature % 64) & 1 == 1
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, theirs)| *word |= theirs);
    }

    /// How many words it takes.
    pub(super) fn width(&self) -> usize {
        self.0.len()
    }

    /// Becomes what is in either: in the other, or in these words.
    pub(super) fn join(&mut self, other: &Self, words: &[u64]) {
        let joined = other.0.iter().zip(words).map(|(ours, theirs)| ours | theirs);
        self.0.iter_mut().zip(joined).for_each(|(word, joined)| *word = joined);
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }

    fn features(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| index * 64 + bit)
        })
    }
}

/// What features are worth together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Score {
    /// The grade of a cache that has them. More features never make it less.
    pub(super) grade: Grade,
    /// Which of the cache's bytes serve the wanted images.
    pub(super) used: ByteSize,
}

/// Scores feature sets, each once.
pub(super) struct Scores<'a> {
    features: &'a Features<'a>,
    known: HashMap<FeatureSet, Score, BuildHasherDefault<Words>>,
}

impl<'a> Scores<'a> {
    pub(super) fn new(features: &'a Features<'a>) -> Self {
        Self { features, known: HashMap::default() }
    }

    pub(super) fn of(&mut self, set: &FeatureSet) -> Score {
        if let Some(score) = self.known.get(set) {
            return *score;
        }
        let score = score(self.features, set);
        self.known.insert(set.clone(), score);
        score
    }
}

fn is_whole(signs: &Signs, set: &FeatureSet) -> bool {
    signs.any_of.iter().any(|feature| set.contains(*feature))
        || signs.all_of.as_ref().is_some_and(|all| all.iter().all(|feature| set.contains(*feature)))
}

fn score(features: &Features<'_>, set: &FeatureSet) -> Score {
    let signs = &features.signs;
    let whole = || signs.iter().filter(|signs| is_whole(signs, set)).count() as u64;
    match features.policy {
        MatchPolicy::Alibaba => {
            let has_name = |signs: &Signs| signs.name.is_some_and(|name| set.contains(name));
            let other_tag =
                signs.iter().filter(|signs| has_name(signs) && !is_whole(signs, set)).count() as u64;
            let grade = Grade::Alibaba { whole: whole(), other_tag };
            Score { grade, used: ByteSize::bytes(bytes_of_layers(features, set)) }
        }
        MatchPolicy::Tencent => {
            let grade = Grade::Tencent { names: set.features().count() as u64 };
            Score { grade, used: ByteSize::ZERO }
        }
        MatchPolicy::Content => {
            let of_images = bytes_of_layers(features, set);
            let (mut saved, mut used) = (of_images, of_images);
            for feature in set.features().map(|feature| features.get(feature)) {
                saved = saved.saturating_add(feature.saved);
                used = used.saturating_add(feature.used);
            }
            let perfect = whole() == signs.len() as u64;
            Score {
                grade: Grade::Content { perfect, saved: ByteSize::bytes(saved) },
                used: ByteSize::bytes(used),
            }
        }
    }
}

/// Bytes of the layers that the features name, each counted once.
fn bytes_of_layers(features: &Features<'_>, set: &FeatureSet) -> u64 {
    let mut layers: Vec<u32> = set.features().flat_map(|f| features.get(f).layers.iter().copied()).collect();
    layers.sort_unstable();
    layers.dedup();
    layers.into_iter().map(|layer| features.layers.size(layer)).fold(0, u64::saturating_add)
}
