//! The examples of both clouds' published rules, and of our own.

use std::num::NonZeroU32;

use super::*;
use crate::{
    ByteSize, CacheId, CacheState, DiffId, Digest, ImageSource, ManifestDigest, Platform, Timestamp,
};

fn layer(name: &str, bytes: u64) -> (DiffId, ByteSize) {
    (DiffId::new(Digest::sha256(name.as_bytes())), ByteSize::bytes(bytes))
}

fn source(text: &str) -> ImageSource {
    text.parse().unwrap()
}

/// An image of one layer of its own, pinned to a digest of its own.
fn image(text: &str) -> CandidateImage {
    with_layers(text, &[layer(text, 100)])
}

fn with_layers(text: &str, layers: &[(DiffId, ByteSize)]) -> CandidateImage {
    CandidateImage {
        source: source(text),
        manifest_digest: pinned(text),
        index_digest: None,
        layers: layers.to_vec(),
    }
}

fn pinned(text: &str) -> ManifestDigest {
    ManifestDigest::new(Digest::sha256(format!("manifest of {text}").as_bytes()))
}

fn id(number: u32) -> CacheId {
    format!("imc-{number:032x}").parse().unwrap()
}

/// A Ready cache of 20 GiB; later numbers are newer.
fn cache(number: u32, images: &[CandidateImage]) -> Candidate {
    let layers = images.iter().flat_map(|image| image.layers.iter().copied());
    let layers: std::collections::BTreeMap<_, _> = layers.collect();
    Candidate {
        id: id(number),
        created: Timestamp::from_micros(i64::from(number)),
        state: CacheState::Ready,
        size_limit: ByteSize::gib(20),
        unpacked_size: layers.values().fold(ByteSize::ZERO, |sum, size| sum.plus(*size)),
        platform: Platform::linux_amd64(),
        images: images.to_vec(),
    }
}

fn wants(policy: MatchPolicy, images: &[&str]) -> MatchRequest {
    let images = images.iter().map(|text| WantedImage::named(source(text)));
    MatchRequest::new(images, Platform::linux_amd64(), policy)
}

fn wants_layers(policy: MatchPolicy, text: &str, layers: &[(DiffId, ByteSize)]) -> MatchRequest {
    let image = WantedImage { source: source(text), layers: layers.to_vec() };
    MatchRequest::new([image], Platform::linux_amd64(), policy)
}

#[track_caller]
fn assert_order(request: &MatchRequest, caches: &[Candidate], expected: &[u32]) {
    let ranking = rank(request, caches, 20);
    let taken: Vec<CacheId> = ranking.taken.iter().map(|taken| taken.id).collect();
    assert_eq!(taken, expected.iter().map(|number| id(*number)).collect::<Vec<_>>(), "{ranking:#?}");
}

#[track_caller]
fn assert_left(request: &MatchRequest, cache: &Candidate, because: &LeftBecause) {
    assert_eq!(explain(request, cache).as_ref(), Err(because));
}

mod alibaba {
    use super::*;

    const POLICY: MatchPolicy = MatchPolicy::Alibaba;

    #[test]
    fn only_ready_caches_that_fit_the_instances_storage() {
        let mut request = wants(POLICY, &["nginx:1.25"]);
        request.space = Some(ByteSize::gib(30));
        let fits = Candidate { size_limit: ByteSize::gib(30), ..cache(1, &[image("nginx:1.25")]) };
        let larger = Candidate { size_limit: ByteSize::gib(31), id: id(2), ..fits.clone() };
        let updating = Candidate { state: CacheState::Updating, id: id(3), ..fits.clone() };
        assert_order(&request, &[larger.clone(), updating.clone(), fits], &[1]);
        let (size, space) = (ByteSize::gib(31), ByteSize::gib(30));
        assert_left(&request, &larger, &LeftBecause::LargerThanSpace { size, space });
        assert_left(&request, &updating, &LeftBecause::State(CacheState::Updating));
    }

