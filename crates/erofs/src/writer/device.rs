//! Extra devices.

use std::fmt;

use crate::BLOCK_SIZE;
use crate::format::superblock::{DeviceSlot, TAG_LEN};

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
        if tag.is_empty() || tag.len() > TAG_LEN || tag.contains('\0') {
            return Err(DeviceError::Tag(tag.to_owned()));
        }
        Ok(Self { blocks, tag: tag.as_bytes().to_vec() })
    }

    /// The blob's size in blocks.
    pub(super) fn blocks(&self) -> u32 {
        self.blocks
    }

    pub(super) fn slot(&self) -> DeviceSlot {
        let mut tag = [0; TAG_LEN];
        tag[..self.tag.len()].copy_from_slice(&self.tag);
        DeviceSlot { tag, blocks: self.blocks }
    }
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
