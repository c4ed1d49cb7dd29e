//! Which snapshots share which layers: what a cache has for itself, and what deleting it would free.
//!
//! All accounts' snapshots are in it: equal layers are stored once for all of them, so a layer of another account's is a
//! shared one. Of these only sums of bytes leave it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use model::{ByteSize, DiffId, ImageSnapshotId, SnapshotSummary, SummaryLayer};

/// Bytes of a cache's layers, by who else has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedSizes {
    /// Layers of the served snapshot that no snapshot of others has.
    pub exclusive: ByteSize,
    /// Layers of the served snapshot that others have, too.
    pub shared: ByteSize,
    /// Layers that only the earlier snapshots have, and no snapshot of others.
    pub generations: ByteSize,
    /// The layers of the served snapshot as served by registries.
    pub compressed: ByteSize,
}

impl SharedSizes {
    /// All of the served snapshot.
    #[must_use]
    pub fn total(self) -> ByteSize {
        self.exclusive.plus(self.shared)
    }
}

/// How many snapshots have each layer.
#[derive(Debug, Default)]
pub struct LayerUses {
    layers: Vec<LayerUse>,
    numbers: HashMap<DiffId, u32>,
    free: Vec<u32>,
    snapshots: HashMap<ImageSnapshotId, Box<[u32]>>,
}

#[derive(Debug)]
struct LayerUse {
    diff_id: DiffId,
    compressed_size: ByteSize,
    blob_size: ByteSize,
    snapshots: u32,
}

impl LayerUses {
    /// How many snapshots it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.snapshots.len()
    }

    /// Whether it knows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.snapshots.is_empty()
    }

    /// The snapshots that it knows.
    pub fn snapshots(&self) -> impl Iterator<Item = ImageSnapshotId> {
        self.snapshots.keys().copied()
    }

    /// Whether it knows that snapshot.
    #[must_use]
    pub fn has(&self, snapshot: ImageSnapshotId) -> bool {
        self.snapshots.contains_key(&snapshot)
    }

    /// Takes a snapshot in. One that is known already changes nothing: snapshots are immutable.
    pub fn insert(&mut self, snapshot: ImageSnapshotId, summary: &SnapshotSummary) {
        if self.has(snapshot) {
            return;
        }
        let numbers = summary.layers.iter().map(|layer| self.intern(layer));
        let numbers: BTreeSet<u32> = numbers.collect();
        for number in &numbers {
            self.layers[*number as usize].snapshots += 1;
        }
        self.snapshots.insert(snapshot, numbers.into_iter().collect());
    }

    /// Takes a snapshot out. Whether it was known.
    pub fn remove(&mut self, snapshot: ImageSnapshotId) -> bool {
        let Some(numbers) = self.snapshots.remove(&snapshot) else { return false };
        for number in numbers {
            let layer = &mut self.layers[number as usize];
            layer.snapshots -= 1;
            if layer.snapshots == 0 {
                self.numbers.remove(&layer.diff_id);
                self.free.push(number);
            }
        }
        true
    }

    /// Which of these layers one of these snapshots has.
    #[must_use]
    pub fn layers_had(
        &self,
        snapshots: impl Iterator<Item = ImageSnapshotId>,
        among: impl Iterator<Item = DiffId>,
    ) -> HashSet<DiffId> {
        let known = |layer: DiffId| Some((*self.numbers.get(&layer)?, layer));
        let mut sought: HashMap<u32, DiffId> = among.filter_map(known).collect();
        let mut had = HashSet::new();
        for snapshot in snapshots {
            if sought.is_empty() {
                break;
            }
            for number in self.snapshots.get(&snapshot).into_iter().flatten() {
                had.extend(sought.remove(number));
            }
        }
        had
    }

    /// What a cache has that serves that snapshot and can go back to those, each layer once. Unknown ones have nothing.
    #[must_use]
    pub fn sizes_of(&self, served: Option<ImageSnapshotId>, earlier: &[ImageSnapshotId]) -> SharedSizes {
        let all: HashSet<ImageSnapshotId> = served.iter().chain(earlier).copied().collect();
        let lists = all.iter().filter_map(|snapshot| self.snapshots.get(snapshot));
        let own = count(lists.flat_map(|numbers| numbers.iter().copied()));
        let served = served.and_then(|snapshot| self.snapshots.get(&snapshot));
        let served: HashSet<u32> = served.into_iter().flatten().copied().collect();
        let mut sizes = SharedSizes::default();
        for (number, times) in own {
            let layer = &self.layers[number as usize];
            let is_served = served.contains(&number);
            if is_served {
                sizes.compressed = sizes.compressed.plus(layer.compressed_size);
            }
            let part = match (layer.snapshots > times, is_served) {
                (true, true) => &mut sizes.shared,
                (false, true) => &mut sizes.exclusive,
                (false, false) => &mut sizes.generations,
                (true, false) => continue,
            };
            *part = part.plus(layer.blob_size);
        }
        sizes
    }

    fn intern(&mut self, layer: &SummaryLayer) -> u32 {
        if let Some(number) = self.numbers.get(&layer.diff_id) {
            return *number;
        }
        let SummaryLayer { diff_id, compressed_size, blob_size } = *layer;
        let fresh = LayerUse { diff_id, compressed_size, blob_size, snapshots: 0 };
        let number = match self.free.pop() {
            Some(number) => {
                self.layers[number as usize] = fresh;
                number
            }
            None => {
                self.layers.push(fresh);
                u32::try_from(self.layers.len() - 1).expect("memory ends before the numbers do")
            }
        };
        self.numbers.insert(diff_id, number);
        number
    }
}

