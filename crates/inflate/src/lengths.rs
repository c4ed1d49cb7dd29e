//! The head of a block with dynamic codes: code lengths, themselves coded (RFC 1951, 3.2.7).

use crate::bits::Bits;
use crate::error::Error;
use crate::table::Tables;

/// Order in which the lengths of the code length code come.
const ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// Bits of the longest code of a code length.
const INDEX_BITS: u32 = 7;

/// Code lengths that are being read.
pub(crate) struct Lengths {
    /// Lengths of the code length code.
    order: [u8; 19],
    order_count: usize,
    /// Symbol and bits by the next seven bits: `symbol << 3 | bits`.
    table: [u8; 1 << INDEX_BITS],
    literals: usize,
    distances: usize,
    read: usize,
    lengths: [u8; 286 + 30],
}

impl Lengths {
    pub(crate) fn new() -> Self {
        Self {
            order: [0; 19],
            order_count: 0,
            table: [0; 1 << INDEX_BITS],
            literals: 0,
            distances: 0,
            read: 0,
            lengths: [0; 286 + 30],
        }
    }

    /// Takes the three counts from the next 14 bits, which are there.
    pub(crate) fn begin(&mut self, bits: &mut Bits) -> Result<(), Error> {
        self.literals = bits.take(5) as usize + 257;
        self.distances = bits.take(5) as usize + 1;
        self.order_count = bits.take(4) as usize + 4;
        self.order = [0; 19];
        self.read = 0;
        if self.literals > 286 || self.distances > 30 { Err(Error::SymbolCount) } else { Ok(()) }
    }

    /// Reads the lengths of the code length code; `false` if more input is needed.
    pub(crate) fn read_order(&mut self, bits: &mut Bits, input: &mut &[u8]) -> Result<bool, Error> {
        while self.read < self.order_count {
            if !bits.need(3, input) {
                return Ok(false);
            }
            self.order[usize::from(ORDER[self.read])] = bits.take(3) as u8;
            self.read += 1;
        }
        self.read = 0;
        self.index()?;
        Ok(true)
    }

    /// Builds the table of the code length code. Unlike the other codes it may not be incomplete at all (one without any
    /// symbol ends in a block without an end, so it is refused here).
    fn index(&mut self) -> Result<(), Error> {
        let mut code = 0_usize;
        for len in 1..=INDEX_BITS as u8 {
            for (symbol, _) in self.order.iter().enumerate().filter(|(_, order)| **order == len) {
                let step = 1 << len;
                if code >= step {
                    return Err(Error::CodeLengthCode);
                }
                let reversed = (code as u8).reverse_bits() >> (8 - len);
                for slot in self.table[usize::from(reversed)..].iter_mut().step_by(step) {
                    *slot = (symbol as u8) << 3 | len;
                }
                code += 1;
            }
            code <<= 1;
        }
        if code == 2 << INDEX_BITS { Ok(()) } else { Err(Error::CodeLengthCode) }
    }

    /// Reads the code lengths of the block's two codes; `false` if more input is needed.
    pub(crate) fn read(&mut self, bits: &mut Bits, input: &mut &[u8]) -> Result<bool, Error> {
        let total = self.literals + self.distances;
        while self.read < total {
            if bits.count < 14 {
                bits.fill(input);
            }
            let entry = self.table[bits.peek(INDEX_BITS) as usize];
            let (symbol, len) = (entry >> 3, u32::from(entry & 7));
            if symbol < 16 {
                if bits.count < len {
                    return Ok(false);
                }
                bits.consume(len);
                self.lengths[self.read] = symbol;
                self.read += 1;
                continue;
            }
            let (extra, base) = [(2, 3), (3, 3), (7, 11)][usize::from(symbol - 16).min(2)];
            if bits.count < len + extra {
                return Ok(false);
            }
            bits.consume(len);
            let repeat = base + bits.take(extra) as usize;
            let value = match symbol {
                16 => *self
                    .read
                    .checked_sub(1)
                    .and_then(|last| self.lengths.get(last))
                    .ok_or(Error::CodeLengthRepeat)?,
                _ => 0,
            };
            if repeat > total - self.read {
                return Err(Error::CodeLengthRepeat);
            }
            self.lengths[self.read..self.read + repeat].fill(value);
            self.read += repeat;
        }
        Ok(true)
    }

    /// Builds the block's tables from the lengths that were read.
    pub(crate) fn build(&self, tables: &mut Tables) -> Result<(), Error> {
        let (literals, distances) = self.lengths[..self.literals + self.distances].split_at(self.literals);
        if literals[256] == 0 {
            return Err(Error::NoEndOfBlock);
        }
        tables.build(literals, distances)
    }
}
