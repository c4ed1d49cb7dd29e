//! Streams: resumed, reset, bounded in number, and ended with the server.

use api::Limits;
use client::Changed;
use model::{CacheState, Subject};
use wire::ProblemKind;

use crate::harness::{Harness, ask, cache, get};

#[tokio::test]
async fn changes_go_on_where_the_reader_was() {
    let harness = Harness::new();
    let client = harness.client();
    let mut watch = client.watch_changes(None);
    assert_eq!(watch.next().await.unwrap(), Changed::Ready(0));
    let first = client.create_cache(&cache("one")).await.unwrap();
    let Changed::Record(number, change) = watch.next().await.unwrap() else { panic!("no change") };
    assert_eq!((number, change.subject, change.gone), (1, Subject::Cache(first.id), false));
    drop(watch);
    // Of another account: passed over.
    let other = client.clone().for_account("other".parse().unwrap());
    other.create_cache(&cache("theirs")).await.unwrap();
    client.delete_cache("one", false).await.unwrap();
    let mut watch = client.watch_changes(Some(1));
    let Changed::Record(number, change) = watch.next().await.unwrap() else { panic!("no change") };
    assert_eq!((number, change.gone), (3, true));
}

#[tokio::test]
async fn a_reader_that_missed_too_much_is_told_so() {
    let harness = Harness::new();
    let client = harness.client();
    for name in ["one", "two"] {
        client.create_cache(&cache(name)).await.unwrap();
    }
    harness.double.forget_changes();
    let mut watch = client.watch_changes(Some(1));
    assert_eq!(watch.next().await.unwrap(), Changed::Reset(2));
    client.create_cache(&cache("three")).await.unwrap();
    assert!(matches!(watch.next().await.unwrap(), Changed::Record(3, _)));
    // A number of other records than these.
    assert_eq!(client.watch_changes(Some(99)).next().await.unwrap(), Changed::Reset(3));
}

#[tokio::test]
async fn progress_is_not_told_twice_and_ends_with_the_build_or_the_cache() {
    let harness = Harness::new();
    let client = harness.client();
    let made = client.create_cache(&cache("web")).await.unwrap();
    let mut watch = client.watch_cache("web");
    for percent in [0, 40, 99] {
        harness.double.set_state(made.id, CacheState::Creating, percent);
        let progress = watch.next().await.unwrap().unwrap();
        assert_eq!((progress.progress_percent, progress.is_settled), (percent, false));
    }
    client.delete_cache("web", false).await.unwrap();
    assert_eq!(watch.next().await.unwrap(), None);
}

#[tokio::test]
async fn there_are_no_more_streams_than_are_allowed() {
    let harness = Harness::with(Limits { max_streams: 1, ..Limits::default() });
    let client = harness.client();
    let mut watch = client.watch_changes(None);
    watch.next().await.unwrap();
    let response = ask(harness.owner(), get("/v1/changes")).await;
    assert_eq!(crate::harness::problem_of(&response).known_kind(), Some(ProblemKind::Busy));
    assert_eq!(response.headers()["retry-after"], "1");
    drop(watch);
    client.watch_changes(None).next().await.unwrap();
}

#[tokio::test]
async fn streams_end_with_the_server() {
    let harness = Harness::new();
    harness.stop.cancel();
    // It would not return before the stream ended.
    assert!(ask(harness.owner(), get("/v1/changes")).await.status().is_success());
}
