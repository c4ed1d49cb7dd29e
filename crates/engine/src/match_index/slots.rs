//! The caches: a few numbers each, column by column.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use model::matching::{Candidate, MatchRequest, Offer};
use model::{ByteSize, CacheId, CacheState, Platform, Timestamp};

use super::bitmap::Bitmap;
use super::lists::{ListAt, Lists, Numbers};

/// What is kept of a cache beside its images.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheFacts<'a> {
    pub(crate) id: CacheId,
    pub(crate) created: Timestamp,
    pub(crate) state: CacheState,
    pub(crate) size_limit: ByteSize,
    pub(crate) unpacked_size: ByteSize,
    pub(crate) platform: &'a Platform,
}

impl<'a> From<&'a Candidate> for CacheFacts<'a> {
    fn from(candidate: &'a Candidate) -> Self {
        Self {
            id: candidate.id,
            created: candidate.created,
            state: candidate.state,
            size_limit: candidate.size_limit,
            unpacked_size: candidate.unpacked_size,
            platform: &candidate.platform,
        }
    }
}

/// All caches, by slot and by id. A slot that is free is in none of the sets.
#[derive(Default)]
pub(super) struct Slots {
    ids: Vec<CacheId>,
    created: Vec<Timestamp>,
    states: Vec<CacheState>,
    size_limits: Vec<ByteSize>,
    unpacked_sizes: Vec<ByteSize>,
    images: Vec<ListAt>,
    image_lists: Lists,
    platform_of: Vec<u16>,
    /// The platforms met so far, each with its caches. There are a handful.
    platforms: Vec<(Platform, Bitmap)>,
    ready: Bitmap,
    usable: Bitmap,
    free: Vec<u32>,
    table: HashTable<u32>,
    hasher: RandomState,
}

impl Slots {
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// How many slots there are, free ones included.
    pub(super) fn span(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn id(&self, slot: u32) -> CacheId {
        self.ids[slot as usize]
    }

    pub(super) fn created(&self, slot: u32) -> Timestamp {
        self.created[slot as usize]
    }

    pub(super) fn size_limit(&self, slot: u32) -> ByteSize {
        self.size_limits[slot as usize]
    }

    /// By slot; free ones hold what was there.
    pub(super) fn all_created(&self) -> &[Timestamp] {
        &self.created
    }

    /// By slot; free ones hold what was there.
    pub(super) fn size_limits(&self) -> &[ByteSize] {
        &self.size_limits
    }

    /// By slot; free ones hold what was there.
    pub(super) fn unpacked_sizes(&self) -> &[ByteSize] {
        &self.unpacked_sizes
    }

    /// Numbers of its images, ascending, each once.
    pub(super) fn images(&self, slot: u32) -> Numbers<'_> {
        self.image_lists.get(self.images[slot as usize])
    }

    pub(super) fn offer(&self, slot: u32) -> Offer<'_> {
        Offer {
            state: self.states[slot as usize],
            platform: &self.platforms[usize::from(self.platform_of[slot as usize])].0,
            size_limit: self.size_limit(slot),
        }
    }

    /// Keeps those that the policy takes, that are for the platform, and that fit the space.
    pub(super) fn keep_eligible(&self, request: &MatchRequest, caches: &mut Bitmap) {
        let is_taken_when = |state| request.policy.takes(state);
        caches.keep(if is_taken_when(CacheState::Updating) { &self.usable } else { &self.ready });
        let mut for_platform = Bitmap::default();
        for (_, theirs) in self.platforms.iter().filter(|(platform, _)| request.is_for(platform)) {
            for_platform.add(theirs);
        }
        caches.keep(&for_platform);
        if let Some(space) = request.space {
            caches.keep(&Bitmap::of_column(&self.size_limits, |size| *size <= space));
        }
    }

    pub(super) fn insert(&mut self, facts: &CacheFacts<'_>, images: &[u32]) -> u32 {
        let platform = self.intern_platform(facts.platform);
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => self.push(facts),
        };
        let at = slot as usize;
        self.ids[at] = facts.id;
        self.created[at] = facts.created;
        self.states[at] = facts.state;
        self.size_limits[at] = facts.size_limit;
        self.unpacked_sizes[at] = facts.unpacked_size;
        self.images[at] = self.image_lists.insert(images);
        self.platform_of[at] = platform;
        self.platforms[usize::from(platform)].1.insert(slot);
        if facts.state == CacheState::Ready {
            self.ready.insert(slot);
        }
        if facts.state.is_usable() {
            self.usable.insert(slot);
        }
        let Self { ids, table, hasher, .. } = self;
        table.insert_unique(hasher.hash_one(facts.id), slot, |slot| hasher.hash_one(ids[*slot as usize]));
        slot
    }

    fn push(&mut self, facts: &CacheFacts<'_>) -> u32 {
        // Each takes tens of bytes: memory ends before the numbers do.
        let slot = self.ids.len() as u32;
        self.ids.push(facts.id);
        self.created.push(facts.created);
        self.states.push(facts.state);
        self.size_limits.push(facts.size_limit);
        self.unpacked_sizes.push(facts.unpacked_size);
        self.images.push(ListAt::default());
        self.platform_of.push(0);
        slot
    }

    fn intern_platform(&mut self, platform: &Platform) -> u16 {
        let known = self.platforms.iter().position(|(known, _)| known == platform);
        let index = known.unwrap_or_else(|| {
            // One that nobody uses any more makes room first.
            let unused = self.platforms.iter().position(|(_, caches)| caches.is_empty());
            let entry = (platform.clone(), Bitmap::default());
            match unused {
                Some(index) => {
                    self.platforms[index] = entry;
                    index
                }
                None => {
                    self.platforms.push(entry);
                    self.platforms.len() - 1
                }
            }
        });
        u16::try_from(index).expect("a platform that is kept has a cache, and nobody has caches for 65,536")
    }

    /// Gives back memory that was taken in advance.
    pub(super) fn shrink(&mut self) {
        self.ids.shrink_to_fit();
        self.created.shrink_to_fit();
        self.states.shrink_to_fit();
        self.size_limits.shrink_to_fit();
        self.unpacked_sizes.shrink_to_fit();
        self.images.shrink_to_fit();
        self.image_lists.shrink();
        self.platform_of.shrink_to_fit();
    }

    /// Takes a cache out; its slot and its images.
    pub(super) fn remove(&mut self, id: CacheId) -> Option<(u32, Vec<u32>)> {
        let hash = self.hasher.hash_one(id);
        let entry = self.table.find_entry(hash, |slot| self.ids[*slot as usize] == id).ok()?;
        let (slot, _) = entry.remove();
        self.ready.remove(slot);
        self.usable.remove(slot);
        self.platforms[usize::from(self.platform_of[slot as usize])].1.remove(slot);
        self.free.push(slot);
        let images = self.images(slot).collect();
        self.image_lists.remove(std::mem::take(&mut self.images[slot as usize]));
        Some((slot, images))
    }
}
