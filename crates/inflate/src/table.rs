//! Decoding tables: what the next bits of a block mean, found by one look-up.
//!
//! Both tables are indexed by the next bits of the stream. The literal/length table packs more than one symbol into an
//! entry where the bits of the index hold them: two literals, or a literal and the length after it. That shortens
//! the chain of dependent look-ups, which is what inflating waits for. Codes longer than the index continue in
//! subtables behind the main table.
//!
//! Layout of an entry, lowest bit first:
//!
//! | bits | literals | length | distance | subtable |
//! | --- | --- | --- | --- | --- |
//! | 0-5 | bits to consume | the same, with extra bits | the same | |
//! | 6-7 | how many literals, 1 to 3 | 0 | | 0 |
//! | 8-11 | literals, first lowest | bits before the extra bits | the same | where it begins (8-20) |
//! | 12-20 | | base (12-20) | base (12-26) | |
//! | 21 | | a literal goes before | | |
//! | 22-29 | | that literal | | bits of its index (24-27) |
//! | 30 | | 0 | 0 | 1 |
//! | 31 | | 0 | 0 | 1 |
//!
//! With bit 31 alone an entry is the end of the block, or invalid where it consumes nothing.

use crate::error::Error;

/// Bits that index the main literal/length table.
pub(crate) const LITERAL_BITS: u32 = 12;
/// Bits that index the main distance table.
pub(crate) const DISTANCE_BITS: u32 = 9;
/// Main table of 4096, at most 143 subtables of 8, rounded up to a power of two so that a mask bounds the index.
pub(crate) const LITERAL_ENTRIES: usize = 8192;
/// Main table of 512, at most 15 subtables of 64, rounded up likewise.
pub(crate) const DISTANCE_ENTRIES: usize = 2048;

/// Neither literals nor a base: see the other two flags, or the end of the block.
pub(crate) const SPECIAL: u32 = 1 << 31;
/// With `SPECIAL`: the entry names a subtable.
pub(crate) const SUBTABLE: u32 = 1 << 30;
const INVALID: u32 = SPECIAL;
const LITERAL_FIRST: u32 = 1 << 21;

const END_OF_BLOCK: usize = 256;
const MAX_BITS: usize = 15;
pub(crate) const MAX_SYMBOLS: usize = 288;

const LENGTH_BASE: [u16; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
    227, 258,
];
const LENGTH_EXTRA: [u8; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073,
    4097, 6145, 8193, 12289, 16385, 24577,
];

/// The two tables of a block.
pub(crate) struct Tables {
    pub(crate) literal: [u32; LITERAL_ENTRIES],
    pub(crate) distance: [u32; DISTANCE_ENTRIES],
}

impl Tables {
    pub(crate) fn new() -> Box<Self> {
        Box::new(Self { literal: [INVALID; LITERAL_ENTRIES], distance: [INVALID; DISTANCE_ENTRIES] })
    }

    /// The tables of blocks with fixed codes (RFC 1951, 3.2.6).
    pub(crate) fn fixed() -> Box<Self> {
        let mut lengths = [8; MAX_SYMBOLS];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        let mut tables = Self::new();
        tables.build(&lengths, &[5; 32]).expect("the fixed codes are complete");
        tables
    }

    /// Builds both tables from the code lengths of a block, 0 for symbols that do not occur.
    pub(crate) fn build(&mut self, literal: &[u8], distance: &[u8]) -> Result<(), Error> {
        let code = Code::new(literal, literal_entry).ok_or(Error::LiteralLengthCode)?;
        code.fill(&mut self.literal, LITERAL_BITS as usize, true);
        let code = Code::new(distance, distance_entry).ok_or(Error::DistanceCode)?;
        code.fill(&mut self.distance, DISTANCE_BITS as usize, false);
        Ok(())
    }
}

fn literal_entry(symbol: usize, len: u32) -> u32 {
    if symbol < END_OF_BLOCK {
        return (symbol as u32) << 8 | 1 << 6 | len;
    }
    if symbol == END_OF_BLOCK {
        return SPECIAL | len;
    }
    let length = symbol - END_OF_BLOCK - 1;
    match (LENGTH_BASE.get(length), LENGTH_EXTRA.get(length)) {
        (Some(&base), Some(&extra)) => u32::from(base) << 12 | len << 8 | (len + u32::from(extra)),
        _ => INVALID,
    }
}

fn distance_entry(symbol: usize, len: u32) -> u32 {
    match DISTANCE_BASE.get(symbol) {
        Some(&base) => {
            let extra = (symbol as u32 / 2).saturating_sub(1);
            u32::from(base) << 12 | len << 8 | (len + extra)
        }
        None => INVALID,
    }
}

/// A canonical Huffman code, its symbols in order of code.
struct Code {
    /// `symbols[starts[l]..starts[l + 1]]` have codes of `l` bits.
    starts: [usize; MAX_BITS + 2],
    /// In each class of lengths, where literals end and where lengths begin (between them only the end of the block).
    literals_end: [usize; MAX_BITS + 1],
    lengths_start: [usize; MAX_BITS + 1],
    /// The longest code; 0 where there is none.
    max: usize,
    codes: [u16; MAX_SYMBOLS],
    entries: [u32; MAX_SYMBOLS],
}