fn count<T: Eq + Hash>(items: impl Iterator<Item = T>) -> HashMap<T, u32> {
    let mut counts = HashMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use model::{Digest, SummaryLayer};

    use super::*;

    fn summary(layers: &[(&str, u64)]) -> SnapshotSummary {
        let layer = |(name, size): &(&str, u64)| SummaryLayer {
            diff_id: DiffId::new(Digest::sha256(name.as_bytes())),
            compressed_size: ByteSize::bytes(1),
            blob_size: ByteSize::bytes(*size),
        };
        SnapshotSummary { layers: layers.iter().map(layer).collect(), images: Vec::new() }
    }

    fn sizes(uses: &LayerUses, served: ImageSnapshotId, earlier: &[ImageSnapshotId]) -> (u64, u64, u64) {
        let sizes = uses.sizes_of(Some(served), earlier);
        (sizes.exclusive.as_u64(), sizes.shared.as_u64(), sizes.generations.as_u64())
    }

    #[test]
    fn what_others_have_is_shared_until_they_go() {
        let mut uses = LayerUses::default();
        let ids: Vec<_> = (0..3).map(|_| ImageSnapshotId::generate()).collect();
        uses.insert(ids[0], &summary(&[("base", 100), ("one", 10)]));
        assert_eq!(sizes(&uses, ids[0], &[]), (110, 0, 0));
        uses.insert(ids[1], &summary(&[("base", 100), ("two", 20)]));
        uses.insert(ids[1], &summary(&[("base", 100), ("two", 20)]));
        assert_eq!(sizes(&uses, ids[0], &[]), (10, 100, 0));
        // A cache with a generation has both: what only these two share is its own.
        assert_eq!(sizes(&uses, ids[0], &ids[1..2]), (110, 0, 20));
        assert_eq!(sizes(&uses, ids[0], &[ids[0], ids[2]]), (10, 100, 0));
        assert!(uses.remove(ids[1]) && !uses.remove(ids[1]));
        assert_eq!(sizes(&uses, ids[0], &[]), (110, 0, 0));
        assert_eq!(uses.len(), 1);
        assert_eq!(uses.sizes_of(None, &[]), SharedSizes::default());
    }

    #[test]
    fn layers_are_had_by_the_snapshots_that_have_them_alone() {
        let mut uses = LayerUses::default();
        let ids: Vec<_> = (0..2).map(|_| ImageSnapshotId::generate()).collect();
        uses.insert(ids[0], &summary(&[("base", 100), ("one", 10)]));
        uses.insert(ids[1], &summary(&[("base", 100), ("two", 20)]));
        let layer = |name: &str| DiffId::new(Digest::sha256(name.as_bytes()));
        let all = ["base", "one", "two", "none"].map(layer);
        let had = |snapshots: &[ImageSnapshotId]| uses.layers_had(snapshots.iter().copied(), all.into_iter());
        assert_eq!(had(&ids[..1]), HashSet::from(["base", "one"].map(layer)));
        assert_eq!(had(&ids), HashSet::from(["base", "one", "two"].map(layer)));
        assert_eq!(had(&[ImageSnapshotId::generate()]), HashSet::new());
    }

    #[test]
    fn numbers_are_used_again() {
        let mut uses = LayerUses::default();
        for round in 0..10 {
            let id = ImageSnapshotId::generate();
            uses.insert(id, &summary(&[(&format!("layer {round}"), round)]));
            assert_eq!(sizes(&uses, id, &[]), (round, 0, 0));
            uses.remove(id);
        }
        assert_eq!(uses.layers.len(), 1);
    }
}
