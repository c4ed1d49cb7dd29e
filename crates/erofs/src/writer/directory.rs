//! Directories on disk: sorted entries packed into blocks, in each first the records, then the names.

use crate::format::{BLOCK_LEN, DIRENT_SIZE, file_type};
use crate::{Leaf, Name, NodeId, NodeKind, Tree};

/// How much a directory takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DirectorySize {
    /// Blocks before the last.
    pub(super) full_blocks: u32,
    /// Bytes of the last block, 1 to [`BLOCK_LEN`].
    pub(super) tail: u16,
}

impl DirectorySize {
    /// What `stat(2)` shows and the reader goes by.
    pub(super) fn bytes(self) -> u64 {
        u64::from(self.full_blocks) * BLOCK_LEN as u64 + u64::from(self.tail)
    }
}

/// The entries of a directory in byte order, `.` and `..` in their places.
fn entries(tree: &Tree, dir: NodeId) -> impl Iterator<Item = (&[u8], NodeId)> {
    let parent = tree.parent(dir).unwrap_or(dir);
    let mut dots = [(&b"."[..], dir), (&b".."[..], parent)].into_iter().peekable();
    let mut children = tree.children(dir).map(|(name, id)| (Name::as_bytes(name), id)).peekable();
    std::iter::from_fn(move || match (dots.peek(), children.peek()) {
        (Some((dot, _)), Some((name, _))) if name < dot => children.next(),
        (Some(_), _) => dots.next(),
        (None, _) => children.next(),
    })
}

/// Packs without writing.
pub(super) fn measure(tree: &Tree, dir: NodeId) -> DirectorySize {
    let (mut full_blocks, mut used) = (0, 0);
    for (name, _) in entries(tree, dir) {
        let len = DIRENT_SIZE + name.len();
        if used + len > BLOCK_LEN {
            (full_blocks, used) = (full_blocks + 1, 0);
        }
        used += len;
    }
    DirectorySize { full_blocks, tail: u16::try_from(used).expect("a block's length fits into 16 bits") }
}

/// Packs as [`measure`] does, and calls `emit` with each block's used bytes. `number` gives a node's nid.
pub(super) fn pack<E>(
    tree: &Tree,
    dir: NodeId,
    number: impl Fn(NodeId) -> u32,
    mut emit: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut block = Block::default();
    for (name, id) in entries(tree, dir) {
        if block.used + DIRENT_SIZE + name.len() > BLOCK_LEN {
            emit(block.encode())?;
            block.clear();
        }
        block.push(name, number(id), entry_type(tree, id));
    }
    emit(block.encode())
}

fn entry_type(tree: &Tree, id: NodeId) -> u8 {
    match tree.node(id).map(|node| node.kind()) {
        Some(NodeKind::Leaf(leaf)) => match leaf {
            Leaf::Regular(_) => file_type::REGULAR,
            Leaf::Symlink(_) => file_type::SYMLINK,
            Leaf::CharDevice(_) => file_type::CHAR_DEVICE,
            Leaf::BlockDevice(_) => file_type::BLOCK_DEVICE,
            Leaf::Fifo => file_type::FIFO,
            Leaf::Socket => file_type::SOCKET,
        },
        Some(NodeKind::Directory) | None => file_type::DIRECTORY,
    }
}

/// One block being packed.
#[derive(Default)]
struct Block {
    used: usize,
    /// Number and type of each entry, and its name's length.
    records: Vec<(u32, u8, usize)>,
    names: Vec<u8>,
    encoded: Vec<u8>,
}

impl Block {
    fn push(&mut self, name: &[u8], number: u32, file_type: u8) {
        self.records.push((number, file_type, name.len()));
        self.names.extend_from_slice(name);
        self.used += DIRENT_SIZE + name.len();
    }

    fn encode(&mut self) -> &[u8] {
        self.encoded.clear();
        let mut name_at = self.records.len() * DIRENT_SIZE;
        for (number, file_type, name_len) in &self.records {
            let offset = u16::try_from(name_at).expect("names begin inside the block");
            self.encoded.extend_from_slice(&u64::from(*number).to_le_bytes());
            self.encoded.extend_from_slice(&offset.to_le_bytes());
            self.encoded.extend_from_slice(&[*file_type, 0]);
            name_at += name_len;
        }
        self.encoded.extend_from_slice(&self.names);
        &self.encoded
    }

    fn clear(&mut self) {
        self.used = 0;
        self.records.clear();
        self.names.clear();
    }
}
