//! DEFLATE without a container, for callers that have another one (and for tests against other decoders).

use crate::buffer::OutputBuffer;
use crate::deflate::{Inflater, Progress};
use crate::error::Error;
use crate::options::Status;

/// A streaming decoder of one raw DEFLATE stream. Used like [`GzipDecoder`](crate::GzipDecoder).
pub struct DeflateDecoder {
    inflater: Inflater,
    output: OutputBuffer,
    failed: Option<Error>,
}

impl DeflateDecoder {
    /// A decoder at the beginning of a stream, with its first buffer.
    pub fn new(mut output: OutputBuffer) -> Self {
        output.clear();
        Self { inflater: Inflater::new(), output, failed: None }
    }

    /// Decodes until the input is used up, the output is full, or the stream has ended: then it answers
    /// [`Status::NeedInput`], leaves further input alone, and [`is_finished`](Self::is_finished) is true.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Status, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match self.inflater.run(input, &mut self.output) {
            Ok(Progress::OutputFull) => Ok(Status::OutputFull),
            Ok(Progress::NeedInput | Progress::End) => Ok(Status::NeedInput),
            Err(error) => {
                self.failed = Some(error);
                Err(error)
            }
        }
    }

    /// Whether the end of the stream was reached. Up to seven bytes behind it may have been taken from the input.
    pub fn is_finished(&self) -> bool {
        self.inflater.at_end()
    }

    /// Takes what was decoded and goes on in `fresh`.
    pub fn take_output(&mut self, fresh: OutputBuffer) -> OutputBuffer {
        self.output.replace(fresh)
    }

    /// Ends the input; returns the output that was not taken yet.
    pub fn finish(self) -> Result<OutputBuffer, Error> {
        match self.failed {
            Some(error) => Err(error),
            None if self.inflater.at_end() => Ok(self.output),
            None => Err(Error::Truncated),
        }
    }
}
