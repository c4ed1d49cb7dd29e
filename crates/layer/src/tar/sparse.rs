//! Maps of sparse files in GNU tar's four notations.

use erofs::Segment;

use super::{BLOCK, Block, number};

/// Why a map is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapError {
    /// With more segments than the limit.
    TooMany,
    /// Anything else.
    Invalid(&'static str),
}

/// Adds the segments of an old GNU header or extension block (24 bytes each, ended by an empty one).
pub(super) fn add_old(map: &mut Vec<Segment>, raw: &[u8], most: usize) -> Result<(), MapError> {
    for pair in raw.chunks_exact(24) {
        if pair[0] == 0 {
            break;
        }
        let part = |bytes| number::field(bytes).and_then(|n| u64::try_from(n).ok());
        let segment = part(&pair[..12]).zip(part(&pair[12..]));
        let (offset, len) = segment.ok_or(MapError::Invalid("the sparse map has an invalid number"))?;
        push(map, Segment { offset, len }, most)?;
    }
    Ok(())
}

/// The segments of one extension block of the old GNU format, and whether another follows.
pub(super) fn add_old_block(map: &mut Vec<Segment>, block: &Block, most: usize) -> Result<bool, MapError> {
    add_old(map, &block[..504], most)?;
    Ok(block[504] != 0)
}

/// A comma-separated list of offsets and lengths (PAX 0.1, and 0.0 once its records are joined).
pub(super) fn parse_list(text: &[u8], most: usize) -> Result<Vec<Segment>, MapError> {
    let mut map = Vec::new();
    if text.is_empty() {
        return Ok(map);
    }
    let mut numbers = text.split(|b| *b == b',').map(number::decimal);
    while let Some(offset) = numbers.next() {
        let pair = offset.zip(numbers.next().flatten());
        let (offset, len) = pair.ok_or(MapError::Invalid("the sparse map has an invalid number"))?;
        push(&mut map, Segment { offset, len }, most)?;
    }
    Ok(map)
}

fn push(map: &mut Vec<Segment>, segment: Segment, most: usize) -> Result<(), MapError> {
    if map.len() >= most {
        return Err(MapError::TooMany);
    }
    map.push(segment);
    Ok(())
}

/// Checks that the segments ascend, lie in the file and have as many bytes as the tar holds; drops empty ones.
pub(super) fn validate(map: &mut Vec<Segment>, real_size: u64, stored: u64) -> Result<(), &'static str> {
    let (mut end, mut sum) = (0u64, 0u64);
    for segment in map.iter() {
        if segment.offset < end {
            return Err("the sparse map's segments overlap or are out of order");
        }
        end = segment.offset.checked_add(segment.len).ok_or("a segment of the sparse map is too long")?;
        sum = sum.checked_add(segment.len).ok_or("the sparse map is too long")?;
    }
    if end > real_size {
        return Err("a segment of the sparse map lies beyond the file's end");
    }
    if sum != stored {
        return Err("the sparse map does not cover the stored content");
    }
    map.retain(|segment| segment.len > 0);
    Ok(())
}

/// Reads the map of PAX format 1.0: decimal lines at the beginning of the content, padded to whole blocks.
#[derive(Debug, Default)]
pub(super) struct MapReader {
    digits: Vec<u8>,
    count: Option<u64>,
    offset: Option<u64>,
    map: Vec<Segment>,
    most: usize,
}

impl MapReader {
    pub(super) fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// Takes a block; the map, once it is complete.
    pub(super) fn block(&mut self, block: &Block) -> Result<Option<Vec<Segment>>, MapError> {
        for &byte in &block[..BLOCK] {
            if byte != b'\n' {
                if self.digits.len() >= 20 {
                    return Err(MapError::Invalid("the sparse map has an invalid number"));
                }
                self.digits.push(byte);
                continue;
            }
            let value = number::decimal(&self.digits)
                .ok_or(MapError::Invalid("the sparse map has an invalid number"))?;
            self.digits.clear();
            self.number(value)?;
            if self.count == Some(self.map.len() as u64) {
                return Ok(Some(std::mem::take(&mut self.map)));
            }
        }
        Ok(None)
    }

    fn number(&mut self, value: u64) -> Result<(), MapError> {
        if self.count.is_none() {
            if value > self.most as u64 {
                return Err(MapError::TooMany);
            }
            self.count = Some(value);
            return Ok(());
        }
        match self.offset.take() {
            None => self.offset = Some(value),
            Some(offset) => push(&mut self.map, Segment { offset, len: value }, self.most)?,
        }
        Ok(())
    }
}
