use std::collections::BTreeMap;

use model::{AccountId, CacheState, ImageCache, Instance, Origin};

use crate::{CacheFilter, InstanceFilter, Metastore, Page, Usage};

/// What is counted never differs from what is there. Looked at behind every other case, too.
pub async fn agree(store: &dyn Metastore) {
    caches_agree(store).await;
    builds_agree(store).await;
    instances_agree(store).await;
}

async fn builds_agree(store: &dyn Metastore) {
    let (mut running, mut page) = (0, Page::first());
    loop {
        let found = store.running_builds(page).await.unwrap();
        let Some(last) = found.last() else { break };
        page = Page::after(last.id);
        running += found.len() as u64;
    }
    assert_eq!(store.count_running_builds().await.unwrap(), running);
}

async fn instances_agree(store: &dyn Metastore) {
    let (mut all, mut page) = (Vec::new(), Page::first());
    loop {
        let found = store.find_instances(&InstanceFilter::default(), page).await.unwrap();
        let Some(last) = found.last() else { break };
        page = Page::after(last.id);
        all.extend(found);
    }
    let accounts = all.iter().map(|instance| Some(instance.account.clone())).chain([None]);
    let filters = accounts.flat_map(|account| {
        [false, true].map(|unfinished| InstanceFilter {
            account: account.clone(),
            unfinished,
            ..InstanceFilter::default()
        })
    });
    for filter in filters {
        let is_wanted = |instance: &&Instance| {
            filter.account.as_ref().is_none_or(|account| *account == instance.account)
                && !(filter.unfinished && instance.state.has_ended())
        };
        let counted = store.count_instances(&filter).await.unwrap();
        assert_eq!(counted, all.iter().filter(is_wanted).count() as u64, "{filter:?}");
    }
}

async fn caches_agree(store: &dyn Metastore) {
    let all = all(store).await;
    let mut accounts: BTreeMap<&AccountId, Usage> = BTreeMap::new();
    for cache in &all {
        let usage = accounts.entry(&cache.account).or_default();
        let counted = u64::from(cache.deleting.is_none());
        match cache.origin {
            Origin::Manual => usage.manual += counted,
            Origin::Automatic => usage.automatic += counted,
        }
    }
    for (account, usage) in &accounts {
        assert_eq!(store.usage(account).await.unwrap(), *usage, "{account}");
    }
    let none = [];
    let (one, two) = ([CacheState::Ready], [CacheState::Failed, CacheState::Preparing]);
    let states = [None, Some(&none[..]), Some(&one[..]), Some(&two[..]), Some(&CacheState::ALL[..])];
    for account in accounts.keys().map(|account| Some((*account).clone())).chain([None]) {
        for origin in [None, Some(Origin::Manual), Some(Origin::Automatic)] {
            for (states, lasting) in states.iter().flat_map(|states| [(states, false), (states, true)]) {
                let states = states.map(<[_]>::to_vec);
                let account = account.clone();
                let filter = CacheFilter { account, origin, states, lasting, ..CacheFilter::default() };
                let counted = store.count_caches(&filter).await.unwrap();
                let is_wanted = |cache: &&ImageCache| {
                    filter.account.as_ref().is_none_or(|account| *account == cache.account)
                        && origin.is_none_or(|origin| origin == cache.origin)
                        && filter.states.as_ref().is_none_or(|states| states.contains(&cache.state))
                        && !(lasting && cache.deleting.is_some())
                };
                assert_eq!(counted, all.iter().filter(is_wanted).count() as u64, "{filter:?}");
            }
        }
    }
}

async fn all(store: &dyn Metastore) -> Vec<ImageCache> {
    let (mut all, mut page) = (Vec::new(), Page::first());
    loop {
        let found = store.find_caches(&CacheFilter::default(), page).await.unwrap();
        let Some(last) = found.last() else { return all };
        page = Page::after(last.id);
        all.extend(found);
    }
}