impl Code {
    /// `None` if the code is over-subscribed, or incomplete (other than a code of one bit or none at all).
    fn new(lengths: &[u8], entry: impl Fn(usize, u32) -> u32) -> Option<Self> {
        let mut counts = [0_usize; MAX_BITS + 1];
        for &len in lengths {
            counts[usize::from(len & 15)] += 1;
        }
        counts[0] = 0;
        let max = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
        let mut left = 1_isize;
        for &count in &counts[1..] {
            left = left * 2 - count as isize;
            if left < 0 {
                return None;
            }
        }
        if left > 0 && max > 1 {
            return None;
        }
        let mut code = Self {
            starts: [0; MAX_BITS + 2],
            literals_end: [0; MAX_BITS + 1],
            lengths_start: [0; MAX_BITS + 1],
            max,
            codes: [0; MAX_SYMBOLS],
            entries: [0; MAX_SYMBOLS],
        };
        let mut next = [0_u16; MAX_BITS + 1];
        for len in 1..=MAX_BITS {
            code.starts[len + 1] = code.starts[len] + counts[len];
            // In an incomplete code (one bit) this leaves the 15 bits of the type, harmlessly: no symbol uses it.
            next[len] = next[len - 1].wrapping_add(counts[len - 1] as u16) << 1;
        }
        code.sort(lengths, next, entry);
        Some(code)
    }

    fn sort(&mut self, lengths: &[u8], mut next: [u16; MAX_BITS + 1], entry: impl Fn(usize, u32) -> u32) {
        let mut at = self.starts;
        let mut place = |symbols: std::ops::Range<usize>| {
            for symbol in symbols {
                let len = usize::from(lengths[symbol] & 15);
                if len > 0 {
                    self.codes[at[len]] = next[len].reverse_bits() >> (16 - len);
                    self.entries[at[len]] = entry(symbol, len as u32);
                    next[len] = next[len].wrapping_add(1);
                    at[len] += 1;
                }
            }
            std::array::from_fn(|len| at[len])
        };
        self.literals_end = place(0..lengths.len().min(END_OF_BLOCK));
        self.lengths_start = place(lengths.len().min(END_OF_BLOCK)..lengths.len().min(END_OF_BLOCK + 1));
        let _: [usize; MAX_BITS + 1] = place(lengths.len().min(END_OF_BLOCK + 1)..lengths.len());
    }

    /// Fills a table whose main part is indexed by `bits` bits.
    fn fill(&self, table: &mut [u32], bits: usize, pairs: bool) {
        table[0] = INVALID;
        for len in 1..=bits {
            // What shorter codes put here also stands wherever one more bit follows them.
            let half = 1 << (len - 1);
            table.copy_within(..half, half);
            let half = &mut table[..2 * half];
            for at in self.starts[len]..self.starts[len + 1] {
                half[usize::from(self.codes[at])] = self.entries[at];
            }
            if pairs {
                self.fill_pairs(half, len);
            }
        }
        if self.max > bits {
            self.fill_subtables(table, bits);
        }
    }

    /// Literals together with the literal or length that follows, where both codes have `len` bits together.
    fn fill_pairs(&self, table: &mut [u32], len: usize) {
        for first_len in 1..len {
            let second_len = len - first_len;
            let literals = self.starts[second_len]..self.literals_end[second_len];
            let lengths = self.lengths_start[second_len]..self.starts[second_len + 1];
            if literals.is_empty() && lengths.is_empty() {
                continue;
            }
            for first in self.starts[first_len]..self.literals_end[first_len] {
                let code = usize::from(self.codes[first]);
                let entry = self.entries[first];
                for (second, also) in self.codes[literals.clone()].iter().zip(&self.entries[literals.clone()])
                {
                    // Adds up both the bits and the numbers of literals.
                    table[code | usize::from(*second) << first_len] =
                        entry + (also & 0xff) + ((also & 0xff00) << 8);
                }
                let before =
                    LITERAL_FIRST | (entry & 0xff00) << 14 | (first_len as u32) << 8 | first_len as u32;
                for (second, length) in self.codes[lengths.clone()].iter().zip(&self.entries[lengths.clone()])
                {
                    table[code | usize::from(*second) << first_len] = length + before;
                }
            }
        }
    }

    /// Codes longer than `bits`: those with the same first bits share a subtable.
    fn fill_subtables(&self, table: &mut [u32], bits: usize) {
        let sub_bits = self.max - bits;
        let mut free = 1 << bits;
        let mut previous = usize::MAX;
        let mut begin = 0;
        for len in bits + 1..=self.max {
            for at in self.starts[len]..self.starts[len + 1] {
                let code = usize::from(self.codes[at]);
                let prefix = code & ((1 << bits) - 1);
                if prefix != previous {
                    previous = prefix;
                    begin = free;
                    free += 1 << sub_bits;
                    table[prefix] = SPECIAL | SUBTABLE | (sub_bits as u32) << 24 | (begin as u32) << 8;
                }
                let part = &mut table[begin..begin + (1 << sub_bits)];
                for slot in part[code >> bits..].iter_mut().step_by(1 << (len - bits)) {
                    *slot = self.entries[at];
                }
            }
        }
    }
}
