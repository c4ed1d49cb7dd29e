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

use crate::{Algorithm, ByteSize, DiffId, Digest, ManifestDigest};

use super::{SnapshotSummary, SummaryImage, SummaryLayer};

const VERSION: u8 = 1;

/// Why bytes are not a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the image snapshot's summary: {0}")]
pub struct SummaryError(&'static str);

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
        let mut rest = Rest(bytes);
        if rest.byte()? != VERSION {
            return Err(SummaryError("its version is not known here"));
        }
        let count = rest.count()?;
        let mut layers = Vec::with_capacity(count);
        for _ in 0..count {
            layers.push(SummaryLayer {
                diff_id: DiffId::new(rest.digest()?),
                compressed_size: ByteSize::bytes(rest.number()?),
                blob_size: ByteSize::bytes(rest.number()?),
            });
        }
        let count = rest.count()?;
        let mut images = Vec::with_capacity(count);
        for _ in 0..count {
            images.push(rest.image(layers.len())?);
        }
        if rest.0.is_empty() {
            Ok(Self { layers, images })
        } else {
            Err(SummaryError("something follows it"))
        }
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
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], SummaryError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(CUT)?;
        self.0 = tail;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, SummaryError> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<u64, SummaryError> {
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
    fn count(&mut self) -> Result<usize, SummaryError> {
        let count = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if count <= self.0.len() { Ok(count) } else { Err(CUT) }
    }

    fn digest(&mut self) -> Result<Digest, SummaryError> {
        match self.byte()? {
            1 => Ok(Digest::Sha256(self.take(32)?.try_into().expect("32 bytes"))),
            2 => Ok(Digest::Sha512(self.take(64)?.try_into().expect("64 bytes"))),
            _ => Err(SummaryError("a digest is of no known kind")),
        }
    }

    fn image(&mut self, layers: usize) -> Result<SummaryImage, SummaryError> {
        let length = self.count()?;
        let source = std::str::from_utf8(self.take(length)?).ok().and_then(|text| text.parse().ok());
        let source = source.ok_or(SummaryError("an image's name is none"))?;
        let manifest_digest = ManifestDigest::new(self.digest()?);
        let index_digest = match self.byte()? {
            0 => None,
            1 => Some(ManifestDigest::new(self.digest()?)),
            _ => return Err(SummaryError("a flag is neither 0 nor 1")),
        };
        let count = self.count()?;
        let mut places = Vec::with_capacity(count);
        for _ in 0..count {
            let place = self.number()?;
            let known = usize::try_from(place).is_ok_and(|place| place < layers);
            let place = u32::try_from(place).ok().filter(|_| known);
            places.push(place.ok_or(SummaryError("an image names a layer that is not there"))?);
        }
        Ok(SummaryImage { source, manifest_digest, index_digest, layers: places })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
