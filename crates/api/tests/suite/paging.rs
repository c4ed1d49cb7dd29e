//! Pages and their tokens.

use client::ListCaches;
use wire::{Order, ProblemKind};

use crate::harness::{Harness, cache};

#[tokio::test]
async fn pages_have_everything_once_in_order() {
    let harness = Harness::new();
    let client = harness.client();
    for number in 0..7 {
        client.create_cache(&cache(&format!("c{number}"))).await.unwrap();
    }
    for (order, expected) in
        [(Order::OldestFirst, "c0 c1 c2 c3 c4 c5 c6"), (Order::NewestFirst, "c6 c5 c4 c3 c2 c1 c0")]
    {
        for limit in [1, 3, 7, 8] {
            let list = ListCaches { order, limit: Some(limit), ..ListCaches::default() };
            let caches = client.all_caches(&list).await.unwrap();
            let names: Vec<&str> = caches.iter().map(|cache| cache.name.as_str()).collect();
            assert_eq!(names.join(" "), expected);
        }
    }
}

#[tokio::test]
async fn a_token_is_for_its_query_and_its_account() {
    let harness = Harness::new();
    let client = harness.client();
    for _ in 0..3 {
        client.create_cache(&cache("web")).await.unwrap();
    }
    let list = ListCaches { limit: Some(1), names: vec!["web".parse().unwrap()], ..ListCaches::default() };
    let page = client.list_caches(&list).await.unwrap().next;
    // A page may be of another length, and nothing else.
    let longer = ListCaches { page: page.clone(), limit: Some(2), ..list.clone() };
    assert_eq!(client.list_caches(&longer).await.unwrap().items.len(), 2);
    let others = [
        ListCaches { page: page.clone(), names: Vec::new(), ..list.clone() },
        ListCaches { page: page.clone(), order: Order::NewestFirst, ..list.clone() },
        ListCaches { page: Some("nonsense".to_owned()), ..list.clone() },
    ];
    for other in others {
        let error = client.list_caches(&other).await.unwrap_err();
        assert_eq!(error.problem_kind(), Some(ProblemKind::PageToken), "{other:?}");
    }
    let other = client.for_account("other".parse().unwrap());
    let error = other.list_caches(&ListCaches { page, ..list }).await.unwrap_err();
    assert_eq!(error.problem_kind(), Some(ProblemKind::PageToken));
}
