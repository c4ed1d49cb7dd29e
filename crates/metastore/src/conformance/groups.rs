use std::collections::BTreeSet;

use model::matching::MatchPolicy;
use model::{
    AccountId, ByteSize, Cloud, CloudNotes, ContainerSpec, EventReason, ExitStatus, Group, GroupChoice,
    GroupId, GroupNetwork, GroupPhase, GroupSpec, GroupStatus, ImageCache, Instance, Platform,
    RegistryAccess, RestartPolicy, SealedSecret, Subject, Timestamp,
};

use super::{account, at, event, instance_of, ready_cache, snapshot_of, waiting_build_of};
use crate::{ChangeKind, ChangeNumber, Error, GroupFilter, GroupStep, Metastore, Order, Page};

fn group_of(account: &AccountId, name: &str, now: Timestamp) -> Group {
    let container = ContainerSpec {
        name: "main".parse().unwrap(),
        image: "registry.example/app:1".parse().unwrap(),
        entrypoint: None,
        command: vec!["serve \"ü\"".to_owned()],
        address_variables: BTreeSet::new(),
        working_dir: None,
        user: None,
        milli_cpus: Some(500),
        memory: Some(ByteSize::mib(64)),
        mounts: Vec::new(),
    };
    let spec = GroupSpec {
        platform: Platform::linux_amd64(),
        init_containers: Vec::new(),
        containers: vec![container],
        volumes: Vec::new(),
        restart_policy: RestartPolicy::OnFailure,
        cache: None,
        match_cache: true,
        policy: MatchPolicy::Alibaba,
        space: Some(ByteSize::gib(30)),
        access: RegistryAccess::default(),
        hostname: name.to_owned(),
        network: GroupNetwork::Own,
        deadline_seconds: Some(60),
        grace_seconds: 30,
        milli_cpus: None,
        memory: None,
    };
    Group::asked_for(GroupId::generate(), name.parse().unwrap(), account.clone(), spec, now)
}

async fn create(store: &dyn Metastore, name: &str) -> Group {
    let group = group_of(&AccountId::local(), name, at(1));
    store.create_group(&group, &[], &[]).await.unwrap();
    group
}

fn of(group: &Group, name: &str, cache: &ImageCache) -> Instance {
    Instance { group: Some(group.id), ..instance_of(name, cache, at(2)) }
}

/// Its containers start from that cache.
fn chosen(group: &Group, cache: &ImageCache) -> GroupStep {
    let choice = GroupChoice {
        snapshot: cache.snapshot.unwrap(),
        cache: Some(cache.id),
        size_limit: ByteSize::gib(20),
    };
    let status = GroupStatus { choice: Some(choice), phase: GroupPhase::Pending, ..group.status.clone() };
    GroupStep { id: group.id, revision: group.revision, status, made: None }
}

fn sealed(words: &[&str]) -> Vec<SealedSecret> {
    words.iter().map(|word| SealedSecret::from_bytes(word.as_bytes().to_vec())).collect()
}

pub async fn come_and_go(store: &dyn Metastore) {
    let local = AccountId::local();
    let group = group_of(&local, "web", at(1));
    let told = event(Subject::Group(group.id), EventReason::Created, "created", at(1));
    store.create_group(&group, &sealed(&["a", "b"]), &[told]).await.unwrap();
    assert_eq!(store.group(&local, group.id).await.unwrap(), group);
    assert_eq!(store.group_secrets(group.id).await.unwrap(), sealed(&["a", "b"]));
    assert_eq!(store.account_of(Subject::Group(group.id)).await.unwrap(), Some(local.clone()));
    let taken = store.create_group(&group_with(&group, "other"), &[], &[]).await;
    assert!(matches!(taken, Err(Error::Conflict { object: "container group", .. })), "{taken:?}");
    let removed = store.remove_group(group.id, &[]).await.unwrap();
    assert_eq!((removed.group, removed.released), (group.clone(), None));
    for gone in
        [store.group(&local, group.id).await.map(drop), store.remove_group(group.id, &[]).await.map(drop)]
    {
        assert!(matches!(gone, Err(Error::NoGroup(id)) if id == group.id), "{gone:?}");
    }
    assert_eq!(store.group_secrets(group.id).await.unwrap(), []);
    // What happened to it is told still, and whose it was.
    assert_eq!(store.events(Subject::Group(group.id)).await.unwrap().len(), 1);
    assert_eq!(store.account_of(Subject::Group(group.id)).await.unwrap(), Some(local));
    let changes = store.changes(ChangeNumber(0), 10).await.unwrap().unwrap();
    let kinds: Vec<_> = changes.iter().map(|change| (change.subject, change.kind)).collect();
    let subject = Subject::Group(group.id);
    assert_eq!(kinds, [(subject, ChangeKind::Put), (subject, ChangeKind::Gone)]);
}

fn group_with(group: &Group, name: &str) -> Group {
    Group { name: name.parse().unwrap(), ..group.clone() }
}

