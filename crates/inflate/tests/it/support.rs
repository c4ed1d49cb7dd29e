//! Both decoders behind one shape, a writer of bits, and encoders.

use std::io::Write as _;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use inflate::{DeflateDecoder, Error, GzipDecoder, Options, OutputBuffer, Status};

/// Cuts `bytes` into pieces of the given sizes, repeated; a size of 0 counts as 1.
pub(crate) fn pieces<'a>(bytes: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = bytes;
    let mut sizes = sizes.iter().cycle();
    std::iter::from_fn(move || {
        let len = sizes.next().map_or(rest.len(), |size| (*size).max(1)).min(rest.len());
        let (now, later) = rest.split_at(len);
        rest = later;
        (!now.is_empty()).then_some(now)
    })
}

/// Raw DEFLATE by our decoder.
pub(crate) fn inflate_raw(stream: &[u8], cuts: &[usize], capacity: usize) -> Result<Vec<u8>, Error> {
    let mut decoder = DeflateDecoder::new(OutputBuffer::with_capacity(capacity));
    let mut all = Vec::new();
    for piece in pieces(stream, cuts) {
        let mut input = piece;
        while decoder.decode(&mut input)? == Status::OutputFull {
            let full = decoder.take_output(OutputBuffer::with_capacity(capacity));
            assert!(!full.is_empty());
            all.extend_from_slice(full.as_slice());
        }
        if decoder.is_finished() {
            break;
        }
    }
    all.extend_from_slice(decoder.finish()?.as_slice());
    Ok(all)
}

/// gzip by our decoder.
pub(crate) fn gunzip(
    stream: &[u8],
    cuts: &[usize],
    capacity: usize,
    options: Options,
) -> Result<Vec<u8>, Error> {
    let mut decoder = GzipDecoder::new(options, OutputBuffer::with_capacity(capacity));
    let mut all = Vec::new();
    for piece in pieces(stream, cuts) {
        let mut input = piece;
        while decoder.decode(&mut input)? == Status::OutputFull {
            let full = decoder.take_output(OutputBuffer::with_capacity(capacity));
            assert!(!full.is_empty());
            all.extend_from_slice(full.as_slice());
        }
        assert!(input.is_empty(), "input is left though more was asked for");
    }
    assert!(all.len() as u64 + decoder.output().len() as u64 == decoder.total_output());
    all.extend_from_slice(decoder.finish()?.as_slice());
    Ok(all)
}

/// Raw DEFLATE by flate2; `None` where it refuses the stream or finds it incomplete.
pub(crate) fn oracle(stream: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = Decompress::new(false);
    let mut all = Vec::new();
    loop {
        let mut output = vec![0; 1 << 16];
        let (read, written) = (decoder.total_in(), decoder.total_out());
        let rest = &stream[read as usize..];
        let status = decoder.decompress(rest, &mut output, FlushDecompress::None).ok()?;
        let made = (decoder.total_out() - written) as usize;
        all.extend_from_slice(&output[..made]);
        if status == flate2::Status::StreamEnd {
            return Some(all);
        }
        if made == 0 && decoder.total_in() == read {
            return None;
        }
    }
}

/// Raw DEFLATE by flate2, flushed after each part.
pub(crate) fn deflate(parts: &[&[u8]], level: u32, flush: FlushCompress) -> Vec<u8> {
    let mut encoder = Compress::new(Compression::new(level), false);
    let mut stream = Vec::new();
    for part in parts {
        feed(&mut encoder, part, &mut stream, flush);
    }
    feed(&mut encoder, &[], &mut stream, FlushCompress::Finish);
    stream
}

fn feed(encoder: &mut Compress, part: &[u8], stream: &mut Vec<u8>, flush: FlushCompress) {
    let begin = encoder.total_in();
    loop {
        stream.reserve(part.len() + 1024);
        let rest = &part[(encoder.total_in() - begin) as usize..];
        let free = stream.capacity() - stream.len();
        let status = encoder.compress_vec(rest, stream, flush).unwrap();
        let all_read = (encoder.total_in() - begin) as usize == part.len();
        let has_room = stream.capacity() > stream.len() && free > 0;
        if status == flate2::Status::StreamEnd || (flush != FlushCompress::Finish && all_read && has_room) {
            return;
        }
    }
}

/// A gzip member by flate2.
pub(crate) fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Something like text or code: words of a small vocabulary in an order without a pattern.
pub(crate) fn prose(len: usize, seed: u64) -> Vec<u8> {
    let mut random = Random(seed | 1);
    let mut text = Vec::with_capacity(len + 16);
    while text.len() < len {
        let word = random.next() % 700;
        text.extend_from_slice(format!("w{:x} ", word * word).as_bytes());
        if word.is_multiple_of(13) {
            text.extend_from_slice(&random.next().to_le_bytes());
        }
    }
    text.truncate(len);
    text
}

/// xorshift64*: reproducible noise.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// Writes bits as DEFLATE packs them.
#[derive(Default, Clone)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    used: u32,
}

impl BitWriter {
    /// The lowest `n` bits, lowest first: header fields and extra bits.
    pub(crate) fn bits(mut self, value: u32, n: u32) -> Self {
        for i in 0..n {
            if self.used == 0 {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().unwrap();
            *last |= ((value >> i & 1) as u8) << self.used;
            self.used = (self.used + 1) % 8;
        }
        self
    }

    /// A code of `n` bits, highest first: Huffman codes.
    pub(crate) fn code(mut self, code: u32, n: u32) -> Self {
        for i in (0..n).rev() {
            self = self.bits(code >> i & 1, 1);
        }
        self
    }

    /// A literal/length symbol in the fixed code.
    pub(crate) fn fixed(self, symbol: u32) -> Self {
        match symbol {
            0..=143 => self.code(0x30 + symbol, 8),
            144..=255 => self.code(0x190 + symbol - 144, 9),
            256..=279 => self.code(symbol - 256, 7),
            _ => self.code(0xc0 + symbol - 280, 8),
        }
    }

    /// Whole bytes at the next byte boundary.
    pub(crate) fn aligned(mut self, bytes: &[u8]) -> Self {
        self.used = 0;
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// A stored block.
    pub(crate) fn stored(self, last: bool, bytes: &[u8]) -> Self {
        let len = bytes.len() as u16;
        self.bits(u32::from(last), 1)
            .bits(0, 2)
            .aligned(&len.to_le_bytes())
            .aligned(&(!len).to_le_bytes())
            .aligned(bytes)
    }

    /// The head of a dynamic block with these code lengths. Each length is coded in four bits, without repeats.
    pub(crate) fn dynamic(self, last: bool, literals: &[u8], distances: &[u8]) -> Self {
        let mut out = self.bits(u32::from(last), 1).bits(2, 2);
        out = out.bits(literals.len() as u32 - 257, 5).bits(distances.len() as u32 - 1, 5).bits(15, 4);
        // Order 16, 17, 18 first: not used. Then all of 0 to 15 with four bits: a complete code.
        for position in 0..19 {
            out = out.bits(if position < 3 { 0 } else { 4 }, 3);
        }
        for &len in literals.iter().chain(distances) {
            out = out.code(u32::from(len), 4);
        }
        out
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.bytes
    }
}
