//! What one node becomes on disk, before it has a place.

use super::directory::{self, DirectorySize};
use crate::content::{Mapped, Repr};
use crate::format::BLOCK_LEN;
use crate::format::inode::{COMPACT_SIZE, DataLayout, EXTENDED_SIZE};
use crate::format::mode_type;
use crate::sparse::{CHUNK_INDEX_SIZE, MAX_CHUNK_BITS, MIN_CHUNK_BITS};
use crate::{DeviceIndex, FileContent, Leaf, Mtime, NodeId, NodeKind, NodeRef, Tree};

/// The parts of a node: an inode, its xattrs, and what follows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) extended: bool,
    pub(super) size: u64,
    pub(super) xattr_len: usize,
    pub(super) body: Body,
}

/// A node's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// Nothing beyond the inode, whose union field has the value.
    Plain { union: u32 },
    /// A directory.
    Directory(DirectorySize),
    /// A symlink's target of so many bytes.
    Target(usize),
    /// A table of chunks of `1 << bits` bytes.
    Chunks { bits: u8, count: u64 },
}

impl Shape {
    pub(super) fn of(tree: &Tree, id: NodeId, node: NodeRef<'_>) -> Self {
        let (size, body) = match node.kind() {
            NodeKind::Directory => {
                let size = directory::measure(tree, id);
                (size.bytes(), Body::Directory(size))
            }
            NodeKind::Leaf(Leaf::Regular(content)) => (content.size(), content_body(content)),
            NodeKind::Leaf(Leaf::Symlink(target)) => {
                let len = target.as_bytes().len();
                (len as u64, Body::Target(len))
            }
            NodeKind::Leaf(Leaf::CharDevice(number) | Leaf::BlockDevice(number)) => {
                (0, Body::Plain { union: number.encode() })
            }
            NodeKind::Leaf(Leaf::Fifo | Leaf::Socket) => (0, Body::Plain { union: 0 }),
        };
        Self { extended: !fits_compact(node, size), size, xattr_len: node.xattrs().encoded_len(), body }
    }

    /// Bytes of inode and xattrs.
    pub(super) fn base_len(self) -> usize {
        (if self.extended { EXTENDED_SIZE } else { COMPACT_SIZE }) + self.xattr_len
    }

    /// Bytes of a chunk table with what aligns it, as it follows inode and xattrs.
    pub(super) fn table_len(self) -> u64 {
        match self.body {
            Body::Chunks { count, .. } => {
                let aligned = (self.base_len() as u64).next_multiple_of(CHUNK_INDEX_SIZE);
                aligned - self.base_len() as u64 + count * CHUNK_INDEX_SIZE
            }
            _ => 0,
        }
    }

    /// Bytes that may follow inode and xattrs in their block, or else take a block of their own.
    pub(super) fn inline_candidate(self) -> Option<usize> {
        match self.body {
            Body::Directory(DirectorySize { tail, .. }) => {
                Some(usize::from(tail)).filter(|tail| *tail < BLOCK_LEN)
            }
            Body::Target(len) => Some(len),
            Body::Plain { .. } | Body::Chunks { .. } => None,
        }
    }

    /// Whole blocks that the node needs elsewhere in the region.
    pub(super) fn blocks(self, inline: bool) -> u32 {
        match self.body {
            Body::Directory(size) => size.full_blocks + u32::from(!inline),
            Body::Target(_) => u32::from(!inline),
            Body::Plain { .. } | Body::Chunks { .. } => 0,
        }
    }

    pub(super) fn layout(self, inline: bool) -> DataLayout {
        match self.body {
            Body::Chunks { .. } => DataLayout::ChunkBased,
            Body::Directory(_) | Body::Target(_) if inline => DataLayout::FlatInline,
            _ => DataLayout::FlatPlain,
        }
    }
}

/// The type bits of a node's mode.
pub(super) fn type_bits(kind: NodeKind<'_>) -> u16 {
    match kind {
        NodeKind::Directory => mode_type::DIRECTORY,
        NodeKind::Leaf(Leaf::Regular(_)) => mode_type::REGULAR,
        NodeKind::Leaf(Leaf::Symlink(_)) => mode_type::SYMLINK,
        NodeKind::Leaf(Leaf::CharDevice(_)) => mode_type::CHAR_DEVICE,
        NodeKind::Leaf(Leaf::BlockDevice(_)) => mode_type::BLOCK_DEVICE,
        NodeKind::Leaf(Leaf::Fifo) => mode_type::FIFO,
        NodeKind::Leaf(Leaf::Socket) => mode_type::SOCKET,
    }
}

/// The compact form has 16 bits for owner, group and links, 32 for the size, and the build time, which is always 0.
fn fits_compact(node: NodeRef<'_>, size: u64) -> bool {
    let narrow = u32::from(u16::MAX);
    node.uid() <= narrow
        && node.gid() <= narrow
        && node.link_count() <= narrow
        && u32::try_from(size).is_ok()
        && node.mtime() == Mtime::default()
}

fn content_body(content: &FileContent) -> Body {
    match &content.0 {
        Repr::Single { device: DeviceIndex::PRIMARY, block, .. } => Body::Plain { union: *block },
        Repr::Single { size, .. } | Repr::Hole { size } => {
            let bits = covering_bits(*size);
            Body::Chunks { bits, count: size.div_ceil(1 << bits) }
        }
        Repr::Mapped(mapped) => {
            let Mapped { size, chunk_bits, .. } = **mapped;
            Body::Chunks { bits: chunk_bits, count: size.div_ceil(1 << chunk_bits) }
        }
    }
}

/// The smallest chunk that holds `size` bytes, or the largest there is.
fn covering_bits(size: u64) -> u8 {
    (MIN_CHUNK_BITS..MAX_CHUNK_BITS).find(|bits| size <= 1 << bits).unwrap_or(MAX_CHUNK_BITS)
}
