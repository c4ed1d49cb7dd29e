//! Constants and records of the format (`fs/erofs/erofs_fs.h` of the Linux kernel). All numbers are little-endian.

pub(crate) mod inode;
pub(crate) mod superblock;

/// Binary logarithm of the block.
pub(crate) const BLOCK_BITS: u8 = 12;
/// Bytes of a block, for lengths in memory.
pub(crate) const BLOCK_LEN: usize = 1 << BLOCK_BITS;
/// A node's number counts slots of this many bytes from the metadata's start.
pub(crate) const SLOT_SIZE: u64 = 32;
/// Bytes of a directory entry before its name (`struct erofs_dirent`).
pub(crate) const DIRENT_SIZE: usize = 12;

/// File types in directory entries (`EROFS_FT_*`, the values of `DT_*` in kernel headers).
pub(crate) mod file_type {
    pub(crate) const REGULAR: u8 = 1;
    pub(crate) const DIRECTORY: u8 = 2;
    pub(crate) const CHAR_DEVICE: u8 = 3;
    pub(crate) const BLOCK_DEVICE: u8 = 4;
    pub(crate) const FIFO: u8 = 5;
    pub(crate) const SOCKET: u8 = 6;
    pub(crate) const SYMLINK: u8 = 7;
}

/// File types in an inode's mode (`S_IF*`).
pub(crate) mod mode_type {
    pub(crate) const MASK: u16 = 0o170_000;
    pub(crate) const SOCKET: u16 = 0o140_000;
    pub(crate) const SYMLINK: u16 = 0o120_000;
    pub(crate) const REGULAR: u16 = 0o100_000;
    pub(crate) const BLOCK_DEVICE: u16 = 0o060_000;
    pub(crate) const DIRECTORY: u16 = 0o040_000;
    pub(crate) const CHAR_DEVICE: u16 = 0o020_000;
    pub(crate) const FIFO: u16 = 0o010_000;
}

/// Reads fixed-size numbers out of a record that is known to be long enough.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    pub(crate) fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    pub(crate) fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0[at..at + N].try_into().expect("a slice of N bytes is an array of N bytes")
    }
}

/// Writes `bytes` into a record at `at`.
pub(crate) fn put(record: &mut [u8], at: usize, bytes: &[u8]) {
    record[at..at + bytes.len()].copy_from_slice(bytes);
}
