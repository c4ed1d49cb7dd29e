//! The best of very many caches, without looking at each.

use std::collections::BinaryHeap;

use model::ByteSize;
use model::matching::{Grade, MatchPolicy, Place};

use super::Slots;
use super::bitmap::Bitmap;
use super::features::Features;
use super::score::{FeatureSet, Score, Scores};

/// No more caches than this are looked at one by one instead of being split further.
// Small in unit tests, so that few caches walk all paths.
const FEW: usize = if cfg!(test) { 2 } else { 256 };

/// Finds the best caches.
pub(super) struct Search<'a> {
    slots: &'a Slots,
    features: &'a Features<'a>,
    /// Features, the weightiest first: it decides most.
    order: Vec<usize>,
    /// At each position of the order, that feature and all behind it.
    rest: Vec<FeatureSet>,
    scores: Scores<'a>,
    limit: usize,
    /// The best so far, the worst of them on top.
    best: BinaryHeap<(Place, u32)>,
}

impl<'a> Search<'a> {
    pub(super) fn new(slots: &'a Slots, features: &'a Features<'a>, limit: usize) -> Self {
        let order = features.by_weight();
        let mut rest = vec![FeatureSet::empty(order.len()); order.len() + 1];
        for (position, feature) in order.iter().enumerate().rev() {
            rest[position] = rest[position + 1].clone();
            rest[position].insert(*feature);
        }
        let scores = Scores::new(features);
        Self { slots, features, order, rest, scores, limit, best: BinaryHeap::new() }
    }

    /// The best of these caches, the best first.
    pub(super) fn best(mut self, caches: Bitmap) -> Vec<(Place, u32)> {
        if self.limit > 0 {
            self.split(caches, 0, &mut FeatureSet::empty(self.order.len()));
        }
        self.best.into_sorted_vec()
    }

    /// Looks at caches that have the features of `has` and, of those before the position, no other.
    fn split(&mut self, mut caches: Bitmap, mut position: usize, has: &mut FeatureSet) {
        while !caches.is_empty() && self.may_be_among_the_best(position, has) {
            if let Some(few) = few(&caches) {
                return self.look_at_each(&few, position, has);
            }
            let Some(&feature) = self.order.get(position) else {
                let score = self.scores.of(has);
                return caches.slots().for_each(|slot| self.offer(slot, score));
            };
            position += 1;
            let with = caches.both(&self.features.get(feature).caches);
            if !with.is_empty() {
                caches.subtract(&with);
                has.insert(feature);
                self.split(with, position, has);
                has.remove(feature);
            }
        }
    }

    fn worst_grade(&self) -> Option<Grade> {
        let worst = self.best.peek().filter(|_| self.best.len() >= self.limit);
        worst.map(|(place, _)| place.grade)
    }

    fn may_be_among_the_best(&mut self, position: usize, has: &FeatureSet) -> bool {
        let Some(worst) = self.worst_grade() else { return true };
        let mut at_most = has.clone();
        at_most.add(&self.rest[position]);
        self.scores.of(&at_most).grade >= worst
    }

    fn look_at_each(&mut self, slots: &[u32], position: usize, has: &FeatureSet) {
        let mut own = has.clone();
        for slot in slots {
            own.clear();
            own.add(has);
            for feature in &self.order[position..] {
                if self.features.get(*feature).caches.contains(*slot) {
                    own.insert(*feature);
                }
            }
            let score = self.scores.of(&own);
            self.offer(*slot, score);
        }
    }

    fn offer(&mut self, slot: u32, score: Score) {
        let size = self.compared_size(slot, score.used);
        let place = |created, id| Place { grade: score.grade, size, created, id };
        if self.best.len() >= self.limit {
            let Some((worst, _)) = self.best.peek() else { return };
            // Most are worse already by what is at hand.
            if score.grade < worst.grade || (score.grade == worst.grade && size > worst.size) {
                return;
            }
            let place = place(self.slots.created(slot), self.slots.id(slot));
            if place < *worst {
                self.best.pop();
                self.best.push((place, slot));
            }
        } else {
            self.best.push((place(self.slots.created(slot), self.slots.id(slot)), slot));
        }
    }

    fn compared_size(&self, slot: u32, used: ByteSize) -> ByteSize {
        match self.features.policy {
            MatchPolicy::Tencent => self.slots.size_limit(slot),
            MatchPolicy::Alibaba | MatchPolicy::Content => self.slots.unpacked_size(slot).minus(used),
        }
    }
}

/// The caches one by one, where there are few.
fn few(caches: &Bitmap) -> Option<Vec<u32>> {
    let few: Vec<u32> = caches.slots().take(FEW + 1).collect();
    (few.len() <= FEW).then_some(few)
}
