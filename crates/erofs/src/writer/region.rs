//! Writes the metadata region.

use super::directory;
use super::output::Output;
use super::place::{Cursor, Place, Placement};
use super::shape::{Body, Shape, type_bits};
use super::{Device, WriteError};
use crate::content::{HOLE, Repr};
use crate::format::BLOCK_BITS;
use crate::format::inode::RawInode;
use crate::sparse::CHUNK_INDEX_SIZE;
use crate::{BLOCK_SIZE, BlockSink, FileContent, Leaf, NodeId, NodeKind, NodeRef, RunSource, Tree};

/// The chunk format's bit for 8-byte entries (`EROFS_CHUNK_FORMAT_INDEXES`).
const CHUNK_INDEXES: u32 = 0x20;

pub(super) struct Region<'a> {
    pub(super) tree: &'a Tree,
    pub(super) devices: &'a [Device],
    pub(super) placement: &'a Placement,
    /// First block of the region, which is the end of the data.
    pub(super) start: u32,
}

impl Region<'_> {
    /// Writes inodes, then whole blocks.
    pub(super) fn write<S: BlockSink>(&self, output: &mut Output<S>) -> Result<(), WriteError> {
        let start = output.position();
        let blocks_start = self.placement.inodes_len / BLOCK_SIZE + u64::from(self.start);
        if blocks_start + self.placement.blocks >= u64::from(u32::MAX) {
            return Err(WriteError::ImageTooLarge);
        }
        let mut next_block = u32::try_from(blocks_start).map_err(|_| WriteError::ImageTooLarge)?;
        let mut bytes = Vec::new();
        self.each(|number, id, node, shape, place| {
            output.append_zeros(start + place.at - output.position())?;
            bytes.clear();
            self.encode(&mut bytes, (number, next_block), id, node, shape, place)?;
            next_block += shape.blocks(place.inline);
            output.append(&bytes)?;
            match node.kind() {
                NodeKind::Leaf(Leaf::Regular(content)) => write_chunks(output, content, shape),
                _ => Ok(()),
            }
        })?;
        output.append_zeros(start + self.placement.inodes_len - output.position())?;
        self.each(|_, id, node, shape, place| self.write_blocks(output, id, node, shape, place))
    }

    /// Every node in order with its shape and place, which come out the same each time.
    fn each(
        &self,
        mut act: impl FnMut(u32, NodeId, NodeRef<'_>, Shape, Place) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let mut cursor = Cursor::new();
        for (number, id) in (1..).zip(self.placement.order.iter().copied()) {
            let node = self.tree.node(id).expect("only nodes that exist are placed");
            let shape = Shape::of(self.tree, id, node);
            let place = cursor.place(shape);
            act(number, id, node, shape, place)?;
        }
        Ok(())
    }

    /// Inode, xattrs and inline tail.
    fn encode(
        &self,
        bytes: &mut Vec<u8>,
        (number, next_block): (u32, u32),
        id: NodeId,
        node: NodeRef<'_>,
        shape: Shape,
        place: Place,
    ) -> Result<(), WriteError> {
        if let NodeKind::Leaf(Leaf::Regular(content)) = node.kind() {
            self.check_content(content)?;
        }
        let union = match shape.body {
            Body::Plain { union } => union,
            Body::Directory(_) | Body::Target(_) if shape.blocks(place.inline) == 0 => 0,
            Body::Directory(_) | Body::Target(_) => next_block,
            Body::Chunks { bits, .. } => CHUNK_INDEXES | u32::from(bits - BLOCK_BITS),
        };
        RawInode {
            extended: shape.extended,
            layout: shape.layout(place.inline),
            xattr_count: node.xattrs().count_field(),
            mode: type_bits(node.kind()) | node.mode(),
            links: node.link_count(),
            size: shape.size,
            union,
            number,
            uid: node.uid(),
            gid: node.gid(),
            mtime: Some(node.mtime()),
        }
        .encode(bytes);
        node.xattrs().encode(bytes);
        if place.inline {
            self.encode_tail(bytes, id, node, shape)?;
        }
        Ok(())
    }

    fn encode_tail(
        &self,
        bytes: &mut Vec<u8>,
        id: NodeId,
        node: NodeRef<'_>,
        shape: Shape,
    ) -> Result<(), WriteError> {
        match (node.kind(), shape.body) {
            (NodeKind::Leaf(Leaf::Symlink(target)), _) => bytes.extend_from_slice(target.as_bytes()),
            (_, Body::Directory(size)) => {
                let mut index = 0;
                directory::pack(
                    self.tree,
                    id,
                    |id| self.placement.nid(id),
                    |block| {
                        if index == size.full_blocks {
                            bytes.extend_from_slice(block);
                        }
                        index += 1;
                        Ok(())
                    },
                )?;
            }
            _ => {}
        }
        Ok(())
    }

    fn write_blocks<S: BlockSink>(
        &self,
        output: &mut Output<S>,
        id: NodeId,
        node: NodeRef<'_>,
        shape: Shape,
        place: Place,
    ) -> Result<(), WriteError> {
        let count = shape.blocks(place.inline);
        match node.kind() {
            NodeKind::Leaf(Leaf::Symlink(target)) if count > 0 => {
                output.append(target.as_bytes())?;
                output.align()?;
            }
            NodeKind::Directory if count > 0 => {
                let mut left = count;
                directory::pack(
                    self.tree,
                    id,
                    |id| self.placement.nid(id),
                    |block| {
                        if left > 0 {
                            output.append(block)?;
                            output.align()?;
                            left -= 1;
                        }
                        Ok(())
                    },
                )?;
            }
            _ => {}
        }
        Ok(())
    }

    /// All blocks of a file must lie in the data of the image or of its device.
    fn check_content(&self, content: &FileContent) -> Result<(), WriteError> {
        let outside = content.runs().iter().any(|run| match run.source {
            RunSource::Hole => false,
            RunSource::Blocks { device, start } => {
                let end = match usize::from(device.number()).checked_sub(1) {
                    None => Some(self.start),
                    Some(position) => self.devices.get(position).map(Device::blocks),
                };
                end.is_none_or(|end| u64::from(start) + run.blocks > u64::from(end))
            }
        });
        if outside { Err(WriteError::NoSuchBlocks(Box::new(content.clone()))) } else { Ok(()) }
    }
}

