//! Sixteen bytes that stand for a digest or a word.

use model::{Digest, ImageSource};

/// The first 16 bytes of a digest, or of a word's SHA-256. Two that are equal by intent would take 2^64 digests to find, and
/// could do no more than rank a cache wrongly: what is served is always checked by the whole digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u32; 4]);

impl Fingerprint {
    pub(super) fn of_digest(digest: &Digest) -> Self {
        let (words, _) = digest.as_bytes().as_chunks::<4>();
        let word = |index: usize| words.get(index).map_or(0, |bytes| u32::from_le_bytes(*bytes));
        Self([word(0), word(1), word(2), word(3)])
    }

    /// Of an image as it was asked for.
    pub(super) fn of_source(source: &ImageSource) -> Self {
        Self::of_text(&source.to_string())
    }

    /// Of what all versions of an image have in common: equal where [`ImageSource::is_same_name`] holds.
    pub(super) fn of_name(source: &ImageSource) -> Self {
        match source {
            ImageSource::Registry(reference) => {
                Self::of_text(&format!("{}/{}", reference.host(), reference.repository()))
            }
            ImageSource::OciLayout { .. } | ImageSource::DockerArchive { .. } => Self::of_source(source),
        }
    }

    fn of_text(text: &str) -> Self {
        Self::of_digest(&Digest::sha256(text.as_bytes()))
    }
}
