//! What is wanted.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use crate::{ByteSize, DiffId, ImageSource, Platform};

use super::MatchPolicy;

/// An image that an instance is to start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedImage {
    /// The image as the user asked for it.
    pub source: ImageSource,
    /// Its layers with their sizes, in any order, by the measure of the caches' own (bytes of the EROFS blob, or the best
    /// guess at it). Empty where they are not known.
    pub layers: Vec<(DiffId, ByteSize)>,
}

impl WantedImage {
    /// An image of which no more than its name is known.
    #[must_use]
    pub fn named(source: ImageSource) -> Self {
        Self { source, layers: Vec::new() }
    }
}

/// What a cache must have to be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatchCondition {
    /// Anything in common.
    #[default]
    Any,
    /// Every wanted image, whole.
    Perfect,
    /// At least that many of the wanted images, whole.
    AtLeast(NonZeroU32),
}

/// Asks which cache serves some images best.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchRequest {
    images: Vec<WantedImage>,
    /// The platform that the images are wanted for. Caches for another one are left.
    pub platform: Platform,
    /// Whose rules decide.
    pub policy: MatchPolicy,
    /// What a cache must have to be taken.
    pub condition: MatchCondition,
    /// The instance's limit on temporary storage: caches with a larger size are left.
    pub space: Option<ByteSize>,
}

impl MatchRequest {
    /// A request without condition and limit. Images that are asked for twice count once.
    #[must_use]
    pub fn new(
        images: impl IntoIterator<Item = WantedImage>,
        platform: Platform,
        policy: MatchPolicy,
    ) -> Self {
        let mut distinct: Vec<WantedImage> = Vec::new();
        for mut image in images {
            // By the size that is said last: the sum must not count a layer twice.
            let layers: BTreeMap<DiffId, ByteSize> = image.layers.into_iter().collect();
            image.layers = layers.into_iter().collect();
            match distinct.iter_mut().find(|known| known.source == image.source) {
                Some(known) if known.layers.is_empty() => *known = image,
                Some(_) => {}
                None => distinct.push(image),
            }
        }
        Self { images: distinct, platform, policy, condition: MatchCondition::Any, space: None }
    }

    /// The wanted images, each once, in the order asked for; their layers each once, by diff id.
    #[must_use]
    pub fn images(&self) -> &[WantedImage] {
        &self.images
    }

    /// The layers of all wanted images whose layers are known, each once, with the largest size stated.
    #[must_use]
    pub fn known_layers(&self) -> BTreeMap<DiffId, ByteSize> {
        let mut layers = BTreeMap::new();
        for (diff_id, size) in self.images.iter().flat_map(|image| &image.layers) {
            let known = layers.entry(*diff_id).or_insert(*size);
            *known = (*known).max(*size);
        }
        layers
    }

    /// Whether a cache for that platform holds what is wanted: each fits the other, so that `linux/arm64` and
    /// `linux/arm64/v8` are one, and a lesser variant is not taken for the wanted one.
    #[must_use]
    pub fn is_for(&self, platform: &Platform) -> bool {
        self.platform.fit(platform).is_some() && platform.fit(&self.platform).is_some()
    }
}
