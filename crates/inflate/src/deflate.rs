//! DEFLATE without a container: blocks, across input and output of any cut.

use std::sync::LazyLock;

use crate::bits::Bits;
use crate::buffer::OutputBuffer;
use crate::error::Error;
use crate::fast::{self, Exit, INPUT_MARGIN};
use crate::lengths::Lengths;
use crate::symbol::{self, Step};
use crate::table::Tables;

static FIXED: LazyLock<Box<Tables>> = LazyLock::new(Tables::fixed);

/// Which codes the current block has.
#[derive(Debug, Clone, Copy)]
enum Codes {
    Fixed,
    Dynamic,
}

/// What comes next in the input.
#[derive(Debug, Clone, Copy)]
enum State {
    BlockHead,
    StoredLength,
    Stored { left: usize },
    Counts,
    Order,
    CodeLengths,
    Symbols(Codes),
    End,
}

/// Why a run returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    NeedInput,
    OutputFull,
    End,
}

/// The state of decoding one DEFLATE stream.
pub(crate) struct Inflater {
    /// What was read and not yet used; after the end the container's bytes may begin in here.
    pub(crate) bits: Bits,
    state: State,
    last: bool,
    lengths: Lengths,
    dynamic: Box<Tables>,
}

impl Inflater {
    pub(crate) fn new() -> Self {
        Self {
            bits: Bits::default(),
            state: State::BlockHead,
            last: false,
            lengths: Lengths::new(),
            dynamic: Tables::new(),
        }
    }

    /// Begins another stream, with the bits that are there.
    pub(crate) fn restart(&mut self) {
        self.state = State::BlockHead;
        self.last = false;
    }

    pub(crate) fn at_end(&self) -> bool {
        matches!(self.state, State::End)
    }

    /// Decodes until one of the sides is exhausted or the stream ends (then at a byte boundary).
    pub(crate) fn run(&mut self, input: &mut &[u8], output: &mut OutputBuffer) -> Result<Progress, Error> {
        loop {
            match self.state {
                State::BlockHead => {
                    if !self.bits.need(3, input) {
                        return Ok(Progress::NeedInput);
                    }
                    self.block_head()?;
                }
                State::StoredLength => {
                    if !self.bits.need(32, input) {
                        return Ok(Progress::NeedInput);
                    }
                    let (len, complement) = (self.bits.take(16), self.bits.take(16));
                    if len != !complement & 0xffff {
                        return Err(Error::StoredLength);
                    }
                    self.state = State::Stored { left: len as usize };
                }
                State::Stored { left: 0 } => self.end_block(),
                State::Stored { left } => {
                    if let Some(progress) = self.stored(left, input, output) {
                        return Ok(progress);
                    }
                }
                State::Counts => {
                    if !self.bits.need(14, input) {
                        return Ok(Progress::NeedInput);
                    }
                    self.lengths.begin(&mut self.bits)?;
                    self.state = State::Order;
                }
                State::Order => {
                    if !self.lengths.read_order(&mut self.bits, input)? {
                        return Ok(Progress::NeedInput);
                    }
                    self.state = State::CodeLengths;
                }
                State::CodeLengths => {
                    if !self.lengths.read(&mut self.bits, input)? {
                        return Ok(Progress::NeedInput);
                    }
                    self.lengths.build(&mut self.dynamic)?;
                    self.state = State::Symbols(Codes::Dynamic);
                }
                State::Symbols(codes) => match self.symbols(codes, input, output)? {
                    Progress::End => self.end_block(),
                    progress => return Ok(progress),
                },
                State::End => return Ok(Progress::End),
            }
        }
    }

    fn block_head(&mut self) -> Result<(), Error> {
        self.last = self.bits.take(1) == 1;
        self.state = match self.bits.take(2) {
            0 => {
                self.bits.align();
                State::StoredLength
            }
            1 => State::Symbols(Codes::Fixed),
            2 => State::Counts,
            _ => return Err(Error::BlockType),
        };
        Ok(())
    }

    fn end_block(&mut self) {
        self.state = if self.last {
            self.bits.align();
            State::End
        } else {
            State::BlockHead
        };
    }

    /// Copies bytes of a stored block; `None` when it is complete.
    fn stored(&mut self, left: usize, input: &mut &[u8], output: &mut OutputBuffer) -> Option<Progress> {
        let mut left = left;
        while left > 0 {
            if output.is_full() {
                self.state = State::Stored { left };
                return Some(Progress::OutputFull);
            }
            let room = &mut output.space[output.end..];
            let copied = if self.bits.count > 0 {
                room[0] = self.bits.take(8) as u8;
                1
            } else {
                let len = left.min(input.len()).min(room.len());
                let (now, rest) = input.split_at(len);
                room[..len].copy_from_slice(now);
                *input = rest;
                len
            };
            output.end += copied;
            left -= copied;
            if copied == 0 {
                self.state = State::Stored { left };
                return Some(Progress::NeedInput);
            }
        }
        self.state = State::Stored { left };
        None
    }

    /// Decodes symbols; `Progress::End` is that of the block.
    fn symbols(
        &mut self,
        codes: Codes,
        input: &mut &[u8],
        output: &mut OutputBuffer,
    ) -> Result<Progress, Error> {
        let tables = match codes {
            Codes::Fixed => &FIXED,
            Codes::Dynamic => &self.dynamic,
        };
        loop {
            if output.is_full() {
                return Ok(Progress::OutputFull);
            }
            if input.len() >= INPUT_MARGIN {
                if fast::run(tables, &mut self.bits, input, output)? == Exit::End {
                    return Ok(Progress::End);
                }
                if output.is_full() {
                    return Ok(Progress::OutputFull);
                }
            }
            self.bits.fill(input);
            match symbol::step(tables, &mut self.bits, output)? {
                Step::Done => {}
                Step::End => return Ok(Progress::End),
                Step::NeedInput => return Ok(Progress::NeedInput),
            }
        }
    }
}
