use model::{
    AccountId, CacheId, CacheState, Cloud, CloudNotes, ImageCache, LabelFilter, Origin, PackedSummary,
    PolicyEdit,
};

use super::{
    account, at, build_and_keep, build_of, cache_named, cache_of, create, create_waiting, finish, make_ready,
    process, ready_cache,
};
use crate::{CacheEdit, CacheFilter, CacheOutline, Metastore, Order, Page};

pub async fn finds_by_filter_and_page(store: &dyn Metastore) {
    let mut all = Vec::new();
    for name in ["a", "b", "a"] {
        all.push(ready_cache(store, name, at(0)).await);
    }
    all.push(cache_named("a", at(0)));
    create_waiting(store, &all[3]).await;
    let find = async |filter: CacheFilter| store.find_caches(&filter, Page::first()).await.unwrap();
    assert_eq!(find(CacheFilter::default()).await, all);
    let named = CacheFilter { names: Some(vec!["a".parse().unwrap()]), ..CacheFilter::default() };
    assert_eq!(find(named.clone()).await, [all[0].clone(), all[2].clone(), all[3].clone()]);
    let ready = CacheFilter { states: Some(vec![CacheState::Ready]), ..named };
    assert_eq!(find(ready).await, [all[0].clone(), all[2].clone()]);
    let several = CacheFilter {
        account: Some(AccountId::local()),
        names: Some(vec!["b".parse().unwrap(), "a".parse().unwrap(), "none".parse().unwrap()]),
        states: Some(vec![CacheState::Preparing, CacheState::Failed, CacheState::Ready]),
        origin: Some(Origin::Manual),
        ..CacheFilter::default()
    };
    assert_eq!(find(several.clone()).await, all);
    assert_eq!(find(CacheFilter { origin: Some(Origin::Automatic), ..several.clone() }).await, []);
    assert_eq!(find(CacheFilter { account: Some(account("other")), ..several }).await, []);
    let ids =
        CacheFilter { ids: Some(vec![all[2].id, CacheId::generate(), all[0].id]), ..CacheFilter::default() };
    assert_eq!(find(ids).await, [all[0].clone(), all[2].clone()]);
    let serving = CacheFilter { snapshot: all[1].snapshot, ..CacheFilter::default() };
    assert_eq!(find(serving).await, [all[1].clone()]);
    let page = Page { limit: 2, ..Page::after(all[0].id) };
    assert_eq!(store.find_caches(&CacheFilter::default(), page).await.unwrap(), all[1..3]);
    assert_eq!(store.find_caches(&CacheFilter::default(), Page::after(all[3].id)).await.unwrap(), []);
}

fn local() -> CacheFilter {
    CacheFilter { account: Some(AccountId::local()), ..CacheFilter::default() }
}

/// What the filter finds, which must be what it counts, with and without the account.
async fn found(store: &dyn Metastore, filter: &CacheFilter) -> Vec<CacheId> {
    let found = store.find_caches(filter, Page::first()).await.unwrap();
    assert_eq!(store.count_caches(filter).await.unwrap(), found.len() as u64, "{filter:?}");
    if filter.account == Some(AccountId::local()) {
        let everywhere = CacheFilter { account: None, ..filter.clone() };
        let all = store.find_caches(&everywhere, Page::first()).await.unwrap();
        let ours: Vec<ImageCache> =
            all.into_iter().filter(|cache| cache.account == AccountId::local()).collect();
        assert_eq!(found, ours, "{filter:?}");
    }
    found.into_iter().map(|cache| cache.id).collect()
}

async fn with_images(store: &dyn Metastore, account: &AccountId, images: &[&str]) -> ImageCache {
    let mut cache = cache_of(account, "web", at(0));
    cache.images = images.iter().map(|image| image.parse().unwrap()).collect();
    make_ready(store, &cache, at(0)).await
}

