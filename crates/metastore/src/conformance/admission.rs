use model::rules::Quotas;
use model::{CacheId, Elimination, ImageCache, Origin, PolicyEdit, Savings};

use super::{
    account, at, build_and_keep, build_of, cache_named, cache_of, instance_of, make_ready, process,
    waiting_build_of,
};
use crate::{
    Admission, Admitted, CacheEdit, Error, ErrorKind, Metastore, Operation, Result, TokenUse, Usage,
};

fn admission(manual: u32, automatic: u32) -> Admission {
    Admission { quotas: Quotas { manual, automatic }, ..Admission::default() }
}

async fn ask(store: &dyn Metastore, cache: &ImageCache, admission: &Admission) -> Result<Admitted> {
    store.create_cache(cache, &waiting_build_of(cache, cache.created), admission, &[]).await
}

fn automatic(name: &str, second: i64) -> ImageCache {
    ImageCache { origin: Origin::Automatic, ..cache_named(name, at(second)) }
}

async fn evictable(store: &dyn Metastore, cache: &ImageCache, admission: &Admission) -> Option<CacheId> {
    match ask(store, cache, admission).await {
        Err(error @ Error::QuotaReached { evictable, .. }) => {
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert!(store.cache(cache.id).await.is_err(), "nothing is recorded");
            evictable
        }
        other => panic!("{other:?}"),
    }
}

pub async fn counts_each_origin(store: &dyn Metastore) {
    let admission = admission(1, 2);
    ask(store, &cache_named("a", at(0)), &admission).await.unwrap();
    ask(store, &automatic("a", 0), &admission).await.unwrap();
    let last = automatic("b", 0);
    ask(store, &last, &admission).await.unwrap();
    let local = model::AccountId::local();
    assert_eq!(store.usage(&local).await.unwrap(), Usage { manual: 1, automatic: 2 });
    assert!(matches!(
        ask(store, &cache_named("a", at(0)), &admission).await,
        Err(Error::QuotaReached { origin: Origin::Manual, quota: 1, .. })
    ));
    assert!(matches!(
        ask(store, &automatic("c", 0), &admission).await,
        Err(Error::QuotaReached { origin: Origin::Automatic, quota: 2, .. })
    ));
    store.delete_cache(last.id, &[]).await.unwrap();
    assert_eq!(store.usage(&local).await.unwrap(), Usage { manual: 1, automatic: 1 });
    ask(store, &automatic("c", 0), &admission).await.unwrap();
}

pub async fn names_what_makes_room(store: &dyn Metastore) {
    let mut caches = Vec::new();
    for second in 0..4 {
        let mut cache = cache_named("web", at(second));
        // The oldest of all must stay.
        cache.policy.elimination = if second == 0 { Elimination::Keep } else { Elimination::Lru };
        caches.push(make_ready(store, &cache, at(second)).await);
    }
    let wanted = cache_named("new", at(9));
    let full = admission(4, 0);
    assert_eq!(evictable(store, &wanted, &full).await, Some(caches[1].id));
    store.touch_cache_used(caches[1].id, Savings::default(), at(5)).await.unwrap();
    assert_eq!(evictable(store, &wanted, &full).await, Some(caches[2].id));
    // What is said of a cache later counts as well.
    for (cache, elimination) in [(&caches[2], Elimination::Keep), (&caches[0], Elimination::Lru)] {
        let policy = PolicyEdit { elimination: Some(elimination), ..PolicyEdit::default() };
        let edit = CacheEdit { policy, ..CacheEdit::default() };
        store.update_cache(cache.id, &edit, None, None, &[], at(6)).await.unwrap();
    }
    assert_eq!(evictable(store, &wanted, &full).await, Some(caches[0].id));
    store.delete_cache(caches[0].id, &[]).await.unwrap();
    assert!(matches!(ask(store, &wanted, &full).await, Ok(Admitted::Now(_))));
    assert_eq!(evictable(store, &cache_named("new", at(9)), &full).await, Some(caches[3].id));
    // Automatic ones may always go, and only for others of their kind.
    let idle = make_ready(store, &automatic("auto", 0), at(0)).await;
    assert_eq!(evictable(store, &automatic("auto", 9), &admission(4, 1)).await, Some(idle.id));
    let other = ImageCache { origin: Origin::Automatic, ..cache_of(&account("other"), "auto", at(9)) };
    assert!(matches!(ask(store, &other, &admission(4, 1)).await, Ok(Admitted::Now(_))));
}

pub async fn keeps_what_is_needed(store: &dyn Metastore) {
    let full = admission(0, 3);
    let held = make_ready(store, &automatic("held", 0), at(0)).await;
    store.create_instance(&instance_of("one", &held, at(1)), &[]).await.unwrap();
    // An earlier snapshot that an instance holds keeps the cache as well.
    let earlier = make_ready(store, &automatic("earlier", 0), at(0)).await;
    store.create_instance(&instance_of("two", &earlier, at(1)), &[]).await.unwrap();
    build_and_keep(store, &earlier, Some(at(99)), at(2)).await;
    let updating = make_ready(store, &automatic("updating", 0), at(0)).await;
    let build = build_of(&updating, &process(1), at(2));
    store.begin_build(&build, &[]).await.unwrap();
    assert_eq!(evictable(store, &automatic("new", 9), &full).await, None);
    super::fail(store, &build, at(3)).await.unwrap();
    assert_eq!(evictable(store, &automatic("new", 9), &full).await, Some(updating.id));
}

