//! Zstandard: any number of frames, skippable ones among them.

use bytes::Bytes;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::outlet::{BUFFER, Pool};
use super::{Decompress, Outlet, Stop};
use crate::{ConvertError, Limit};

pub(super) struct Zstd {
    decoder: Decoder<'static>,
    window: u64,
    pool: Pool<Vec<u8>>,
    /// Whether the stream so far ends with a frame.
    complete: bool,
}

impl Zstd {
    pub(super) fn new(window: u64) -> Result<Self, ConvertError> {
        let corrupt = |source: std::io::Error| ConvertError::Corrupt { offset: 0, source: Box::new(source) };
        let mut decoder = Decoder::new().map_err(corrupt)?;
        // The library's own bounds of the logarithm are 10 and 31.
        let log = window.max(1 << 10).ilog2().min(31);
        decoder.set_parameter(DParameter::WindowLogMax(log)).map_err(corrupt)?;
        Ok(Self { decoder, window, pool: Pool::new(), complete: false })
    }

    fn failed(&self, error: &std::io::Error, outlet: &Outlet) -> Stop {
        // The library has no code for it in its Rust interface; its text is part of its API.
        if error.to_string().contains("too much memory") {
            let (limit, bound) = (Limit::ZstdWindow, self.window);
            return Stop::Failed(ConvertError::LimitExceeded { limit, bound, path: String::new() });
        }
        Stop::Failed(ConvertError::Corrupt { offset: outlet.sent(), source: error.to_string().into() })
    }
}

impl Decompress for Zstd {
    fn chunk(&mut self, chunk: Bytes, outlet: &mut Outlet) -> Result<(), Stop> {
        let mut input = InBuffer::around(&chunk);
        loop {
            let mut buffer = self.pool.take().unwrap_or_else(|| Vec::with_capacity(BUFFER));
            buffer.clear();
            let before = input.pos();
            let mut output = OutBuffer::around(&mut buffer);
            let result = self.decoder.run(&mut input, &mut output);
            let hint = result.map_err(|error| self.failed(&error, outlet))?;
            let full = buffer.len() == buffer.capacity();
            if input.pos() > before || !buffer.is_empty() {
                self.complete = hint == 0;
            }
            outlet.send(&self.pool.lend(buffer))?;
            if input.pos() == chunk.len() && !full {
                return Ok(());
            }
        }
    }

    fn finish(&mut self, outlet: &mut Outlet) -> Result<(), Stop> {
        if self.complete {
            return Ok(());
        }
        Err(Stop::Failed(ConvertError::Truncated { what: "the zstd stream", offset: outlet.sent() }))
    }
}
