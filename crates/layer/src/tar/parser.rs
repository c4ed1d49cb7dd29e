//! The state machine: blocks in, entries out.

mod step;

use super::entry::Entry;
use super::pax::Globals;
use super::sparse::MapReader;
use super::{BLOCK, Block};
use crate::{ConvertError, Limit, Limits};

/// Where the parser is between two calls.
#[derive(Debug)]
enum State {
    /// Before a header.
    Header,
    /// In the content of an extension header.
    Extension(Extension, Left),
    /// Before an extension block of an old GNU sparse map.
    SparseBlock,
    /// In the map at the beginning of a PAX 1.0 sparse file.
    SparseMap(MapReader),
    /// Before an entry that is known and not yet told of.
    Entry(Left),
    /// In the content of a file.
    Content(Left),
    /// In content that nobody wants.
    Skip(Left),
    /// After a block of zeros; another one ends the archive.
    Zero,
    /// After the archive's end: whatever comes is padding.
    End,
}

/// What an extension header is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    Pax,
    GlobalPax,
    LongName,
    LongLink,
}

/// Bytes still to come of something that is padded to whole blocks.
#[derive(Clone, Copy, Debug)]
struct Left {
    content: u64,
    padding: u64,
}

impl Left {
    fn of(content: u64) -> Self {
        Self { content, padding: content.wrapping_neg() % BLOCK as u64 }
    }

    /// Takes what is there of the padding; whether it is complete.
    fn take_padding(&mut self, input: &mut &[u8]) -> bool {
        let n = (input.len() as u64).min(self.padding);
        *input = &input[n as usize..];
        self.padding -= n;
        self.padding == 0
    }

    /// Takes what is there of the content.
    fn take_content<'a>(&mut self, input: &mut &'a [u8]) -> &'a [u8] {
        let n = (input.len() as u64).min(self.content);
        let (content, rest) = input.split_at(n as usize);
        *input = rest;
        self.content -= n;
        content
    }
}

/// What [`Parser::next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'i> {
    /// The input is used up.
    NeedInput,
    /// An entry: [`Parser::entry`]. If it is a file, its content and `EndFile` follow.
    Entry,
    /// Content of the current file; for a sparse file the bytes of its segments, one after the other.
    Data(&'i [u8]),
    /// The current file is complete.
    EndFile,
}

/// Extension headers seen since the last entry.
#[derive(Debug, Default)]
struct Pending {
    pax: Option<Vec<u8>>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.pax.is_none() && self.long_name.is_none() && self.long_link.is_none()
    }
}

/// Parses a tar that comes in pieces.
#[derive(Debug)]
pub(crate) struct Parser {
    limits: Limits,
    state: State,
    /// A block that arrives in pieces.
    block: Box<Block>,
    filled: usize,
    /// Where it began in the tar.
    block_start: u64,
    /// Content of an extension header.
    extension: Vec<u8>,
    pending: Pending,
    globals: Globals,
    entry: Entry,
    /// Bytes of content that the header of the current entry announces.
    stored: u64,
    /// Bytes of tar before the block or content being read.
    offset: u64,
}

impl Parser {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            state: State::Header,
            block: Box::new([0; BLOCK]),
            filled: 0,
            block_start: 0,
            extension: Vec::new(),
            pending: Pending::default(),
            globals: Globals::default(),
            entry: Entry::default(),
            stored: 0,
            offset: 0,
        }
    }

    /// The entry that [`Step::Entry`] told of.
    pub(crate) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Goes on to the next event, moving `input` on behind what was used.
    pub(crate) fn next<'i>(&mut self, input: &mut &'i [u8]) -> Result<Step<'i>, ConvertError> {
        loop {
            let before = input.len();
            let step = self.step(input)?;
            self.offset += (before - input.len()) as u64;
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    /// The tar is over. Missing end blocks and missing padding of the last entry are fine.
    pub(crate) fn finish(&self) -> Result<(), ConvertError> {
        let what = match &self.state {
            State::End => return Ok(()),
            State::Header | State::Zero if self.filled > 0 => "a header",
            State::Header | State::Zero if self.pending.is_empty() => return Ok(()),
            State::Skip(left) if left.content == 0 && self.pending.is_empty() => return Ok(()),
            State::Header | State::Zero => "the headers of an entry",
            State::Extension(..) => "an extended header",
            State::SparseBlock | State::SparseMap(_) => "a sparse map",
            State::Entry(_) | State::Content(_) => "the content of a file",
            State::Skip(_) => "the content of an entry",
        };
        Err(ConvertError::Truncated { what, offset: self.offset })
    }

    /// A whole block, `None` until all of its pieces came.
    fn take_block(&mut self, input: &mut &[u8]) -> Option<Block> {
        if self.filled == 0 {
            self.block_start = self.offset;
            if let Some((block, rest)) = input.split_first_chunk() {
                *input = rest;
                return Some(*block);
            }
        }
        let n = (BLOCK - self.filled).min(input.len());
        self.block[self.filled..self.filled + n].copy_from_slice(&input[..n]);
        *input = &input[n..];
        self.filled = (self.filled + n) % BLOCK;
        (self.filled == 0 && n > 0).then_some(*self.block)
    }

    fn over_limit(&self, limit: Limit, bound: u64) -> ConvertError {
        ConvertError::LimitExceeded { limit, bound, path: self.entry.display() }
    }

    fn malformed(&self, reason: &'static str) -> ConvertError {
        self.entry.malformed(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ustar header with a base-256 size.
    fn header(size: u64) -> Block {
        let mut block = [0; BLOCK];
        block[0] = b'f';
        block[124] = 0x80;
        block[128..136].copy_from_slice(&size.to_be_bytes());
        block[156] = b'0';
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }

    #[test]
    fn a_file_over_4_gib_is_handed_on_in_place() {
        const SIZE: u64 = (5 << 30) + 7;
        let mut parser = Parser::new(&Limits::default());
        assert_eq!(parser.next(&mut &header(SIZE)[..]).unwrap(), Step::Entry);
        assert_eq!(parser.entry().size, SIZE);
        let buffer = vec![0; 64 << 20];
        let mut received = 0;
        while received < SIZE {
            let mut input = &buffer[..];
            let Step::Data(data) = parser.next(&mut input).unwrap() else { panic!("content expected") };
            assert!(std::ptr::eq(data.as_ptr(), buffer.as_ptr()), "copied");
            received += data.len() as u64;
        }
        assert_eq!(received, SIZE);
        assert_eq!(parser.next(&mut &b""[..]).unwrap(), Step::EndFile);
        assert!(parser.finish().is_ok());
        // Only the padding may be missing: the next entry begins at the next block.
        let rest = [&[0; 505][..], &header(0)].concat();
        assert_eq!(parser.next(&mut &rest[..]).unwrap(), Step::Entry);
        assert_eq!(parser.entry().offset, SIZE.next_multiple_of(512) + 512);
    }
}
