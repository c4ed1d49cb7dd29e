//! The EROFS on-disk format: a streaming writer, a reader and a checker. `std` only.
//!
//! An EROFS blob of ours is a plain, uncompressed EROFS image with 4 KiB blocks, readable by any kernel's EROFS:
//!
//! ```text
//! block 0      superblock at byte 1024, device slots after it
//! blocks 1..   file data, block-aligned, one run per file, in the order it arrived
//! the rest     one contiguous metadata region: inodes with xattrs, symlink targets and directory tails,
//!              then whole directory blocks
//! ```
//!
//! Writing: [`ImageWriter`] takes the data of files as it arrives and gives back [`FileContent`], which goes with
//! names and [`Metadata`] into a [`Tree`]; [`ImageWriter::finish`] writes the tree. Everything that could make an image
//! malformed is refused when the tree is built ([`Name`], [`Xattrs`], [`SymlinkTarget`], [`DeviceNumber`], [`Mtime`]), so
//! that finishing fails only on I/O and on the format's size limits. The same calls give the same bytes.
//!
//! A *merged metadata image* is a tree whose files lie on other blobs: pass these as [`Device`]s and make the content
//! by [`FileContent::on_device`].
//!
//! Reading: [`Image`] reads any uncompressed EROFS image, hostile ones included; [`check()`] looks at every byte's place.
//!
//! Format source: `fs/erofs/erofs_fs.h` of the Linux kernel and its reader beside it.

mod check;
mod content;
mod crc32c;
mod format;
mod image;
mod metadata;
mod name;
mod read_at;
mod sink;
mod sparse;
mod tree;
mod write_buffer;
mod writer;
mod xattr;

pub use check::{Problem, Report, check};
pub use content::{DeviceIndex, FileContent, Run, RunSource};
pub use image::{
    DirectoryEntries, DirectoryEntry, Image, ImageDevice, Inode, InodeKind, Malformed, ReadError,
    ReadErrorKind, Walk,
};
pub use metadata::{DeviceNumber, Metadata, MetadataError, Mtime, SymlinkTarget};
pub use name::{Name, NameError};
pub use read_at::ReadAt;
pub use sink::BlockSink;
pub use sparse::{Segment, SparseError, SparsePlan};
pub use tree::{Children, Leaf, NodeId, NodeKind, NodeRef, Tree, TreeError};
pub use write_buffer::WriteBuffer;
pub use writer::{Device, DeviceError, FileWriter, ImageWriter, LaidOut, WriteError, Written};
pub use xattr::{XattrError, XattrErrorKind, Xattrs};

/// Bytes of a block: the unit in which data is placed and addressed.
pub const BLOCK_SIZE: u64 = 4096;