/// The chunk table, if the file has one.
fn write_chunks<S: BlockSink>(
    output: &mut Output<S>,
    content: &FileContent,
    shape: Shape,
) -> Result<(), WriteError> {
    let Body::Chunks { bits, count } = shape.body else {
        return Ok(());
    };
    output.append_zeros(shape.table_len() - count * CHUNK_INDEX_SIZE)?;
    let chunk_blocks = 1u64 << (bits - BLOCK_BITS);
    match &content.0 {
        Repr::Hole { .. } => (0..count).try_for_each(|_| output.append(&chunk_index(0, HOLE))),
        Repr::Single { device, block, .. } => write_run(output, device.number(), *block, count, chunk_blocks),
        Repr::Mapped(mapped) => mapped.runs.iter().try_for_each(|run| {
            let chunks = run.blocks.div_ceil(chunk_blocks);
            match run.source {
                RunSource::Hole => (0..chunks).try_for_each(|_| output.append(&chunk_index(0, HOLE))),
                RunSource::Blocks { device, start } => {
                    write_run(output, device.number(), start, chunks, chunk_blocks)
                }
            }
        }),
    }
}

fn write_run<S: BlockSink>(
    output: &mut Output<S>,
    device: u16,
    start: u32,
    chunks: u64,
    chunk_blocks: u64,
) -> Result<(), WriteError> {
    (0..chunks).try_for_each(|index| {
        let block = u64::from(start) + index * chunk_blocks;
        let block = u32::try_from(block).expect("the run was checked to lie on its device");
        output.append(&chunk_index(device, block))
    })
}

/// `struct erofs_inode_chunk_index`.
fn chunk_index(device: u16, block: u32) -> [u8; CHUNK_INDEX_SIZE as usize] {
    let [d0, d1] = device.to_le_bytes();
    let [b0, b1, b2, b3] = block.to_le_bytes();
    [0, 0, d0, d1, b0, b1, b2, b3]
}
