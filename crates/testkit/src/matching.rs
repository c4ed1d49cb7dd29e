//! Caches and requests for properties of matching: few images, few layers, so that everything meets everything.

use model::matching::{Candidate, CandidateImage, MatchCondition, MatchPolicy, MatchRequest, WantedImage};
use model::{ByteSize, CacheId, CacheState, DiffId, Digest, ManifestDigest, Platform, Timestamp};
use proptest::prelude::*;

const NAMES: [&str; 5] = ["r.io/a", "r.io/b", "c", "oci:/d", "docker-archive:/e.tar"];
const TAGS: u8 = 2;
const BUILDS: u8 = 2;
const LAYER_SIZES: [u64; 9] = [0, 1, 2, 2, 5, 9, 9, 20, 64];

/// One build of one version of one image.
#[derive(Clone, Copy, Debug)]
struct Version {
    name: usize,
    tag: u8,
    build: u8,
}

impl Version {
    fn number(self) -> usize {
        (self.name * usize::from(TAGS) + usize::from(self.tag)) * usize::from(BUILDS)
            + usize::from(self.build)
    }

    fn digest(self, kind: &str) -> ManifestDigest {
        ManifestDigest::new(Digest::sha256(format!("{kind} {}", self.number()).as_bytes()))
    }

    fn layers(self) -> Vec<(DiffId, ByteSize)> {
        let has = (self.number() * 151 + 77) % 511 + 1;
        let layer = |number: usize| {
            (DiffId::new(Digest::sha256(&[number as u8])), ByteSize::bytes(LAYER_SIZES[number]))
        };
        (0..LAYER_SIZES.len()).filter(|number| has >> number & 1 == 1).map(layer).collect()
    }

    /// By tag, by the manifest's digest, by the index's, or by tag and digest.
    fn source(self, spelling: u8) -> model::ImageSource {
        let name = NAMES[self.name];
        let tag = self.tag;
        let text = match (name.split_once(":/"), spelling) {
            (Some(_), _) => format!("{name}:{tag}"),
            (None, 0) => format!("{name}@{}", self.digest("manifest")),
            (None, 1) => format!("{name}@{}", self.digest("index")),
            (None, 2) => format!("{name}:{tag}@{}", self.digest("index")),
            (None, _) => format!("{name}:{tag}"),
        };
        text.parse().unwrap()
    }
}

fn version() -> impl Strategy<Value = Version> {
    (0..NAMES.len(), 0..TAGS, 0..BUILDS).prop_map(|(name, tag, build)| Version { name, tag, build })
}

fn spelling() -> impl Strategy<Value = u8> {
    prop_oneof![5 => Just(3_u8), 1 => 0_u8..3]
}

fn platform() -> impl Strategy<Value = Platform> {
    prop_oneof![8 => Just("linux/amd64"), 1 => Just("linux/arm64"), 1 => Just("linux/arm64/v8")]
        .prop_map(|text| text.parse().unwrap())
}

/// An image that a cache may hold. The same digest always has the same layers.
pub fn candidate_image() -> impl Strategy<Value = CandidateImage> {
    (version(), spelling(), any::<bool>()).prop_map(|(version, spelling, of_index)| CandidateImage {
        source: version.source(spelling),
        manifest_digest: version.digest("manifest"),
        index_digest: of_index.then(|| version.digest("index")),
        layers: version.layers(),
    })
}

/// A wanted image, with its layers or without.
pub fn wanted_image() -> impl Strategy<Value = WantedImage> {
    (version(), spelling(), any::<bool>()).prop_map(|(version, spelling, known)| WantedImage {
        source: version.source(spelling),
        layers: if known { version.layers() } else { Vec::new() },
    })
}

/// The id of that number.
#[must_use]
pub fn cache_id(number: u32) -> CacheId {
    format!("imc-{number:032x}").parse().unwrap()
}

/// Bytes of the layers, each once.
#[must_use]
pub fn unpacked_size(images: &[CandidateImage]) -> ByteSize {
    let layers: std::collections::BTreeMap<_, _> =
        images.iter().flat_map(|image| image.layers.iter().copied()).collect();
    layers.values().fold(ByteSize::ZERO, |sum, size| sum.plus(*size))
}

/// The cache of that number, in any state, of any age and size.
pub fn candidate(number: u32) -> impl Strategy<Value = Candidate> {
    let state = prop_oneof![6 => Just(CacheState::Ready), 2 => proptest::sample::select(&CacheState::ALL)];
    let images = proptest::collection::vec(candidate_image(), 0..5);
    (images, state, 0_i64..3, 1_u64..4, 0_u64..3, platform()).prop_map(
        move |(images, state, created, size, beyond, platform)| Candidate {
            id: cache_id(number),
            created: Timestamp::from_micros(created),
            state,
            size_limit: ByteSize::gib(size),
            unpacked_size: unpacked_size(&images).plus(ByteSize::bytes(beyond)),
            platform,
            images,
        },
    )
}

/// So many caches, numbered from 0.
pub fn candidates(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Candidate>> {
    count.prop_flat_map(|count| (0..count as u32).map(candidate).collect::<Vec<_>>())
}

/// Any request.
pub fn match_request() -> impl Strategy<Value = MatchRequest> {
    let condition = prop_oneof![
        4 => Just(MatchCondition::Any),
        1 => Just(MatchCondition::Perfect),
        1 => (1_u32..4).prop_map(|least| MatchCondition::AtLeast(least.try_into().unwrap())),
    ];
    let images = proptest::collection::vec(wanted_image(), 0..4);
    let policy = proptest::sample::select(&MatchPolicy::ALL);
    let space = proptest::option::weighted(0.2, (0_u64..4).prop_map(ByteSize::gib));
    (images, policy, condition, space, platform()).prop_map(|(images, policy, condition, space, platform)| {
        let mut request = MatchRequest::new(images, platform, policy);
        (request.condition, request.space) = (condition, space);
        request
    })
}
