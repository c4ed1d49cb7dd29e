//! From a position in a file to a position on a device.

use super::{Image, Inode, InodeKind, Malformed, ReadError};
use crate::content::{HOLE, Mapped, Repr};
use crate::format::inode::DataLayout;
use crate::format::{BLOCK_BITS, Fields};
use crate::sparse::CHUNK_INDEX_SIZE;
use crate::{BLOCK_SIZE, DeviceIndex, FileContent, ReadAt, Run, RunSource, SymlinkTarget};

/// Bits of a chunk format that say the chunk's size (`EROFS_CHUNK_FORMAT_BLKBITS_MASK`).
const CHUNK_BITS_MASK: u32 = 0x1f;
/// Entries of 8 bytes with a device (`EROFS_CHUNK_FORMAT_INDEXES`); without it, 4 bytes of block.
const CHUNK_INDEXES: u32 = 0x20;
/// Bytes of an entry without device (`EROFS_BLOCK_MAP_ENTRY_SIZE`).
const BLOCK_MAP_ENTRY_SIZE: u64 = 4;
/// More runs than any file of ours has; bounds what one file can make the reader keep.
const MAX_RUNS: usize = 1 << 20;

/// The chunk table of an inode.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChunkTable {
    pub(crate) chunk_bits: u8,
    /// Position in the image.
    pub(crate) start: u64,
    pub(crate) count: u64,
    entry_size: u64,
}

impl ChunkTable {
    pub(crate) fn end(&self) -> u64 {
        self.start.saturating_add(self.count.saturating_mul(self.entry_size))
    }
}

/// A stretch of a file that lies in one piece.
struct Piece {
    /// The device's number and the position on it; `None` for zeros.
    place: Option<(u16, u64)>,
    len: u64,
}

impl<R: ReadAt> Image<R> {
    /// Reads from a regular file; gives the number of bytes, which is less than asked for only at the file's end.
    pub fn read_at(&self, inode: &Inode, offset: u64, buffer: &mut [u8]) -> Result<usize, ReadError> {
        if inode.kind() != InodeKind::Regular {
            return Err(ReadError::WrongType { nid: inode.nid });
        }
        self.read_data(inode, offset, buffer)
    }

    /// The target of a symlink.
    pub fn read_link(&self, inode: &Inode) -> Result<SymlinkTarget, ReadError> {
        if inode.kind() != InodeKind::Symlink {
            return Err(ReadError::WrongType { nid: inode.nid });
        }
        let malformed = |what| ReadError::Inode { nid: inode.nid, what };
        if inode.size() > SymlinkTarget::MAX_LEN as u64 {
            return Err(malformed(Malformed::Size));
        }
        let mut bytes = vec![0; inode.size() as usize];
        self.read_data(inode, 0, &mut bytes)?;
        SymlinkTarget::new(&bytes).map_err(|_| malformed(Malformed::Target))
    }

    /// Where a regular file's bytes lie; `None` if some lie behind the inode itself, which our images never have.
    ///
    /// Devices and blocks are as the image says; reading them fails if they do not exist.
    pub fn content(&self, inode: &Inode) -> Result<Option<FileContent>, ReadError> {
        if inode.kind() != InodeKind::Regular {
            return Err(ReadError::WrongType { nid: inode.nid });
        }
        match inode.layout() {
            _ if inode.size() == 0 => Ok(Some(FileContent::EMPTY)),
            DataLayout::FlatInline => Ok(None),
            DataLayout::FlatPlain => {
                Ok(Some(FileContent::on_device(DeviceIndex::PRIMARY, inode.raw.union, inode.size())))
            }
            DataLayout::ChunkBased => self.chunked_content(inode).map(Some),
        }
    }