pub async fn are_each_accounts_own(store: &dyn Metastore) {
    let group = create(store, "web").await;
    let refused = store.group(&account("other"), group.id).await;
    assert!(matches!(refused, Err(Error::NoGroup(id)) if id == group.id), "{refused:?}");
    let filter = GroupFilter { account: Some(account("other")), ..GroupFilter::default() };
    assert_eq!(store.find_groups(&filter, Page::first()).await.unwrap(), []);
}

pub async fn step_by_their_revision(store: &dyn Metastore) {
    let cache = ready_cache(store, "cache", at(0)).await;
    let group = create(store, "web").await;
    let step = chosen(&group, &cache);
    let told = event(Subject::Group(group.id), EventReason::CacheHit, "hit", at(3));
    let change = store.step_group(&step, std::slice::from_ref(&told), at(3)).await.unwrap().unwrap();
    assert_eq!((change.group.revision, change.group.updated), (group.revision + 1, at(3)));
    assert_eq!(change.group.status, step.status);
    assert_eq!(store.group(&group.account, group.id).await.unwrap(), change.group);
    // Whoever has not seen that comes too late, and nothing of it happens.
    assert_eq!(store.step_group(&step, &[told], at(4)).await.unwrap(), None);
    assert_eq!(store.events(Subject::Group(group.id)).await.unwrap()[0].count, 1);
    let gone = GroupStep { id: GroupId::generate(), ..step };
    assert_eq!(store.step_group(&gone, &[], at(4)).await.unwrap(), None);
}

pub async fn hold_their_snapshot(store: &dyn Metastore) {
    let cache = ready_cache(store, "cache", at(0)).await;
    let snapshot = cache.snapshot.unwrap();
    let group = create(store, "web").await;
    let unknown = GroupChoice {
        snapshot: model::ImageSnapshotId::generate(),
        cache: None,
        size_limit: ByteSize::gib(1),
    };
    let step = GroupStep {
        status: GroupStatus { choice: Some(unknown.clone()), ..group.status.clone() },
        ..chosen(&group, &cache)
    };
    let refused = store.step_group(&step, &[], at(2)).await;
    assert!(matches!(refused, Err(Error::NoSnapshot(id)) if id == unknown.snapshot), "{refused:?}");
    let group = store.step_group(&chosen(&group, &cache), &[], at(2)).await.unwrap().unwrap().group;
    assert_eq!(store.held_snapshots().await.unwrap(), [snapshot].into());
    // The cache goes, and what the group starts from stays.
    assert_eq!(store.delete_cache(cache.id, &[]).await.unwrap().released, []);
    assert!(store.snapshot(snapshot).await.unwrap().is_some());
    // One of its own takes the place of that.
    let own = snapshot_of(&waiting_build_of(&cache, at(3)), at(3));
    let choice = GroupChoice { snapshot: own.id, cache: None, size_limit: ByteSize::gib(1) };
    let status = GroupStatus { choice: Some(choice), ..group.status.clone() };
    let step = GroupStep { id: group.id, revision: group.revision, status, made: Some(own.clone()) };
    let change = store.step_group(&step, &[], at(3)).await.unwrap().unwrap();
    assert_eq!(change.released, Some(snapshot));
    assert_eq!(store.snapshot(own.id).await.unwrap(), Some(own.clone()));
    let again = GroupStep { revision: change.group.revision, ..step };
    assert!(matches!(store.step_group(&again, &[], at(4)).await, Err(Error::Conflict { .. })));
    assert_eq!(store.remove_group(group.id, &[]).await.unwrap().released, Some(own.id));
    assert_eq!(store.held_snapshots().await.unwrap(), [].into());
}

pub async fn are_deleted_once_empty(store: &dyn Metastore) {
    let cache = ready_cache(store, "cache", at(0)).await;
    let group = create(store, "web").await;
    let group = store.step_group(&chosen(&group, &cache), &[], at(2)).await.unwrap().unwrap().group;
    let instance = of(&group, "one", &cache);
    store.create_instance(&instance, &[]).await.unwrap();
    assert!(matches!(store.remove_group(group.id, &[]).await, Err(Error::GroupInUse(_))));
    let asked = store.ask_group_deletion(group.id, false, &[], at(5)).await.unwrap();
    let deleting = asked.status.deleting.unwrap();
    assert_eq!((deleting.since, deleting.force, asked.revision), (at(5), false, group.revision + 1));
    assert_eq!(store.ask_group_deletion(group.id, false, &[], at(6)).await.unwrap(), asked);
    let forced = store.ask_group_deletion(group.id, true, &[], at(7)).await.unwrap();
    let deleting = forced.status.deleting.unwrap();
    assert_eq!((deleting.since, deleting.force), (at(5), true));
    // A step that knew nothing of it comes too late; one that does forgets it not.
    let step = GroupStep {
        status: GroupStatus { deleting: None, ..group.status.clone() },
        ..chosen(&group, &cache)
    };
    assert_eq!(store.step_group(&step, &[], at(8)).await.unwrap(), None);
    let step = GroupStep { revision: forced.revision, ..step };
    let stepped = store.step_group(&step, &[], at(8)).await.unwrap().unwrap().group;
    assert_eq!(stepped.status.deleting, forced.status.deleting);
    store.instance_exited(instance.id, ExitStatus::Code(0), &[], at(9)).await.unwrap();
    store.remove_instance(instance.id, &[]).await.unwrap();
    store.remove_group(group.id, &[]).await.unwrap();
    let unknown = store.ask_group_deletion(group.id, false, &[], at(9)).await;
    assert!(matches!(unknown, Err(Error::NoGroup(_))), "{unknown:?}");
}

