//! The gzip container: members, each a header, DEFLATE, and a trailer.

use crate::buffer::{HISTORY, OutputBuffer};
use crate::crc::Crc;
use crate::deflate::{Inflater, Progress};
use crate::error::Error;
use crate::header::{Header, MAGIC};
use crate::options::{Check, Options, Status};

/// What comes next in the input.
#[derive(Debug, Clone, Copy)]
enum State {
    Header(Header),
    Content,
    TrailerChecksum,
    TrailerLength,
    /// Another member, zero padding, or the end.
    Between,
    /// Zeros to the end.
    Padding,
}

/// A streaming gzip decoder. See the [crate's documentation](crate) for its use and what it accepts.
pub struct GzipDecoder {
    options: Options,
    state: State,
    inflater: Inflater,
    output: OutputBuffer,
    /// Of the current member.
    crc: Crc,
    member_length: u32,
    members: u64,
    total: u64,
    failed: Option<Error>,
}

impl GzipDecoder {
    /// A decoder at the beginning of a stream, with its first buffer.
    pub fn new(options: Options, mut output: OutputBuffer) -> Self {
        output.clear();
        Self {
            options,
            state: State::Header(Header::new(options.max_header)),
            inflater: Inflater::new(),
            output,
            crc: Crc::new(),
            member_length: 0,
            members: 0,
            total: 0,
            failed: None,
        }
    }

    /// Decodes until the input is used up or the output is full. `input` is moved on behind what was used; with
    /// [`Status::NeedInput`] that is all of it.
    ///
    /// Since another member may always follow, the end of the stream is where the caller says so, by
    /// [`finish`](Self::finish).
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Status, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.advance(input).inspect_err(|error| self.failed = Some(*error))
    }

    /// Takes what was decoded, full or not, and goes on in `fresh` (whose content is forgotten).
    pub fn take_output(&mut self, fresh: OutputBuffer) -> OutputBuffer {
        self.output.replace(fresh)
    }

    /// What was decoded and not taken yet.
    pub fn output(&self) -> &[u8] {
        self.output.as_slice()
    }

    /// Bytes of output so far, over all members and including those taken.
    pub fn total_output(&self) -> u64 {
        self.total
    }

    /// Ends the input; returns the output that was not taken yet, or [`Error::Truncated`] if the stream is not complete.
    pub fn finish(self) -> Result<OutputBuffer, Error> {
        match (self.failed, self.state) {
            (Some(error), _) => Err(error),
            (None, State::Between | State::Padding) => Ok(self.output),
            (None, _) => Err(Error::Truncated),
        }
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Status, Error> {
        loop {
            match &mut self.state {
                State::Header(header) => match header.read(&mut self.inflater.bits, input) {
                    Ok(true) => self.begin_content(),
                    Ok(false) => return Ok(Status::NeedInput),
                    Err(Error::HeaderMagic) if self.members > 0 => return Err(Error::TrailingGarbage),
                    Err(error) => return Err(error),
                },
                State::Content => match self.content(input)? {
                    Progress::NeedInput => return Ok(Status::NeedInput),
                    Progress::OutputFull => return Ok(Status::OutputFull),
                    Progress::End => self.state = State::TrailerChecksum,
                },
                State::TrailerChecksum => {
                    let Some(expected) = self.trailer_word(input) else { return Ok(Status::NeedInput) };
                    let actual = self.crc.value();
                    if self.options.check == Check::Crc && actual != expected {
                        return Err(Error::Checksum { expected, actual });
                    }
                    self.state = State::TrailerLength;
                }
                State::TrailerLength => {
                    let Some(expected) = self.trailer_word(input) else { return Ok(Status::NeedInput) };
                    let actual = self.member_length;
                    if actual != expected {
                        return Err(Error::Length { expected, actual });
                    }
                    self.members += 1;
                    self.state = State::Between;
                }
                State::Between => {
                    if !self.inflater.bits.need(8, input) {
                        return Ok(Status::NeedInput);
                    }
                    self.state = match self.inflater.bits.peek(8) as u8 {
                        0 => State::Padding,
                        first if first == MAGIC[0] => State::Header(Header::new(self.options.max_header)),
                        _ => return Err(Error::TrailingGarbage),
                    };
                }
                State::Padding => match self.inflater.bits.byte(input) {
                    Some(0) => {}
                    Some(_) => return Err(Error::TrailingGarbage),
                    None => return Ok(Status::NeedInput),
                },
            }
        }
    }

    fn begin_content(&mut self) {
        self.state = State::Content;
        self.inflater.restart();
        self.output.begin_member();
        self.crc = Crc::new();
        self.member_length = 0;
    }

    /// Inflates, and counts and checks what came of it.
    fn content(&mut self, input: &mut &[u8]) -> Result<Progress, Error> {
        let before = self.output.len();
        let progress = self.inflater.run(input, &mut self.output)?;
        let made = &self.output.space[HISTORY + before..self.output.end];
        if self.options.check == Check::Crc {
            self.crc.update(made);
        }
        // The trailer has the length modulo 2^32.
        self.member_length = self.member_length.wrapping_add(made.len() as u32);
        self.total += made.len() as u64;
        if self.total > self.options.max_output {
            return Err(Error::OutputLimit(self.options.max_output));
        }
        Ok(progress)
    }

    fn trailer_word(&mut self, input: &mut &[u8]) -> Option<u32> {
        let bits = &mut self.inflater.bits;
        bits.need(32, input).then(|| bits.take(32))
    }
}
