//! The image snapshot: an immutable document that names images and the blobs they start from.

use base64::Engine as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    ByteSize, ChainId, DiffId, ImageConfig, ImageId, ImageSnapshotId, ImageSource, LayerDescriptor,
    ManifestDigest, Platform, Savings, Timestamp,
};

/// Names a blob of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "digest", rename_all = "lowercase")]
pub enum BlobKey {
    /// One layer as an EROFS blob, by its diff id.
    Layer(DiffId),
    /// A merged metadata image over several layer blobs, by the chain id of these layers.
    Merged(ChainId),
}

impl std::fmt::Display for BlobKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Layer(diff_id) => write!(f, "layer {diff_id}"),
            Self::Merged(chain_id) => write!(f, "merged metadata {chain_id}"),
        }
    }
}

/// Bytes of a JSON document kept exactly as the registry served them, since their digest is over these bytes.
/// Serialises as base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(pub Vec<u8>);

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64::engine::general_purpose::STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}

/// One layer of an image in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotLayer {
    /// Digest of the uncompressed tar, and the blob's key.
    pub diff_id: DiffId,
    /// The layer as the registry serves it.
    pub descriptor: LayerDescriptor,
    /// Length of its EROFS blob.
    pub blob_size: ByteSize,
    /// Whether the layer says what its root directory's attributes are.
    #[serde(default)]
    pub root_is_given: bool,
}

/// One image of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotImage {
    /// The image as the user asked for it.
    pub source: ImageSource,
    /// Digest of the manifest that was chosen: what the tag is pinned to.
    pub manifest_digest: ManifestDigest,
    /// Digest of the index that it was chosen from, where the reference named an index.
    pub index_digest: Option<ManifestDigest>,
    /// Digest of the config.
    pub image_id: ImageId,
    /// What it was built for.
    pub platform: Platform,
    /// The manifest's bytes.
    pub manifest: Document,
    /// The config's bytes.
    pub config_document: Document,
    /// The config, parsed.
    pub config: ImageConfig,
    /// The layers, lowest first.
    pub layers: Vec<SnapshotLayer>,
    /// The merged metadata image to mount instead of a stack of layers, where the layers lean on each other.
    pub merged: Option<ChainId>,
}

impl SnapshotImage {
    /// The keys of every blob that this image needs, each once.
    pub fn blob_keys(&self) -> impl Iterator<Item = BlobKey> {
        let mut keys: Vec<BlobKey> = self.layers.iter().map(|layer| BlobKey::Layer(layer.diff_id)).collect();
        keys.extend(self.merged.map(BlobKey::Merged));
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter()
    }

    /// Whether the user's words name this image: by its source as asked, or by a digest it is pinned to.
    #[must_use]
    pub fn is_named_by(&self, wanted: &ImageSource) -> bool {
        if self.source == *wanted {
            return true;
        }
        let (ImageSource::Registry(own), ImageSource::Registry(wanted)) = (&self.source, wanted) else {
            return false;
        };
        let Some(digest) = wanted.digest() else { return false };
        let pinned =
            *digest == self.manifest_digest.into() || self.index_digest.is_some_and(|i| *digest == i.into());
        pinned && own.host() == wanted.host() && own.repository() == wanted.repository()
    }
}

/// An immutable set of images whose blobs are all in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSnapshot {
    /// Version of this document's form; 1.
    pub version: u32,
    /// Its id, also its file name.
    pub id: ImageSnapshotId,
    /// When it was made.
    pub created: Timestamp,
    /// How long that took, in milliseconds: what a start from it spares.
    #[serde(default)]
    pub made_in_milliseconds: u64,
    /// The images, in the order asked for.
    pub images: Vec<SnapshotImage>,
}

impl ImageSnapshot {
    /// The version that this code writes and reads.
    pub const VERSION: u32 = 1;

    /// The keys of every blob that the snapshot needs, each once, in order.
    #[must_use]
    pub fn blob_keys(&self) -> Vec<BlobKey> {
        let mut keys: Vec<BlobKey> = self.images.iter().flat_map(SnapshotImage::blob_keys).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Bytes of all its layer blobs, each counted once: what the snapshot holds of the store.
    #[must_use]
    pub fn unpacked_size(&self) -> ByteSize {
        let mut seen = std::collections::BTreeSet::new();
        let layers = self.images.iter().flat_map(|image| &image.layers);
        layers
            .filter(|layer| seen.insert(layer.diff_id))
            .fold(ByteSize::ZERO, |sum, layer| sum.plus(layer.blob_size))
    }

    /// What starting these of its images spares: their layers' bytes as served, and the time that the snapshot took to make.
    pub fn savings_of_start<'a>(&self, images: impl IntoIterator<Item = &'a SnapshotImage>) -> Savings {
        let mut seen = std::collections::BTreeSet::new();
        let layers = images.into_iter().flat_map(|image| &image.layers);
        let fetched_bytes = layers
            .filter(|layer| seen.insert(layer.diff_id))
            .fold(ByteSize::ZERO, |sum, layer| sum.plus(layer.descriptor.size));
        Savings { starts: 1, fetched_bytes, milliseconds: self.made_in_milliseconds }
    }

    /// The image that the user's words name, if the snapshot has it.
    #[must_use]
    pub fn find(&self, wanted: &ImageSource) -> Option<&SnapshotImage> {
        self.images.iter().find(|image| image.is_named_by(wanted))
    }
}
