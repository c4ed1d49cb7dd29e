use model::{
    ByteSize, CacheId, CacheState, Cloud, CloudNotes, Elimination, EventReason, ImageCache, Percent,
    PolicyEdit, Subject, TagChange,
};

use super::admission::token;
use super::{
    at, build_of, cache_named, create_waiting, event, fail, finish, process, ready_cache, waiting_build_of,
};
use crate::{Admitted, CacheEdit, CacheRef, Error, Metastore, Operation};

pub async fn changes_what_is_said(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let mut policy = cache.policy.clone();
    policy.retention = Some(7.try_into().unwrap());
    let edit = CacheEdit {
        policy: PolicyEdit { retention: Some(policy.retention), ..PolicyEdit::default() },
        ..CacheEdit::default()
    };
    let news = event(Subject::Cache(cache.id), EventReason::Updated, "updated", at(1));
    let events = std::slice::from_ref(&news);
    let updated = store.update_cache(cache.id, &edit, None, None, events, at(1)).await.unwrap().into_cache();
    assert_eq!(updated, model::ImageCache { policy, updated: at(1), ..cache.clone() });
    assert_eq!(store.cache(cache.id).await.unwrap(), updated);
    assert_eq!(store.events(news.subject).await.unwrap(), [news]);
    let edit = CacheEdit { name: Some("other".parse().unwrap()), ..CacheEdit::default() };
    let renamed = store.update_cache(cache.id, &edit, None, None, &[], at(2)).await.unwrap().into_cache();
    assert_eq!(renamed, model::ImageCache { name: "other".parse().unwrap(), updated: at(2), ..updated });
    let absent = store.update_cache(CacheId::generate(), &edit, None, None, &[], at(2)).await;
    assert!(matches!(absent, Err(Error::NoCache(_))));
}

