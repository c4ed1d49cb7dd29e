//! Where every node comes to lie in the metadata region.
//!
//! The region begins with the inodes: the root first, which a 16-bit number must reach, then the children of each directory
//! together, directories in breadth-first order. Whole blocks of directories (and of targets that do not fit) follow.

use super::WriteError;
use super::shape::Shape;
use crate::format::{BLOCK_LEN, SLOT_SIZE};
use crate::{NodeId, NodeKind, Tree};

/// The root's slot. Slot 0 stays empty: inode number 0 means "no file" to some programs.
pub(super) const ROOT_NID: u16 = 1;

/// A directory's tail goes with its inode into a new block only up to this length, so that little of the old block is lost.
const MAX_MOVED_INLINE: usize = BLOCK_LEN / 2;

/// Hands out places for inodes one after the other.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    /// Bytes from the region's start.
    at: u64,
}

/// A place: bytes from the region's start, and whether the tail lies there too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) at: u64,
    pub(super) inline: bool,
}

impl Cursor {
    pub(super) fn new() -> Self {
        Self { at: u64::from(ROOT_NID) * SLOT_SIZE }
    }

    /// The next place for `shape`. No inode with what must stay beside it crosses a block; only xattrs of more than a block
    /// and chunk tables do.
    pub(super) fn place(&mut self, shape: Shape) -> Place {
        let room = BLOCK_LEN - (self.at % BLOCK_LEN as u64) as usize;
        let base = shape.base_len();
        let with_tail = shape.inline_candidate().map(|tail| base + tail);
        let inline = with_tail.is_some_and(|len| len <= room.max(MAX_MOVED_INLINE) || is_target(shape, len));
        let len = with_tail.filter(|_| inline).unwrap_or(base) as u64 + shape.table_len();
        if (len.min(BLOCK_LEN as u64) as usize) > room {
            self.at += room as u64;
        }
        let place = Place { at: self.at, inline };
        self.at = (self.at + len).next_multiple_of(SLOT_SIZE);
        place
    }

    /// Bytes handed out, in whole blocks.
    fn end(&self) -> u64 {
        self.at.next_multiple_of(BLOCK_LEN as u64)
    }

    /// The same where nothing comes behind. `fsck.erofs` of erofs-utils 1.5 reads the place where an inode's attributes would
    /// be of inodes without any, too, and calls it damage where that is the image's end: so one slot stays free.
    fn end_of_image(&self) -> u64 {
        (self.at + SLOT_SIZE).next_multiple_of(BLOCK_LEN as u64)
    }
}

/// A symlink's target is inline wherever one block can hold it: that is the kernel's fast path.
fn is_target(shape: Shape, len: usize) -> bool {
    matches!(shape.body, super::shape::Body::Target(_)) && len <= BLOCK_LEN
}

/// The order of all nodes and their numbers.
#[derive(Debug)]
pub(super) struct Placement {
    /// Nodes in the order of their inodes.
    pub(super) order: Vec<NodeId>,
    /// Nid by a node's position in the arena; 0 for nodes that are not in the tree.
    nids: Vec<u32>,
    /// Bytes of the inodes' part of the region, in whole blocks.
    pub(super) inodes_len: u64,
    /// Whole blocks behind it.
    pub(super) blocks: u64,
    /// Whether any file is mapped in chunks.
    pub(super) chunked: bool,
}

impl Placement {
    pub(super) fn of(tree: &Tree) -> Result<Self, WriteError> {
        let mut placement = Self {
            order: Vec::with_capacity(tree.len()),
            nids: vec![0; tree.arena_len()],
            inodes_len: 0,
            blocks: 0,
            chunked: false,
        };
        let mut cursor = Cursor::new();
        placement.add(tree, Tree::ROOT, &mut cursor)?;
        let mut next = 0;
        while let Some(id) = placement.order.get(next).copied() {
            for (_, child) in tree.children(id) {
                // A hard link's later names find it placed.
                if placement.nids[child.index()] == 0 {
                    placement.add(tree, child, &mut cursor)?;
                }
            }
            next += 1;
        }
        placement.inodes_len = if placement.blocks == 0 { cursor.end_of_image() } else { cursor.end() };
        Ok(placement)
    }

    /// The node's number in directory entries.
    pub(super) fn nid(&self, id: NodeId) -> u32 {
        self.nids[id.index()]
    }

    fn add(&mut self, tree: &Tree, id: NodeId, cursor: &mut Cursor) -> Result<(), WriteError> {
        let node = tree.node(id).expect("directories name only nodes that exist");
        if let NodeKind::Leaf(crate::Leaf::Regular(content)) = node.kind()
            && !content.has_valid_size()
        {
            return Err(WriteError::NoSuchBlocks(Box::new(content.clone())));
        }
        let shape = Shape::of(tree, id, node);
        let place = cursor.place(shape);
        self.nids[id.index()] = u32::try_from(place.at / SLOT_SIZE).map_err(|_| WriteError::ImageTooLarge)?;
        self.order.push(id);
        self.blocks += u64::from(shape.blocks(place.inline));
        self.chunked |= matches!(shape.body, super::shape::Body::Chunks { .. });
        Ok(())
    }
}