pub async fn outlines_every_cache(store: &dyn Metastore) {
    let mut all = vec![ready_cache(store, "a", at(0)).await, ready_cache(store, "b", at(0)).await];
    all[1] = build_and_keep(store, &all[1], Some(at(100)), at(5)).await.cache;
    assert_eq!(all[1].generations.len(), 1);
    all[0] = store.ask_deletion(all[0].id, &[], at(6)).await.unwrap();
    all.push(cache_of(&account("other"), "c", at(7)));
    create_waiting(store, &all[2]).await;
    all.push(ready_cache(store, "d", at(8)).await);
    let outlines: Vec<_> = all.iter().map(CacheOutline::from).collect();
    assert!(outlines[0].is_deleting && !outlines[1].is_deleting);
    assert_eq!(store.outline_caches(Page::first()).await.unwrap(), outlines);
    let mut serving = Vec::new();
    for cache in &all {
        let mut summary = None;
        if let Some(id) = cache.snapshot {
            summary = Some(PackedSummary::from(&store.snapshot(id).await.unwrap().unwrap().summary));
        }
        serving.push((CacheOutline::from(cache), summary));
    }
    assert!(serving[2].1.is_none() && serving[3].1.is_some());
    assert_eq!(store.outline_caches_and_snapshots(Page::first()).await.unwrap(), serving);
    let earlier: Vec<_> = store.find_unserved_snapshots(Page::first()).await.unwrap();
    let earlier: Vec<_> = earlier.iter().map(|snapshot| snapshot.id).collect();
    assert_eq!(earlier, [all[1].generations[0].snapshot]);
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let page = Page { order, limit: 1, ..Page::after(all[0].id) };
        let rest = if order == Order::OldestFirst { &serving[1..2] } else { &[] };
        assert_eq!(store.outline_caches_and_snapshots(page).await.unwrap(), rest);
        let page = Page { order, limit: 1, ..Page::after(earlier[0]) };
        assert_eq!(store.find_unserved_snapshots(page).await.unwrap(), []);
    }
    let page = Page { limit: 1, ..Page::after(all[0].id) };
    assert_eq!(store.outline_caches(page).await.unwrap(), outlines[1..2]);
    let back = Page { order: Order::NewestFirst, limit: 2, ..Page::first() };
    assert_eq!(store.outline_caches(back).await.unwrap(), [outlines[3].clone(), outlines[2].clone()]);
    serving.reverse();
    assert_eq!(store.outline_caches_and_snapshots(back).await.unwrap(), serving[..2]);
}

pub async fn finds_by_image_and_repository(store: &dyn Metastore) {
    let ours = AccountId::local();
    let one =
        with_images(store, &ours, &["r.example/app:1", "other.example:5000/app:2", "r.example/app:1"]).await;
    let two = with_images(store, &ours, &["nginx", "r.example/app:2"]).await;
    with_images(store, &account("other"), &["r.example/app:1"]).await;
    let local_image = with_images(store, &ours, &["oci:/srv/app:1"]).await;
    let by_image = |image: &str| CacheFilter { image: Some(image.parse().unwrap()), ..local() };
    assert_eq!(found(store, &by_image("r.example/app:1")).await, [one.id]);
    assert_eq!(found(store, &by_image("docker.io/library/nginx:latest")).await, [two.id]);
    assert_eq!(found(store, &by_image("oci:/srv/app:1")).await, [local_image.id]);
    assert_eq!(found(store, &by_image("r.example/app:3")).await, []);
    let by_repository =
        |repository: &str| CacheFilter { repository: Some(repository.parse().unwrap()), ..local() };
    assert_eq!(found(store, &by_repository("app")).await, [one.id, two.id]);
    assert_eq!(found(store, &by_repository("library/nginx")).await, [two.id]);
    assert_eq!(found(store, &by_repository("r.example")).await, []);
    let both = CacheFilter { image: by_image("nginx").image, ..by_repository("app") };
    assert_eq!(found(store, &both).await, [two.id]);
    let named = CacheFilter { names: Some(vec!["web".parse().unwrap()]), ..both.clone() };
    assert_eq!(found(store, &named).await, [two.id]);
    let waiting = CacheFilter { states: Some(vec![CacheState::Preparing]), ..both };
    assert_eq!(found(store, &waiting).await, []);
}

