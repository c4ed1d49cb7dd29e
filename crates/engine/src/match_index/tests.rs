use std::collections::BTreeMap;

use model::ByteSize;
use model::matching::{Candidate, MatchRequest, rank};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use testkit::matching::{cache_id, candidate, match_request};

use super::*;

/// What may happen to an index.
#[derive(Clone, Debug)]
enum Step {
    Upsert(Box<Candidate>),
    Remove(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_u32..24).prop_flat_map(|number| {
        prop_oneof![
            3 => candidate(number).prop_map(|candidate| Step::Upsert(Box::new(candidate))),
            1 => Just(Step::Remove(number)),
        ]
    });
    proptest::collection::vec(step, 0..60)
}

fn walk(steps: Vec<Step>) -> (MatchIndex, Vec<Candidate>) {
    let mut index = MatchIndex::default();
    let mut caches = BTreeMap::new();
    for step in steps {
        match step {
            Step::Upsert(candidate) => {
                index.upsert(&candidate);
                caches.insert(candidate.id, *candidate);
            }
            Step::Remove(number) => {
                let was_there = index.remove(cache_id(number));
                assert_eq!(was_there, caches.remove(&cache_id(number)).is_some());
            }
        }
        assert_eq!(index.len(), caches.len());
    }
    (index, caches.into_values().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_index_answers_as_the_rule_does(
        steps in steps(),
        requests in proptest::collection::vec(match_request(), 1..8),
        limit in 0_usize..12,
    ) {
        let (index, caches) = walk(steps);
        for request in &requests {
            prop_assert_eq!(index.rank(request, limit), rank(request, &caches, limit), "{:?}", request);
        }
    }

    #[test]
    fn nothing_stays_behind(steps in steps()) {
        let (mut index, caches) = walk(steps);
        for cache in &caches {
            prop_assert!(index.remove(cache.id));
        }
        prop_assert!(index.is_empty());
        prop_assert_eq!((index.caches.images.len(), index.layers.len()), (0, 0));
        prop_assert_eq!((index.caches.sources.len(), index.caches.names.len()), (0, 0));
    }
}

#[test]
fn an_empty_index_has_nothing() {
    let request =
        MatchRequest::new([], model::Platform::linux_amd64(), model::matching::MatchPolicy::Content);
    assert_eq!(MatchIndex::default().rank(&request, 20), Ranking::default());
}

#[test]
fn of_equals_the_greater_ids_go_first_wherever_they_lie() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let image = testkit::matching::candidate_image().new_tree(&mut runner).unwrap().current();
    let equal = |number| Candidate {
        id: cache_id(number),
        created: model::Timestamp::from_micros(1),
        state: model::CacheState::Ready,
        size_limit: ByteSize::gib(1),
        unpacked_size: ByteSize::gib(1),
        platform: model::Platform::linux_amd64(),
        images: vec![image.clone()],
    };
    for numbers in [(0..200).collect::<Vec<_>>(), (0..200).rev().collect()] {
        let mut index = MatchIndex::default();
        numbers.iter().for_each(|number| index.upsert(&equal(*number)));
        let wanted = model::matching::WantedImage::named(image.source.clone());
        for policy in model::matching::MatchPolicy::ALL {
            let request = MatchRequest::new([wanted.clone()], model::Platform::linux_amd64(), policy);
            let taken: Vec<_> = index.rank(&request, 3).taken.iter().map(|taken| taken.id).collect();
            assert_eq!(taken, [cache_id(199), cache_id(198), cache_id(197)]);
        }
    }
}
