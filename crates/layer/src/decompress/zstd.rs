//! Zstandard: any number of frames, skippable ones among them.

use bytes::Bytes;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::frame::FrameStart;
use super::outlet::{BUFFER, Pool};
use super::{Decompress, Outlet, Stop};
use crate::window_gate::{FREE, WindowPermit};
use crate::{ConvertError, Limit};

pub(super) struct Zstd {
    /// Between frames, with what there is of the next one's header.
    start: Option<FrameStart>,
    decoder: Decoder<'static>,
    /// The largest window that may be asked for.
    limit: u64,
    /// The largest window so far, which is what the decoder may hold. The first [`FREE`] bytes are nobody's business.
    window: u64,
    permit: Option<WindowPermit>,
    pool: Pool<Vec<u8>>,
}

impl Zstd {
    pub(super) fn new(limit: u64) -> Result<Self, ConvertError> {
        let decoder = decoder(limit).map_err(|source| corrupt(0, source))?;
        Ok(Self {
            start: Some(FrameStart::default()),
            decoder,
            limit,
            window: FREE,
            permit: None,
            pool: Pool::new(),
        })
    }

    /// Makes room for a frame's window before the decoder takes memory for it.
    fn admit(&mut self, window: u64, outlet: &Outlet) -> Result<(), Stop> {
        if window > self.limit {
            let (limit, bound) = (Limit::ZstdWindow, self.limit);
            return Err(Stop::Failed(ConvertError::LimitExceeded { limit, bound, path: String::new() }));
        }
        // In steps, so that frames that grow little by little do not make a new decoder each.
        let window = window.next_power_of_two();
        if window > self.window {
            // What the smaller window took goes first: who holds one never waits for another.
            self.decoder = decoder(self.limit).map_err(|source| corrupt(outlet.sent(), source))?;
            self.permit = None;
            self.permit = outlet.control().enter_window(window)?;
            self.window = window;
        }
        Ok(())
    }

    /// Decodes to the end of the input or of the frame, whichever comes first; how many bytes of the input that took.
    fn decode(&mut self, input: &[u8], outlet: &mut Outlet) -> Result<usize, Stop> {
        let mut input = InBuffer::around(input);
        loop {
            let mut buffer = self.pool.take().unwrap_or_else(|| Vec::with_capacity(BUFFER));
            buffer.clear();
            let result = self.decoder.run(&mut input, &mut OutBuffer::around(&mut buffer));
            let hint = result.map_err(|error| corrupt(outlet.sent(), error.to_string()))?;
            let is_full = buffer.len() == buffer.capacity();
            outlet.send(&self.pool.lend(buffer))?;
            if hint == 0 {
                self.start = Some(FrameStart::default());
                return Ok(input.pos());
            }
            if input.pos() == input.src.len() && !is_full {
                return Ok(input.pos());
            }
        }
    }
}

fn decoder(limit: u64) -> std::io::Result<Decoder<'static>> {
    let mut decoder = Decoder::new()?;
    // The library's own bounds of the logarithm are 10 and 31. What it would refuse has been refused by the header.
    let log = limit.clamp(1 << 10, 1 << 31).next_power_of_two().ilog2();
    decoder.set_parameter(DParameter::WindowLogMax(log))?;
    Ok(decoder)
}

fn corrupt(offset: u64, source: impl Into<crate::SourceError>) -> ConvertError {
    ConvertError::Corrupt { offset, source: source.into() }
}

impl Decompress for Zstd {
    fn chunk(&mut self, chunk: Bytes, outlet: &mut Outlet) -> Result<(), Stop> {
        let mut input = &chunk[..];
        while !input.is_empty() {
            if let Some(start) = &mut self.start {
                let Some(window) = start.window(&mut input) else { return Ok(()) };
                let header = self.start.take().unwrap_or_default();
                self.admit(window, outlet)?;
                self.decode(header.bytes(), outlet)?;
            } else {
                let taken = self.decode(input, outlet)?;
                input = &input[taken..];
            }
        }
        Ok(())
    }

    fn finish(&mut self, outlet: &mut Outlet) -> Result<(), Stop> {
        match &self.start {
            Some(start) if start.bytes().is_empty() => Ok(()),
            _ => {
                let what = "the zstd stream";
                Err(Stop::Failed(ConvertError::Truncated { what, offset: outlet.sent() }))
            }
        }
    }
}