    #[test]
    fn repository_and_version_go_before_repository_alone() {
        let request = wants(POLICY, &["nginx:1.25", "redis:7"]);
        let both = cache(1, &[image("nginx:1.25"), image("redis:7"), image("large:1")]);
        let one_and_other_tag = cache(2, &[image("nginx:1.25"), image("redis:6")]);
        let one = cache(3, &[image("nginx:1.25")]);
        let other_tags = cache(4, &[image("nginx:1.24"), image("redis:6")]);
        let nothing = cache(5, &[image("mysql:8")]);
        let caches = [nothing.clone(), other_tags, one, one_and_other_tag, both];
        assert_order(&request, &caches, &[1, 2, 3, 4]);
        assert_left(&request, &nothing, &LeftBecause::NothingInCommon);
    }

    #[test]
    fn then_the_closest_size_and_then_the_newest() {
        let request = wants(POLICY, &["nginx:1.25"]);
        let wide = cache(3, &[image("nginx:1.25"), image("mysql:8")]);
        let (close, close_and_newer) = (cache(1, &[image("nginx:1.25")]), cache(2, &[image("nginx:1.25")]));
        assert_order(&request, &[close, close_and_newer, wide], &[2, 1, 3]);
    }

    #[test]
    fn a_perfect_match_is_every_image_whole() {
        let mut request = wants(POLICY, &["nginx:1.25", "redis:7"]);
        request.condition = MatchCondition::Perfect;
        let both = cache(1, &[image("nginx:1.25"), image("redis:7")]);
        let partial = cache(2, &[image("nginx:1.25"), image("redis:6")]);
        assert_order(&request, &[both, partial.clone()], &[1]);
        assert_left(&request, &partial, &LeftBecause::NotPerfect { have: 1, wanted: 2 });
    }

    #[test]
    fn a_match_count_counts_images_that_are_there_whole() {
        let mut request = wants(POLICY, &["nginx:1.25", "redis:7", "mysql:8"]);
        request.condition = MatchCondition::AtLeast(NonZeroU32::new(2).unwrap());
        let two = cache(1, &[image("nginx:1.25"), image("redis:7")]);
        let one = cache(2, &[image("nginx:1.25"), image("redis:6"), image("mysql:5")]);
        assert_order(&request, &[two, one.clone()], &[1]);
        assert_left(&request, &one, &LeftBecause::TooFewImages { have: 1, at_least: 2 });
    }

    #[test]
    fn a_full_match_is_also_one_by_all_layers_under_another_name() {
        let layers = [layer("base", 10), layer("app", 5)];
        let mut request = wants_layers(POLICY, "mirror.example/app:1", &layers);
        request.condition = MatchCondition::Perfect;
        let all = cache(1, &[with_layers("other.example/x:9", &layers)]);
        let some = cache(2, &[with_layers("other.example/y:9", &layers[..1])]);
        assert_eq!(explain(&request, &all).unwrap().images, [ImageMatch::AllLayers]);
        assert_left(&request, &some, &LeftBecause::NothingInCommon);
    }

    #[test]
    fn a_digest_finds_the_tag_that_is_pinned_to_it() {
        let request = wants(POLICY, &[&format!("nginx@{}", pinned("nginx:1.25"))]);
        let taken = explain(&request, &cache(1, &[image("nginx:1.24"), image("nginx:1.25")])).unwrap();
        assert_eq!(taken.images, [ImageMatch::SamePinned]);
        assert!(taken.is_perfect());
    }
}

mod tencent {
    use super::*;

    const POLICY: MatchPolicy = MatchPolicy::Tencent;

    #[test]
    fn the_name_is_enough_and_an_exact_tag_is_no_better() {
        let request = wants(POLICY, &["redis:8.6.1-trixie"]);
        let other_tag = cache(2, &[image("redis:7")]);
        let exact = cache(1, &[image("redis:8.6.1-trixie")]);
        assert_order(&request, &[exact, other_tag, cache(3, &[image("nginx:latest")])], &[2, 1]);
    }

    #[test]
    fn then_the_smaller_cache_and_then_the_newer() {
        let request = wants(POLICY, &["nginx:latest"]);
        let small =
            Candidate { size_limit: ByteSize::gib(20), ..cache(1, &[image("nginx:1"), image("wide:1")]) };
        let small_and_newer = Candidate { id: id(2), created: Timestamp::from_micros(2), ..small.clone() };
        let large = Candidate { size_limit: ByteSize::gib(21), ..cache(3, &[image("nginx:1")]) };
        assert_order(&request, &[large, small, small_and_newer], &[2, 1, 3]);
    }

