//! The streaming writer.

mod device;
mod directory;
mod error;
mod file;
mod output;
mod place;
mod region;
mod shape;

use std::ops::Range;

pub use device::{Device, DeviceError};
pub use error::WriteError;
pub use file::FileWriter;

use crate::format::superblock::{self, INCOMPAT_CHUNKED_FILE, INCOMPAT_DEVICE_TABLE, Superblock};
use crate::{BLOCK_SIZE, BlockSink, SparsePlan, Tree};
use output::Output;
use place::{Placement, ROOT_NID};
use region::Region;

/// Writes one image: first the data of files as it arrives, then the tree.
///
/// Data is gathered into writes of about 1 MiB; large slices go to the sink as they are. Bytes of a file that ends up in no
/// tree (a name given twice, say) stay in the image, unreferenced.
#[derive(Debug)]
pub struct ImageWriter<S> {
    output: Output<S>,
    devices: Vec<Device>,
}

impl<S: BlockSink> ImageWriter<S> {
    /// An image without extra devices.
    pub fn new(sink: S) -> Self {
        Self { output: Output::new(sink, BLOCK_SIZE), devices: Vec::new() }
    }

    /// An image whose files may lie on `devices` (see [`DeviceIndex::extra`](crate::DeviceIndex::extra)).
    pub fn with_devices(sink: S, devices: Vec<Device>) -> Result<Self, WriteError> {
        if devices.len() > usize::from(u16::MAX) {
            return Err(WriteError::TooManyDevices(devices.len()));
        }
        let head = superblock::head_len(devices.len()) as u64;
        Ok(Self { output: Output::new(sink, head), devices })
    }

    /// Bytes of the image so far, those not yet given to the sink included.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.output.position()
    }

    /// Begins a regular file on the next block.
    pub fn begin_file(&mut self) -> Result<FileWriter<'_, S>, WriteError> {
        FileWriter::begin(&mut self.output, None)
    }

    /// Begins a regular file with holes: only the bytes of the plan's segments are to be appended, one after the other.
    pub fn begin_sparse_file(&mut self, plan: SparsePlan) -> Result<FileWriter<'_, S>, WriteError> {
        FileWriter::begin(&mut self.output, Some(plan))
    }

    /// Writes the metadata region and the superblock, and gives the sink back. It then holds the whole image; syncing it is
    /// the caller's.
    pub fn finish(self, tree: &Tree) -> Result<(S, Written), WriteError> {
        self.lay_out(tree)?.write()
    }

    /// Gives every node of the tree its place, without writing it: for callers that want to know the image's size before.
    pub fn lay_out(mut self, tree: &Tree) -> Result<LaidOut<'_, S>, WriteError> {
        let start = self.output.align()?;
        let placement = Placement::of(tree)?;
        Ok(LaidOut { image: self, tree, placement, start })
    }

    fn superblock(&self, start: u32, blocks: u32, placement: &Placement) -> Vec<u8> {
        let chunked = if placement.chunked { INCOMPAT_CHUNKED_FILE } else { 0 };
        let device_table = if self.devices.is_empty() { 0 } else { INCOMPAT_DEVICE_TABLE };
        let slots: Vec<_> = self.devices.iter().map(Device::slot).collect();
        Superblock {
            root_nid: ROOT_NID,
            inodes: placement.order.len() as u64,
            blocks,
            metadata_block: start,
            incompatible: chunked | device_table,
            extra_devices: u16::try_from(slots.len()).expect("with_devices checked their number"),
            ..Superblock::default()
        }
        .encode(&slots)
    }
}

/// An image whose tree has its places and is still to be written.
#[derive(Debug)]
pub struct LaidOut<'t, S> {
    image: ImageWriter<S>,
    tree: &'t Tree,
    placement: Placement,
    /// First block of the metadata region.
    start: u32,
}

impl<S: BlockSink> LaidOut<'_, S> {
    /// Bytes that the whole image will have.
    #[must_use]
    pub fn size(&self) -> u64 {
        let blocks = u64::from(self.start) + self.placement.blocks;
        blocks.saturating_mul(BLOCK_SIZE).saturating_add(self.placement.inodes_len)
    }

    /// Writes what is left, as [`ImageWriter::finish`] does.
    pub fn write(self) -> Result<(S, Written), WriteError> {
        let size = self.size();
        let Self { mut image, tree, placement, start } = self;
        image.output.metadata_follows()?;
        Region { tree, devices: &image.devices, placement: &placement, start }.write(&mut image.output)?;
        let blocks = image.output.align()?;
        debug_assert_eq!(size, u64::from(blocks) * BLOCK_SIZE, "the layout told the size");
        let head = image.superblock(start, blocks, &placement);
        let written = Written {
            size: u64::from(blocks) * BLOCK_SIZE,
            metadata: u64::from(start) * BLOCK_SIZE..u64::from(blocks) * BLOCK_SIZE,
            inodes: placement.order.len() as u64,
        };
        Ok((image.output.close(&head)?, written))
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The image's size in bytes, a multiple of the block.
    pub size: u64,
    /// Where the metadata region lies, in bytes. With block 0 it is all that mounting and walking the tree reads.
    pub metadata: Range<u64>,
    /// Number of inodes.
    pub inodes: u64,
}
