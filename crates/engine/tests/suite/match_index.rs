//! The index of matching against the rule itself, among so many caches that lists, bitmaps and splitting all take part.

use engine::MatchIndex;
use model::matching::{Candidate, MatchRequest, rank};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use testkit::matching::{cache_id, candidate, match_request};

const CACHES: u32 = 4_000;

/// How many are told.
const LIMIT: usize = 20;

fn drawn<T>(runner: &mut TestRunner, strategy: &impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).unwrap().current()
}

#[test]
fn thousands_of_caches_are_ranked_as_the_rule_ranks_them() {
    let mut runner = TestRunner::deterministic();
    let mut index = MatchIndex::default();
    let mut caches: Vec<Candidate> = Vec::new();
    for number in 0..CACHES {
        let cache = drawn(&mut runner, &candidate(number));
        index.upsert(&cache);
        // Some go again, and their places are taken by others; some change.
        match number % 10 {
            3 => assert!(index.remove(cache_id(number))),
            4 => {
                let changed = drawn(&mut runner, &candidate(number));
                index.upsert(&changed);
                caches.push(changed);
            }
            _ => caches.push(cache),
        }
    }
    for _ in 0..60 {
        let request: MatchRequest = drawn(&mut runner, &match_request());
        assert_eq!(index.rank(&request, LIMIT), rank(&request, &caches, LIMIT), "{request:?}");
    }
}
