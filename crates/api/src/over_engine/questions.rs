//! Predictions and matches.

use std::collections::BTreeMap;

use engine::{MatchAnswer, MatchQuestion};
use model::matching::{self, MatchCondition, MatchPolicy};
use model::{AccountId, CacheId, ImageSource, Platform, prediction};
use wire::{
    CacheState, Expected, FindMatches, Found, Grade, ImageMatch, Left, LeftBecause, PredictedImage,
    PredictedLayer, Prediction, Ranking, Taken, Totals, Unasked,
};

use super::{OverEngine, credentials};
use crate::service::{PredictRequest, ServiceResult};

/// Caches taken, and caches left, in an answer where it is not said.
const DEFAULT_LIMIT: u32 = 20;

/// A cache's name and state, for people.
type Known = BTreeMap<CacheId, (String, CacheState)>;

impl OverEngine {
    pub(super) async fn prediction(
        &self,
        account: &AccountId,
        request: PredictRequest,
    ) -> ServiceResult<Prediction> {
        let request = engine::PredictRequest {
            account: account.clone(),
            images: request.images,
            platform: request.platform,
            access: request.access,
            credentials: credentials(request.credentials),
        };
        let found = self.engine.predict(request).await?;
        Ok(Prediction {
            images: found.images.iter().map(image).collect(),
            totals: totals(found.totals),
            smallest_size_gib: found.smallest_size_gib,
            suggested_size_gib: found.suggested_size_gib,
        })
    }

    pub(super) async fn ranking(&self, account: &AccountId, asked: &FindMatches) -> ServiceResult<Ranking> {
        let question = MatchQuestion {
            images: asked.images.clone(),
            platform: asked.platform.clone().unwrap_or_else(Platform::linux_amd64),
            policy: policy(asked.policy),
            condition: condition(asked.perfect_match, asked.match_count),
            space: asked.space_bytes,
            limit: asked.limit.unwrap_or(DEFAULT_LIMIT) as usize,
            registries: (!asked.by_name_only)
                .then(|| (asked.access(), credentials(asked.credentials.clone()))),
        };
        let answer = self.engine.explain_match(account, &question).await?;
        let known = self.known(account, &answer).await?;
        Ok(document(&asked.images, answer, &known))
    }

    /// Names and states of the caches in an answer.
    async fn known(&self, account: &AccountId, answer: &MatchAnswer) -> ServiceResult<Known> {
        let taken = answer.ranking.taken.iter().map(|one| one.id);
        let ids: Vec<CacheId> = taken.chain(answer.ranking.left.iter().map(|one| one.id)).collect();
        if ids.is_empty() {
            return Ok(Known::new());
        }
        let account = Some(account.clone());
        let filter = metastore::CacheFilter { account, ids: Some(ids), ..metastore::CacheFilter::default() };
        // At most two hundred: no second page.
        let found = self.records.find_caches(&filter, metastore::Page::first()).await?;
        let known = |cache: model::ImageCache| (cache.id, (cache.name.to_string(), cache.state.into()));
        Ok(found.into_iter().map(known).collect())
    }
}

pub(super) fn policy(policy: wire::MatchPolicy) -> MatchPolicy {
    match policy {
        wire::MatchPolicy::Alibaba => MatchPolicy::Alibaba,
        wire::MatchPolicy::Tencent => MatchPolicy::Tencent,
        wire::MatchPolicy::Content => MatchPolicy::Content,
    }
}

pub(super) fn condition(perfect: bool, at_least: Option<std::num::NonZeroU32>) -> MatchCondition {
    match (perfect, at_least) {
        (true, _) => MatchCondition::Perfect,
        (false, Some(least)) => MatchCondition::AtLeast(least),
        (false, None) => MatchCondition::Any,
    }
}

fn totals(totals: prediction::Totals) -> Totals {
    Totals {
        compressed_bytes: totals.compressed,
        here_bytes: totals.here,
        to_fetch_bytes: totals.to_fetch,
        unpacked: expected(totals.unpacked),
    }
}

