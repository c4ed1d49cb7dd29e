//! The answer: caches taken, best first, caches left, and why.

use crate::{ByteSize, CacheId, CacheState, Platform};

use super::{Candidate, Grade, ImageMatch, MatchCondition, MatchRequest, Offer, Standing};

/// Why a cache stands where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// How well it matches.
    pub grade: Grade,
    /// How many different images are wanted.
    pub wanted: u64,
    /// What decides between equals: its unpacked bytes beyond the wanted images, or for `tencent` its size.
    pub size: ByteSize,
}

/// A cache that may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The cache.
    pub id: CacheId,
    /// Why it stands there.
    pub reason: Reason,
    /// How it serves each wanted image, in the order of [`MatchRequest::images`].
    pub images: Vec<ImageMatch>,
}

impl Taken {
    /// Whether nothing remains to be fetched.
    #[must_use]
    pub fn is_perfect(&self) -> bool {
        self.images.iter().all(|image| image.is_whole())
    }
}

/// Why a cache is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftBecause {
    /// It has nothing that the policy looks at.
    NothingInCommon,
    /// Its state does not let the policy take it.
    State(CacheState),
    /// It is for another platform.
    Platform(Platform),
    /// It is larger than the instance's space.
    LargerThanSpace {
        /// The cache's size.
        size: ByteSize,
        /// The instance's space.
        space: ByteSize,
    },
    /// Every image was to be there whole.
    NotPerfect {
        /// How many are.
        have: u64,
        /// How many are wanted.
        wanted: u64,
    },
    /// So many images were to be there whole.
    TooFewImages {
        /// How many are.
        have: u64,
        /// How many were asked for.
        at_least: u64,
    },
}

/// A cache that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The cache.
    pub id: CacheId,
    /// Why not.
    pub because: LeftBecause,
}

/// The answer to a [`MatchRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranking {
    /// The caches that may be used, best first; at most as many as asked for.
    pub taken: Vec<Taken>,
    /// Caches that have something in common with the request and may not be used, in the order in which they would stand;
    /// at most as many as asked for.
    pub left: Vec<Left>,
    /// How many may be used in all.
    pub taken_in_all: usize,
    /// How many have something in common and may not be used, in all.
    pub left_in_all: usize,
    /// How many have nothing in common with the request.
    pub nothing_in_common: usize,
}

impl Ranking {
    /// The cache to use; `None` is a miss.
    #[must_use]
    pub fn best(&self) -> Option<&Taken> {
        self.taken.first()
    }
}

impl LeftBecause {
    /// Why a cache with something in common is left, if it is.
    #[must_use]
    pub fn judge(request: &MatchRequest, offer: Offer<'_>, images: &[ImageMatch]) -> Option<Self> {
        if !request.policy.takes(offer.state) {
            return Some(Self::State(offer.state));
        }
        if !request.is_for(offer.platform) {
            return Some(Self::Platform(offer.platform.clone()));
        }
        if let Some(space) = request.space.filter(|space| offer.size_limit > *space) {
            return Some(Self::LargerThanSpace { size: offer.size_limit, space });
        }
        let have = images.iter().filter(|image| image.is_whole()).count() as u64;
        let wanted = images.len() as u64;
        match request.condition {
            MatchCondition::Perfect if have < wanted => Some(Self::NotPerfect { have, wanted }),
            MatchCondition::AtLeast(least) if have < u64::from(least.get()) => {
                Some(Self::TooFewImages { have, at_least: u64::from(least.get()) })
            }
            MatchCondition::Any | MatchCondition::Perfect | MatchCondition::AtLeast(_) => None,
        }
    }
}

impl Taken {
    /// A cache that is not left, with how it stands.
    #[must_use]
    pub fn standing(standing: Standing) -> Self {
        let Standing { images, place } = standing;
        let reason = Reason { grade: place.grade, wanted: images.len() as u64, size: place.size };
        Self { id: place.id, reason, images }
    }
}

/// Says of one cache whether and why it may be used.
///
/// # Errors
/// Why it is left.
pub fn explain(request: &MatchRequest, candidate: &Candidate) -> Result<Taken, LeftBecause> {
    let standing = Standing::of(request, candidate);
    if !standing.has_something() {
        return Err(LeftBecause::NothingInCommon);
    }
    match LeftBecause::judge(request, candidate.offer(), &standing.images) {
        Some(because) => Err(because),
        None => Ok(Taken::standing(standing)),
    }
}

/// Ranks the candidates, with at most `limit` taken and `limit` left ones in the answer.
#[must_use]
pub fn rank(request: &MatchRequest, candidates: &[Candidate], limit: usize) -> Ranking {
    let mut ranking = Ranking::default();
    let mut taken = Vec::new();
    let mut left = Vec::new();
    for candidate in candidates {
        let standing = Standing::of(request, candidate);
        if !standing.has_something() {
            ranking.nothing_in_common += 1;
            continue;
        }
        match LeftBecause::judge(request, candidate.offer(), &standing.images) {
            Some(because) => left.push((standing.place, Left { id: candidate.id, because })),
            None => taken.push((standing.place, Taken::standing(standing))),
        }
    }
    (ranking.taken_in_all, ranking.left_in_all) = (taken.len(), left.len());
    taken.sort_unstable_by_key(|(place, _)| *place);
    left.sort_unstable_by_key(|(place, _)| *place);
    ranking.taken = taken.into_iter().take(limit).map(|(_, taken)| taken).collect();
    ranking.left = left.into_iter().take(limit).map(|(_, left)| left).collect();
    ranking
}
