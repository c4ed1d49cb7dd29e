//! A summary as bytes, for the column of a record.
//!
//! ```text
//! version       1 byte, 1
//! layer count   number; each: digest, compressed size, blob size (numbers)
//! image count   number; each: source (length and text), manifest digest, 0 or 1, index digest, layer count, places
//! digest        1 byte (1 SHA-256, 2 SHA-512) and its bytes
//! number        LEB128, little end first, at most 64 bits
//! ```
//!
//! Text (JSON) of the same is three times as long, and takes ten times as long to read: at start-up all of them are.

use crate::{Algorithm, Digest};

use super::{SnapshotSummary, SummaryView};

const VERSION: u8 = 1;

/// Why bytes are not a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the image snapshot's summary: {0}")]
pub struct SummaryError(pub(super) &'static str);

impl SummaryError {
    pub(super) const NAME: Self = Self("an image's name is none");
}

const CUT: SummaryError = SummaryError("it ends in the middle");

impl SnapshotSummary {
    /// As bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_number(&mut out, self.layers.len() as u64);
        for layer in &self.layers {
            put_digest(&mut out, layer.diff_id.digest());
            put_number(&mut out, layer.compressed_size.as_u64());
            put_number(&mut out, layer.blob_size.as_u64());
        }
        put_number(&mut out, self.images.len() as u64);
        for image in &self.images {
            let source = image.source.to_string();
            put_number(&mut out, source.len() as u64);
            out.extend_from_slice(source.as_bytes());
            put_digest(&mut out, image.manifest_digest.digest());
            out.push(u8::from(image.index_digest.is_some()));
            if let Some(index) = &image.index_digest {
                put_digest(&mut out, index.digest());
            }
            put_number(&mut out, image.layers.len() as u64);
            image.layers.iter().for_each(|place| put_number(&mut out, u64::from(*place)));
        }
        out
    }

    /// Of bytes.
    ///
    /// # Errors
    /// [`SummaryError`] where [`to_bytes`](Self::to_bytes) did not make them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SummaryError> {
        SummaryView::of_bytes(bytes)?.to_summary()
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        if number == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

fn put_digest(out: &mut Vec<u8>, digest: &Digest) {
    out.push(match digest.algorithm() {
        Algorithm::Sha256 => 1,
        Algorithm::Sha512 => 2,
    });
    out.extend_from_slice(digest.as_bytes());
}

/// What is still to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// What follows the version.
    pub(super) fn behind_version(bytes: &'a [u8]) -> Result<Self, SummaryError> {
        let mut rest = Self(bytes);
        match rest.byte()? {
            VERSION => Ok(rest),
            _ => Err(SummaryError("its version is not known here")),
        }
    }

    /// Only its beginning, up to where that other one begins.
    pub(super) fn up_to(self, other: Self) -> Self {
        Self(&self.0[..self.0.len() - other.0.len()])
    }

    /// Nothing may follow.
    pub(super) fn end(self) -> Result<(), SummaryError> {
        if self.0.is_empty() { Ok(()) } else { Err(SummaryError("something follows it")) }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], SummaryError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(CUT)?;
        self.0 = tail;
        Ok(head)
    }

    pub(super) fn byte(&mut self) -> Result<u8, SummaryError> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn number(&mut self) -> Result<u64, SummaryError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(SummaryError("a number is too large"))
    }

    /// A count of things that take at least a byte each.
    pub(super) fn count(&mut self) -> Result<usize, SummaryError> {
        let count = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if count <= self.0.len() { Ok(count) } else { Err(CUT) }
    }

    pub(super) fn digest(&mut self) -> Result<Digest, SummaryError> {
        match self.byte()? {
            1 => Ok(Digest::Sha256(self.take(32)?.try_into().expect("32 bytes"))),
            2 => Ok(Digest::Sha512(self.take(64)?.try_into().expect("64 bytes"))),
            _ => Err(SummaryError("a digest is of no known kind")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ByteSize, DiffId, ManifestDigest, PackedSummary, SummaryImage, SummaryLayer};

    fn digest() -> impl Strategy<Value = Digest> {
        prop_oneof![
            any::<[u8; 32]>().prop_map(Digest::Sha256),
            proptest::collection::vec(any::<u8>(), 64)
                .prop_map(|bytes| Digest::Sha512(bytes.try_into().unwrap())),
        ]
    }

    fn layer() -> impl Strategy<Value = SummaryLayer> {
        (digest(), any::<u64>(), any::<u64>()).prop_map(|(digest, compressed, blob)| SummaryLayer {
            diff_id: DiffId::new(digest),
            compressed_size: ByteSize::bytes(compressed),
            blob_size: ByteSize::bytes(blob),
        })
    }

    fn image(layers: usize) -> impl Strategy<Value = SummaryImage> {
        let place = 0..u32::try_from(layers.max(1)).unwrap();
        let places = proptest::collection::vec(place, 0..if layers == 0 { 1 } else { 5 });
        ("[a-z]{1,9}(:[0-9]{1,3})?", digest(), proptest::option::of(digest()), places).prop_map(
            |(name, manifest, index, layers)| SummaryImage {
                source: name.parse().unwrap(),
                manifest_digest: ManifestDigest::new(manifest),
                index_digest: index.map(ManifestDigest::new),
                layers,
            },
        )
    }

    fn summary() -> impl Strategy<Value = SnapshotSummary> {
        proptest::collection::vec(layer(), 0..6).prop_flat_map(|layers| {
            let images = proptest::collection::vec(image(layers.len()), 0..4);
            (Just(layers), images).prop_map(|(layers, images)| SnapshotSummary { layers, images })
        })
    }

    proptest! {
        #[test]
        fn bytes_there_and_back(summary in summary()) {
            let packed = PackedSummary::from(&summary);
            let view = packed.view().unwrap();
            prop_assert_eq!(&view.layers, &summary.layers);
            prop_assert_eq!(view.unpacked_size(), summary.unpacked_size());
            prop_assert_eq!(SnapshotSummary::from_bytes(&summary.to_bytes()).unwrap(), summary);
        }

        #[test]
        fn whatever_is_cut_or_foreign_is_refused_or_read_and_never_panics(
            summary in summary(), cut in any::<prop::sample::Index>(), foreign in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = summary.to_bytes();
            prop_assert!(SnapshotSummary::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
            let _ = SnapshotSummary::from_bytes(&foreign);
            let versioned: Vec<u8> = std::iter::once(VERSION).chain(foreign).collect();
            let _ = SnapshotSummary::from_bytes(&versioned);
        }
    }

    #[test]
    fn a_count_beyond_the_bytes_reserves_nothing() {
        let mut bytes = vec![VERSION];
        put_number(&mut bytes, u64::MAX);
        assert_eq!(SnapshotSummary::from_bytes(&bytes), Err(CUT));
    }
}
