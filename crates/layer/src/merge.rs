//! The merged metadata image: the tree of several layers as unpacking them in order makes it.
//!
//! Nothing of overlayfs is left in it: whiteouts and opaque marks are applied. What a layer implies keeps the attributes
//! below or follows the symlink below; its hard links find their targets (umoci's behaviour, which alone of
//! the tools compared gets all of these right).

use erofs::{BlockSink, Device, DeviceIndex, Image, ImageWriter, ReadAt, ReadError, Tree, WriteError};
use model::ByteSize;

use crate::tree::implied_metadata;
use crate::write::Watched;
use crate::{Control, Leans};

mod apply;
mod links;
mod need;

pub use need::{needs_merge, needs_merge_exactly};

/// One layer of an image to merge.
#[derive(Debug)]
pub struct MergeLayer<'a, R> {
    /// The layer's blob, open for reading.
    pub blob: &'a R,
    /// What the layer takes for granted, from the blob's sidecar.
    pub leans: &'a Leans,
}

/// A finished merged metadata image.
#[derive(Clone, Debug)]
pub struct Merged {
    /// Bytes of the image.
    pub size: ByteSize,
    /// Inodes in the tree, the root not counted.
    pub entries: u64,
}

/// Why layers could not be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A hard link's target is in no layer.
    #[error(
        "failed to link `{path}` in layer {index}: its target `{target}` is neither in the layer nor below"
    )]
    MissingTarget {
        /// Which layer, the lowest is 0.
        index: usize,
        /// Where the link would be; lossy for display.
        path: String,
        /// What it should link to; lossy for display.
        target: String,
    },
    /// A layer needs a directory where the layers below have something else.
    #[error("failed to apply layer {index}: `{path}` is not a directory in the layers below")]
    NotADirectory {
        /// Which layer, the lowest is 0.
        index: usize,
        /// The path; lossy for display.
        path: String,
    },
    /// A layer's paths lead through so many symlinks below that walking them has no end in sight.
    #[error(
        "failed to apply layer {index}: the symlinks below that its paths lead through (`{path}`) are too many and too long"
    )]
    TooFar {
        /// Which layer, the lowest is 0.
        index: usize,
        /// The path; lossy for display.
        path: String,
    },
    /// A path leads through a symlink below to where no tree may be that deep.
    #[error("failed to apply layer {index}: `{path}` leads through a symlink below to too deep a directory")]
    TooDeep {
        /// Which layer, the lowest is 0.
        index: usize,
        /// The path; lossy for display.
        path: String,
    },
    /// What is said about a layer does not fit its blob.
    #[error("failed to apply layer {index}: its sidecar names `{path}`, which its blob does not have")]
    Sidecar {
        /// Which layer, the lowest is 0.
        index: usize,
        /// The path; lossy for display.
        path: String,
    },
    /// A layer's blob could not be read back.
    #[error("failed to read the blob of layer {index}")]
    Read {
        /// Which layer, the lowest is 0.
        index: usize,
        /// What the reader says.
        #[source]
        source: ReadError,
    },
    /// More layers than an image can have devices, or one that is too large.
    #[error("failed to make layer {index} a device of the merged metadata image")]
    Device {
        /// Which layer, the lowest is 0.
        index: usize,
    },
    /// It would take more than is left of the cache's size.
    #[error("failed to write the merged metadata image: of the size of {} bytes less is left", bound)]
    TooLarge {
        /// The whole size, in bytes.
        bound: u64,
    },
    /// It was cancelled.
    #[error("failed to merge the layers: it was cancelled")]
    Cancelled,
    /// The image could not be written.
    #[error("failed to write the merged metadata image")]
    Write(#[source] WriteError),
}

/// Writes the tree of the layers (lowest first) as unpacking them in order makes it to `image`, files being chunks on
/// the layers' blobs: the first extra device is the first layer's blob, and so on. Takes the image's bytes from the control's
/// budget, where it has one.
///
/// # Errors
/// [`MergeError`]; what was written to `image` is then useless.
pub fn merge<R: ReadAt, S: BlockSink>(
    layers: &[MergeLayer<'_, R>],
    image: S,
    control: &Control,
) -> Result<Merged, MergeError> {
    let mut merged = Tree::new(implied_metadata());
    let mut devices = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        if control.is_cancelled() {
            return Err(MergeError::Cancelled);
        }
        let read = |source| MergeError::Read { index, source };
        let blob = Image::open(layer.blob).map_err(read)?;
        let device = DeviceIndex::extra(index).ok_or(MergeError::Device { index })?;
        devices.push(
            Device::new(blob.image_size(), &format!("layer-{index}"))
                .map_err(|_| MergeError::Device { index })?,
        );
        let tree = blob.read_tree(device).map_err(read)?;
        apply::apply(&mut merged, &tree, layer.leans, index)?;
    }
    let writer = ImageWriter::with_devices(Watched { sink: image, control }, devices);
    let laid_out = writer.and_then(|writer| writer.lay_out(&merged)).map_err(MergeError::Write)?;
    control.take_expanded(laid_out.size()).map_err(|bound| MergeError::TooLarge { bound })?;
    let written = laid_out.write();
    if control.is_cancelled() {
        return Err(MergeError::Cancelled);
    }
    let (_, written) = written.map_err(MergeError::Write)?;
    Ok(Merged { size: ByteSize::bytes(written.size), entries: merged.len() as u64 - 1 })
}

/// A path as components.
fn split(path: &[u8]) -> Vec<&[u8]> {
    path.split(|b| *b == b'/').filter(|component| !component.is_empty()).collect()
}
