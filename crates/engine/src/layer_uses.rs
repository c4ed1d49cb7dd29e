//! Which snapshots share which layers: what a cache has for itself, and what deleting it would free.
//!
//! All accounts' snapshots are in it: equal layers are stored once for all of them, so a layer of another account's is a
//! shared one. Of these only sums of bytes leave it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use model::{ByteSize, DiffId, ImageSnapshotId, SnapshotSummary, SummaryLayer};

use crate::layers::{Holder, Layers};
use crate::match_index::{ListAt, Lists, Prints};

/// What a cache's snapshot takes of the store. Bytes count as shared where any other snapshot needs them, of whatever account:
/// equal layers are stored once. No more is told of other accounts than this sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedSizes {
    /// What no other cache or instance needs: what deleting the cache gives free, together with `generations`.
    pub exclusive: ByteSize,
    /// What others need as well.
    pub shared: ByteSize,
    /// What only its earlier snapshots need, beyond that.
    pub generations: ByteSize,
    /// The layers of the served snapshot as served by registries.
    pub compressed: ByteSize,
}

impl SharedSizes {
    /// All of the served snapshot.
    #[must_use]
    pub fn unpacked(self) -> ByteSize {
        self.exclusive.plus(self.shared)
    }
}

/// Which snapshots have which layers, by the numbers of the [`Layers`] that it is given, always the same ones. How many
/// have a layer is kept there. Sizes are not in it: who asks has the summaries.
#[derive(Debug, Default)]
pub(crate) struct LayerUses {
    snapshots: HashMap<ImageSnapshotId, ListAt>,
    lists: Lists,
}

impl LayerUses {
    /// Whether it knows that snapshot.
    pub(crate) fn has(&self, snapshot: ImageSnapshotId) -> bool {
        self.snapshots.contains_key(&snapshot)
    }

    /// Takes a snapshot in. One that is known already changes nothing: snapshots are immutable.
    pub(crate) fn insert(&mut self, layers: &mut Layers, snapshot: ImageSnapshotId, prints: &Prints) {
        if self.has(snapshot) {
            return;
        }
        let mut numbers: Vec<u32> =
            prints.layers.iter().map(|(layer, size)| layers.intern(*layer, *size)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        self.insert_numbers(layers, snapshot, &numbers);
    }

    /// The same by the numbers of its layers, ascending, each once.
    pub(crate) fn insert_numbers(&mut self, layers: &mut Layers, snapshot: ImageSnapshotId, numbers: &[u32]) {
        let Entry::Vacant(place) = self.snapshots.entry(snapshot) else { return };
        place.insert(self.lists.insert(numbers));
        numbers.iter().for_each(|number| layers.hold(*number, Holder::Snapshot));
    }

    /// Gives back memory that was taken in advance.
    pub(crate) fn shrink(&mut self) {
        self.lists.shrink();
    }

    /// Takes a snapshot out. Whether it was known.
    pub(crate) fn remove(&mut self, layers: &mut Layers, snapshot: ImageSnapshotId) -> bool {
        let Some(list) = self.snapshots.remove(&snapshot) else { return false };
        self.lists.get(list).for_each(|number| layers.release(number, Holder::Snapshot));
        self.lists.remove(list);
        true
    }

    /// Which of these layers one of these snapshots has.
    pub(crate) fn layers_had(
        &self,
        layers: &Layers,
        snapshots: impl Iterator<Item = ImageSnapshotId>,
        among: impl Iterator<Item = DiffId>,
    ) -> HashSet<DiffId> {
        let known = |layer: DiffId| Some((layers.find_digest(layer)?, layer));
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
    pub(crate) fn sizes_of(
        &self,
        layers: &Layers,
        served: Option<(ImageSnapshotId, &SnapshotSummary)>,
        earlier: &[(ImageSnapshotId, &SnapshotSummary)],
    ) -> SharedSizes {
        let all: HashMap<ImageSnapshotId, &SnapshotSummary> = served.iter().chain(earlier).copied().collect();
        let mut own: HashMap<DiffId, (u64, &SummaryLayer)> = HashMap::new();
        for (_, summary) in all.iter().filter(|(snapshot, _)| self.has(**snapshot)) {
            for layer in &summary.layers {
                own.entry(layer.diff_id).or_insert((0, layer)).0 += 1;
            }
        }
        let served: BTreeSet<DiffId> =
            served.iter().flat_map(|(_, summary)| &summary.layers).map(|layer| layer.diff_id).collect();
        let mut sizes = SharedSizes::default();
        for (diff_id, (times, layer)) in own {
            let in_all = layers.find_digest(diff_id).map_or(0, |number| layers.snapshots(number));
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

    /// Both together, as they are kept.
    #[derive(Default)]
    struct Kept(Layers, LayerUses);

    impl Kept {
        fn insert(&mut self, (id, summary): &Snapshot) {
            let prints = Prints::of_summary(self.0.keys(), summary);
            self.1.insert(&mut self.0, *id, &prints);
        }

        fn remove(&mut self, snapshot: &Snapshot) -> bool {
            self.1.remove(&mut self.0, snapshot.0)
        }

        fn sizes(&self, served: &Snapshot, earlier: &[Snapshot]) -> (u64, u64, u64) {
            let earlier: Vec<_> = earlier.iter().map(|(id, summary)| (*id, summary)).collect();
            let sizes = self.1.sizes_of(&self.0, Some((served.0, &served.1)), &earlier);
            (sizes.exclusive.as_u64(), sizes.shared.as_u64(), sizes.generations.as_u64())
        }
    }

    #[test]
    fn what_others_have_is_shared_until_they_go() {
        let mut kept = Kept::default();
        let layers: [&[(&str, u64)]; 3] = [&[("base", 100), ("one", 10)], &[("base", 100), ("two", 20)], &[]];
        let all = layers.map(|layers| (ImageSnapshotId::generate(), summary(layers)));
        let [one, two, unknown] = &all;
        kept.insert(one);
        assert_eq!(kept.sizes(one, &[]), (110, 0, 0));
        kept.insert(two);
        kept.insert(two);
        assert_eq!(kept.sizes(one, &[]), (10, 100, 0));
        // A cache with a generation has both: what only these two share is its own.
        assert_eq!(kept.sizes(one, &all[1..2]), (110, 0, 20));
        assert_eq!(kept.sizes(one, &[one.clone(), unknown.clone()]), (10, 100, 0));
        assert!(kept.remove(two) && !kept.remove(two));
        assert_eq!(kept.sizes(one, &[]), (110, 0, 0));
        assert_eq!(kept.1.sizes_of(&kept.0, None, &[]), SharedSizes::default());
    }

    #[test]
    fn layers_are_had_by_the_snapshots_that_have_them_alone() {
        let mut kept = Kept::default();
        let ids: Vec<_> = (0..2).map(|_| ImageSnapshotId::generate()).collect();
        kept.insert(&(ids[0], summary(&[("base", 100), ("one", 10)])));
        kept.insert(&(ids[1], summary(&[("base", 100), ("two", 20)])));
        let layer = |name: &str| DiffId::new(Digest::sha256(name.as_bytes()));
        let all = ["base", "one", "two", "none"].map(layer);
        let had = |snapshots: &[ImageSnapshotId]| {
            kept.1.layers_had(&kept.0, snapshots.iter().copied(), all.into_iter())
        };
        assert_eq!(had(&ids[..1]), HashSet::from(["base", "one"].map(layer)));
        assert_eq!(had(&ids), HashSet::from(["base", "one", "two"].map(layer)));
        assert_eq!(had(&[ImageSnapshotId::generate()]), HashSet::new());
    }
}
