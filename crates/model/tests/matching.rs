//! Properties of matching that hold for any caches and any request.
#![allow(clippy::unwrap_used, missing_docs)]

use model::matching::{
    Candidate, CandidateImage, LeftBecause, MatchCondition, MatchPolicy, MatchRequest, explain, rank,
};
use model::{CacheId, CacheState};
use proptest::prelude::*;
use testkit::matching::{cache_id, candidate, candidates, match_request, unpacked_size};

const ALL: usize = usize::MAX;

fn order(request: &MatchRequest, candidates: &[Candidate]) -> Vec<CacheId> {
    rank(request, candidates, ALL).taken.into_iter().map(|taken| taken.id).collect()
}

/// The cache with one image more, counted as a build counts it.
fn with_image(candidate: &Candidate, image: CandidateImage) -> Candidate {
    let beyond = candidate.unpacked_size.minus(unpacked_size(&candidate.images));
    let images: Vec<_> = candidate.images.iter().cloned().chain([image]).collect();
    Candidate { unpacked_size: unpacked_size(&images).plus(beyond), images, ..candidate.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_order_of_candidates_does_not_matter(
        request in match_request(),
        (first, second) in candidates(0..12).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        limit in 0_usize..14,
    ) {
        prop_assert_eq!(rank(&request, &first, limit), rank(&request, &second, limit));
    }

    #[test]
    fn every_candidate_is_taken_or_left_once(request in match_request(), candidates in candidates(0..12)) {
        let ranking = rank(&request, &candidates, ALL);
        let mut named: Vec<CacheId> = ranking.taken.iter().map(|taken| taken.id).collect();
        named.extend(ranking.left.iter().map(|left| left.id));
        named.sort_unstable();
        named.dedup();
        prop_assert_eq!(named.len() + ranking.nothing_in_common, candidates.len());
        prop_assert_eq!((ranking.taken.len(), ranking.left.len()), (ranking.taken_in_all, ranking.left_in_all));
    }

    #[test]
    fn a_ranking_says_of_each_what_is_said_of_it_alone(request in match_request(), candidates in candidates(0..12)) {
        let ranking = rank(&request, &candidates, ALL);
        for candidate in &candidates {
            let taken = ranking.taken.iter().find(|taken| taken.id == candidate.id);
            let left = ranking.left.iter().find(|left| left.id == candidate.id);
            match explain(&request, candidate) {
                Ok(alone) => prop_assert_eq!(Some(&alone), taken),
                Err(LeftBecause::NothingInCommon) => prop_assert!(taken.is_none() && left.is_none()),
                Err(because) => prop_assert_eq!(Some(&because), left.map(|left| &left.because)),
            }
        }
    }

    #[test]
    fn one_candidate_more_changes_nothing_among_the_others(
        request in match_request(),
        candidates in candidates(0..10),
        added in candidate(99),
    ) {
        let before = order(&request, &candidates);
        let with_it: Vec<_> = candidates.into_iter().chain([added]).collect();
        let mut after = order(&request, &with_it);
        after.retain(|id| *id != cache_id(99));
        prop_assert_eq!(before, after);
    }

    #[test]
    fn a_wanted_image_more_in_a_cache_never_lowers_it(
        request in match_request(),
        candidates in candidates(1..8),
        donors in candidates(1..8),
    ) {
        // Where the layers are known, it is those that are wanted: a tag may have moved.
        let is_meant = |image: &CandidateImage| request.images().iter().any(|wanted| {
            let layers_agree = wanted.layers.is_empty() || wanted.layers.len() == image.layers.len()
                && wanted.layers.iter().all(|layer| image.layers.contains(layer));
            image.answers_to(&wanted.source).is_some() && layers_agree
        });
        let wanted = donors.iter().flat_map(|donor| &donor.images).find(|image| is_meant(image));
        let Some(image) = wanted else { return Ok(()) };
        let before = order(&request, &candidates);
        let mut grown = candidates;
        grown[0] = with_image(&grown[0], image.clone());
        let after = order(&request, &grown);
        let place = |order: &[CacheId]| order.iter().position(|id| *id == grown[0].id);
        if let Some(before) = place(&before) {
            prop_assert!(place(&after).is_some_and(|after| after <= before));
        }
    }

    #[test]
    fn a_perfect_match_is_never_behind_a_partial_one(request in match_request(), candidates in candidates(0..12)) {
        prop_assume!(request.policy != MatchPolicy::Tencent);
        let ranking = rank(&request, &candidates, ALL);
        prop_assert!(ranking.taken.is_sorted_by_key(|taken| !taken.is_perfect()));
    }

    #[test]
    fn what_is_taken_fulfils_the_request(request in match_request(), candidates in candidates(0..12)) {
        for taken in rank(&request, &candidates, ALL).taken {
            let cache = candidates.iter().find(|candidate| candidate.id == taken.id).unwrap();
            let whole = taken.images.iter().filter(|image| image.is_whole()).count();
            match request.condition {
                MatchCondition::Any => {}
                MatchCondition::Perfect => prop_assert_eq!(whole, request.images().len()),
                MatchCondition::AtLeast(least) => prop_assert!(whole >= least.get() as usize),
            }
            prop_assert!(cache.state == CacheState::Ready || request.policy == MatchPolicy::Content);
            prop_assert!(cache.state.is_usable());
            prop_assert!(request.space.is_none_or(|space| cache.size_limit <= space));
            prop_assert_eq!(&cache.platform.arch, &request.platform.arch);
        }
    }

    #[test]
    fn a_limit_cuts_and_does_no_more(request in match_request(), candidates in candidates(0..12), limit in 0_usize..6) {
        let (whole, cut) = (rank(&request, &candidates, ALL), rank(&request, &candidates, limit));
        prop_assert!(cut.taken.iter().eq(whole.taken.iter().take(limit)));
        prop_assert!(cut.left.iter().eq(whole.left.iter().take(limit)));
        prop_assert_eq!((cut.taken_in_all, cut.left_in_all), (whole.taken_in_all, whole.left_in_all));
    }
}