pub async fn finds_by_tags(store: &dyn Metastore) {
    let mut ids = Vec::new();
    for tags in [r#"{"team":"a","tier":"1"}"#, r#"{"team":"a"}"#, r#"{"team":"b","tier":""}"#, "{}"] {
        let mut cache = cache_named("web", at(0));
        cache.policy.tags = serde_json::from_str(tags).unwrap();
        ids.push(make_ready(store, &cache, at(0)).await.id);
    }
    let by = |tags: &[(&str, Option<&str>)]| {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), value.map(ToOwned::to_owned)));
        CacheFilter { tags: tags.collect(), ..local() }
    };
    assert_eq!(found(store, &by(&[("team", Some("a"))])).await, ids[..2]);
    assert_eq!(found(store, &by(&[("team", None)])).await, ids[..3]);
    assert_eq!(found(store, &by(&[("team", Some("a")), ("tier", None)])).await, ids[..1]);
    assert_eq!(found(store, &by(&[("team", Some("b")), ("tier", Some(""))])).await, ids[2..3]);
    assert_eq!(found(store, &by(&[("team", Some("b")), ("tier", Some("1"))])).await, []);
    assert_eq!(found(store, &by(&[("a' OR 'x", Some("%"))])).await, []);
    // What no tag has is not found, and is no failure.
    for tags in [[("te\0am", None)], [("team", Some("a\0"))], [("\0", Some("\0"))]] {
        assert_eq!(found(store, &by(&tags)).await, [], "{tags:?}");
    }
}

pub async fn finds_by_labels(store: &dyn Metastore) {
    let mut ids = Vec::new();
    for labels in [r#"{"region":"a","group":"x"}"#, r#"{"region":"b"}"#, "{}"] {
        let notes = CloudNotes::new(Cloud::Alibaba, "{}".to_owned()).unwrap();
        let notes = Some(notes.with_labels(serde_json::from_str(labels).unwrap()).unwrap());
        let cache = model::ImageCache { notes, ..cache_named("web", at(0)) };
        ids.push(make_ready(store, &cache, at(0)).await.id);
    }
    ids.push(ready_cache(store, "web", at(0)).await.id);
    let by = |labels: &[(&str, &str, bool)]| {
        let labels = labels.iter().map(|(key, is, or_missing)| {
            ((*key).to_owned(), LabelFilter { is: (*is).to_owned(), or_missing: *or_missing })
        });
        CacheFilter { labels: labels.collect(), ..local() }
    };
    for (labels, expected) in [
        (&[("region", "a", false)][..], &[0][..]),
        (&[("region", "a", true)], &[0, 2, 3]),
        (&[("region", "a", true), ("group", "x", false)], &[0]),
        (&[("region", "b", false), ("group", "x", true)], &[1]),
        (&[("region", "", false)], &[]),
        (&[("other", "a", true)], &[0, 1, 2, 3]),
        (&[("re\0gion", "a\0", false)], &[]),
        (&[("region", "a\0", true)], &[2, 3]),
    ] {
        let wanted: Vec<_> = expected.iter().map(|index| ids[*index]).collect();
        assert_eq!(found(store, &by(labels)).await, wanted, "{labels:?}");
        assert_eq!(store.count_caches(&by(labels)).await.unwrap(), wanted.len() as u64, "{labels:?}");
    }
    let notes = CloudNotes::new(Cloud::Alibaba, "{}".to_owned()).unwrap();
    let notes = notes.with_labels([("region".to_owned(), "a".to_owned())].into()).unwrap();
    let edit = CacheEdit { notes: Some(notes), ..CacheEdit::default() };
    store.update_cache(ids[1], &edit, None, None, &[], at(1)).await.unwrap();
    assert_eq!(found(store, &by(&[("region", "a", false)])).await, ids[..2]);
    store.delete_cache(ids[0], &[]).await.unwrap();
    assert_eq!(found(store, &by(&[("region", "a", false)])).await, ids[1..2]);
}