pub async fn keeps_what_a_cloud_said(store: &dyn Metastore) {
    let said = |text: &str| CloudNotes::new(Cloud::Alibaba, format!(r#"{{"ZoneId":"{text}"}}"#)).unwrap();
    let name = "Ein \u{955c}\u{50cf}, \"frei\"!".parse().unwrap();
    let new = ImageCache { name, notes: Some(said("a")), ..cache_named("web", at(0)) };
    let (cache, _) = create_waiting(store, &new).await;
    assert_eq!(store.cache(cache.id).await.unwrap(), new);
    let by_name = CacheRef::Name(new.name.clone());
    assert_eq!(store.resolve_cache(&cache.account, &by_name).await.unwrap().cache, new);
    let edit = CacheEdit { notes: Some(said("ü")), ..CacheEdit::default() };
    let updated = store.update_cache(cache.id, &edit, None, None, &[], at(1)).await.unwrap().into_cache();
    assert_eq!(updated, ImageCache { notes: Some(said("ü")), updated: at(1), ..new });
    let nothing = CacheEdit::default();
    let again = store.update_cache(cache.id, &nothing, None, None, &[], at(1)).await.unwrap().into_cache();
    assert_eq!(again, updated);
    assert_eq!(store.cache(cache.id).await.unwrap(), updated);
}

/// Of two who change different things, having read the same, neither undoes what the other did.
pub async fn changes_only_what_is_said(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let mut expected = cache.policy.clone();
    expected.retention = Some(7.try_into().unwrap());
    expected.elimination = Elimination::Lru;
    expected.copies.standard_copies = 3.try_into().unwrap();
    let edits = [
        PolicyEdit { retention: Some(expected.retention), ..PolicyEdit::default() },
        PolicyEdit { elimination: Some(expected.elimination), ..PolicyEdit::default() },
        PolicyEdit { standard_copies: Some(expected.copies.standard_copies), ..PolicyEdit::default() },
        PolicyEdit::default(),
    ];
    for policy in edits {
        let edit = CacheEdit { policy, ..CacheEdit::default() };
        store.update_cache(cache.id, &edit, None, None, &[], at(1)).await.unwrap();
    }
    assert_eq!(store.cache(cache.id).await.unwrap().policy, expected);
}

/// Of many who change the tags at once, none loses what another did.
pub async fn changes_tags_over_what_they_are(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let put = |key: &str| TagChange {
        put: [(key.to_owned(), "1".to_owned())].into(),
        take: [format!("before-{key}")].into(),
        ..TagChange::default()
    };
    let edit = |retag: TagChange| CacheEdit {
        policy: PolicyEdit { retag: Some(retag), ..PolicyEdit::default() },
        ..CacheEdit::default()
    };
    let tag = async |key: &str| {
        let edit = edit(put(key));
        store.update_cache(cache.id, &edit, None, None, &[], at(1)).await.unwrap();
    };
    for key in ["before-a", "before-b", "before-c", "before-d", "stays"] {
        tag(key).await;
    }
    tokio::join!(tag("a"), tag("b"), tag("c"), tag("d"));
    let tags = store.cache(cache.id).await.unwrap().policy.tags;
    let keys: Vec<&String> = tags.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["a", "b", "c", "d", "stays"]);
    let many = (0..16).map(|n| (format!("more-{n}"), String::new())).collect();
    let edit = edit(TagChange { put: many, ..TagChange::default() });
    let refused = store.update_cache(cache.id, &edit, None, None, &[], at(2)).await;
    assert!(matches!(refused, Err(Error::Tags { cache: id, .. }) if id == cache.id), "{refused:?}");
    assert_eq!(store.cache(cache.id).await.unwrap().policy.tags, tags);
}

pub async fn changes_a_size_that_its_images_fit(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let sized = async |limit: ByteSize| {
        let edit = CacheEdit { size_limit: Some(limit), ..CacheEdit::default() };
        store.update_cache(cache.id, &edit, None, None, &[], at(1)).await.map(Admitted::into_cache)
    };
    let resized = sized(ByteSize::gib(40)).await.unwrap();
    assert_eq!(resized, ImageCache { size_limit: ByteSize::gib(40), updated: at(1), ..cache.clone() });
    let exact = cache.unpacked_size.unwrap();
    assert_eq!(sized(exact).await.unwrap().size_limit, exact);
    let refused = sized(exact.minus(ByteSize::bytes(1))).await;
    let is_refused =
        |error: &Error| matches!(error, Error::SizeTooSmall { unpacked, .. } if *unpacked == exact);
    assert!(refused.as_ref().is_err_and(is_refused), "{refused:?}");
    // A build ends with the size that it was begun with: nothing is promised meanwhile that it would undo.
    let build = waiting_build_of(&cache, at(2));
    store.update_cache(cache.id, &CacheEdit::default(), Some(&build), None, &[], at(2)).await.unwrap();
    let refused = sized(ByteSize::gib(50)).await;
    assert!(matches!(refused, Err(Error::CacheBuilding { .. })), "{refused:?}");
    assert_eq!(store.cache(cache.id).await.unwrap().size_limit, exact);
}

pub async fn changes_nothing_of_what_is_deleted(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    store.ask_deletion(cache.id, &[], at(1)).await.unwrap();
    let refused = store.update_cache(cache.id, &CacheEdit::default(), None, None, &[], at(2)).await;
    assert!(matches!(refused, Err(Error::CacheDeleting(id)) if id == cache.id), "{refused:?}");
}

pub async fn builds_what_is_new(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let mut build = build_of(&cache, &process(1), at(1));
    build.plan.images = vec!["r.example/new:1".parse().unwrap()];
    build.plan.size_limit = ByteSize::gib(40);
    let admitted =
        store.update_cache(cache.id, &CacheEdit::default(), Some(&build), None, &[], at(1)).await.unwrap();
    let updating = admitted.into_cache();
    assert_eq!((updating.state, updating.progress), (CacheState::Updating, Percent::ZERO));
    assert_eq!((&updating.images, updating.snapshot), (&cache.images, cache.snapshot), "the old one serves");
    fail(store, &build, at(2)).await.unwrap();
    let failed = store.cache(cache.id).await.unwrap();
    assert_eq!((&failed.images, failed.size_limit), (&cache.images, cache.size_limit));
    assert_eq!((failed.snapshot, failed.progress), (cache.snapshot, Percent::ALL));
    let second = crate::NewBuild { plan: build.plan.clone(), ..build_of(&cache, &process(1), at(3)) };
    store.update_cache(cache.id, &CacheEdit::default(), Some(&second), None, &[], at(3)).await.unwrap();
    let done = finish(store, &second, None, at(4)).await.unwrap().cache;
    assert_eq!((done.images, done.size_limit), (build.plan.images, ByteSize::gib(40)));
    assert_eq!(done.snapshot, Some(second.snapshot));
}

pub async fn answers_a_token_once(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let said = token("t", Operation::UpdateCache, 1, 100);
    let edit = CacheEdit { name: Some("other".parse().unwrap()), ..CacheEdit::default() };
    let update = async |id, build| store.update_cache(id, &edit, build, Some(&said), &[], at(1)).await;
    let build = waiting_build_of(&cache, at(1));
    assert!(matches!(update(cache.id, Some(&build)).await, Ok(Admitted::Now(_))));
    let before = store.cache(cache.id).await.unwrap();
    assert_eq!(update(cache.id, Some(&build)).await.unwrap(), Admitted::Before(before));
    let other = token("t", Operation::UpdateCache, 2, 100);
    let refused = store.update_cache(cache.id, &edit, None, Some(&other), &[], at(1)).await;
    assert!(matches!(refused, Err(Error::TokenMismatch { .. })), "{refused:?}");
    // The same word for another cache is another request.
    let second = ready_cache(store, "second", at(0)).await;
    let refused = update(second.id, None).await;
    assert!(matches!(refused, Err(Error::TokenMismatch { .. })), "{refused:?}");
    store
        .delete_cache(cache.id, &[event(Subject::Cache(cache.id), EventReason::Deleted, "", at(2))])
        .await
        .unwrap();
    assert!(matches!(update(cache.id, None).await, Ok(Admitted::Before(gone)) if gone.id == cache.id));
}

pub async fn with_a_build_or_not_at_all(store: &dyn Metastore) {
    let (cache, _) = create_waiting(store, &cache_named("web", at(0))).await;
    let edit = CacheEdit { name: Some("other".parse().unwrap()), ..CacheEdit::default() };
    let said = token("t", Operation::UpdateCache, 1, 100);
    let update = async |build: crate::NewBuild| {
        store.update_cache(cache.id, &edit, Some(&build), Some(&said), &[], at(1)).await
    };
    let refused = update(waiting_build_of(&cache, at(1))).await;
    assert!(matches!(refused, Err(Error::CacheBuilding { .. })), "{refused:?}");
    let foreign = ready_cache(store, "foreign", at(0)).await;
    let refused = update(waiting_build_of(&foreign, at(1))).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    assert_eq!(store.cache(cache.id).await.unwrap(), cache);
    // The word is free still, and a change without a build goes through while one waits.
    let renamed = store.update_cache(cache.id, &edit, None, Some(&said), &[], at(1)).await;
    assert!(matches!(renamed, Ok(Admitted::Now(_))), "{renamed:?}");
}
