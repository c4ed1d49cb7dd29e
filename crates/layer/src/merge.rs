//! The merged metadata image: the tree of several layers as unpacking them in order makes it.

use std::fs::File;

use model::ByteSize;

use crate::Leans;

/// One layer of an image to merge.
#[derive(Clone, Copy, Debug)]
pub struct MergeLayer<'a> {
    /// The layer's blob, open for reading.
    pub blob: &'a File,
    /// What the layer takes for granted, from the blob's sidecar.
    pub leans: &'a Leans,
}

/// A finished merged metadata image.
#[derive(Clone, Debug)]
pub struct Merged {
    /// Bytes of the image.
    pub size: ByteSize,
    /// Names in the tree, the root not counted.
    pub entries: u64,
}

/// Why layers could not be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A hard link's target is in no layer.
    #[error("failed to link `{path}`: its target `{target}` is neither in its layer nor below")]
    MissingTarget {
        /// Where the link would be.
        path: String,
        /// What it should link to.
        target: String,
    },
    /// A layer's blob could not be read back.
    #[error("failed to read the blob of layer {index}")]
    Read {
        /// Which layer, the lowest is 0.
        index: usize,
        /// What the reader says.
        #[source]
        source: crate::SourceError,
    },
    /// The image could not be written.
    #[error("failed to write the merged metadata image")]
    Sink(#[source] std::io::Error),
}

/// Whether an image of these layers (lowest first) must be mounted through a merged metadata image.
///
/// The first layer has nothing below, so what it implies is simply created. Its links below itself are an error that
/// [`merge`] reports, and its deletions would show as names under overlayfs.
#[must_use]
pub fn needs_merge(layers: &[&Leans]) -> bool {
    let Some((first, above)) = layers.split_first() else { return false };
    !first.lower_links.is_empty()
        || !first.whiteout_directories.is_empty()
        || above.iter().any(|leans| !leans.is_empty())
}

/// Writes the tree of the layers (lowest first) as unpacking them in order makes it to `image`, files being chunks on
/// the layers' blobs: device 1 is the first layer's blob, and so on.
///
/// # Errors
/// [`MergeError`]; what was written to `image` is then useless.
pub fn merge(layers: &[MergeLayer<'_>], image: &File) -> Result<Merged, MergeError> {
    let _ = (layers, image);
    Err(MergeError::Sink(std::io::Error::other("not yet written")))
}
