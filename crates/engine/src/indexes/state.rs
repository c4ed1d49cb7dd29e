//! The indexes themselves.

use std::collections::{BTreeSet, HashMap, HashSet};

use metastore::CacheOutline;
use model::matching::{Candidate, CandidateImage, MatchRequest, Ranking};
use model::{
    AccountId, ByteSize, CacheId, CacheState, DiffId, ImageSnapshotId, Instance, InstanceId, SnapshotSummary,
};

use crate::SharedSizes;
use crate::layer_uses::LayerUses;
use crate::layers::Layers;
use crate::match_index::{AccountIndex, CacheFacts, Fingerprints, Prints};

/// What is kept of all records.
#[derive(Default)]
pub(super) struct State {
    accounts: HashMap<AccountId, u32>,
    indexes: Vec<AccountIndex>,
    caches: HashMap<CacheId, Known>,
    /// What a cache can go back to, of the few that can.
    generations: HashMap<CacheId, Box<[ImageSnapshotId]>>,
    instances: HashMap<InstanceId, Held>,
    layers: Layers,
    uses: LayerUses,
}

/// The snapshot that an instance holds.
struct Held {
    account: u32,
    snapshot: ImageSnapshotId,
}

/// What is known of a cache, to tell whether its record says anything new.
struct Known {
    account: u32,
    state: CacheState,
    is_matched: bool,
    size_limit: ByteSize,
    serves: Option<ImageSnapshotId>,
}

/// The snapshots that a cache names: the one that it serves, and its generations.
pub(super) fn snapshots_of(cache: &CacheOutline) -> BTreeSet<ImageSnapshotId> {
    cache.snapshot.into_iter().chain(cache.generations.iter().copied()).collect()
}

fn images_of(summary: &SnapshotSummary) -> Vec<CandidateImage> {
    let image = |image: &model::SummaryImage| CandidateImage {
        source: image.source.clone(),
        manifest_digest: image.manifest_digest,
        index_digest: image.index_digest,
        layers: summary.layers_of(image).map(|layer| (layer.diff_id, layer.blob_size)).collect(),
    };
    summary.images.iter().map(image).collect()
}

/// A cache as matching looks at it.
pub(crate) fn candidate(cache: &CacheOutline, summary: &SnapshotSummary) -> Candidate {
    Candidate {
        id: cache.id,
        created: cache.created,
        state: cache.state,
        size_limit: cache.size_limit,
        unpacked_size: summary.unpacked_size(),
        platform: cache.platform.clone(),
        images: images_of(summary),
    }
}

fn facts<'a>(cache: &'a CacheOutline, prints: &Prints) -> CacheFacts<'a> {
    CacheFacts {
        id: cache.id,
        created: cache.created,
        state: cache.state,
        size_limit: cache.size_limit,
        unpacked_size: prints.unpacked_size(),
        platform: &cache.platform,
    }
}

impl State {
    /// Whether the record says nothing that is not known.
    pub(super) fn knows(&self, cache: &CacheOutline) -> bool {
        self.caches.get(&cache.id).is_some_and(|known| {
            known.state == cache.state
                && known.serves == cache.snapshot
                && known.size_limit == cache.size_limit
                && known.is_matched == (cache.snapshot.is_some() && !cache.is_deleting)
                && self.generations_of(cache.id) == cache.generations
        })
    }

    /// What fingerprints are made with.
    pub(super) fn keys(&self) -> Fingerprints {
        self.layers.keys().clone()
    }

    /// Takes a cache in with the images of the snapshot that it serves. The snapshots that it named before, and names no more.
    pub(super) fn put_cache(
        &mut self,
        cache: &CacheOutline,
        prints: Option<&Prints>,
    ) -> BTreeSet<ImageSnapshotId> {
        let account = self.account(&cache.account);
        let Self { indexes, layers, uses, .. } = self;
        let index = &mut indexes[account as usize];
        // Without a snapshot there is nothing to match by; one that is to be deleted serves no new start.
        let matched = prints.filter(|_| !cache.is_deleting);
        match (cache.snapshot, matched) {
            (Some(snapshot), Some(prints)) => {
                let numbers = index.put(layers, &facts(cache, prints), prints);
                uses.insert_numbers(layers, snapshot, &numbers);
            }
            (snapshot, _) => {
                index.remove(layers, cache.id);
                if let Some((snapshot, prints)) = snapshot.zip(prints) {
                    uses.insert(layers, snapshot, prints);
                }
            }
        }
        let known = Known {
            account,
            state: cache.state,
            is_matched: matched.is_some(),
            size_limit: cache.size_limit,
            serves: cache.snapshot,
        };
        let mut dropped = self.named_by(cache.id);
        self.caches.insert(cache.id, known);
        if cache.generations.is_empty() {
            self.generations.remove(&cache.id);
        } else {
            self.generations.insert(cache.id, cache.generations.as_slice().into());
        }
        if !dropped.is_empty() {
            let named = snapshots_of(cache);
            dropped.retain(|snapshot| !named.contains(snapshot));
        }
        dropped
    }

