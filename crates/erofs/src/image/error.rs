//! Failures of reading.

use std::{fmt, io};

/// Why an image, or a part of it, was not read.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The source failed.
    Source {
        /// Position of the read in bytes.
        offset: u64,
        /// Its answer.
        source: io::Error,
    },
    /// Something of the image lies beyond the source's end.
    OutOfBounds {
        /// Position of the read in bytes.
        offset: u64,
        /// Bytes wanted.
        len: u64,
    },
    /// No EROFS superblock.
    NotErofs,
    /// Blocks of another size than 4 KiB; the field's value.
    BlockSize(u8),
    /// Features that this reader does not know, compression above all; their bits.
    Features(u32),
    /// An inode that contradicts the format.
    Inode {
        /// Its number.
        nid: u64,
        /// What is wrong.
        what: Malformed,
    },
    /// Data on an extra device that was not supplied; its number, from 1.
    DeviceAbsent(u16),
    /// The inode is of another type than the call wants.
    WrongType {
        /// Its number.
        nid: u64,
    },
    /// All directories, or all xattrs and targets, together are larger than the image: parts of it are used again and again.
    Bomb,
}

/// What is wrong with an inode or what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// Its number is beyond the image.
    Number,
    /// Unknown form or data layout.
    Format,
    /// Unknown file type.
    Mode,
    /// Nanoseconds of a second or more.
    Time,
    /// A size that the format or the kernel cannot have.
    Size,
    /// Inline data that crosses a block.
    InlineData,
    /// A chunk table with unknown format bits, an unknown device or too many runs.
    Chunks,
    /// A directory block with offsets that make no sense.
    DirectoryBlock,
    /// A name that no entry may have.
    EntryName,
    /// A directory that can be reached in two ways: a loop, or a hard link to it.
    DirectoryTwice,
    /// Directories nested deeper than the reader follows.
    Depth,
    /// Xattrs that overrun their space, or one that the format does not know.
    Xattrs,
    /// An empty symlink, or one with a NUL byte.
    Target,
    /// A regular file's data inside its inode, which a tree cannot refer to.
    DataInInode,
    /// An entry that appears twice or cannot be put into a tree.
    Entry,
}

/// What the caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadErrorKind {
    /// The source failed: trying again may help.
    Source,
    /// The image is damaged, hostile or cut short: get it anew or give up.
    Corrupt,
    /// The image is of a kind that this reader does not read.
    Unsupported,
    /// The call does not fit the image: another type of inode, a device not supplied.
    Usage,
}

impl ReadError {
    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ReadErrorKind {
        match self {
            Self::Source { .. } => ReadErrorKind::Source,
            Self::OutOfBounds { .. } | Self::Inode { .. } | Self::NotErofs | Self::Bomb => {
                ReadErrorKind::Corrupt
            }
            Self::BlockSize(_) | Self::Features(_) => ReadErrorKind::Unsupported,
            Self::DeviceAbsent(_) | Self::WrongType { .. } => ReadErrorKind::Usage,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source { offset, .. } => write!(f, "failed to read the image at byte {offset}"),
            Self::OutOfBounds { offset, len } => {
                write!(f, "failed to read the image: {len} bytes at byte {offset} lie beyond its end")
            }
            Self::NotErofs => write!(f, "failed to open the image: no EROFS superblock"),
            Self::BlockSize(bits) => write!(f, "failed to open the image: blocks of 2^{bits} bytes"),
            Self::Features(bits) => write!(f, "failed to open the image: unknown features {bits:#x}"),
            Self::Inode { nid, what } => write!(f, "failed to read inode {nid}: {what}"),
            Self::DeviceAbsent(number) => {
                write!(f, "failed to read data: extra device {number} was not supplied")
            }
            Self::WrongType { nid } => write!(f, "failed to use inode {nid}: it is of another type"),
            Self::Bomb => write!(f, "failed to read the image: its parts are larger than the whole"),
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "its number is out of range",
            Self::Format => "unknown data layout",
            Self::Mode => "unknown file type",
            Self::Time => "malformed time",
            Self::Size => "impossible size",
            Self::InlineData => "inline data crosses a block",
            Self::Chunks => "malformed chunk table",
            Self::DirectoryBlock => "malformed directory block",
            Self::EntryName => "malformed entry name",
            Self::DirectoryTwice => "directory reached twice",
            Self::Depth => "directories nested too deep",
            Self::Xattrs => "malformed xattrs",
            Self::Target => "malformed symlink target",
            Self::DataInInode => "file data inside the inode",
            Self::Entry => "entry cannot be kept",
        })
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Source { source, .. } => Some(source),
            _ => None,
        }
    }
}
