use model::{CacheId, ExitStatus, ImageSnapshotId, InstanceId, InstanceState, Subject};

use super::{at, build_again, cache_named, event, instance_of, ready_cache};
use crate::{Error, InstanceFilter, InstanceRef, Metastore, Order, Page};

pub async fn lives(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let instance = instance_of("one", &cache, at(1));
    store.create_instance(&instance, &[]).await.unwrap();
    assert_eq!(store.instance(&cache.account, &InstanceRef::Id(instance.id)).await.unwrap(), instance);
    let removal = store.remove_instance(instance.id, &[]).await.unwrap_err();
    assert!(matches!(removal, Error::InstanceState { .. }), "{removal:?}");
    let running = store.instance_started(instance.id, 4711, &[], at(2)).await.unwrap();
    assert_eq!((running.state, running.pid), (InstanceState::Running, Some(4711)));
    assert_eq!(running.started, Some(at(2)));
    let twice = store.instance_started(instance.id, 4712, &[], at(2)).await.unwrap_err();
    assert!(matches!(twice, Error::InstanceState { state: InstanceState::Running, .. }), "{twice:?}");
    let ended = store.instance_exited(instance.id, ExitStatus::Signal(9), &[], at(3)).await.unwrap();
    assert_eq!((ended.state, ended.pid), (InstanceState::Exited(ExitStatus::Signal(9)), None));
    assert_eq!(ended.finished, Some(at(3)));
    assert_eq!(
        store.instance(&cache.account, &InstanceRef::Name(instance.name.clone())).await.unwrap(),
        ended
    );
    let again = store.instance_started(instance.id, 4711, &[], at(4)).await.unwrap_err();
    assert!(matches!(again, Error::InstanceState { .. }), "{again:?}");
    let removal = store.remove_instance(instance.id, &[]).await.unwrap();
    assert_eq!((removal.instance, removal.released), (ended, None));
    assert!(matches!(store.remove_instance(instance.id, &[]).await, Err(Error::NoInstance(_))));
    let absent = store.instance(&cache.account, &InstanceRef::Name(instance.name)).await;
    assert!(matches!(absent, Err(Error::NoInstanceOfName(_))));
}

pub async fn lives_after_all(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let instance = instance_of("one", &cache, at(1));
    store.create_instance(&instance, &[]).await.unwrap();
    store.instance_exited(instance.id, ExitStatus::Unknown, &[], at(2)).await.unwrap();
    let found = store.instance_started(instance.id, 4711, &[], at(3)).await.unwrap();
    assert_eq!((found.state, found.pid), (InstanceState::Running, Some(4711)));
    assert_eq!((found.started, found.finished), (Some(at(3)), None));
}

pub async fn names_are_unique(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let first = instance_of("one", &cache, at(1));
    store.create_instance(&first, &[]).await.unwrap();
    let error = store.create_instance(&instance_of("one", &cache, at(2)), &[]).await.unwrap_err();
    assert!(matches!(error, Error::NameTaken { by, .. } if by == first.id), "{error:?}");
    store.instance_exited(first.id, ExitStatus::Code(0), &[], at(3)).await.unwrap();
    store.remove_instance(first.id, &[]).await.unwrap();
    store.create_instance(&instance_of("one", &cache, at(4)), &[]).await.unwrap();
}

pub async fn holds_its_snapshot(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let one = instance_of("one", &cache, at(1));
    let two = instance_of("two", &cache, at(1));
    for instance in [&one, &two] {
        store.create_instance(instance, &[]).await.unwrap();
        store.instance_exited(instance.id, ExitStatus::Code(0), &[], at(2)).await.unwrap();
    }
    assert_eq!(build_again(store, &cache, at(3)).await.released, []);
    assert_eq!(store.held_snapshots().await.unwrap(), Vec::from_iter(cache.snapshot).into_iter().collect());
    assert_eq!(store.remove_instance(one.id, &[]).await.unwrap().released, None);
    assert!(store.retained_snapshots().await.unwrap().contains(&two.snapshot));
    assert_eq!(store.remove_instance(two.id, &[]).await.unwrap().released, Some(two.snapshot));
    assert!(!store.retained_snapshots().await.unwrap().contains(&two.snapshot));
}

