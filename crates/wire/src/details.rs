//! A cache with what is known of it beyond its record.

use model::{
    BuildId, ByteSize, ImageSnapshot, ImageSource, Platform, SnapshotImage, SnapshotLayer, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Cache, Cost};

/// A cache with its images, its sizes and what it costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CacheDetails {
    /// The cache.
    #[serde(flatten)]
    pub cache: Cache,
    /// What its images are pinned to; empty before it is usable.
    pub pinned: Vec<Image>,
    /// When that was; null before it is usable.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub pinned_at: Option<Timestamp>,
    /// What it takes of the store; null before it is usable.
    pub sizes: Option<Sizes>,
    /// What it has cost up to now; null before it is usable.
    pub cost: Option<Cost>,
    /// Its build that waits or runs.
    pub build: Option<Build>,
    /// How many further caches of the account have its name, where it was asked for by name.
    pub others_of_name: u64,
}

/// What a cache takes of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sizes {
    /// Unpacked bytes of the image snapshot that it serves.
    #[schema(value_type = u64)]
    pub unpacked_bytes: ByteSize,
    /// Those that nothing else needs: deleting the cache frees them, and `generations_bytes` as well.
    #[schema(value_type = u64)]
    pub exclusive_bytes: ByteSize,
    /// Those that others need as well.
    #[schema(value_type = u64)]
    pub shared_bytes: ByteSize,
    /// Bytes that only its earlier image snapshots need.
    #[schema(value_type = u64)]
    pub generations_bytes: ByteSize,
    /// The layers of the image snapshot as served.
    #[schema(value_type = u64)]
    pub compressed_bytes: ByteSize,
}

/// A build that waits or runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Build {
    /// Its id.
    #[schema(value_type = String)]
    pub id: BuildId,
    /// `Queued` or `Running`.
    #[schema(example = "Running")]
    pub state: String,
    /// How many processes have run it.
    pub attempts: u32,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub queued: Timestamp,
    /// When its first process began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started: Option<Timestamp>,
}

/// An image of an image snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Image {
    /// The image as it was asked for.
    #[schema(value_type = String)]
    pub source: ImageSource,
    /// Digest of its manifest: what its tag is pinned to.
    #[schema(example = "sha256:0a1b...")]
    pub manifest_digest: String,
    /// Digest of the index that it was chosen from, where there was one.
    pub index_digest: Option<String>,
    /// Digest of its config.
    pub image_id: String,
    /// What it was built for.
    #[serde(with = "crate::text")]
    #[schema(value_type = String)]
    pub platform: Platform,
    /// Whether it starts from a merged metadata image, since its layers lean on each other.
    pub is_merged: bool,
    /// Its layers, lowest first.
    pub layers: Vec<Layer>,
}

/// A layer of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Layer {
    /// Digest of the uncompressed tar.
    pub diff_id: String,
    /// Digest as served.
    pub digest: String,
    /// Length as served.
    #[schema(value_type = u64)]
    pub compressed_bytes: ByteSize,
    /// Length unpacked.
    #[schema(value_type = u64)]
    pub unpacked_bytes: ByteSize,
}

impl Image {
    /// Those of an image snapshot.
    #[must_use]
    pub fn of_snapshot(snapshot: &ImageSnapshot) -> Vec<Self> {
        snapshot.images.iter().map(Self::from).collect()
    }
}

impl From<&SnapshotImage> for Image {
    fn from(image: &SnapshotImage) -> Self {
        Self {
            source: image.source.clone(),
            manifest_digest: image.manifest_digest.to_string(),
            index_digest: image.index_digest.map(|digest| digest.to_string()),
            image_id: image.image_id.to_string(),
            platform: image.platform.clone(),
            is_merged: image.merged.is_some(),
            layers: image.layers.iter().map(Layer::from).collect(),
        }
    }
}

impl From<&SnapshotLayer> for Layer {
    fn from(layer: &SnapshotLayer) -> Self {
        Self {
            diff_id: layer.diff_id.to_string(),
            digest: layer.descriptor.digest.to_string(),
            compressed_bytes: layer.descriptor.size,
            unpacked_bytes: layer.blob_size,
        }
    }
}
