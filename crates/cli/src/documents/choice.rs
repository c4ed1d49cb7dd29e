//! Documents of `match` and `predict`.

use model::{ByteSize, CacheId};
use serde::Serialize;
use wire::{Expected, FindMatches, Found, PredictedLayer, Prediction, Ranking, Totals};

use crate::commands::matching::{left_reason, taken_reason};

/// `match`: the caches, best first, and why.
#[derive(Serialize)]
pub(crate) struct Matched {
    images: Vec<String>,
    platform: String,
    policy: &'static str,
    taken: Vec<TakenCache>,
    left: Vec<LeftCache>,
    /// How many there are in all, those not told included.
    taken_in_all: u64,
    left_in_all: u64,
    nothing_in_common: u64,
    /// Images that no registry was asked about, or that it could not tell of.
    by_name_only: Vec<String>,
}

#[derive(Serialize)]
struct TakenCache {
    id: CacheId,
    name: String,
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
    name: String,
    reason: String,
}

fn how(found: Found) -> &'static str {
    match found {
        Found::Exact => "exact",
        Found::SamePinned => "same-digest",
        Found::AllLayers => "all-layers",
        Found::OtherTag => "other-tag",
        Found::Layers => "some-layers",
        Found::Missing => "missing",
    }
}

impl Matched {
    pub(crate) fn new(question: &FindMatches, platform: &model::Platform, ranking: &Ranking) -> Self {
        let wanted = question.images.len();
        let matched = |image: &wire::ImageMatch| MatchedImage {
            image: image.image.to_string(),
            how: how(image.found),
            bytes_there: image.here_bytes,
        };
        let taken = |taken: &wire::Taken| TakenCache {
            id: taken.id,
            name: taken.name.clone(),
            reason: taken_reason(taken, wanted),
            is_perfect: taken.is_perfect,
            images: taken.images.iter().map(matched).collect(),
        };
        let left =
            |left: &wire::Left| LeftCache { id: left.id, name: left.name.clone(), reason: left_reason(left) };
        Self {
            images: question.images.iter().map(ToString::to_string).collect(),
            platform: platform.to_string(),
            policy: question.policy.as_str(),
            taken: ranking.taken.iter().map(taken).collect(),
            left: ranking.left.iter().map(left).collect(),
            taken_in_all: ranking.taken_total,
            left_in_all: ranking.left_total,
            nothing_in_common: ranking.nothing_in_common,
            by_name_only: ranking.by_name_only.iter().map(|one| one.image.to_string()).collect(),
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
    manifest_digest: String,
    platform: String,
    totals: PredictedTotals,
    layers: Vec<Layer>,
}

#[derive(Serialize)]
struct Layer {
    digest: String,
    diff_id: String,
    compressed_bytes: ByteSize,
    unpacked: Range,
    evidence: String,
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
            low_bytes: expected.low_bytes,
            likely_bytes: expected.likely_bytes,
            high_bytes: expected.high_bytes,
        }
    }
}

impl From<&Totals> for PredictedTotals {
    fn from(totals: &Totals) -> Self {
        Self {
            compressed_bytes: totals.compressed_bytes,
            here_bytes: totals.here_bytes,
            fetch_bytes: totals.to_fetch_bytes,
            unpacked: totals.unpacked.into(),
        }
    }
}

impl From<&PredictedLayer> for Layer {
    fn from(layer: &PredictedLayer) -> Self {
        Self {
            digest: layer.digest.clone(),
            diff_id: layer.diff_id.clone(),
            compressed_bytes: layer.compressed_bytes,
            unpacked: layer.unpacked.into(),
            evidence: layer.evidence.clone(),
            is_here: layer.is_here,
        }
    }
}

impl From<&wire::PredictedImage> for PredictedImage {
    fn from(image: &wire::PredictedImage) -> Self {
        Self {
            image: image.source.to_string(),
            manifest_digest: image.manifest_digest.clone(),
            platform: image.platform.to_string(),
            totals: (&image.totals).into(),
            layers: image.layers.iter().map(Layer::from).collect(),
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
