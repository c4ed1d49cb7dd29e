//! How a cache stands in the request's policy, and its place among others.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use crate::{ByteSize, CacheId, DiffId, Timestamp};

use super::{Candidate, ImageMatch, MatchPolicy, MatchRequest, WantedImage};

/// How well a cache matches, before size and age are looked at. The greater one goes first, whatever the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// By the policy `alibaba`.
    Alibaba {
        /// Wanted images that are there whole.
        whole: u64,
        /// Wanted images that are there in another version.
        other_tag: u64,
    },
    /// By the policy `tencent`.
    Tencent {
        /// Wanted names that are there.
        names: u64,
    },
    /// By the policy `content`.
    Content {
        /// Whether every wanted image is there whole.
        perfect: bool,
        /// Bytes that need not be fetched.
        saved: ByteSize,
    },
}

/// A place in a ranking; the lesser one is the better one. No two caches have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// How well it matches.
    pub grade: Grade,
    /// What is compared after the grade: the surplus, or for `tencent` the cache's size.
    pub size: ByteSize,
    /// When the cache was created.
    pub created: Timestamp,
    /// The cache.
    pub id: CacheId,
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let key =
            |place: &Self| (Reverse(place.grade), place.size, Reverse(place.created), Reverse(place.id));
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What one cache has of all wanted images, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How it serves each wanted image, in the request's order.
    pub images: Vec<ImageMatch>,
    /// Its place.
    pub place: Place,
}

impl Standing {
    /// Judges one candidate.
    #[must_use]
    pub fn of(request: &MatchRequest, candidate: &Candidate) -> Self {
        let layers = candidate.images.iter().flat_map(|image| image.layers.iter().copied());
        let there: BTreeMap<DiffId, ByteSize> = layers.collect();
        let judged = |wanted: &WantedImage| {
            wanted.held_in(&candidate.images, |diff_id| there.contains_key(diff_id)).judged_by(request.policy)
        };
        let images: Vec<ImageMatch> = request.images().iter().map(judged).collect();
        let used = used_layers(request, candidate, &images, &there);
        let grade = match request.policy {
            MatchPolicy::Alibaba => Grade::Alibaba {
                whole: count(&images, |image| image.is_whole()),
                other_tag: count(&images, |image| image == ImageMatch::OtherTag),
            },
            MatchPolicy::Tencent => Grade::Tencent { names: names_there(request, &images) },
            MatchPolicy::Content => {
                let known = request.known_layers();
                let size = |diff_id: &DiffId| known.get(diff_id).or_else(|| there.get(diff_id));
                let saved = used.iter().filter_map(size).fold(ByteSize::ZERO, |sum, size| sum.plus(*size));
                Grade::Content { perfect: images.iter().all(|image| image.is_whole()), saved }
            }
        };
        let used =
            used.iter().filter_map(|diff_id| there.get(diff_id)).fold(ByteSize::ZERO, |sum, s| sum.plus(*s));
        let size = match request.policy {
            MatchPolicy::Tencent => candidate.size_limit,
            MatchPolicy::Alibaba | MatchPolicy::Content => candidate.unpacked_size.minus(used),
        };
        let place = Place { grade, size, created: candidate.created, id: candidate.id };
        Self { images, place }
    }

    /// Whether the cache has anything that the policy looks at.
    #[must_use]
    pub fn has_something(&self) -> bool {
        self.images.iter().any(|image| *image != ImageMatch::Missing)
    }
}

/// The layers of the cache that serve the wanted images: for `alibaba` of those that are there whole.
fn used_layers(
    request: &MatchRequest,
    candidate: &Candidate,
    images: &[ImageMatch],
    there: &BTreeMap<DiffId, ByteSize>,
) -> BTreeSet<DiffId> {
    let mut used = BTreeSet::new();
    for (wanted, served) in request.images().iter().zip(images) {
        let by_layers = match request.policy {
            MatchPolicy::Tencent => continue,
            MatchPolicy::Alibaba => wanted.layers.iter().all(|(diff_id, _)| there.contains_key(diff_id)),
            MatchPolicy::Content => true,
        };
        if by_layers {
            used.extend(
                wanted.layers.iter().map(|(diff_id, _)| *diff_id).filter(|id| there.contains_key(id)),
            );
        }
        let by_name =
            served.is_whole() && (request.policy == MatchPolicy::Alibaba || wanted.layers.is_empty());
        if by_name {
            let named = candidate.images.iter().filter(|image| image.answers_to(&wanted.source).is_some());
            used.extend(named.flat_map(|image| image.layers.iter().map(|(diff_id, _)| *diff_id)));
        }
    }
    used
}

fn count(images: &[ImageMatch], counts: impl Fn(ImageMatch) -> bool) -> u64 {
    images.iter().filter(|image| counts(**image)).count() as u64
}

/// Two wanted versions of one image are one name.
fn names_there(request: &MatchRequest, images: &[ImageMatch]) -> u64 {
    let mut names: Vec<&WantedImage> = Vec::new();
    for (wanted, served) in request.images().iter().zip(images) {
        if *served != ImageMatch::Missing
            && !names.iter().any(|name| name.source.is_same_name(&wanted.source))
        {
            names.push(wanted);
        }
    }
    names.len() as u64
}