    #[test]
    fn more_names_go_before_size() {
        let request = wants(POLICY, &["nginx:1", "redis:1"]);
        let one = cache(1, &[image("nginx:1")]);
        let two =
            Candidate { size_limit: ByteSize::gib(100), ..cache(2, &[image("nginx:2"), image("redis:2")]) };
        assert_order(&request, &[one, two], &[2, 1]);
    }

    #[test]
    fn two_versions_of_one_image_are_one_name() {
        let request = wants(POLICY, &["nginx:1", "nginx:2", "redis:1"]);
        let taken = explain(&request, &cache(1, &[image("nginx:2")])).unwrap();
        assert_eq!(taken.reason.grade, Grade::Tencent { names: 1 });
        assert_eq!(taken.images, [ImageMatch::OtherTag, ImageMatch::Exact, ImageMatch::Missing]);
    }

    #[test]
    fn names_are_compared_after_dockers_defaults() {
        let request = wants(POLICY, &["docker.io/library/nginx:latest"]);
        assert!(explain(&request, &cache(1, &[image("nginx")])).is_ok());
        assert_left(&request, &cache(2, &[image("r.io/library/nginx")]), &LeftBecause::NothingInCommon);
        assert_left(&request, &cache(3, &[image("user/nginx")]), &LeftBecause::NothingInCommon);
    }

    #[test]
    fn only_ready_can_be_matched() {
        let request = wants(POLICY, &["nginx"]);
        for state in CacheState::ALL.into_iter().filter(|state| *state != CacheState::Ready) {
            let candidate = Candidate { state, ..cache(1, &[image("nginx")]) };
            assert_left(&request, &candidate, &LeftBecause::State(state));
        }
    }
}

mod content {
    use super::*;

    const POLICY: MatchPolicy = MatchPolicy::Content;

    #[test]
    fn most_bytes_that_need_not_be_fetched_whatever_the_names() {
        let wanted = [layer("base", 50), layer("middle", 30), layer("top", 5)];
        let request = wants_layers(POLICY, "app:2", &wanted);
        let same_name = cache(1, &[with_layers("app:1", &wanted[..1])]);
        let other_name = cache(2, &[with_layers("other:1", &wanted[..2])]);
        let moved = cache(3, &[with_layers("app:2", &wanted[2..])]);
        let caches = [same_name, other_name.clone(), moved];
        assert_order(&request, &caches, &[2, 1, 3]);
        let (bytes, of) = (ByteSize::bytes(80), ByteSize::bytes(85));
        assert_eq!(explain(&request, &other_name).unwrap().images, [ImageMatch::Layers { bytes, of }]);
    }

    #[test]
    fn shared_layers_count_once() {
        let wanted = |text: &str, own: &str| {
            let layers = vec![layer("base", 50), layer(own, 10)];
            WantedImage { source: source(text), layers }
        };
        let request =
            MatchRequest::new([wanted("a", "a"), wanted("b", "b")], Platform::linux_amd64(), POLICY);
        let taken = explain(&request, &cache(1, &[with_layers("c", &[layer("base", 50)])])).unwrap();
        let saved = ByteSize::bytes(50);
        assert_eq!(taken.reason.grade, Grade::Content { perfect: false, saved });
    }

    #[test]
    fn unknown_layers_count_by_the_whole_image_of_that_word() {
        let request = wants(POLICY, &["a:1"]);
        let exact = cache(1, &[with_layers("a:1", &[layer("x", 7), layer("y", 8)]), image("more:1")]);
        let taken = explain(&request, &exact).unwrap();
        let saved = ByteSize::bytes(15);
        assert_eq!(taken.reason.grade, Grade::Content { perfect: true, saved });
        assert_eq!(taken.reason.size, ByteSize::bytes(100));
        assert_left(&request, &cache(2, &[image("a:2")]), &LeftBecause::NothingInCommon);
    }

