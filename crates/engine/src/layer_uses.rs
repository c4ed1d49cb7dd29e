//! Which snapshots share which layers: what a cache has for itself, and what deleting it would free.
//!
//! All accounts' snapshots are in it: equal layers are stored once for all of them, so a layer of another account's is a
//! shared one. Of these only sums of bytes leave it.

use std::collections::{BTreeSet, HashMap, HashSet};

use hashbrown::HashTable;
use model::{ByteSize, DiffId, ImageSnapshotId, SnapshotSummary, SummaryLayer};

use crate::match_index::{Fingerprint, Fingerprints, ListAt, Lists};

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

/// How many snapshots have each layer. Sizes are not in it: who asks has the summaries.
#[derive(Debug, Default)]
pub struct LayerUses {
    fingerprints: Fingerprints,
    layers: Vec<Fingerprint>,
    /// How many snapshots have each.
    snapshots_of: Vec<u32>,
    numbers: HashTable<u32>,
    free: Vec<u32>,
    snapshots: HashMap<ImageSnapshotId, ListAt>,
    lists: Lists,
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
        let mut numbers: Vec<u32> = summary.layers.iter().map(|layer| self.intern(layer.diff_id)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in &numbers {
            self.snapshots_of[*number as usize] += 1;
        }
        let list = self.lists.insert(&numbers);
        self.snapshots.insert(snapshot, list);
    }

    /// Takes a snapshot out. Whether it was known.
    pub fn remove(&mut self, snapshot: ImageSnapshotId) -> bool {
        let Some(list) = self.snapshots.remove(&snapshot) else { return false };
        for number in self.lists.get(list) {
            let count = &mut self.snapshots_of[number as usize];
            *count -= 1;
            let hash = self.layers[number as usize].hash();
            if *count == 0
                && let Ok(entry) = self.numbers.find_entry(hash, |other| *other == number)
            {
                entry.remove();
                self.free.push(number);
            }
        }
        self.lists.remove(list);
        true
    }

    /// Which of these layers one of these snapshots has.
    #[must_use]
    pub fn layers_had(
        &self,
        snapshots: impl Iterator<Item = ImageSnapshotId>,
        among: impl Iterator<Item = DiffId>,
    ) -> HashSet<DiffId> {
        let known = |layer: DiffId| Some((self.find(layer)?, layer));
        let mut sought: HashMap<u32, DiffId> = among.filter_map(known).collect();
        let mut had = HashSet::new();
        for snapshot in snapshots {
            if sought.is_empty() {
                break;
            }
            let list = self.snapshots.get(&snapshot).map(|list| self.lists.get(*list));
            had.extend(list.into_iter().flatten().filter_map(|number| sought.remove(&number)));
        }
        had
    }

    /// What a cache has that serves that snapshot and can go back to those, each layer once. Unknown ones have nothing.
    #[must_use]
    pub fn sizes_of(
        &self,
        served: Option<(ImageSnapshotId, &SnapshotSummary)>,
        earlier: &[(ImageSnapshotId, &SnapshotSummary)],
    ) -> SharedSizes {
        let all: HashMap<ImageSnapshotId, &SnapshotSummary> = served.iter().chain(earlier).copied().collect();
        let mut own: HashMap<DiffId, (u32, &SummaryLayer)> = HashMap::new();
        for (_, summary) in all.iter().filter(|(snapshot, _)| self.has(**snapshot)) {
            for layer in &summary.layers {
                own.entry(layer.diff_id).or_insert((0, layer)).0 += 1;
            }
        }
        let served: BTreeSet<DiffId> =
            served.iter().flat_map(|(_, summary)| &summary.layers).map(|layer| layer.diff_id).collect();
        let mut sizes = SharedSizes::default();
        for (diff_id, (times, layer)) in own {
            let in_all = self.find(diff_id).map_or(0, |number| self.snapshots_of[number as usize]);
            let is_served = served.contains(&diff_id);
            if is_served {
                sizes.compressed = sizes.compressed.plus(layer.compressed_size);
            }
            let part = match (in_all > times, is_served) {
                (true, true) => &mut sizes.shared,
                (false, true) => &mut sizes.exclusive,
                (false, false) => &mut sizes.generations,
                (true, false) => continue,
            };
            *part = part.plus(layer.blob_size);
        }
        sizes
    }

    fn find(&self, layer: DiffId) -> Option<u32> {
        let fingerprint = self.fingerprints.of_digest(layer.digest());
        self.numbers.find(fingerprint.hash(), |number| self.layers[*number as usize] == fingerprint).copied()
    }

    fn intern(&mut self, layer: DiffId) -> u32 {
        if let Some(number) = self.find(layer) {
            return number;
        }
        let fingerprint = self.fingerprints.of_digest(layer.digest());
        let number = match self.free.pop() {
            Some(number) => {
                self.layers[number as usize] = fingerprint;
                number
            }
            None => {
                self.layers.push(fingerprint);
                self.snapshots_of.push(0);
                u32::try_from(self.layers.len() - 1).expect("memory ends before the numbers do")
            }
        };
        let Self { layers, numbers, .. } = self;
        numbers.insert_unique(fingerprint.hash(), number, |number| layers[*number as usize].hash());
        number
    }
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

    type Snapshot = (ImageSnapshotId, SnapshotSummary);

    fn sizes(uses: &LayerUses, served: &Snapshot, earlier: &[Snapshot]) -> (u64, u64, u64) {
        let earlier: Vec<_> = earlier.iter().map(|(id, summary)| (*id, summary)).collect();
        let sizes = uses.sizes_of(Some((served.0, &served.1)), &earlier);
        (sizes.exclusive.as_u64(), sizes.shared.as_u64(), sizes.generations.as_u64())
    }

    #[test]
    fn what_others_have_is_shared_until_they_go() {
        let mut uses = LayerUses::default();
        let layers: [&[(&str, u64)]; 3] = [&[("base", 100), ("one", 10)], &[("base", 100), ("two", 20)], &[]];
        let all = layers.map(|layers| (ImageSnapshotId::generate(), summary(layers)));
        let [one, two, unknown] = &all;
        uses.insert(one.0, &one.1);
        assert_eq!(sizes(&uses, one, &[]), (110, 0, 0));
        uses.insert(two.0, &two.1);
        uses.insert(two.0, &two.1);
        assert_eq!(sizes(&uses, one, &[]), (10, 100, 0));
        // A cache with a generation has both: what only these two share is its own.
        assert_eq!(sizes(&uses, one, &all[1..2]), (110, 0, 20));
        assert_eq!(sizes(&uses, one, &[one.clone(), unknown.clone()]), (10, 100, 0));
        assert!(uses.remove(two.0) && !uses.remove(two.0));
        assert_eq!(sizes(&uses, one, &[]), (110, 0, 0));
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
            let snapshot = (id, summary(&[(&format!("layer {round}"), round)]));
            uses.insert(id, &snapshot.1);
            assert_eq!(sizes(&uses, &snapshot, &[]), (round, 0, 0));
            uses.remove(id);
        }
        assert_eq!(uses.layers.len(), 1);
    }
}
