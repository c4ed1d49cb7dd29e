//! gzip, by our own decoder.

use bytes::Bytes;
use inflate::{Check, Error, GzipDecoder, Options, OutputBuffer, Status};

use super::outlet::{BUFFER, Pool};
use super::{Decompress, Outlet, Stop};
use crate::ConvertError;

pub(super) struct Gzip {
    decoder: GzipDecoder,
    pool: Pool<OutputBuffer>,
}

impl Gzip {
    pub(super) fn new() -> Self {
        // The diff id makes the CRC-32 redundant.
        let options = Options { check: Check::LengthOnly, ..Options::default() };
        Self { decoder: GzipDecoder::new(options, OutputBuffer::with_capacity(BUFFER)), pool: Pool::new() }
    }
}

fn failed(error: Error, outlet: &Outlet) -> Stop {
    let offset = outlet.sent();
    Stop::Failed(match error {
        Error::Truncated => ConvertError::Truncated { what: "the gzip stream", offset },
        error => ConvertError::Corrupt { offset, source: Box::new(error) },
    })
}

impl Decompress for Gzip {
    fn chunk(&mut self, chunk: Bytes, outlet: &mut Outlet) -> Result<(), Stop> {
        let mut input = &chunk[..];
        while self.decoder.decode(&mut input).map_err(|error| failed(error, outlet))? == Status::OutputFull {
            let fresh = self.pool.take().unwrap_or_else(|| OutputBuffer::with_capacity(BUFFER));
            let full = self.decoder.take_output(fresh);
            outlet.send(&self.pool.lend(full))?;
        }
        Ok(())
    }

    fn finish(&mut self, outlet: &mut Outlet) -> Result<(), Stop> {
        let fresh = GzipDecoder::new(Options::default(), OutputBuffer::with_capacity(0));
        let decoder = std::mem::replace(&mut self.decoder, fresh);
        let rest = decoder.finish().map_err(|error| failed(error, outlet))?;
        outlet.send(&self.pool.lend(rest))
    }
}
