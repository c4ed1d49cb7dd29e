//! What a cache has of one wanted image.

use crate::{ByteSize, ImageSource};

use super::{CandidateImage, MatchPolicy, WantedImage};

/// How a cache's image answers to the wanted word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// By the digest that its tag is pinned to.
    Pinned,
    /// By the same word.
    Exact,
}

/// How much of a wanted image's layers a cache has, under whatever name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayersHeld {
    /// How many of them.
    pub count: usize,
    /// How many there are.
    pub of_count: usize,
    /// Their bytes, by the request's sizes.
    pub bytes: ByteSize,
    /// The bytes of all.
    pub of_bytes: ByteSize,
}

/// The facts about one wanted image in one cache, before any policy judges them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Whether an image there answers to the wanted word.
    pub named: Option<Named>,
    /// Whether an image of that registry and repository is there, in whatever version.
    pub same_name: bool,
    /// What of its layers is there; `None` where they are not known.
    pub layers: Option<LayersHeld>,
}

/// How a cache serves one wanted image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageMatch {
    /// The image by the same word.
    Exact,
    /// The image by the digest that the cache's tag is pinned to.
    SamePinned,
    /// All its layers, under another name.
    AllLayers,
    /// Another version of it; the cache's layers may save some bytes.
    OtherTag,
    /// Some of its layers: that many bytes need not be fetched.
    Layers {
        /// Bytes that are there.
        bytes: ByteSize,
        /// Bytes of all its layers.
        of: ByteSize,
    },
    /// Nothing of it.
    Missing,
}

impl ImageMatch {
    /// Whether nothing of the image needs to be fetched.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Exact | Self::SamePinned | Self::AllLayers)
    }
}

impl Holding {
    /// What these facts mean to that policy.
    #[must_use]
    pub fn judged_by(&self, policy: MatchPolicy) -> ImageMatch {
        let all_layers = self.layers.is_some_and(|held| held.count == held.of_count);
        let named = self.named.map(|named| match named {
            Named::Exact => ImageMatch::Exact,
            Named::Pinned => ImageMatch::SamePinned,
        });
        match (policy, self.layers) {
            (MatchPolicy::Content, Some(_)) if all_layers => named.unwrap_or(ImageMatch::AllLayers),
            // The word may be the same and the image not: a tag that has moved.
            (MatchPolicy::Content, Some(held)) if held.count > 0 => {
                ImageMatch::Layers { bytes: held.bytes, of: held.of_bytes }
            }
            (MatchPolicy::Content, Some(_)) => ImageMatch::Missing,
            (MatchPolicy::Content, None) => named.unwrap_or(ImageMatch::Missing),
            (MatchPolicy::Alibaba, _) if named.is_none() && all_layers => ImageMatch::AllLayers,
            (MatchPolicy::Alibaba | MatchPolicy::Tencent, _) => match named {
                Some(named) => named,
                None if self.same_name => ImageMatch::OtherTag,
                None => ImageMatch::Missing,
            },
        }
    }
}

impl CandidateImage {
    /// How this image answers to the wanted word, if it does.
    #[must_use]
    pub fn answers_to(&self, wanted: &ImageSource) -> Option<Named> {
        if self.source == *wanted {
            return Some(Named::Exact);
        }
        let ImageSource::Registry(reference) = wanted else { return None };
        let digest = *reference.digest()?;
        let pinned =
            digest == self.manifest_digest.into() || self.index_digest.is_some_and(|i| digest == i.into());
        (pinned && self.source.is_same_name(wanted)).then_some(Named::Pinned)
    }
}

impl WantedImage {
    /// What is there of it, told by which layers and images are there.
    pub(super) fn held_in(&self, images: &[CandidateImage], has: impl Fn(&crate::DiffId) -> bool) -> Holding {
        let mut held = LayersHeld::none();
        for (diff_id, size) in &self.layers {
            held.add(*size, has(diff_id));
        }
        Holding {
            named: images.iter().filter_map(|image| image.answers_to(&self.source)).max(),
            same_name: images.iter().any(|image| image.source.is_same_name(&self.source)),
            layers: (held.of_count > 0).then_some(held),
        }
    }
}

impl LayersHeld {
    /// None so far.
    #[must_use]
    pub fn none() -> Self {
        Self { count: 0, of_count: 0, bytes: ByteSize::ZERO, of_bytes: ByteSize::ZERO }
    }

    /// One layer more, that is there or not.
    pub fn add(&mut self, size: ByteSize, is_there: bool) {
        self.of_count += 1;
        self.of_bytes = self.of_bytes.plus(size);
        if is_there {
            self.count += 1;
            self.bytes = self.bytes.plus(size);
        }
    }
}