pub async fn finds_what_is_to_last(store: &dyn Metastore) {
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(ready_cache(store, "web", at(0)).await.id);
    }
    let lasting = CacheFilter { lasting: true, ..local() };
    let named = CacheFilter { names: Some(vec!["web".parse().unwrap()]), ..lasting.clone() };
    for left in [&ids[..], &ids[1..]] {
        for filter in [&lasting, &named] {
            assert_eq!(found(store, filter).await, left);
            let listing = store.list_caches(filter, Page { limit: 1, ..Page::first() }).await.unwrap();
            assert_eq!((listing.caches[0].id, listing.total), (left[0], left.len() as u64));
        }
        store.ask_deletion(ids[0], &[], at(1)).await.unwrap();
    }
    assert_eq!(found(store, &local()).await, ids);
}

pub async fn finds_nothing_among_none(store: &dyn Metastore) {
    ready_cache(store, "web", at(0)).await;
    for filter in [
        CacheFilter { ids: Some(Vec::new()), ..local() },
        CacheFilter { names: Some(Vec::new()), ..local() },
        CacheFilter { states: Some(Vec::new()), ..local() },
    ] {
        assert_eq!(found(store, &filter).await, [], "{filter:?}");
    }
}

pub async fn follows_changes(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let tags = Some(serde_json::from_str(r#"{"team":"a"}"#).unwrap());
    let policy = PolicyEdit { tags, ..PolicyEdit::default() };
    let edit = CacheEdit { name: Some("renamed".parse().unwrap()), policy, ..CacheEdit::default() };
    let mut build = build_of(&cache, &process(1), at(1));
    build.plan.images = vec!["r.example/new:1".parse().unwrap()];
    store.update_cache(cache.id, &edit, Some(&build), None, &[], at(1)).await.unwrap();
    let old_name = CacheFilter { names: Some(vec!["web".parse().unwrap()]), ..local() };
    let new_name = CacheFilter { names: Some(vec!["renamed".parse().unwrap()]), ..local() };
    let tagged = CacheFilter { tags: [("team".to_owned(), Some("a".to_owned()))].into(), ..local() };
    let old_image = CacheFilter { image: Some(cache.images[0].clone()), ..local() };
    let new_image = CacheFilter { repository: Some("new".parse().unwrap()), ..local() };
    for (filter, is_found) in
        [(&old_name, false), (&new_name, true), (&tagged, true), (&old_image, true), (&new_image, false)]
    {
        assert_eq!(found(store, filter).await.len(), usize::from(is_found), "{filter:?}");
    }
    finish(store, &build, None, at(2)).await.unwrap();
    for (filter, is_found) in [(&old_image, false), (&new_image, true)] {
        assert_eq!(found(store, filter).await.len(), usize::from(is_found), "{filter:?}");
    }
    store.delete_cache(cache.id, &[]).await.unwrap();
    for filter in [&new_name, &tagged, &new_image] {
        assert_eq!(found(store, filter).await, [], "{filter:?}");
    }
}

pub async fn pages_there_and_back(store: &dyn Metastore) {
    let mut ids = Vec::new();
    for _ in 0..5 {
        let cache = cache_named("web", at(0));
        create(store, &cache, &build_of(&cache, &process(1), at(0)), &[]).await.unwrap();
        ids.push(cache.id);
    }
    let by_image = CacheFilter { image: Some("registry.example/app:1".parse().unwrap()), ..local() };
    let by_repository = CacheFilter { repository: Some("app".parse().unwrap()), ..local() };
    let by_name = CacheFilter { names: Some(vec!["web".parse().unwrap()]), ..local() };
    for filter in [CacheFilter::default(), local(), by_image, by_repository, by_name] {
        let page = async |after, limit, order| {
            let found = store.find_caches(&filter, Page { after, limit, order, skip: 0 }).await.unwrap();
            found.into_iter().map(|cache| cache.id).collect::<Vec<_>>()
        };
        assert_eq!(page(None, 2, Order::OldestFirst).await, ids[..2], "{filter:?}");
        assert_eq!(page(Some(ids[1]), 2, Order::OldestFirst).await, ids[2..4], "{filter:?}");
        assert_eq!(page(Some(ids[4]), 2, Order::OldestFirst).await, [], "{filter:?}");
        assert_eq!(page(None, 2, Order::NewestFirst).await, [ids[4], ids[3]], "{filter:?}");
        assert_eq!(page(Some(ids[3]), 9, Order::NewestFirst).await, [ids[2], ids[1], ids[0]], "{filter:?}");
        assert_eq!(page(Some(ids[0]), 9, Order::NewestFirst).await, [], "{filter:?}");
        assert_eq!(page(None, 0, Order::NewestFirst).await, [], "{filter:?}");
    }
    let running = async |page| {
        let found = store.running_builds(page).await.unwrap();
        found.into_iter().map(|build| build.cache).collect::<Vec<_>>()
    };
    assert_eq!(running(Page::first()).await, ids);
    let newest = Page { order: Order::NewestFirst, limit: 2, ..Page::first() };
    assert_eq!(running(newest).await, [ids[4], ids[3]]);
}

pub async fn lists_by_page(store: &dyn Metastore) {
    let mut all = Vec::new();
    for name in ["a", "b", "c"] {
        all.push(ready_cache(store, name, at(0)).await);
    }
    ready_cache_of_another(store).await;
    let list = async |page: Page<CacheId>| store.list_caches(&local(), page).await.unwrap();
    let first = list(Page { limit: 2, ..Page::first() }).await;
    assert_eq!((first.caches, first.more, first.total), (all[..2].to_vec(), true, 3));
    let rest = list(Page { limit: 2, ..Page::after(all[1].id) }).await;
    assert_eq!((rest.caches, rest.more, rest.total), (all[2..].to_vec(), false, 3));
    let whole = list(Page { limit: 3, ..Page::first() }).await;
    assert_eq!((whole.caches, whole.more, whole.total), (all, false, 3));
    let none = list(Page { limit: 0, ..Page::first() }).await;
    assert_eq!((none.caches, none.total), (Vec::new(), 3));
    let named = CacheFilter { names: Some(vec!["b".parse().unwrap()]), ..local() };
    let named = store.list_caches(&named, Page { limit: 1, ..Page::first() }).await.unwrap();
    assert_eq!((named.caches.len(), named.more, named.total), (1, false, 1));
}

async fn ready_cache_of_another(store: &dyn Metastore) {
    make_ready(store, &cache_of(&account("other"), "z", at(0)), at(0)).await;
}

pub async fn passes_over_what_is_skipped(store: &dyn Metastore) {
    let mut all = Vec::new();
    for name in ["a", "b", "a", "b", "a"] {
        all.push(ready_cache(store, name, at(0)).await.id);
    }
    let (waiting, _) = create_waiting(store, &cache_named("a", at(0))).await;
    all.push(waiting.id);
    ready_cache_of_another(store).await;
    let filters = [
        local(),
        CacheFilter { states: Some(vec![CacheState::Preparing, CacheState::Ready]), ..local() },
        CacheFilter { states: Some(CacheState::ALL.to_vec()), account: None, ..local() },
        CacheFilter { names: Some(vec!["a".parse().unwrap()]), ..local() },
    ];
    for filter in filters {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let page = Page { order, ..Page::first() };
            let every = store.find_caches(&filter, page).await.unwrap();
            for skip in 0..=u32::try_from(every.len()).unwrap() + 1 {
                let rest: Vec<_> = every.iter().skip(skip as usize).take(2).cloned().collect();
                let page = Page { skip, limit: 2, ..page };
                let listed = store.list_caches(&filter, page).await.unwrap();
                assert_eq!(listed.caches, rest, "{filter:?} {page:?}");
                assert_eq!(listed.more, every.len() > skip as usize + 2, "{filter:?} {page:?}");
            }
        }
    }
    let behind = Page { skip: 1, limit: 2, ..Page::after(all[1]) };
    let found = store.find_caches(&local(), behind).await.unwrap();
    assert_eq!(found.iter().map(|cache| cache.id).collect::<Vec<_>>(), all[3..5]);
}
