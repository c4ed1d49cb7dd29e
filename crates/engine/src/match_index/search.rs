//! The best of very many caches, without looking at each.

use std::collections::BinaryHeap;

use model::ByteSize;
use model::matching::{MatchPolicy, Place};

use super::bitmap::Bitmap;
use super::features::{Features, Having};
use super::score::{FeatureSet, Score, Scores};
use super::slots::Slots;

/// So many caches are looked at one by one, feature by feature.
// Small in unit tests, so that few caches walk all paths.
const SINGLY: usize = if cfg!(test) { 1 } else { 256 };

/// No more caches than this are looked at instead of being split further. Where all features weigh the same, what a part can
/// hold at most says little, and splitting drops little; where bytes decide, much is dropped.
const fn few(policy: MatchPolicy) -> usize {
    match policy {
        _ if cfg!(test) => 3,
        MatchPolicy::Tencent => 4096,
        MatchPolicy::Alibaba => 1024,
        MatchPolicy::Content => SINGLY,
    }
}

/// Finds the best caches.
pub(super) struct Search<'a> {
    slots: &'a Slots,
    features: &'a Features<'a>,
    /// The features that many caches have, the weightiest first: it decides most.
    order: Vec<(usize, &'a Bitmap)>,
    /// At each position of the order, that feature and all behind it.
    rest: Vec<FeatureSet>,
    /// The features that few caches have.
    listed: Vec<(usize, &'a [u32])>,
    scores: Scores<'a>,
    limit: usize,
    /// The best so far, the worst of them on top.
    best: BinaryHeap<(Place, u32)>,
}

impl<'a> Search<'a> {
    pub(super) fn new(slots: &'a Slots, features: &'a Features<'a>, limit: usize) -> Self {
        let (mut order, mut listed): (Vec<_>, Vec<_>) = Default::default();
        for feature in features.by_weight() {
            match &features.get(feature).caches {
                Having::Many(caches) => order.push((feature, &**caches)),
                Having::Few(slots) => listed.push((feature, slots.as_slice())),
            }
        }
        let mut rest = vec![FeatureSet::empty(features.count()); order.len() + 1];
        for (position, (feature, _)) in order.iter().enumerate().rev() {
            rest[position] = rest[position + 1].clone();
            rest[position].insert(*feature);
        }
        let scores = Scores::new(features);
        Self { slots, features, order, rest, listed, scores, limit, best: BinaryHeap::new() }
    }

    /// The best of these caches, the best first.
    pub(super) fn best(mut self, mut caches: Bitmap) -> Vec<(Place, u32)> {
        if self.limit > 0 {
            let none = FeatureSet::empty(self.features.count());
            self.look_at_listed(&mut caches, &none);
            self.split(caches, 0, &mut none.clone());
        }
        self.best.into_sorted_vec()
    }

    /// Looks at the caches of the features that few have, and takes them out: the others have none of these.
    fn look_at_listed(&mut self, caches: &mut Bitmap, none: &FeatureSet) {
        let pairs =
            self.listed.iter().flat_map(|(feature, slots)| slots.iter().map(move |slot| (*slot, *feature)));
        let mut pairs: Vec<(u32, usize)> = pairs.filter(|(slot, _)| caches.contains(*slot)).collect();
        pairs.sort_unstable();
        let mut has = none.clone();
        for of_slot in pairs.chunk_by(|(slot, _), (next, _)| slot == next) {
            let Some((slot, _)) = of_slot.first() else { continue };
            has.clear();
            of_slot.iter().for_each(|(_, feature)| has.insert(*feature));
            self.look_at(*slot, 0, &mut has);
            caches.remove(*slot);
        }
    }

    /// Looks at caches that have the features of `has` and, of those before the position and those that few have, no other.
    fn split(&mut self, mut caches: Bitmap, mut position: usize, has: &mut FeatureSet) {
        while !caches.is_empty() && self.may_be_among_the_best(position, has) {
            if caches.has_at_most(few(self.features.policy)) {
                return self.look_at_each(&caches, position, has);
            }
            let Some(&(feature, having)) = self.order.get(position) else {
                let score = self.scores.of(has);
                return self.offer_all(&caches, score);
            };
            position += 1;
            let with = caches.both(having);
            if !with.is_empty() {
                caches.subtract(&with);
                has.insert(feature);
                self.split(with, position, has);
                has.remove(feature);
            }
        }
    }

    /// The worst of the best, once there are as many as wanted.
    fn worst(&self) -> Option<&Place> {
        self.best.peek().map(|(place, _)| place).filter(|_| self.best.len() >= self.limit)
    }

    fn may_be_among_the_best(&mut self, position: usize, has: &FeatureSet) -> bool {
        let Some(Place { grade: worst, .. }) = self.worst().copied() else { return true };
        let mut at_most = has.clone();
        at_most.add(&self.rest[position]);
        self.scores.of(&at_most).grade >= worst
    }

    /// Looks at caches that have the features of `has` and whatever they have of those from the position on: feature by feature
    /// is noted who has it, since a feature that few have is soon gone through.
    fn look_at_each(&mut self, caches: &Bitmap, position: usize, has: &FeatureSet) {
        let mut own = has.clone();
        if caches.has_at_most(SINGLY) {
            for slot in caches.slots() {
                own.clear();
                own.add(has);
                self.look_at(slot, position, &mut own);
            }
            return;
        }
        let width = has.width().max(1);
        let ranks = caches.ranks();
        let mut sets = vec![0_u64; caches.count() * width];
        for (feature, having) in &self.order[position..] {
            let (word, bit) = (feature / 64, 1 << (feature % 64));
            caches.ranks_in(having, &ranks, |rank| sets[rank * width + word] |= bit);
        }
        for (slot, others) in caches.slots().zip(sets.chunks_exact(width)) {
            own.join(has, others);
            let score = self.scores.of(&own);
            self.offer(slot, score);
        }
    }

    /// Looks at a cache that has those features and whatever it has of those from the position on.
    fn look_at(&mut self, slot: u32, position: usize, has: &mut FeatureSet) {
        let others = self.order[position..].iter().filter(|(_, caches)| caches.contains(slot));
        others.for_each(|(feature, _)| has.insert(*feature));
        let score = self.scores.of(has);
        self.offer(slot, score);
    }

    /// Offers very many caches of one score.
    fn offer_all(&mut self, caches: &Bitmap, score: Score) {
        for (first, word) in caches.words_from_last() {
            let mut rest = word & self.not_worse(first, score);
            while let Some(bit) = rest.checked_ilog2() {
                rest &= !(1 << bit);
                // Slots are numbered in u32 throughout.
                self.offer(first as u32 + bit, score);
            }
        }
    }

    /// Which of the 64 slots from that one on may still be among the best, by size and age alone.
    fn not_worse(&self, first: usize, score: Score) -> u64 {
        let Some(worst) = self.worst().filter(|worst| worst.grade == score.grade) else { return u64::MAX };
        let sizes = self.compared_sizes()[first..].iter().take(64);
        let rows = sizes.zip(self.slots.all_created()[first..].iter());
        // Without a branch for each cache, which nothing could predict.
        rows.enumerate().fold(0, |word, (bit, (size, created))| {
            let size = size.minus(score.used);
            let passes = (size < worst.size) | ((size == worst.size) & (*created >= worst.created));
            word | u64::from(passes) << bit
        })
    }

    fn offer(&mut self, slot: u32, score: Score) {
        let size = self.compared_sizes()[slot as usize].minus(score.used);
        // Most are worse already by what is at hand.
        let is_worse =
            |worst: &Place| score.grade < worst.grade || (score.grade == worst.grade && size > worst.size);
        if self.worst().is_some_and(is_worse) {
            return;
        }
        let (created, id) = (self.slots.created(slot), self.slots.id(slot));
        let place = Place { grade: score.grade, size, created, id };
        if self.worst().is_some_and(|worst| *worst < place) {
            return;
        }
        self.best.push((place, slot));
        if self.best.len() > self.limit {
            self.best.pop();
        }
    }

    /// The sizes that decide between caches of one grade, before what is used is taken off.
    fn compared_sizes(&self) -> &'a [ByteSize] {
        match self.features.policy {
            MatchPolicy::Tencent => self.slots.size_limits(),
            MatchPolicy::Alibaba | MatchPolicy::Content => self.slots.unpacked_sizes(),
        }
    }
}