fn expected(size: prediction::Expected) -> Expected {
    Expected { low_bytes: size.low(), likely_bytes: size.likely(), high_bytes: size.high() }
}

fn image(image: &prediction::ImagePrediction) -> PredictedImage {
    let layer = |layer: &prediction::LayerPrediction| PredictedLayer {
        diff_id: layer.diff_id.to_string(),
        digest: layer.digest.to_string(),
        compressed_bytes: layer.compressed,
        unpacked: expected(layer.unpacked),
        evidence: layer.evidence.as_str().to_owned(),
        is_here: layer.is_here,
    };
    PredictedImage {
        source: image.source.clone(),
        manifest_digest: image.manifest_digest.to_string(),
        platform: image.platform.clone(),
        layers: image.layers.iter().map(layer).collect(),
        totals: totals(image.totals),
    }
}

fn document(images: &[ImageSource], answer: MatchAnswer, known: &Known) -> Ranking {
    let ranking = answer.ranking;
    // A cache that was deleted in between is left out: nobody could start from it.
    let taken = ranking.taken.iter().filter_map(|one| taken(images, one, known)).collect();
    let left = ranking.left.iter().filter_map(|one| {
        let (name, state) = known.get(&one.id)?.clone();
        Some(Left { id: one.id, name, state, because: because(&one.because) })
    });
    let unasked = |(image, reason)| Unasked { image, reason };
    Ranking {
        taken,
        left: left.collect(),
        taken_total: ranking.taken_in_all as u64,
        left_total: ranking.left_in_all as u64,
        nothing_in_common: ranking.nothing_in_common as u64,
        by_name_only: answer.by_name_only.into_iter().map(unasked).collect(),
    }
}

fn taken(images: &[ImageSource], taken: &matching::Taken, known: &Known) -> Option<Taken> {
    let (name, state) = known.get(&taken.id)?.clone();
    let grade = match taken.reason.grade {
        matching::Grade::Alibaba { whole, other_tag } => Grade::Alibaba { whole, other_tag },
        matching::Grade::Tencent { names } => Grade::Tencent { names },
        matching::Grade::Content { perfect, saved } => Grade::Content { perfect, saved_bytes: saved },
    };
    Some(Taken {
        id: taken.id,
        name,
        state,
        is_perfect: taken.is_perfect(),
        images: images.iter().zip(&taken.images).map(|(image, found)| held(image, *found)).collect(),
        grade,
        compared_bytes: taken.reason.size,
    })
}

fn held(image: &ImageSource, found: matching::ImageMatch) -> ImageMatch {
    let (word, here_bytes, of_bytes) = match found {
        matching::ImageMatch::Exact => (Found::Exact, None, None),
        matching::ImageMatch::SamePinned => (Found::SamePinned, None, None),
        matching::ImageMatch::AllLayers => (Found::AllLayers, None, None),
        matching::ImageMatch::OtherTag => (Found::OtherTag, None, None),
        matching::ImageMatch::Layers { bytes, of } => (Found::Layers, Some(bytes), Some(of)),
        matching::ImageMatch::Missing => (Found::Missing, None, None),
    };
    ImageMatch { image: image.clone(), is_whole: found.is_whole(), found: word, here_bytes, of_bytes }
}

fn because(because: &matching::LeftBecause) -> LeftBecause {
    match because {
        matching::LeftBecause::NothingInCommon => LeftBecause::NothingInCommon,
        matching::LeftBecause::State(_) => LeftBecause::State,
        matching::LeftBecause::Platform(platform) => LeftBecause::Platform { platform: platform.clone() },
        matching::LeftBecause::LargerThanSpace { size, space } => {
            LeftBecause::LargerThanSpace { size_bytes: *size, space_bytes: *space }
        }
        matching::LeftBecause::NotPerfect { have, wanted } => {
            LeftBecause::NotPerfect { have: *have, wanted: *wanted }
        }
        matching::LeftBecause::TooFewImages { have, at_least } => {
            LeftBecause::TooFewImages { have: *have, at_least: *at_least }
        }
    }
}
