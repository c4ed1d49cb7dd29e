//! A cache's images as fingerprints: all that an index takes in of them.
//!
//! They are made without looking into any index, so on whatever thread.

use std::ops::Range;

use model::matching::Candidate;
use model::{ByteSize, ManifestDigest, SnapshotSummary, SummaryLayer, SummaryView};

use super::fingerprint::{Fingerprint, Fingerprints};

/// The images of one cache.
#[derive(Debug, Default)]
pub(crate) struct Prints {
    pub(crate) images: Vec<ImagePrint>,
    /// Layers and the bytes of their blobs.
    pub(crate) layers: Vec<(Fingerprint, u64)>,
    /// The layers of all images one behind the other, as places in `layers`.
    places: Vec<u32>,
}

/// One image.
#[derive(Clone, Debug)]
pub(crate) struct ImagePrint {
    /// The word by which it was asked for.
    pub(super) source: Fingerprint,
    /// What all its versions have in common.
    pub(super) name: Fingerprint,
    /// What it is pinned to.
    pub(super) manifest: Fingerprint,
    /// The index that it was chosen from.
    pub(super) index: Option<Fingerprint>,
    places: Range<usize>,
}

impl Prints {
    /// Of a candidate.
    pub(super) fn of_candidate(keys: &Fingerprints, candidate: &Candidate) -> Self {
        let mut prints = Self::default();
        for image in &candidate.images {
            let first = prints.layers.len();
            let layers =
                image.layers.iter().map(|(diff_id, size)| (keys.of_digest(diff_id.digest()), size.as_u64()));
            prints.layers.extend(layers);
            // Places are numbered in u32 throughout.
            let places = (first..prints.layers.len()).map(|place| place as u32);
            let word = (keys.of_source(&image.source), keys.of_name(&image.source));
            prints.push(keys, word, (image.manifest_digest, image.index_digest), places);
        }
        prints
    }

    /// Of a summary that is read in place.
    pub(crate) fn of_view(keys: &Fingerprints, summary: &SummaryView<'_>) -> Self {
        let mut prints = Self::of_layers(keys, &summary.layers);
        prints.images.reserve(summary.images.len());
        for image in &summary.images {
            let word = (keys.of_source_text(image.source), keys.of_name_text(image.source));
            prints.push(keys, word, (image.manifest_digest, image.index_digest), image.layers());
        }
        prints
    }

    /// Of a summary.
    pub(crate) fn of_summary(keys: &Fingerprints, summary: &SnapshotSummary) -> Self {
        let mut prints = Self::of_layers(keys, &summary.layers);
        for image in &summary.images {
            let word = (keys.of_source(&image.source), keys.of_name(&image.source));
            let digests = (image.manifest_digest, image.index_digest);
            prints.push(keys, word, digests, image.layers.iter().copied());
        }
        prints
    }

    fn of_layers(keys: &Fingerprints, layers: &[SummaryLayer]) -> Self {
        let layer = |layer: &SummaryLayer| (keys.of_digest(layer.diff_id.digest()), layer.blob_size.as_u64());
        Self { layers: layers.iter().map(layer).collect(), ..Self::default() }
    }

    fn push(
        &mut self,
        keys: &Fingerprints,
        (source, name): (Fingerprint, Fingerprint),
        (manifest, index): (ManifestDigest, Option<ManifestDigest>),
        layers: impl Iterator<Item = u32>,
    ) {
        let begin = self.places.len();
        self.places.extend(layers);
        let digest = |digest: ManifestDigest| keys.of_digest(digest.digest());
        let places = begin..self.places.len();
        let (manifest, index) = (digest(manifest), index.map(digest));
        self.images.push(ImagePrint { source, name, manifest, index, places });
    }

    /// Bytes of all layers' blobs, each counted once; where one summary was the source, it has each once.
    pub(crate) fn unpacked_size(&self) -> ByteSize {
        self.layers.iter().fold(ByteSize::ZERO, |sum, (_, size)| sum.plus(ByteSize::bytes(*size)))
    }

    /// The layers of one image.
    pub(super) fn layers_of(&self, image: &ImagePrint) -> impl Iterator<Item = (Fingerprint, u64)> {
        self.places[image.places.clone()].iter().map(|place| self.layers[*place as usize])
    }
}