pub async fn are_found_by_filter_and_page(store: &dyn Metastore) {
    let cache = ready_cache(store, "cache", at(0)).await;
    let groups = [create(store, "a1").await, create(store, "a1").await, create(store, "c1").await];
    let ids: Vec<GroupId> = groups.iter().map(|group| group.id).collect();
    let found = async |filter: GroupFilter, page: Page<GroupId>| {
        let found = store.find_groups(&filter, page).await.unwrap();
        found.into_iter().map(|group| group.id).collect::<Vec<_>>()
    };
    assert_eq!(found(GroupFilter::default(), Page::first()).await, ids);
    let newest = Page { after: None, limit: 2, order: Order::NewestFirst, skip: 0 };
    assert_eq!(found(GroupFilter::default(), newest).await, [ids[2], ids[1]]);
    assert_eq!(found(GroupFilter::default(), Page::after(ids[0])).await, ids[1..]);
    let status = GroupStatus { phase: GroupPhase::Failed, ended: Some(at(3)), ..groups[0].status.clone() };
    let step = GroupStep { id: ids[0], revision: 0, status, made: None };
    store.step_group(&step, &[], at(3)).await.unwrap().unwrap();
    let unfinished = GroupFilter { unfinished: true, ..GroupFilter::default() };
    assert_eq!(found(unfinished.clone(), Page::first()).await, ids[1..]);
    store.ask_group_deletion(ids[0], false, &[], at(4)).await.unwrap();
    assert_eq!(found(unfinished, Page::first()).await, ids);
    let instance = of(&groups[1], "one", &cache);
    store.create_instance(&instance, &[]).await.unwrap();
    store.create_instance(&instance_of("two", &cache, at(2)), &[]).await.unwrap();
    let filter = crate::InstanceFilter { group: Some(ids[1]), ..crate::InstanceFilter::default() };
    assert_eq!(store.find_instances(&filter, Page::first()).await.unwrap(), [instance]);
}

pub async fn are_resealed_once(store: &dyn Metastore) {
    let group = group_of(&AccountId::local(), "web", at(1));
    store.create_group(&group, &sealed(&["a", "b", "c"]), &[]).await.unwrap();
    let reseal = async |from: &[&str], to: &[&str]| {
        store.reseal_group(group.id, &sealed(from), &sealed(to)).await.unwrap()
    };
    assert!(!reseal(&["b", "a", "c"], &["x"]).await);
    assert!(reseal(&["a", "b", "c"], &["d", "e"]).await);
    assert!(!reseal(&["a", "b", "c"], &["x"]).await);
    assert_eq!(store.group_secrets(group.id).await.unwrap(), sealed(&["d", "e"]));
    let unknown = store.reseal_group(GroupId::generate(), &[], &sealed(&["x"])).await;
    assert!(!unknown.unwrap());
}

/// Of many who read the same notes and write others, one is let.
pub async fn swap_what_a_cloud_said(store: &dyn Metastore) {
    let said = |text: &str| CloudNotes::new(Cloud::Alibaba, format!("\"{text}\"")).unwrap();
    let group = Group { notes: Some(said("first")), ..group_of(&AccountId::local(), "web", at(1)) };
    store.create_group(&group, &[], &[]).await.unwrap();
    let (first, others) = (said("first"), ["a", "b", "c", "d"].map(said));
    let swap = |place: usize| store.swap_group_notes(group.id, &first, &others[place]);
    let (a, b, c, d) = tokio::join!(swap(0), swap(1), swap(2), swap(3));
    let swapped: Vec<Group> = [a, b, c, d].into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(swapped.len(), 1, "{swapped:?}");
    assert_eq!(store.group(&group.account, group.id).await.unwrap(), swapped[0]);
    let before = store.newest_change().await.unwrap();
    assert_eq!(store.swap_group_notes(group.id, &first, &first).await.unwrap(), None);
    assert_eq!(store.newest_change().await.unwrap(), before);
    let absent = store.swap_group_notes(GroupId::generate(), &first, &first).await;
    assert!(matches!(absent, Err(Error::NoGroup(_))));
}
