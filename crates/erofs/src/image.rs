//! The reader.

mod data;
mod directory;
mod error;
mod inode;
mod tree;
mod walk;
mod window;
mod xattrs;

use std::ops::Range;

pub use directory::{DirectoryEntries, DirectoryEntry};
pub use error::{Malformed, ReadError, ReadErrorKind};
pub use inode::{Inode, InodeKind};
pub use walk::Walk;

use crate::format::inode::{COMPACT_SIZE, EXTENDED_SIZE, RawInode, Unreadable as UnreadableInode};
use crate::format::superblock::{self, DEVICE_SLOT_SIZE, Superblock, TAG_LEN, Unreadable};
use crate::format::{BLOCK_LEN, Fields, SLOT_SIZE};
use crate::{BLOCK_SIZE, Mtime, ReadAt};
use window::Windows;

/// An image that is read: ours, or any uncompressed one with 4 KiB blocks.
///
/// Nothing in the image is trusted: every call ends, with bounded memory, in what the kernel would see or in a [`ReadError`].
#[derive(Debug)]
pub struct Image<R> {
    source: R,
    /// Bytes of the source.
    size: u64,
    superblock: Superblock,
    devices: Vec<ImageDevice>,
    device_sources: Vec<(R, u64)>,
    windows: Windows,
}

/// An extra device as the image describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDevice {
    /// Its size in blocks.
    pub blocks: u32,
    /// Its tag without the padding.
    pub tag: Vec<u8>,
}

impl<R: ReadAt> Image<R> {
    /// Reads the superblock and the table of extra devices. Without the devices' sources their data cannot be read.
    pub fn open(source: R) -> Result<Self, ReadError> {
        Self::open_with_devices(source, Vec::new())
    }

    /// Opens an image with the blobs that its extra devices stand for, in order.
    pub fn open_with_devices(source: R, device_sources: Vec<R>) -> Result<Self, ReadError> {
        let size = source.byte_len().map_err(|source| ReadError::Source { offset: 0, source })?;
        let mut device_lens = Vec::with_capacity(device_sources.len());
        for device in device_sources {
            let len = device.byte_len().map_err(|source| ReadError::Source { offset: 0, source })?;
            device_lens.push((device, len));
        }
        let mut image = Self {
            source,
            size,
            superblock: Superblock::default(),
            devices: Vec::new(),
            device_sources: device_lens,
            windows: Windows::default(),
        };
        if size < (superblock::OFFSET + superblock::SIZE) as u64 {
            return Err(ReadError::NotErofs);
        }
        let record = image.bytes(superblock::OFFSET as u64, superblock::SIZE)?;
        let record = record.as_slice().try_into().expect("so many bytes were asked for");
        image.superblock = Superblock::decode(record).map_err(|unreadable| match unreadable {
            Unreadable::Magic(_) => ReadError::NotErofs,
            Unreadable::BlockBits(bits) => ReadError::BlockSize(bits),
            Unreadable::Features(bits) => ReadError::Features(bits),
        })?;
        image.devices = image.read_devices()?;
        Ok(image)
    }

    /// The root directory.
    pub fn root(&self) -> Result<Inode, ReadError> {
        self.inode(u64::from(self.superblock.root_nid))
    }

    /// The inode with number `nid`.
    pub fn inode(&self, nid: u64) -> Result<Inode, ReadError> {
        let malformed = |what| ReadError::Inode { nid, what };
        let offset = nid
            .checked_mul(SLOT_SIZE)
            .and_then(|bytes| bytes.checked_add(u64::from(self.superblock.metadata_block) * BLOCK_SIZE))
            .ok_or(malformed(Malformed::Number))?;
        let mut record = self.bytes(offset, COMPACT_SIZE)?;
        if RawInode::is_extended(Fields(&record).u16(0)) {
            record = self.bytes(offset, EXTENDED_SIZE)?;
        }
        let raw = RawInode::decode(&record).map_err(|unreadable| {
            malformed(match unreadable {
                UnreadableInode::Format(_) => Malformed::Format,
                UnreadableInode::Mode(_) => Malformed::Mode,
                UnreadableInode::Nanoseconds(_) => Malformed::Time,
            })
        })?;
        if i64::try_from(raw.size).is_err() {
            return Err(malformed(Malformed::Size));
        }
        Ok(Inode { nid, offset, raw, build_time: self.build_time() })
    }

    /// Number of inodes as the superblock says.
    #[must_use]
    pub fn inode_count(&self) -> u64 {
        self.superblock.inodes
    }

    /// The image's bytes as the superblock says; the source may be longer.
    #[must_use]
    pub fn image_size(&self) -> u64 {
        u64::from(self.superblock.blocks) * BLOCK_SIZE
    }

    /// In an image of ours: where the metadata region lies, in bytes.
    #[must_use]
    pub fn metadata(&self) -> Range<u64> {
        u64::from(self.superblock.metadata_block) * BLOCK_SIZE..self.image_size()
    }

    /// The extra devices.
    #[must_use]
    pub fn devices(&self) -> &[ImageDevice] {
        &self.devices
    }

    /// Whether block 0 has the checksum that it says; `None` if it says none.
    pub fn checksum_is_right(&self) -> Result<Option<bool>, ReadError> {
        let Some(said) = self.superblock.checksum else {
            return Ok(None);
        };
        let block = self.bytes(0, BLOCK_LEN)?;
        let block = block.as_slice().try_into().expect("so many bytes were asked for");
        Ok(Some(superblock::checksum(block) == said))
    }

    pub(crate) fn superblock(&self) -> &Superblock {
        &self.superblock
    }

    pub(crate) fn source_size(&self) -> u64 {
        self.size
    }

    fn build_time(&self) -> Mtime {
        Mtime::new(self.superblock.build_time, self.superblock.build_nanos).unwrap_or_default()
    }

    fn read_devices(&self) -> Result<Vec<ImageDevice>, ReadError> {
        let start = u64::from(self.superblock.device_slot) * DEVICE_SLOT_SIZE as u64;
        let count = usize::from(self.superblock.extra_devices);
        let table = self.bytes(start, count * DEVICE_SLOT_SIZE)?;
        let device = |slot: &[u8]| {
            let tag = slot[..TAG_LEN].split(|byte| *byte == 0).next().unwrap_or_default();
            ImageDevice { tag: tag.to_vec(), blocks: Fields(slot).u32(TAG_LEN) }
        };
        Ok(table.chunks_exact(DEVICE_SLOT_SIZE).map(device).collect())
    }

    /// `len` bytes of metadata at `offset`.
    fn bytes(&self, offset: u64, len: usize) -> Result<Vec<u8>, ReadError> {
        if offset.checked_add(len as u64).is_none_or(|end| end > self.size) {
            return Err(ReadError::OutOfBounds { offset, len: len as u64 });
        }
        let mut bytes = Vec::with_capacity(len);
        self.windows.read(&self.source, (offset, len, self.size), &mut bytes)?;
        Ok(bytes)
    }
}
