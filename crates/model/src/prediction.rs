//! How large images will be before anything is fetched.
//!
//! The manifest says what a layer takes as served; what it takes unpacked is known only of layers that were unpacked before.
//! Of others there is more or less [`Evidence`], and none of it can be trusted: it gives an estimate with a range, never a
//! limit. While a build runs, the cache's size is what ends it.
//!
//! What counts against a cache's size is the larger of a layer's tar and its EROFS blob. A blob has each file's bytes in
//! blocks of 4 KiB of their own, where a tar has them in 512 bytes with as many for a header: of large files a blob is as
//! long as the tar, of small ones longer.

mod evidence;
mod expected;

use serde::{Deserialize, Serialize};

pub use evidence::{Evidence, GZIP_TRAILER_LEN, ZSTD_HEADER_LEN};
pub use expected::Expected;

use crate::{BlobDigest, ByteSize, Compression, DiffId, ImageSource, ManifestDigest, Platform};

/// What a layer will take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerPrediction {
    /// Digest of its uncompressed tar.
    pub diff_id: DiffId,
    /// The layer as served.
    pub digest: BlobDigest,
    /// How it is compressed, by its manifest.
    pub compression: Compression,
    /// Length as served.
    pub compressed: ByteSize,
    /// What it will count against the cache's size.
    pub unpacked: Expected,
    /// What that is known by.
    pub evidence: Evidence,
    /// Whether its blob is here already: it will not be fetched.
    pub is_here: bool,
}

/// What an image will take, its layers each counted once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePrediction {
    /// The image as asked for.
    pub source: ImageSource,
    /// What it means now.
    pub manifest_digest: ManifestDigest,
    /// What it was built for.
    pub platform: Platform,
    /// Its layers, lowest first.
    pub layers: Vec<LayerPrediction>,
    /// The sums.
    pub totals: Totals,
}

/// Sums over layers, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Bytes as served.
    pub compressed: ByteSize,
    /// What is here already, in bytes as served.
    pub here: ByteSize,
    /// What must be fetched.
    pub to_fetch: ByteSize,
    /// What will count against the cache's size.
    pub unpacked: Expected,
}

impl Totals {
    fn of<'a>(layers: impl Iterator<Item = &'a LayerPrediction>) -> Self {
        let mut seen = std::collections::BTreeSet::new();
        let mut totals = Self::default();
        for layer in layers.filter(|layer| seen.insert(layer.diff_id)) {
            totals.compressed = totals.compressed.plus(layer.compressed);
            let part = if layer.is_here { &mut totals.here } else { &mut totals.to_fetch };
            *part = part.plus(layer.compressed);
            totals.unpacked = totals.unpacked.plus(layer.unpacked);
        }
        totals
    }
}

impl ImagePrediction {
    /// Sums its layers up.
    #[must_use]
    pub fn new(
        source: ImageSource,
        manifest_digest: ManifestDigest,
        platform: Platform,
        layers: Vec<LayerPrediction>,
    ) -> Self {
        let totals = Totals::of(layers.iter());
        Self { source, manifest_digest, platform, layers, totals }
    }
}

/// What a cache of some images will take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// Image by image, in the order asked for.
    pub images: Vec<ImagePrediction>,
    /// All together; what images share is counted once.
    pub totals: Totals,
    /// The smallest size of a cache that is enough for the likely sum, in GiB.
    pub smallest_size_gib: u64,
    /// The size to give: enough for the high end of the sum's range, in GiB.
    pub suggested_size_gib: u64,
}

impl Prediction {
    /// Sums the images up.
    #[must_use]
    pub fn new(images: Vec<ImagePrediction>) -> Self {
        let totals = Totals::of(images.iter().flat_map(|image| &image.layers));
        Self {
            images,
            totals,
            smallest_size_gib: totals.unpacked.likely().gib_rounded_up(),
            suggested_size_gib: totals.unpacked.high().gib_rounded_up(),
        }
    }
}

#[cfg(test)]
mod tests;
