//! Caches as accounts with very many of them have them.

use model::matching::{Candidate, CandidateImage, WantedImage};
use model::{ByteSize, CacheState, DiffId, Digest, ImageSource, ManifestDigest, Platform, Timestamp};
use testkit::matching::{cache_id, unpacked_size};

/// How many caches there are.
pub const CACHES: u32 = 100_000;
const IMAGES_EACH: usize = 5;

/// SplitMix64: the same numbers on every run.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// How alike the images of an account are.
#[derive(Clone, Copy)]
pub struct World {
    /// What they are called here.
    pub name: &'static str,
    pub repositories: u64,
    pub versions: u64,
    /// Bases, of three layers each; a repository stands on one of them.
    pub bases: u64,
    /// So many images are in half of all caches each.
    pub popular: u64,
}

fn layer(kind: &str, number: u64, mib: u64) -> (DiffId, ByteSize) {
    (DiffId::new(Digest::sha256(format!("{kind} {number}").as_bytes())), ByteSize::mib(mib))
}

impl World {
    /// Eight layers: three of the base, two of the repository, three of its own.
    pub fn image(&self, repository: u64, version: u64) -> CandidateImage {
        let base = repository % self.bases;
        let own = repository * self.versions + version;
        let mut layers: Vec<_> = (0..3).map(|n| layer("base", base * 3 + n, 20 + base + n)).collect();
        layers.extend((0..2).map(|n| layer("repository", repository * 2 + n, 5 + repository % 50)));
        layers.extend((0..3).map(|n| layer("own", own * 3 + n, 1 + (own + n) % 40)));
        CandidateImage {
            source: format!("registry.example/team/app-{repository}:v{version}").parse().unwrap(),
            manifest_digest: ManifestDigest::new(Digest::sha256(format!("manifest {own}").as_bytes())),
            index_digest: Some(ManifestDigest::new(Digest::sha256(format!("index {own}").as_bytes()))),
            layers,
        }
    }

    /// Some repositories are used far more than others, and late versions more than early ones.
    pub fn any_image(&self, numbers: &mut Numbers) -> CandidateImage {
        let skewed = |numbers: &mut Numbers, bound| numbers.below(bound).min(numbers.below(bound));
        let (repository, version) = (skewed(numbers, self.repositories), skewed(numbers, self.versions));
        self.image(repository, version)
    }

    pub fn cache(&self, number: u32, numbers: &mut Numbers) -> Candidate {
        let mut images: Vec<CandidateImage> = Vec::new();
        for popular in (0..self.popular).filter(|_| numbers.below(2) == 0).take(IMAGES_EACH) {
            images.push(self.image(popular, 0));
        }
        while images.len() < IMAGES_EACH {
            images.push(self.any_image(numbers));
        }
        Candidate {
            id: cache_id(number),
            created: Timestamp::from_micros(i64::from(number) * 1_000_000),
            state: if numbers.below(50) == 0 { CacheState::Updating } else { CacheState::Ready },
            size_limit: ByteSize::gib(20 + numbers.below(4) * 20),
            unpacked_size: unpacked_size(&images),
            platform: Platform::linux_amd64(),
            images,
        }
    }
}

/// The image with what is known of its layers.
pub fn known(image: CandidateImage) -> WantedImage {
    WantedImage { source: image.source, layers: image.layers }
}

/// The image by its word alone.
pub fn unknown(image: CandidateImage) -> WantedImage {
    WantedImage::named(image.source)
}

/// Another tag of it, with the layers that it shares with the others of its repository, and one that nobody has.
pub fn next_version(image: &CandidateImage, number: u64) -> WantedImage {
    let source: ImageSource = match &image.source {
        ImageSource::Registry(reference) => {
            format!("{}/{}:next-{number}", reference.host(), reference.repository()).parse().unwrap()
        }
        other => other.clone(),
    };
    let mut layers = image.layers[..5].to_vec();
    layers.push(layer("fresh", number, 30));
    WantedImage { source, layers }
}

/// 100,000 different images, of which a cache has five.
pub const SHARED: World =
    World { name: "100,000 images", repositories: 2_000, versions: 50, bases: 20, popular: 0 };
/// No image is in two caches.
pub const DISTINCT: World =
    World { name: "no image twice", repositories: 2_000, versions: 5_000_000, bases: 20, popular: 0 };

/// Memory that this process has in use.
pub fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
