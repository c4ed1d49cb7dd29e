use model::rules::Quotas;
use model::{AccountId, CacheId, EventReason, InstanceId, Subject};

use super::{account, at, build_of, cache_of, event, instance_of, make_ready, process, waiting_build_of};
use crate::{Admission, CacheRef, Error, InstanceFilter, InstanceRef, Metastore, Page, Usage};

pub async fn names_are_apart(store: &dyn Metastore) {
    let (a, b) = (account("a"), account("b"));
    let ours = make_ready(store, &cache_of(&a, "web", at(0)), at(0)).await;
    let theirs = make_ready(store, &cache_of(&b, "web", at(1)), at(1)).await;
    let name = CacheRef::Name("web".parse().unwrap());
    for (owner, cache) in [(&a, &ours), (&b, &theirs)] {
        let resolved = store.resolve_cache(owner, &name).await.unwrap();
        assert_eq!((resolved.cache.id, resolved.others), (cache.id, Vec::new()));
    }
    assert!(matches!(store.resolve_cache(&account("c"), &name).await, Err(Error::NoCacheOfName(_))));
    let mut instances = Vec::new();
    for cache in [&ours, &theirs] {
        let instance = instance_of("one", cache, at(2));
        store.create_instance(&instance, &[]).await.unwrap();
        instances.push(instance);
    }
    let name = InstanceRef::Name("one".parse().unwrap());
    assert_eq!(store.instance(&a, &name).await.unwrap(), instances[0]);
    assert_eq!(store.instance(&b, &name).await.unwrap(), instances[1]);
    assert!(matches!(store.instance(&account("c"), &name).await, Err(Error::NoInstanceOfName(_))));
    let filter = InstanceFilter { account: Some(b), ..InstanceFilter::default() };
    assert_eq!(store.find_instances(&filter, Page::first()).await.unwrap(), instances[1..]);
}

pub async fn ids_of_others_are_unknown(store: &dyn Metastore) {
    let (a, b) = (account("a"), account("b"));
    let cache = make_ready(store, &cache_of(&a, "web", at(0)), at(0)).await;
    let instance = instance_of("one", &cache, at(1));
    store.create_instance(&instance, &[]).await.unwrap();
    let by_id = CacheRef::Id(cache.id);
    assert_eq!(store.resolve_cache(&a, &by_id).await.unwrap().cache, cache);
    let refused = store.resolve_cache(&b, &by_id).await.unwrap_err();
    let unknown = store.resolve_cache(&b, &CacheRef::Id(CacheId::generate())).await.unwrap_err();
    assert!(matches!((&refused, &unknown), (Error::NoCache(_), Error::NoCache(_))), "{refused:?}");
    let by_id = InstanceRef::Id(instance.id);
    assert_eq!(store.instance(&a, &by_id).await.unwrap(), instance);
    assert!(matches!(store.instance(&b, &by_id).await, Err(Error::NoInstance(id)) if id == instance.id));
}

pub async fn quotas_are_apart(store: &dyn Metastore) {
    let quotas = Quotas { manual: 1, automatic: 0 };
    let admission = Admission { quotas, ..Admission::default() };
    for name in ["a", "b"] {
        let cache = cache_of(&account(name), "web", at(0));
        store.create_cache(&cache, &waiting_build_of(&cache, at(0)), &admission, &[]).await.unwrap();
        assert_eq!(store.usage(&cache.account).await.unwrap(), Usage { manual: 1, automatic: 0 });
        let second = cache_of(&cache.account, "web", at(0));
        let refused = store.create_cache(&second, &waiting_build_of(&second, at(0)), &admission, &[]).await;
        assert!(
            matches!(&refused, Err(Error::QuotaReached { account, quota: 1, .. }) if *account == cache.account),
            "{refused:?}"
        );
    }
    assert_eq!(store.usage(&AccountId::local()).await.unwrap(), Usage::default());
}

pub async fn tells_whose_a_subject_is(store: &dyn Metastore) {
    let owner = account("a");
    let cache = make_ready(store, &cache_of(&owner, "web", at(0)), at(0)).await;
    let instance = instance_of("one", &cache, at(1));
    let ended = event(Subject::Instance(instance.id), EventReason::CleanedUp, "gone", at(2));
    let deleted = event(Subject::Cache(cache.id), EventReason::Deleted, "deleted", at(3));
    store.create_instance(&instance, &[]).await.unwrap();
    let subjects = [deleted.subject, ended.subject];
    for subject in subjects {
        assert_eq!(store.account_of(subject).await.unwrap(), Some(owner.clone()));
    }
    store.instance_exited(instance.id, model::ExitStatus::Code(0), &[], at(2)).await.unwrap();
    store.remove_instance(instance.id, &[ended]).await.unwrap();
    store.delete_cache(cache.id, &[deleted]).await.unwrap();
    for subject in subjects {
        assert_eq!(store.account_of(subject).await.unwrap(), Some(owner.clone()), "while there are events");
    }
    // A late event is still theirs.
    let late = event(Subject::Cache(cache.id), EventReason::CleanedUp, "late", at(4));
    store.append_events(&[late]).await.unwrap();
    let change = store.changes(crate::ChangeNumber(0), 1000).await.unwrap().unwrap().pop().unwrap();
    assert_eq!((change.subject, change.account), (Subject::Cache(cache.id), owner.clone()));
    assert_eq!(store.forget_events(at(9)).await.unwrap(), 3);
    for subject in subjects {
        assert_eq!(store.account_of(subject).await.unwrap(), None);
    }
    for unknown in [Subject::Cache(CacheId::generate()), Subject::Instance(InstanceId::generate())] {
        assert_eq!(store.account_of(unknown).await.unwrap(), None);
        store.append_events(&[event(unknown, EventReason::CleanedUp, "whose?", at(1))]).await.unwrap();
        assert_eq!(store.account_of(unknown).await.unwrap(), None);
    }
    assert_eq!(store.forget_events(at(9)).await.unwrap(), 2, "events of what nobody recorded go as well");
    // Events may come before the record.
    let early = cache_of(&owner, "early", at(0));
    let news = event(Subject::Cache(early.id), EventReason::CacheMiss, "early", at(0));
    store.append_events(&[news]).await.unwrap();
    super::create(store, &early, &build_of(&early, &process(1), at(0)), &[]).await.unwrap();
    assert_eq!(store.account_of(Subject::Cache(early.id)).await.unwrap(), Some(owner));
    assert_eq!(store.forget_events(at(9)).await.unwrap(), 0);
}
