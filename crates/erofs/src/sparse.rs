//! How a file with holes is cut into chunks.

use std::fmt;

use crate::BLOCK_SIZE;

/// A stretch of a sparse file that has bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// First byte in the file.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
}

/// The layout of a sparse file, fixed before its data arrives.
///
/// The format maps a file in chunks of one size, a power of two. Small chunks need a long table, large ones need zeros
/// around the data; the plan takes the size that costs the fewest bytes together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparsePlan {
    pub(crate) size: u64,
    pub(crate) segments: Vec<Segment>,
    pub(crate) chunk_bits: u8,
}

/// The smallest chunk: one block.
pub(crate) const MIN_CHUNK_BITS: u8 = 12;
/// The largest chunk: the format's field has 5 bits beyond the block's size.
pub(crate) const MAX_CHUNK_BITS: u8 = MIN_CHUNK_BITS + 31;
/// Bytes of a chunk's place in the table (`struct erofs_inode_chunk_index`).
pub(crate) const CHUNK_INDEX_SIZE: u64 = 8;

impl SparsePlan {
    /// Plans a file of `size` bytes with data in `segments`, which ascend, do not overlap and lie inside the file;
    /// segments without bytes are dropped.
    pub fn new(size: u64, segments: Vec<Segment>) -> Result<Self, SparseError> {
        if size > i64::MAX as u64 {
            return Err(SparseError::FileTooLarge(size));
        }
        let mut segments = segments;
        segments.retain(|segment| segment.len > 0);
        let mut end = 0;
        for segment in &segments {
            if segment.offset < end {
                return Err(SparseError::NotAscending(*segment));
            }
            end = segment.offset.saturating_add(segment.len);
            if end > size {
                return Err(SparseError::BeyondEnd(*segment));
            }
        }
        let mut plan = Self { size, segments, chunk_bits: MAX_CHUNK_BITS };
        let costs = (MIN_CHUNK_BITS..=MAX_CHUNK_BITS).map(|bits| (plan.cost(bits), bits));
        plan.chunk_bits = costs.min().map_or(MAX_CHUNK_BITS, |(_, bits)| bits);
        Ok(plan)
    }

    /// The file's size, holes included.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that the caller will supply.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    /// Bytes that the file will take in the image: data with the zeros around it, and its chunk table. Callers hold this
    /// against their limits before they write.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.cost(self.chunk_bits)
    }

    /// The same without the chunk table, which only the metadata region has: bytes that are written while the file's data
    /// arrives.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.stretches_len(self.chunk_bits)
    }

    fn cost(&self, bits: u8) -> u64 {
        let table = self.size.div_ceil(1 << bits).saturating_mul(CHUNK_INDEX_SIZE);
        table.saturating_add(self.stretches_len(bits))
    }

    fn stretches_len(&self, bits: u8) -> u64 {
        self.stretches(bits).map(|(start, end)| end - start).fold(0, u64::saturating_add)
    }

    /// Byte ranges that are stored with chunks of `1 << bits` bytes: ascending, apart from each other, beginning on a chunk
    /// boundary, ending on one or on the file's last block.
    pub(crate) fn stretches(&self, bits: u8) -> impl Iterator<Item = (u64, u64)> {
        let chunk = 1u64 << bits;
        let file_end = self.size.next_multiple_of(BLOCK_SIZE);
        let mut segments = self.segments.iter().peekable();
        std::iter::from_fn(move || {
            let round_up = |segment: &Segment| {
                (segment.offset + segment.len).div_ceil(chunk).saturating_mul(chunk).min(file_end)
            };
            let first = segments.next()?;
            let start = first.offset & !(chunk - 1);
            let mut end = round_up(first);
            while let Some(next) = segments.next_if(|next| next.offset & !(chunk - 1) <= end) {
                end = round_up(next);
            }
            Some((start, end))
        })
    }
}

/// Why segments do not describe a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SparseError {
    /// A size over 2^63 - 1.
    FileTooLarge(u64),
    /// A segment that begins before the one before it ends.
    NotAscending(Segment),
    /// A segment that ends after the file.
    BeyondEnd(Segment),
}

impl fmt::Display for SparseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileTooLarge(size) => write!(f, "sparse file of {size} bytes is too large"),
            Self::NotAscending(segment) => write!(f, "segment at {} overlaps the one before", segment.offset),
            Self::BeyondEnd(segment) => {
                write!(f, "segment of {} bytes at {} ends after the file", segment.len, segment.offset)
            }
        }
    }
}

impl std::error::Error for SparseError {}