    /// Takes a cache out. The snapshots that it named.
    pub(super) fn remove_cache(&mut self, id: CacheId) -> BTreeSet<ImageSnapshotId> {
        let dropped = self.named_by(id);
        self.generations.remove(&id);
        if let Some(known) = self.caches.remove(&id) {
            self.indexes[known.account as usize].remove(&mut self.layers, id);
        }
        dropped
    }

    pub(super) fn knows_instance(&self, id: InstanceId) -> bool {
        self.instances.contains_key(&id)
    }

    /// Takes an instance in. It holds one snapshot all its life.
    pub(super) fn put_instance(&mut self, instance: &Instance) {
        let account = self.account(&instance.account);
        self.instances.insert(instance.id, Held { account, snapshot: instance.snapshot });
    }

    /// Takes an instance out. The snapshot that it held.
    pub(super) fn remove_instance(&mut self, id: InstanceId) -> BTreeSet<ImageSnapshotId> {
        self.instances.remove(&id).map(|held| held.snapshot).into_iter().collect()
    }

    /// Which of these layers the account has: those of the snapshots that its caches, generations and instances name.
    pub(super) fn layers_had(
        &self,
        account: &AccountId,
        among: impl Iterator<Item = DiffId>,
    ) -> HashSet<DiffId> {
        let Some(account) = self.accounts.get(account) else { return HashSet::new() };
        let caches = self.caches.iter().filter(|(_, known)| known.account == *account);
        let instances = self.instances.values().filter(|held| held.account == *account);
        let named = caches
            .flat_map(|(id, known)| known.serves.into_iter().chain(self.generations_of(*id).iter().copied()));
        let named = named.chain(instances.map(|held| held.snapshot));
        self.uses.layers_had(&self.layers, named, among)
    }

    fn generations_of(&self, id: CacheId) -> &[ImageSnapshotId] {
        self.generations.get(&id).map_or(&[], |generations| generations)
    }

    /// The snapshots that a known cache names.
    fn named_by(&self, id: CacheId) -> BTreeSet<ImageSnapshotId> {
        let serves = self.caches.get(&id).and_then(|known| known.serves);
        serves.into_iter().chain(self.generations_of(id).iter().copied()).collect()
    }

    /// Gives back memory that was taken in advance, after very many records were put in.
    pub(super) fn shrink(&mut self) {
        self.indexes.iter_mut().for_each(AccountIndex::shrink);
        self.layers.shrink();
        self.uses.shrink();
    }

    /// Whether that snapshot's layers are counted.
    pub(super) fn has_snapshot(&self, snapshot: ImageSnapshotId) -> bool {
        self.uses.has(snapshot)
    }

    /// Counts a snapshot's layers, whoever names it.
    pub(super) fn put_snapshot(&mut self, snapshot: ImageSnapshotId, prints: &Prints) {
        self.uses.insert(&mut self.layers, snapshot, prints);
    }

    /// Counts them no more.
    pub(super) fn remove_snapshot(&mut self, snapshot: ImageSnapshotId) {
        self.uses.remove(&mut self.layers, snapshot);
    }

    /// What a cache has that serves that snapshot and can go back to those.
    pub(super) fn sizes_of(
        &self,
        served: Option<(ImageSnapshotId, &SnapshotSummary)>,
        earlier: &[(ImageSnapshotId, &SnapshotSummary)],
    ) -> SharedSizes {
        self.uses.sizes_of(&self.layers, served, earlier)
    }

    pub(super) fn rank(&self, account: &AccountId, request: &MatchRequest, limit: usize) -> Ranking {
        let account = self.accounts.get(account);
        let rank = |account: &u32| self.indexes[*account as usize].rank(&self.layers, request, limit);
        account.map(rank).unwrap_or_default()
    }

    fn account(&mut self, account: &AccountId) -> u32 {
        if let Some(known) = self.accounts.get(account) {
            return *known;
        }
        let number = u32::try_from(self.indexes.len()).expect("memory ends before the numbers do");
        self.indexes.push(AccountIndex::default());
        self.accounts.insert(account.clone(), number);
        number
    }
}
