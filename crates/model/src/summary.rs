//! What of an image snapshot must be at hand for every cache at once: names, digests and sizes, without documents.

use std::collections::BTreeMap;

use crate::{ByteSize, DiffId, ImageSnapshot, ImageSource, ManifestDigest};

mod encoding;
mod view;

pub use encoding::SummaryError;
pub use view::{ImageView, PackedSummary, SummaryView};

/// An image snapshot without manifests and configs: what matching and accounting of shared bytes look at. It is kept with
/// the snapshot's record, so that a hundred thousand of them are read without opening as many documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SnapshotSummary {
    /// Its layers, each once, in order of their diff ids.
    pub layers: Vec<SummaryLayer>,
    /// Its images, in the order asked for.
    pub images: Vec<SummaryImage>,
}

/// One layer of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SummaryLayer {
    /// Digest of its uncompressed tar.
    pub diff_id: DiffId,
    /// Length as served.
    pub compressed_size: ByteSize,
    /// Length of its EROFS blob.
    pub blob_size: ByteSize,
}

/// One image of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SummaryImage {
    /// The image as the user asked for it.
    pub source: ImageSource,
    /// What it is pinned to.
    pub manifest_digest: ManifestDigest,
    /// The index that it was chosen from, where there was one.
    pub index_digest: Option<ManifestDigest>,
    /// Its layers, lowest first, as places in [`SnapshotSummary::layers`].
    pub layers: Vec<u32>,
}

impl SnapshotSummary {
    /// The layers of one of its images, lowest first.
    pub fn layers_of(&self, image: &SummaryImage) -> impl Iterator<Item = &SummaryLayer> {
        image.layers.iter().filter_map(|place| self.layers.get(*place as usize))
    }

    /// Bytes of all its layers' blobs, each counted once.
    #[must_use]
    pub fn unpacked_size(&self) -> ByteSize {
        self.layers.iter().fold(ByteSize::ZERO, |sum, layer| sum.plus(layer.blob_size))
    }

    /// Bytes as served of all its layers, each counted once: what a build that finds nothing fetches.
    #[must_use]
    pub fn compressed_size(&self) -> ByteSize {
        self.layers.iter().fold(ByteSize::ZERO, |sum, layer| sum.plus(layer.compressed_size))
    }
}

impl From<&ImageSnapshot> for SnapshotSummary {
    fn from(snapshot: &ImageSnapshot) -> Self {
        let mut layers = BTreeMap::new();
        for layer in snapshot.images.iter().flat_map(|image| &image.layers) {
            layers.entry(layer.diff_id).or_insert(SummaryLayer {
                diff_id: layer.diff_id,
                compressed_size: layer.descriptor.size,
                blob_size: layer.blob_size,
            });
        }
        let layers: Vec<SummaryLayer> = layers.into_values().collect();
        let place = |diff_id: &DiffId| {
            let found = layers.binary_search_by_key(diff_id, |layer| layer.diff_id);
            u32::try_from(found.expect("every image's layers are among them")).expect("not that many layers")
        };
        let images = snapshot.images.iter().map(|image| SummaryImage {
            source: image.source.clone(),
            manifest_digest: image.manifest_digest,
            index_digest: image.index_digest,
            layers: image.layers.iter().map(|layer| place(&layer.diff_id)).collect(),
        });
        let images = images.collect();
        Self { layers, images }
    }
}