    #[test]
    fn everything_goes_before_more_bytes() {
        let request = wants(POLICY, &["a:1", "b:1"]);
        let everything = cache(1, &[image("a:1"), image("b:1")]);
        let more = cache(2, &[with_layers("a:1", &[layer("huge", 1000)])]);
        assert_order(&request, &[more, everything], &[1, 2]);
    }

    #[test]
    fn every_usable_cache_is_taken() {
        let request = wants(POLICY, &["a:1"]);
        for state in CacheState::ALL {
            let candidate = Candidate { state, ..cache(1, &[image("a:1")]) };
            assert_eq!(explain(&request, &candidate).is_ok(), state.is_usable());
        }
    }

    #[test]
    fn then_the_least_surplus_and_then_the_newest() {
        let request = wants(POLICY, &["a:1"]);
        let wide = cache(3, &[image("a:1"), image("b:1")]);
        assert_order(&request, &[wide, cache(1, &[image("a:1")]), cache(2, &[image("a:1")])], &[2, 1, 3]);
    }
}

#[test]
fn platforms_are_the_same_or_not() {
    let mut request = wants(MatchPolicy::Content, &["a:1"]);
    request.platform = "linux/arm64".parse().unwrap();
    let built_for =
        |platform: &str| Candidate { platform: platform.parse().unwrap(), ..cache(1, &[image("a:1")]) };
    assert!(explain(&request, &built_for("linux/arm64/v8")).is_ok());
    for other in ["linux/amd64", "linux/arm64/v9"] {
        assert_left(&request, &built_for(other), &LeftBecause::Platform(other.parse().unwrap()));
    }
}

#[test]
fn layouts_and_archives_are_the_same_or_not() {
    for policy in MatchPolicy::ALL {
        let request = wants(policy, &["oci:/srv/app:1"]);
        assert!(explain(&request, &cache(1, &[image("oci:/srv/app:1")])).is_ok());
        assert_left(&request, &cache(2, &[image("oci:/srv/app:2")]), &LeftBecause::NothingInCommon);
    }
}

#[test]
fn an_image_wanted_twice_counts_once() {
    let request = wants(MatchPolicy::Alibaba, &["nginx", "docker.io/library/nginx:latest"]);
    assert_eq!(request.images().len(), 1);
    let layers = vec![layer("x", 1), layer("x", 1)];
    let known = WantedImage { source: source("nginx"), layers };
    let unknown = WantedImage::named(source("nginx"));
    let request = MatchRequest::new([unknown, known], Platform::linux_amd64(), MatchPolicy::Content);
    assert_eq!(request.images()[0].layers, [layer("x", 1)]);
}

#[test]
fn of_equals_the_greater_id_goes_first() {
    let request = wants(MatchPolicy::Content, &["a:1"]);
    let one = Candidate { created: Timestamp::from_micros(0), ..cache(1, &[image("a:1")]) };
    let two = Candidate { id: id(2), ..one.clone() };
    assert_order(&request, &[one, two], &[2, 1]);
}

#[test]
fn reasons_read_as_sentences() {
    let of = |policy, images: &[CandidateImage]| {
        explain(&wants(policy, &["nginx:1.25", "redis:7"]), &cache(1, images)).unwrap().reason.to_string()
    };
    let partial = [image("nginx:1.25"), image("redis:6")];
    let both = [image("nginx:1.25"), image("redis:7")];
    let lines = [
        of(MatchPolicy::Alibaba, &partial),
        of(MatchPolicy::Tencent, &partial[..1]),
        of(MatchPolicy::Tencent, &partial),
        of(MatchPolicy::Content, &partial),
        of(MatchPolicy::Content, &both),
    ];
    assert_eq!(
        lines,
        [
            "has 1 of 2 images and 1 in another version, 100 B beyond them",
            "has 1 wanted name, size 20.0 GiB",
            "has 2 wanted names, size 20.0 GiB",
            "100 B need not be fetched, 100 B beyond them",
            "has everything (200 B), 0 B beyond it",
        ]
    );
}

#[test]
fn policies_there_and_back() {
    for policy in MatchPolicy::ALL {
        assert_eq!(policy.to_string().parse(), Ok(policy));
    }
    assert_eq!(MatchPolicy::default(), MatchPolicy::Content);
    assert!("Alibaba".parse::<MatchPolicy>().is_err());
}