pub async fn refuses_without_snapshot(store: &dyn Metastore) {
    let never = instance_of("one", &cache_named("web", at(0)), at(1));
    let error = store.create_instance(&never, &[]).await.unwrap_err();
    assert!(matches!(error, Error::NoSnapshot(_)), "{error:?}");
    let cache = ready_cache(store, "web", at(0)).await;
    store.delete_cache(cache.id, &[]).await.unwrap();
    let late = store.create_instance(&instance_of("one", &cache, at(1)), &[]).await.unwrap_err();
    assert!(matches!(late, Error::NoSnapshot(_)), "{late:?}");
    let mut running = instance_of("one", &cache, at(1));
    running.state = InstanceState::Running;
    assert!(matches!(store.create_instance(&running, &[]).await, Err(Error::Conflict { .. })));
}

pub async fn first_end_stays(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let instance = instance_of("one", &cache, at(1));
    store.create_instance(&instance, &[]).await.unwrap();
    let subject = Subject::Instance(instance.id);
    let exit = async |status, second| {
        let news = event(subject, model::EventReason::Exited, &format!("{second}"), at(second));
        store.instance_exited(instance.id, status, &[news], at(second)).await.unwrap()
    };
    assert_eq!(exit(ExitStatus::Unknown, 2).await.finished, Some(at(2)));
    assert_eq!(exit(ExitStatus::Unknown, 3).await.finished, Some(at(2)));
    let known = exit(ExitStatus::Code(3), 4).await;
    assert_eq!(known.state, InstanceState::Exited(ExitStatus::Code(3)));
    assert_eq!(exit(ExitStatus::Code(0), 5).await, known);
    assert_eq!(exit(ExitStatus::Unknown, 6).await, known);
    let messages: Vec<String> =
        store.events(subject).await.unwrap().into_iter().map(|event| event.message).collect();
    assert_eq!(messages, ["2", "4"]);
    let absent = store.instance_exited(InstanceId::generate(), ExitStatus::Unknown, &[], at(0)).await;
    assert!(matches!(absent, Err(Error::NoInstance(_))));
}

pub async fn finds_by_filter_and_page(store: &dyn Metastore) {
    let first = ready_cache(store, "a", at(0)).await;
    let second = ready_cache(store, "b", at(0)).await;
    let mut all = Vec::new();
    for (name, cache) in [("one", &first), ("two", &second), ("three", &first)] {
        let instance = instance_of(name, cache, at(1));
        store.create_instance(&instance, &[]).await.unwrap();
        all.push(instance);
    }
    all[0] = store.instance_exited(all[0].id, ExitStatus::Code(0), &[], at(2)).await.unwrap();
    let find = async |filter: InstanceFilter| store.find_instances(&filter, Page::first()).await.unwrap();
    assert_eq!(find(InstanceFilter::default()).await, all);
    let unfinished = InstanceFilter { unfinished: true, ..InstanceFilter::default() };
    assert_eq!(find(unfinished).await, all[1..]);
    let of_first = InstanceFilter { cache: Some(first.id), ..InstanceFilter::default() };
    assert_eq!(find(of_first).await, [all[0].clone(), all[2].clone()]);
    let holding = InstanceFilter { snapshot: second.snapshot, ..InstanceFilter::default() };
    assert_eq!(find(holding).await, [all[1].clone()]);
    let none = InstanceFilter { cache: Some(CacheId::generate()), ..InstanceFilter::default() };
    assert_eq!(find(none).await, []);
    let none = InstanceFilter { snapshot: Some(ImageSnapshotId::generate()), ..InstanceFilter::default() };
    assert_eq!(find(none).await, []);
    let page = Page { limit: 1, ..Page::after(all[0].id) };
    assert_eq!(store.find_instances(&InstanceFilter::default(), page).await.unwrap(), all[1..2]);
    let newest = Page { order: Order::NewestFirst, limit: 2, ..Page::first() };
    let found = store.find_instances(&InstanceFilter::default(), newest).await.unwrap();
    assert_eq!(found, [all[2].clone(), all[1].clone()]);
}
