//! Eight bytes that stand for a digest or a word.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::NonZeroU64;

use model::{Digest, ImageSource};

/// What a digest or a word is known by. Among the millions that there may be, two are equal by chance once in ten million
/// indexes; the key is this process's own, so nobody can look for two that are. And it could do no more than rank a cache
/// wrongly: what is served is always checked by the whole digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(NonZeroU64);

impl Fingerprint {
    /// What it is found by in a table: as good as random already.
    pub(crate) fn hash(self) -> u64 {
        self.0.get()
    }
}

/// Makes fingerprints, with a key of its own: those of two are not comparable.
#[derive(Clone, Debug)]
pub(crate) struct Fingerprints {
    key: RandomState,
    /// For digests, of which there are millions at once.
    words: [u64; 8],
}

impl Default for Fingerprints {
    fn default() -> Self {
        let key = RandomState::new();
        let words = std::array::from_fn(|word| key.hash_one(word));
        Self { key, words }
    }
}

impl Fingerprints {
    /// By multiplying pairs of its words, each with a word of the key added: a universal hash of what is as good as random
    /// already, in a tenth of the time that any bytes take.
    pub(crate) fn of_digest(&self, digest: &Digest) -> Fingerprint {
        let (words, _) = digest.as_bytes().as_chunks::<8>();
        let mut words = words.iter().map(|bytes| u64::from_le_bytes(*bytes)).zip(&self.words);
        let mut sum = 0_u64;
        while let Some(((one, its_key), (other, others_key))) = words.next().zip(words.next()) {
            let product =
                u128::from(one.wrapping_add(*its_key)) * u128::from(other.wrapping_add(*others_key));
            // Both halves of the product.
            sum = sum.rotate_left(23) ^ (product as u64) ^ ((product >> 64) as u64);
        }
        Fingerprint(NonZeroU64::new(sum).unwrap_or(NonZeroU64::MIN))
    }

    /// Of an image as it was asked for.
    pub(super) fn of_source(&self, source: &ImageSource) -> Fingerprint {
        self.of_source_text(&source.to_string())
    }

    /// The same of its text.
    pub(super) fn of_source_text(&self, source: &str) -> Fingerprint {
        self.of_bytes(source.as_bytes())
    }

    /// Of what all versions of an image have in common: equal where [`ImageSource::is_same_name`] holds.
    pub(super) fn of_name(&self, source: &ImageSource) -> Fingerprint {
        match source {
            ImageSource::Registry(reference) => {
                self.of_bytes(format!("{}/{}", reference.host(), reference.repository()).as_bytes())
            }
            ImageSource::OciLayout { .. } | ImageSource::DockerArchive { .. } => self.of_source(source),
        }
    }

    /// The same of an image's text.
    pub(super) fn of_name_text(&self, source: &str) -> Fingerprint {
        self.of_bytes(ImageSource::name_in(source).as_bytes())
    }

    fn of_bytes(&self, bytes: &[u8]) -> Fingerprint {
        let mut hasher = self.key.build_hasher();
        hasher.write(bytes);
        Fingerprint(NonZeroU64::new(hasher.finish()).unwrap_or(NonZeroU64::MIN))
    }
}
