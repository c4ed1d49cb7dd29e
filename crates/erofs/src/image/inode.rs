//! An inode as it was read.

use crate::format::inode::{DataLayout, RawInode};
use crate::format::mode_type;
use crate::{BLOCK_SIZE, DeviceNumber, Mtime};

/// An inode of an [`Image`](crate::Image).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inode {
    pub(super) nid: u64,
    /// Position in the image.
    pub(super) offset: u64,
    pub(super) raw: RawInode,
    pub(super) build_time: Mtime,
}

/// The type of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InodeKind {
    /// A directory.
    Directory,
    /// A regular file.
    Regular,
    /// A symlink.
    Symlink,
    /// A character device.
    CharDevice(DeviceNumber),
    /// A block device.
    BlockDevice(DeviceNumber),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl Inode {
    /// Its number, which is also the inode number that `stat(2)` shows.
    #[must_use]
    pub fn nid(&self) -> u64 {
        self.nid
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> InodeKind {
        match self.raw.mode & mode_type::MASK {
            mode_type::DIRECTORY => InodeKind::Directory,
            mode_type::REGULAR => InodeKind::Regular,
            mode_type::SYMLINK => InodeKind::Symlink,
            mode_type::CHAR_DEVICE => InodeKind::CharDevice(DeviceNumber::decode(self.raw.union)),
            mode_type::BLOCK_DEVICE => InodeKind::BlockDevice(DeviceNumber::decode(self.raw.union)),
            mode_type::FIFO => InodeKind::Fifo,
            _ => InodeKind::Socket,
        }
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.kind() == InodeKind::Directory
    }

    /// The 12 permission bits.
    #[must_use]
    pub fn mode(&self) -> u16 {
        self.raw.mode & !mode_type::MASK
    }

    /// Owner.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.raw.uid
    }

    /// Group.
    #[must_use]
    pub fn gid(&self) -> u32 {
        self.raw.gid
    }

    /// Bytes of the file, of the symlink's target, or of the directory's blocks.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.raw.size
    }

    /// Link count.
    #[must_use]
    pub fn links(&self) -> u32 {
        self.raw.links
    }

    /// Time of last modification.
    #[must_use]
    pub fn mtime(&self) -> Mtime {
        self.raw.mtime.unwrap_or(self.build_time)
    }

    pub(crate) fn layout(&self) -> DataLayout {
        self.raw.layout
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// First block of data in the flat layouts.
    pub(crate) fn raw_block(&self) -> u32 {
        self.raw.union
    }

    /// Bytes of xattrs with their header.
    pub(crate) fn xattr_len(&self) -> usize {
        match usize::from(self.raw.xattr_count) {
            0 => 0,
            count => crate::xattr::HEADER_SIZE + 4 * (count - 1),
        }
    }

    /// Where what follows inode and xattrs begins, in the image.
    pub(crate) fn base_end(&self) -> u64 {
        self.offset + self.raw.inode_size() + self.xattr_len() as u64
    }

    /// Bytes that the inline layout keeps behind the inode.
    pub(crate) fn inline_len(&self) -> u64 {
        match self.raw.layout {
            DataLayout::FlatInline if self.raw.size > 0 => (self.raw.size - 1) % BLOCK_SIZE + 1,
            _ => 0,
        }
    }
}
