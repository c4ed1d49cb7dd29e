//! What a cache offers.

use crate::{
    ByteSize, CacheId, CacheState, DiffId, ImageCache, ImageSnapshot, ImageSource, ManifestDigest, Platform,
    SnapshotImage, Timestamp,
};

/// One image of a cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CandidateImage {
    /// The image as it was asked for when the cache was built.
    pub source: ImageSource,
    /// What it is pinned to; it settles which layers there are.
    pub manifest_digest: ManifestDigest,
    /// The index that it was chosen from, where there was one.
    pub index_digest: Option<ManifestDigest>,
    /// Its layers, with the bytes of their blobs.
    pub layers: Vec<(DiffId, ByteSize)>,
}

/// A cache, as far as matching looks at it. It has no name: whoever prints a ranking has the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The cache.
    pub id: CacheId,
    /// When it was created.
    pub created: Timestamp,
    /// Where it is in its life.
    pub state: CacheState,
    /// Its size, as the user gave it.
    pub size_limit: ByteSize,
    /// Bytes of its unpacked images.
    pub unpacked_size: ByteSize,
    /// Which platform's images.
    pub platform: Platform,
    /// What it holds.
    pub images: Vec<CandidateImage>,
}

/// Those facts of a cache that decide whether it may be taken at all, whatever it holds.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// Where it is in its life.
    pub state: CacheState,
    /// Which platform's images.
    pub platform: &'a Platform,
    /// Its size, as the user gave it.
    pub size_limit: ByteSize,
}

impl From<&SnapshotImage> for CandidateImage {
    fn from(image: &SnapshotImage) -> Self {
        Self {
            source: image.source.clone(),
            manifest_digest: image.manifest_digest,
            index_digest: image.index_digest,
            layers: image.layers.iter().map(|layer| (layer.diff_id, layer.blob_size)).collect(),
        }
    }
}

impl Candidate {
    /// A cache with the image snapshot that it serves.
    #[must_use]
    pub fn of(cache: &ImageCache, snapshot: &ImageSnapshot) -> Self {
        Self {
            id: cache.id,
            created: cache.created,
            state: cache.state,
            size_limit: cache.size_limit,
            unpacked_size: snapshot.unpacked_size(),
            platform: cache.platform.clone(),
            images: snapshot.images.iter().map(CandidateImage::from).collect(),
        }
    }

    pub(super) fn offer(&self) -> Offer<'_> {
        Offer { state: self.state, platform: &self.platform, size_limit: self.size_limit }
    }
}
