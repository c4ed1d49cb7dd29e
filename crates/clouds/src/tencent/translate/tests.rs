use model::matching::{Candidate, CandidateImage, rank};
use model::{
    BuildFailure, BuildId, ByteSize, CacheId, Digest, Event, EventKind, EventReason, ManifestDigest,
    NewImageCache, Subject, Timestamp,
};

use super::super::{
    Code, DescribeImageCaches, EventType, Filter, GetMostSuitableImageCache, GivenImage, NamedCache, Status,
};
use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
}

fn cache() -> model::ImageCache {
    let mut cache = model::ImageCache::asked_for(
        NewImageCache {
            account: model::AccountId::local(),
            name: "web".parse().unwrap(),
            origin: Origin::Manual,
            images: vec!["nginx".parse().unwrap()],
            platform: "linux/amd64".parse().unwrap(),
            size_limit: ByteSize::gib(20),
            policy: model::CachePolicy::default(),
            access: model::RegistryAccess::default(),
            notes: None,
        },
        at(0),
    );
    cache.snapshot = Some(ImageSnapshotId::generate());
    cache
}

#[test]
fn a_status_and_its_states_agree() {
    for state in CacheState::ALL {
        assert!(states(status(state)).contains(&state));
        assert_eq!(may_update(state), matches!(status(state), Status::Ready | Status::UpdateFailed));
    }
    let all = [Status::Pending, Status::Ready, Status::Failed, Status::Updating, Status::UpdateFailed];
    for one in all {
        assert!(states(one).iter().all(|state| status(*state) == one));
    }
    assert_eq!(all.iter().map(|one| states(*one).len()).sum::<usize>(), CacheState::ALL.len());
}

