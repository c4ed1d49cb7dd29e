use model::{AccountId, CacheId, Event, EventKind, EventReason, ImageCache, InstanceId, Subject};

use super::{account, at, cache_named, cache_of, create, event, make_ready, ready_cache, waiting_build_of};
use crate::{EVENTS_PER_SUBJECT, Metastore};

pub async fn counts_equal_ones(store: &dyn Metastore) {
    let subject = Subject::Instance(InstanceId::generate());
    let started = |second| event(subject, EventReason::Started, "started", at(second));
    store.append_events(&[started(5), started(9)]).await.unwrap();
    store.append_events(&[event(subject, EventReason::Started, "differs", at(7)), started(3)]).await.unwrap();
    let warning = Event { kind: EventKind::Warning, ..started(6) };
    store.append_events(std::slice::from_ref(&warning)).await.unwrap();
    let events = store.events(subject).await.unwrap();
    let counted = Event { first: at(3), last: at(9), count: 3, ..started(0) };
    assert_eq!(events, [warning, event(subject, EventReason::Started, "differs", at(7)), counted]);
    assert_eq!(store.events(Subject::Cache(CacheId::generate())).await.unwrap(), []);
}

pub async fn keeps_what_every_database_holds(store: &dyn Metastore) {
    let subject = Subject::Cache(CacheId::generate());
    let said = |text: &str, second| event(subject, EventReason::BuildFailed, text, at(second));
    store.append_events(&[said("odd \0 text", 1), said("odd \0 text", 2)]).await.unwrap();
    store.append_events(&[said("odd \u{fffd} text", 3)]).await.unwrap();
    let events = store.events(subject).await.unwrap();
    assert_eq!(events, [Event { last: at(3), count: 3, ..said("odd \u{fffd} text", 1) }]);
}

pub async fn drops_the_oldest(store: &dyn Metastore) {
    let (full, other) = (Subject::Cache(CacheId::generate()), Subject::Cache(CacheId::generate()));
    let limit = i64::from(EVENTS_PER_SUBJECT);
    let numbered = |number: i64| event(full, EventReason::LayerStarted, &number.to_string(), at(number));
    store.append_events(&[event(other, EventReason::Created, "kept", at(-9))]).await.unwrap();
    let many: Vec<Event> = (0..limit + 3).map(numbered).collect();
    store.append_events(&many).await.unwrap();
    assert_eq!(store.events(full).await.unwrap(), many[3..]);
    // One that happens again is young again.
    store
        .append_events(&[event(full, EventReason::LayerStarted, "3", at(limit + 10)), numbered(limit + 11)])
        .await
        .unwrap();
    let events = store.events(full).await.unwrap();
    assert_eq!(events.len(), many.len() - 3);
    assert_eq!(events[0].message, "5");
    assert_eq!(events[events.len() - 2].count, 2);
    assert_eq!(store.events(other).await.unwrap().len(), 1);
}

pub async fn drops_those_of_layers_first(store: &dyn Metastore) {
    let subject = Subject::Cache(CacheId::generate());
    let limit = i64::from(EVENTS_PER_SUBJECT);
    let mut events = vec![event(subject, EventReason::Created, "created", at(0))];
    events.extend((1..=limit).map(|n| event(subject, EventReason::LayerCommitted, &n.to_string(), at(n))));
    events.push(event(subject, EventReason::Ready, "ready", at(limit + 1)));
    store.append_events(&events).await.unwrap();
    let kept = store.events(subject).await.unwrap();
    assert_eq!(kept.len(), EVENTS_PER_SUBJECT as usize);
    assert_eq!((&kept[0], &kept[1]), (&events[0], &events[3]));
    assert_eq!(kept.last(), events.last());
}

pub async fn go_with_the_verb(store: &dyn Metastore) {
    let cache = cache_named("web", at(0));
    let created = event(Subject::Cache(cache.id), EventReason::Created, "created", at(0));
    let build = waiting_build_of(&cache, at(0));
    create(store, &cache, &build, std::slice::from_ref(&created)).await.unwrap();
    create(store, &cache, &build, std::slice::from_ref(&created)).await.unwrap_err();
    assert_eq!(store.events(Subject::Cache(cache.id)).await.unwrap(), [created]);
}

pub async fn forgets_those_of_the_gone(store: &dyn Metastore) {
    let living = ready_cache(store, "living", at(0)).await;
    let gone = ready_cache(store, "gone", at(0)).await;
    for (cache, second) in [(&living, 1), (&gone, 1), (&gone, 20)] {
        let text = second.to_string();
        store
            .append_events(&[event(Subject::Cache(cache.id), EventReason::Ready, &text, at(second))])
            .await
            .unwrap();
    }
    assert_eq!(store.forget_events(at(10)).await.unwrap(), 0);
    store.delete_cache(gone.id, &[]).await.unwrap();
    assert_eq!(store.forget_events(at(10)).await.unwrap(), 1);
    assert_eq!(store.events(Subject::Cache(living.id)).await.unwrap().len(), 1);
    let left = store.events(Subject::Cache(gone.id)).await.unwrap();
    assert_eq!(left.iter().map(|event| event.message.as_str()).collect::<Vec<_>>(), ["20"]);
}

pub async fn of_a_page_of_caches(store: &dyn Metastore) {
    let (one, two, silent) = (
        ready_cache(store, "one", at(0)).await,
        ready_cache(store, "two", at(0)).await,
        ready_cache(store, "silent", at(0)).await,
    );
    let theirs = make_ready(store, &cache_of(&account("other"), "theirs", at(0)), at(0)).await;
    let said =
        |cache: &ImageCache, reason, second| event(Subject::Cache(cache.id), reason, "said", at(second));
    let first = [said(&one, EventReason::Ready, 7), said(&one, EventReason::Created, 3)];
    store.append_events(&first).await.unwrap();
    let second = [said(&two, EventReason::LayerCommitted, 1), said(&two, EventReason::Created, 2)];
    store.append_events(&second).await.unwrap();
    let others = [said(&silent, EventReason::LayerStarted, 4), said(&theirs, EventReason::Created, 5)];
    store.append_events(&others).await.unwrap();
    let ids = [two.id, CacheId::generate(), one.id, silent.id, theirs.id];
    let told = store.events_of_caches(&AccountId::local(), &ids).await.unwrap();
    let expected = [(one.id, vec![first[1].clone(), first[0].clone()]), (two.id, vec![second[1].clone()])];
    assert_eq!(told, expected.into());
    assert_eq!(store.events_of_caches(&AccountId::local(), &[]).await.unwrap(), [].into());
}