    pub(super) fn read_data(
        &self,
        inode: &Inode,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, ReadError> {
        let wanted = inode.size().saturating_sub(offset).min(buffer.len() as u64) as usize;
        let mut done = 0;
        while done < wanted {
            let piece = self.locate(inode, offset + done as u64)?;
            let len = piece.len.min((wanted - done) as u64) as usize;
            let part = &mut buffer[done..done + len];
            match piece.place {
                None => part.fill(0),
                Some((device, position)) => self.read_device(device, position, part)?,
            }
            done += len;
        }
        Ok(wanted)
    }

    /// The piece with the byte at `offset`, which is inside the file; from that byte on.
    fn locate(&self, inode: &Inode, offset: u64) -> Result<Piece, ReadError> {
        if inode.layout() == DataLayout::ChunkBased {
            let table = self.chunk_table(inode)?;
            let index = offset >> table.chunk_bits;
            let inside = offset - (index << table.chunk_bits);
            let len = ((1 << table.chunk_bits) - inside).min(inode.size() - offset);
            let place = self
                .chunk(inode, &table, index)?
                .map(|(device, block)| (device, u64::from(block) * BLOCK_SIZE + inside));
            return Ok(Piece { place, len });
        }
        let tail = inode.inline_len();
        let in_blocks = inode.size() - tail;
        if offset < in_blocks {
            let position = (u64::from(inode.raw.union) * BLOCK_SIZE).saturating_add(offset);
            return Ok(Piece { place: Some((0, position)), len: in_blocks - offset });
        }
        let start = inode.base_end();
        if start % BLOCK_SIZE + tail > BLOCK_SIZE {
            return Err(ReadError::Inode { nid: inode.nid, what: Malformed::InlineData });
        }
        Ok(Piece { place: Some((0, start + (offset - in_blocks))), len: inode.size() - offset })
    }

    fn read_device(&self, device: u16, position: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let (source, size) = match usize::from(device).checked_sub(1) {
            None => (&self.source, self.size),
            Some(index) => {
                let (source, size) = self.device_sources.get(index).ok_or(ReadError::DeviceAbsent(device))?;
                (source, *size)
            }
        };
        let len = buffer.len() as u64;
        if position.checked_add(len).is_none_or(|end| end > size) {
            return Err(ReadError::OutOfBounds { offset: position, len });
        }
        source
            .read_exact_at(buffer, position)
            .map_err(|source| ReadError::Source { offset: position, source })
    }

    pub(crate) fn chunk_table(&self, inode: &Inode) -> Result<ChunkTable, ReadError> {
        let format = inode.raw.union & 0xffff;
        if format & !(CHUNK_BITS_MASK | CHUNK_INDEXES) != 0 {
            return Err(ReadError::Inode { nid: inode.nid, what: Malformed::Chunks });
        }
        let entry_size = if format & CHUNK_INDEXES != 0 { CHUNK_INDEX_SIZE } else { BLOCK_MAP_ENTRY_SIZE };
        let chunk_bits = BLOCK_BITS + (format & CHUNK_BITS_MASK) as u8;
        let start = inode.base_end().next_multiple_of(entry_size);
        Ok(ChunkTable { chunk_bits, start, count: inode.size().div_ceil(1 << chunk_bits), entry_size })
    }

    /// Device and block of a chunk; `None` for a hole.
    fn chunk(&self, inode: &Inode, table: &ChunkTable, index: u64) -> Result<Option<(u16, u32)>, ReadError> {
        let offset = index.checked_mul(table.entry_size).and_then(|bytes| bytes.checked_add(table.start));
        let offset = offset.ok_or(ReadError::Inode { nid: inode.nid, what: Malformed::Chunks })?;
        let entry = self.bytes(offset, table.entry_size as usize)?;
        let fields = Fields(&entry);
        let (device, block) = match table.entry_size {
            BLOCK_MAP_ENTRY_SIZE => (0, fields.u32(0)),
            _ => (fields.u16(2), fields.u32(4)),
        };
        if block == HOLE {
            return Ok(None);
        }
        if device > self.superblock.extra_devices {
            return Err(ReadError::Inode { nid: inode.nid, what: Malformed::Chunks });
        }
        Ok(Some((device, block)))
    }

    fn chunked_content(&self, inode: &Inode) -> Result<FileContent, ReadError> {
        let table = self.chunk_table(inode)?;
        if table.end() > self.size {
            return Err(ReadError::OutOfBounds { offset: table.start, len: table.end() - table.start });
        }
        let chunk_blocks = 1u64 << (table.chunk_bits - BLOCK_BITS);
        let mut left = inode.size().div_ceil(BLOCK_SIZE);
        let mut runs: Vec<Run> = Vec::new();
        for index in 0..table.count {
            let blocks = chunk_blocks.min(left);
            left -= blocks;
            let source = match self.chunk(inode, &table, index)? {
                None => RunSource::Hole,
                Some((device, start)) => {
                    RunSource::Blocks { device: DeviceIndex::from_number(device), start }
                }
            };
            let is_full = runs.len() == MAX_RUNS;
            match runs.last_mut() {
                Some(last) if continues(last, source) => last.blocks += blocks,
                _ if is_full => {
                    return Err(ReadError::Inode { nid: inode.nid, what: Malformed::Chunks });
                }
                _ => runs.push(Run { blocks, source }),
            }
        }
        let size = inode.size();
        Ok(match runs.as_slice() {
            [Run { source: RunSource::Hole, .. }] => FileContent::hole(size),
            [Run { source: RunSource::Blocks { device, start }, .. }] => {
                FileContent::on_device(*device, *start, size)
            }
            _ => FileContent(Repr::Mapped(Box::new(Mapped { size, chunk_bits: table.chunk_bits, runs }))),
        })
    }
}

fn continues(last: &Run, source: RunSource) -> bool {
    match (last.source, source) {
        (RunSource::Hole, RunSource::Hole) => true,
        (RunSource::Blocks { device, start }, RunSource::Blocks { device: next_device, start: next }) => {
            device == next_device && u64::from(start) + last.blocks == u64::from(next)
        }
        _ => false,
    }
}