#[test]
fn a_build_is_told_in_the_clouds_words_newest_first() {
    let cache = cache();
    let (build, snapshot) = (BuildId::generate(), cache.snapshot.unwrap());
    let once = |kind, reason, message: String, when| {
        Event::once(Subject::Cache(cache.id), kind, reason, message, at(when))
    };
    let told = [
        once(EventKind::Normal, EventReason::BuildStarted, format!("build {build}"), 1),
        once(EventKind::Normal, EventReason::LayerCommitted, "sha256:e3b0".to_owned(), 2),
        once(
            EventKind::Normal,
            EventReason::SnapshotCommitted,
            format!("image snapshot {snapshot} of 5.0 GiB"),
            3,
        ),
        once(EventKind::Normal, EventReason::Ready, "1 image(s) can be started from".to_owned(), 3),
    ];
    let shown = events(cache.id, &told, None);
    let words: Vec<(&str, &str)> =
        shown.iter().map(|event| (event.reason.as_str(), event.message.as_str())).collect();
    let digits = &build.to_string()[28..];
    assert_eq!(
        words,
        [
            ("Ready", "1 image(s) can be started from"),
            ("SnapCreated", &format!("Snap {} created", snapshot_id(Some(snapshot)))),
            ("DiskCreated", &format!("Disk disk-{digits} created")),
            ("EksciCreated", &format!("Eksci eksci-{digits} created")),
        ]
    );
    assert_eq!(digits.len(), 8);
    assert!(
        shown
            .iter()
            .all(|event| event.r#type == EventType::Normal && event.image_cache_id == cache.id.to_string())
    );
}

#[test]
fn a_failure_is_told_by_what_failed() {
    let id = CacheId::generate();
    for (reason, word) in [
        ("size-too-small", "DiskFull"),
        ("no-space", "DiskFull"),
        ("internal", "SnapFailed"),
        ("not-found", "PullImageFailed"),
        ("unauthorized", "PullImageFailed"),
    ] {
        let failure = BuildFailure { reason: reason.to_owned(), message: "it failed".to_owned() };
        let event =
            Event::once(Subject::Cache(id), EventKind::Warning, EventReason::BuildFailed, "it failed", at(0));
        let shown = events(id, &[event], Some(&failure));
        assert_eq!((shown[0].reason.as_str(), shown[0].message.as_str()), (word, "it failed"));
        assert_eq!(shown[0].r#type, EventType::Warning);
    }
}

#[test]
fn every_event_has_words() {
    let id = CacheId::generate();
    for reason in EventReason::ALL {
        let event = Event::once(Subject::Cache(id), EventKind::Normal, *reason, "", at(0));
        let shown = events(id, &[event], None);
        assert_eq!(shown.is_empty(), reason.is_of_a_layer(), "{reason}");
    }
}

#[test]
fn a_cache_is_shown_in_the_words_in_which_it_was_given() {
    let mut cache = cache();
    let words = ["nginx".to_owned()];
    let given = Given { images: &words, matched: Some(at(7)), ..Given::default() };
    let shown = image_cache(&cache, None, &[], given);
    assert_eq!(
        (shown.images.as_slice(), shown.status, shown.retention_days),
        (&words[..], Status::Pending, 0)
    );
    assert_eq!((shown.expire_date_time.to_string(), shown.last_matched_time.0), (String::new(), Some(at(7))));
    assert!(shown.snapshot_id.starts_with("snap-") && shown.snapshot_id.len() == 37, "{}", shown.snapshot_id);
    cache.last_used = Some(at(9));
    cache.images.push("redis".parse().unwrap());
    let shown = image_cache(&cache, Some(at(1)), &[], given);
    assert_eq!(shown.images, ["docker.io/library/nginx:latest", "docker.io/library/redis:latest"]);
    assert_eq!((shown.last_matched_time.0, shown.expire_date_time.0), (Some(at(9)), Some(at(1))));
    assert_eq!(snapshot_id(None), "");
}

#[test]
fn a_listing_is_about_what_every_part_lets_through() {
    let id = CacheId::generate();
    let named = |text: &str| NamedCache { id: text.parse().ok(), text: text.to_owned() };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let describe = DescribeImageCaches {
        image_cache_ids: Some(vec![named("imc-xxx"), named(&id.to_string())]),
        image_cache_names: Some(names(&["a", "b", "Not a name"])),
        limit: 20,
        offset: 0,
        filters: vec![Filter::ImageCacheName(names(&["b", "c"])), Filter::ImageCacheName(names(&["b", "a"]))],
    };
    let found = wanted(&describe);
    assert_eq!(found.ids.unwrap().into_iter().collect::<Vec<_>>(), [id]);
    assert_eq!(found.names.unwrap().into_iter().collect::<Vec<_>>(), ["b".parse().unwrap()]);
    let everything =
        DescribeImageCaches { image_cache_ids: None, image_cache_names: None, filters: vec![], ..describe };
    assert_eq!(wanted(&everything), Wanted::default());
    assert_eq!(ids(&[named(&id.to_string()), named(&id.to_string())]).unwrap().len(), 1);
    assert_eq!(ids(&[named("imc-xxx")]).unwrap_err().code(), Code::ResourceNotFound);
    assert_eq!(wrong_state(id, CacheState::Creating).code(), Code::UnsupportedOperation);
}

fn get(images: &[&str], snapshotter: Option<&str>) -> GetMostSuitableImageCache {
    let given = |text: &&str| GivenImage { text: (*text).to_owned(), reference: text.parse().unwrap() };
    GetMostSuitableImageCache {
        images: images.iter().map(given).collect(),
        snapshotter: snapshotter.map(ToOwned::to_owned),
    }
}

fn candidate(images: &[&str], state: CacheState, gib: u64, created: i64) -> Candidate {
    let image = |text: &&str| CandidateImage {
        source: text.parse().unwrap(),
        manifest_digest: ManifestDigest::new(Digest::sha256(text.as_bytes())),
        index_digest: None,
        layers: Vec::new(),
    };
    Candidate {
        id: CacheId::generate(),
        created: at(created),
        state,
        size_limit: ByteSize::gib(gib),
        unpacked_size: ByteSize::gib(1),
        platform: "linux/amd64".parse().unwrap(),
        images: images.iter().map(image).collect(),
    }
}

/// The order of the published policy: name whatever the tag, then the smaller cache, then the newer one.
#[test]
fn the_most_suitable_cache() {
    let caches = [
        candidate(&["nginx:1.25"], CacheState::Ready, 50, 9),
        candidate(&["docker.io/library/nginx:1.24"], CacheState::Ready, 20, 1),
        candidate(&["nginx:1.24"], CacheState::Ready, 20, 2),
        candidate(&["nginx:1.25"], CacheState::Updating, 20, 8),
        candidate(&["redis"], CacheState::Ready, 20, 9),
    ];
    let platform = || "linux/amd64".parse().unwrap();
    let request = match_request(&get(&["nginx:1.25"], Some("overlay")), platform()).unwrap();
    let ranking = rank(&request, &caches, 10);
    let order: Vec<CacheId> = ranking.taken.iter().map(|taken| taken.id).collect();
    assert_eq!(order, [caches[2].id, caches[1].id, caches[0].id]);
    let request = match_request(&get(&["mysql"], None), platform()).unwrap();
    assert!(rank(&request, &caches, 10).best().is_none());
    assert!(match_request(&get(&["nginx"], Some("nydus")), platform()).is_none());
}
