//! Documents of `match` and `predict`.

use std::collections::BTreeMap;

use engine::{MatchAnswer, MatchQuestion};
use model::matching::{ImageMatch, Left, Taken};
use model::prediction::{Expected, ImagePrediction, LayerPrediction, Prediction, Totals};
use model::{BlobDigest, ByteSize, CacheId, CacheName, DiffId, ManifestDigest};
use serde::Serialize;

/// `match`: the caches, best first, and why.
#[derive(Serialize)]
pub(crate) struct Matched {
    images: Vec<String>,
    platform: String,
    policy: &'static str,
    taken: Vec<TakenCache>,
    left: Vec<LeftCache>,
    /// How many there are in all, those not told included.
    taken_in_all: usize,
    left_in_all: usize,
    nothing_in_common: usize,
    /// Images that no registry was asked about, or that it could not tell of.
    by_name_only: Vec<String>,
}

#[derive(Serialize)]
struct TakenCache {
    id: CacheId,
    name: Option<CacheName>,
    reason: String,
    is_perfect: bool,
    images: Vec<MatchedImage>,
}

#[derive(Serialize)]
struct MatchedImage {
    image: String,
    #[serde(rename = "match")]
    how: &'static str,
    /// Bytes of its layers that are there, where only some are.
    bytes_there: Option<ByteSize>,
}

#[derive(Serialize)]
struct LeftCache {
    id: CacheId,
    name: Option<CacheName>,
    reason: String,
}

fn how(image: ImageMatch) -> &'static str {
    match image {
        ImageMatch::Exact => "exact",
        ImageMatch::SamePinned => "same-digest",
        ImageMatch::AllLayers => "all-layers",
        ImageMatch::OtherTag => "other-tag",
        ImageMatch::Layers { .. } => "some-layers",
        ImageMatch::Missing => "missing",
    }
}

impl Matched {
    pub(crate) fn new(
        question: &MatchQuestion,
        answer: &MatchAnswer,
        names: &BTreeMap<CacheId, CacheName>,
    ) -> Self {
        let images: Vec<String> = question.images.iter().map(ToString::to_string).collect();
        let matched = |(image, how_it_is): (&String, &ImageMatch)| MatchedImage {
            image: image.clone(),
            how: how(*how_it_is),
            bytes_there: match how_it_is {
                ImageMatch::Layers { bytes, .. } => Some(*bytes),
                _ => None,
            },
        };
        let taken = |taken: &Taken| TakenCache {
            id: taken.id,
            name: names.get(&taken.id).cloned(),
            reason: taken.reason.to_string(),
            is_perfect: taken.is_perfect(),
            images: images.iter().zip(&taken.images).map(matched).collect(),
        };
        let left = |left: &Left| LeftCache {
            id: left.id,
            name: names.get(&left.id).cloned(),
            reason: left.because.to_string(),
        };
        let ranking = &answer.ranking;
        Self {
            taken: ranking.taken.iter().map(taken).collect(),
            left: ranking.left.iter().map(left).collect(),
            platform: question.platform.to_string(),
            policy: question.policy.as_str(),
            taken_in_all: ranking.taken_in_all,
            left_in_all: ranking.left_in_all,
            nothing_in_common: ranking.nothing_in_common,
            by_name_only: answer.by_name_only.iter().map(|(image, _)| image.to_string()).collect(),
            images,
        }
    }
}

/// `predict`: what images will take.
#[derive(Serialize)]
pub(crate) struct Predicted {
    images: Vec<PredictedImage>,
    totals: PredictedTotals,
    smallest_size_gib: u64,
    suggested_size_gib: u64,
}

#[derive(Serialize)]
struct PredictedImage {
    image: String,
    manifest_digest: ManifestDigest,
    platform: String,
    totals: PredictedTotals,
    layers: Vec<PredictedLayer>,
}

#[derive(Serialize)]
struct PredictedLayer {
    digest: BlobDigest,
    diff_id: DiffId,
    compressed_bytes: ByteSize,
    unpacked: Range,
    evidence: &'static str,
    is_here: bool,
}

#[derive(Serialize)]
struct PredictedTotals {
    compressed_bytes: ByteSize,
    here_bytes: ByteSize,
    fetch_bytes: ByteSize,
    unpacked: Range,
}

/// A size; where it is exact, all three are the same.
#[derive(Serialize)]
struct Range {
    is_exact: bool,
    low_bytes: ByteSize,
    likely_bytes: ByteSize,
    high_bytes: ByteSize,
}

impl From<Expected> for Range {
    fn from(expected: Expected) -> Self {
        Self {
            is_exact: expected.is_exact(),
            low_bytes: expected.low(),
            likely_bytes: expected.likely(),
            high_bytes: expected.high(),
        }
    }
}

impl From<&Totals> for PredictedTotals {
    fn from(totals: &Totals) -> Self {
        Self {
            compressed_bytes: totals.compressed,
            here_bytes: totals.here,
            fetch_bytes: totals.to_fetch,
            unpacked: totals.unpacked.into(),
        }
    }
}

impl From<&LayerPrediction> for PredictedLayer {
    fn from(layer: &LayerPrediction) -> Self {
        Self {
            digest: layer.digest,
            diff_id: layer.diff_id,
            compressed_bytes: layer.compressed,
            unpacked: layer.unpacked.into(),
            evidence: layer.evidence.as_str(),
            is_here: layer.is_here,
        }
    }
}

impl From<&ImagePrediction> for PredictedImage {
    fn from(image: &ImagePrediction) -> Self {
        Self {
            image: image.source.to_string(),
            manifest_digest: image.manifest_digest,
            platform: image.platform.to_string(),
            totals: (&image.totals).into(),
            layers: image.layers.iter().map(PredictedLayer::from).collect(),
        }
    }
}

impl From<&Prediction> for Predicted {
    fn from(prediction: &Prediction) -> Self {
        Self {
            images: prediction.images.iter().map(PredictedImage::from).collect(),
            totals: (&prediction.totals).into(),
            smallest_size_gib: prediction.smallest_size_gib,
            suggested_size_gib: prediction.suggested_size_gib,
        }
    }
}