pub async fn counts_no_cache_that_goes(store: &dyn Metastore) {
    let full = admission(0, 1);
    let cache = make_ready(store, &automatic("web", 0), at(0)).await;
    store.ask_deletion(cache.id, &[], at(1)).await.unwrap();
    assert_eq!(store.usage(&cache.account).await.unwrap(), Usage::default());
    let next = automatic("next", 2);
    ask(store, &next, &full).await.unwrap();
    assert_eq!(
        evictable(store, &automatic("new", 9), &full).await,
        None,
        "one waits for its build, one goes"
    );
    store.delete_cache(cache.id, &[]).await.unwrap();
    assert_eq!(store.usage(&cache.account).await.unwrap(), Usage { manual: 0, automatic: 1 });
}

pub async fn quota_of_nothing(store: &dyn Metastore) {
    make_ready(store, &automatic("web", 0), at(0)).await;
    assert_eq!(evictable(store, &automatic("new", 9), &admission(0, 0)).await, None);
}

/// What is said with the token of that word.
pub(super) fn token(word: &str, operation: Operation, fingerprint: u8, kept_until: i64) -> TokenUse {
    TokenUse {
        token: word.parse().unwrap(),
        operation,
        fingerprint: [fingerprint; 32],
        kept_until: at(kept_until),
    }
}

fn with_token(word: &str, fingerprint: u8) -> Admission {
    let token = token(word, Operation::CreateCache, fingerprint, 100);
    Admission { token: Some(token), ..Admission::default() }
}

pub async fn answers_a_token_once(store: &dyn Metastore) {
    let first = cache_named("web", at(0));
    let created = ask(store, &first, &with_token("t", 1)).await.unwrap();
    assert!(matches!(&created, Admitted::Now(cache) if cache.id == first.id));
    let again = cache_named("web", at(1));
    let newest = store.newest_change().await.unwrap();
    let repeated = ask(store, &again, &with_token("t", 1)).await.unwrap();
    assert_eq!(repeated, Admitted::Before(created.into_cache()));
    assert!(store.cache(again.id).await.is_err());
    assert_eq!(store.newest_change().await.unwrap(), newest, "nothing is written");
    // The answer is the cache as it is by now.
    store.touch_cache_used(first.id, Savings::default(), at(2)).await.unwrap();
    let used = store.cache(first.id).await.unwrap();
    assert_eq!(ask(store, &again, &with_token("t", 1)).await.unwrap(), Admitted::Before(used));
    // Gone, it is the one that the request left.
    store.delete_cache(first.id, &[]).await.unwrap();
    let gone = ask(store, &again, &with_token("t", 1)).await.unwrap();
    assert!(matches!(gone, Admitted::Before(cache) if cache == first));
    // Another word, or another account's same word, is another request.
    assert!(matches!(ask(store, &again, &with_token("u", 1)).await, Ok(Admitted::Now(_))));
    let other = cache_of(&account("other"), "web", at(1));
    assert!(matches!(ask(store, &other, &with_token("t", 9)).await, Ok(Admitted::Now(_))));
}

pub async fn refuses_a_token_of_another_request(store: &dyn Metastore) {
    let first = cache_named("web", at(0));
    ask(store, &first, &with_token("t", 1)).await.unwrap();
    let other = cache_named("web", at(0));
    let error = ask(store, &other, &with_token("t", 2)).await.unwrap_err();
    assert!(matches!(&error, Error::TokenMismatch { token, .. } if token == "t"), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(store.cache(other.id).await.is_err());
    // Said with another operation it is another word.
    let token = token("t", Operation::UpdateCache, 2, 100);
    let updated =
        store.update_cache(first.id, &CacheEdit::default(), None, Some(&token), &[], at(1)).await.unwrap();
    assert!(matches!(updated, Admitted::Now(_)));
}

pub async fn forgets_tokens_in_time(store: &dyn Metastore) {
    let until = |until| Admission {
        token: Some(token("t", Operation::CreateCache, 1, until)),
        ..Admission::default()
    };
    ask(store, &cache_named("web", at(0)), &until(50)).await.unwrap();
    assert!(matches!(ask(store, &cache_named("web", at(49)), &until(90)).await, Ok(Admitted::Before(_))));
    // Its time over, the same word is a new one, whether it was dropped yet or not.
    let second = cache_named("web", at(50));
    assert!(matches!(ask(store, &second, &until(90)).await, Ok(Admitted::Now(_))));
    assert!(
        matches!(ask(store, &cache_named("web", at(60)), &until(99)).await, Ok(Admitted::Before(cache)) if cache.id == second.id)
    );
    assert_eq!(store.forget_client_tokens(at(89)).await.unwrap(), 0);
    assert_eq!(store.forget_client_tokens(at(90)).await.unwrap(), 1);
    assert!(matches!(ask(store, &cache_named("web", at(0)), &until(90)).await, Ok(Admitted::Now(_))));
}

pub async fn a_refused_request_leaves_no_token(store: &dyn Metastore) {
    let refusing = Admission { quotas: Quotas { manual: 0, automatic: 0 }, ..with_token("t", 1) };
    ask(store, &cache_named("web", at(0)), &refusing).await.unwrap_err();
    assert!(matches!(
        ask(store, &cache_named("web", at(0)), &with_token("t", 2)).await,
        Ok(Admitted::Now(_))
    ));
}
