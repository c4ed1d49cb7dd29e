//! A summary read in place: for looking at a hundred thousand of them, one after the other.

use crate::{ByteSize, DiffId, ManifestDigest};

use super::encoding::Rest;
use super::{SnapshotSummary, SummaryError, SummaryImage, SummaryLayer};

/// A summary as bytes, as records have it. Whether it is one shows when it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedSummary(Box<[u8]>);

impl PackedSummary {
    /// Of the bytes of a record's column; none where the record is from before there were summaries.
    #[must_use]
    pub fn of_column(bytes: Vec<u8>) -> Self {
        Self(bytes.into_boxed_slice())
    }

    /// Reads it in place.
    ///
    /// # Errors
    /// [`SummaryError`] where no summary was packed.
    pub fn view(&self) -> Result<SummaryView<'_>, SummaryError> {
        SummaryView::of_bytes(&self.0)
    }

    /// Length of its bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the record has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&SnapshotSummary> for PackedSummary {
    fn from(summary: &SnapshotSummary) -> Self {
        Self::of_column(summary.to_bytes())
    }
}

/// A [`SnapshotSummary`] whose images' names lie where they were read, and are not looked into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SummaryView<'a> {
    /// Its layers, each once.
    pub layers: Vec<SummaryLayer>,
    /// Its images, in the order asked for.
    pub images: Vec<ImageView<'a>>,
}

/// A [`SummaryImage`] where it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageView<'a> {
    /// The image as the user asked for it, as [`ImageSource`](crate::ImageSource) writes it.
    pub source: &'a str,
    /// What it is pinned to.
    pub manifest_digest: ManifestDigest,
    /// The index that it was chosen from, where there was one.
    pub index_digest: Option<ManifestDigest>,
    /// Its layers' places, each of them looked at already.
    places: Rest<'a>,
}

impl ImageView<'_> {
    /// Its layers, lowest first, as places in [`SummaryView::layers`].
    pub fn layers(&self) -> impl Iterator<Item = u32> {
        let mut rest = self.places;
        std::iter::from_fn(move || u32::try_from(rest.number().ok()?).ok())
    }
}

impl<'a> SummaryView<'a> {
    /// Of bytes.
    ///
    /// # Errors
    /// [`SummaryError`] where [`SnapshotSummary::to_bytes`] did not make them.
    pub fn of_bytes(bytes: &'a [u8]) -> Result<Self, SummaryError> {
        let mut rest = Rest::behind_version(bytes)?;
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
            images.push(ImageView::read(&mut rest, layers.len())?);
        }
        rest.end()?;
        Ok(Self { layers, images })
    }

    /// Bytes of all its layers' blobs, each counted once.
    #[must_use]
    pub fn unpacked_size(&self) -> ByteSize {
        self.layers.iter().fold(ByteSize::ZERO, |sum, layer| sum.plus(layer.blob_size))
    }

    /// The summary, with its images' names taken apart.
    ///
    /// # Errors
    /// [`SummaryError`] where a name is none.
    pub fn to_summary(&self) -> Result<SnapshotSummary, SummaryError> {
        let image = |image: &ImageView<'_>| {
            Ok(SummaryImage {
                source: image.source.parse().map_err(|_| SummaryError::NAME)?,
                manifest_digest: image.manifest_digest,
                index_digest: image.index_digest,
                layers: image.layers().collect(),
            })
        };
        let images = self.images.iter().map(image).collect::<Result<_, _>>()?;
        Ok(SnapshotSummary { layers: self.layers.clone(), images })
    }
}

impl<'a> ImageView<'a> {
    fn read(rest: &mut Rest<'a>, layers: usize) -> Result<Self, SummaryError> {
        let length = rest.count()?;
        let source = std::str::from_utf8(rest.take(length)?).map_err(|_| SummaryError::NAME)?;
        let manifest_digest = ManifestDigest::new(rest.digest()?);
        let index_digest = match rest.byte()? {
            0 => None,
            1 => Some(ManifestDigest::new(rest.digest()?)),
            _ => return Err(SummaryError("a flag is neither 0 nor 1")),
        };
        let count = rest.count()?;
        let places = *rest;
        for _ in 0..count {
            if usize::try_from(rest.number()?).is_ok_and(|place| place < layers && place <= MOST) {
                continue;
            }
            return Err(SummaryError("an image names a layer that is not there"));
        }
        Ok(Self { source, manifest_digest, index_digest, places: places.up_to(*rest) })
    }
}

/// A place is written in 32 bits.
const MOST: usize = u32::MAX as usize;
