//! The loop that nearly all time is spent in: symbols while input and output have ample room.

use crate::bits::Bits;
use crate::buffer::OutputBuffer;
use crate::copy::{SLACK, copy_match, store};
use crate::error::Error;
use crate::symbol::{subtable, with_extra};
use crate::table::{DISTANCE_BITS, LITERAL_BITS, SPECIAL, SUBTABLE, Tables};

/// Input that one round may read: at most five refills of up to seven bytes, the last reading eight.
pub(crate) const INPUT_MARGIN: usize = 48;
/// Input that one run looks at, so that positions fit 32 bits.
const INPUT_LIMIT: usize = 1 << 30;

/// Why the loop was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Too little input or room for another round.
    Margin,
    /// The end of the block.
    End,
}

/// Decodes symbols until the block ends or a margin is reached.
pub(crate) fn run(
    tables: &Tables,
    bits: &mut Bits,
    input: &mut &[u8],
    output: &mut OutputBuffer,
) -> Result<Exit, Error> {
    body(tables, bits, input, output)
}

/// The input while the loop runs. The bits of `hold` above `count` are not zero but those that follow in the input:
/// a refill puts the same bits there again and needs no mask.
struct Source<'a> {
    bytes: &'a [u8],
    next: u32,
    hold: u64,
    /// Only its lowest six bits count; what is above them is left over from entries. So neither a shift nor the
    /// subtraction needs a mask, which would stand in the chain from one look-up to the next.
    count: u32,
}

impl Source<'_> {
    /// Fills up to 56 bits or more.
    #[inline(always)]
    fn refill(&mut self) {
        let mut word = [0; 8];
        let next = self.next as usize;
        word.copy_from_slice(&self.bytes[next..next + 8]);
        self.hold |= u64::from_le_bytes(word).wrapping_shl(self.count);
        self.next += (!self.count & 63) >> 3;
        self.count |= 56;
    }

    /// Uses the bits of a table's entry.
    #[inline(always)]
    fn consume(&mut self, entry: u32) {
        self.hold = self.hold.wrapping_shr(entry);
        self.count = self.count.wrapping_sub(entry);
    }

    #[inline(always)]
    fn literal(&self, tables: &Tables) -> u32 {
        tables.literal[(self.hold & ((1 << LITERAL_BITS) - 1)) as usize]
    }

    #[inline(always)]
    fn distance(&self, tables: &Tables) -> u32 {
        tables.distance[(self.hold & ((1 << DISTANCE_BITS) - 1)) as usize]
    }

    /// How many bytes were used, and the bits left over. Whole bytes that are not used go back, as far as they are of
    /// this input.
    fn leave(self) -> (usize, Bits) {
        let count = self.count & 63;
        let back = (count / 8).min(self.next);
        let count = count - 8 * back;
        ((self.next - back) as usize, Bits { hold: self.hold & ((1 << count) - 1), count })
    }
}

/// One round is up to three entries of literals, or up to two and a match.
///
/// Bits in a round: 56 after a refill suffice for one entry of literals (12), a length (12 and 5 extra) and a distance
/// (9 and 13 extra). All other ways (more literals, subtables) refill on their own, so that none of these refills
/// depends on the data in a way that cannot be predicted.
#[inline(always)]
fn body(
    tables: &Tables,
    bits: &mut Bits,
    input: &mut &[u8],
    output: &mut OutputBuffer,
) -> Result<Exit, Error> {
    let space = &mut *output.space;
    let floor = output.floor;
    // Positions of 32 bits: adding to them cannot overflow, which spares half of the bounds checks.
    let mut at = output.end as u32;
    let mut source =
        Source { bytes: &input[..input.len().min(INPUT_LIMIT)], next: 0, hold: bits.hold, count: bits.count };
    if source.bytes.len() < INPUT_MARGIN {
        return Ok(Exit::Margin);
    }
    source.refill();
    let mut entry = source.literal(tables);
    let result = loop {
        if at as usize + SLACK > space.len() || source.next as usize + INPUT_MARGIN > source.bytes.len() {
            break Ok(Exit::Margin);
        }
        source.refill();
        if is_literals(entry) {
            put_literals(space, &mut at, entry);
            source.consume(entry);
            entry = source.literal(tables);
            if is_literals(entry) {
                put_literals(space, &mut at, entry);
                source.consume(entry);
                entry = source.literal(tables);
                source.refill();
                if is_literals(entry) {
                    put_literals(space, &mut at, entry);
                    source.consume(entry);
                    entry = source.literal(tables);
                    continue;
                }
            }
        }
        if entry & SPECIAL != 0 {
            if entry & SUBTABLE != 0 {
                source.refill();
                entry = subtable(&tables.literal, LITERAL_BITS, source.hold, entry);
                if is_literals(entry) {
                    put_literals(space, &mut at, entry);
                    source.consume(entry);
                    entry = source.literal(tables);
                    continue;
                }
            }
            if entry & SPECIAL != 0 {
                source.consume(entry);
                break if entry & 63 > 0 { Ok(Exit::End) } else { Err(Error::LiteralLengthSymbol) };
            }
        }
        let length = with_extra(entry, (entry >> 12) & 0x1ff, source.hold);
        source.consume(entry);
        space[at as usize] = (entry >> 22) as u8;
        at += (entry >> 21) & 1;

        let mut far = source.distance(tables);
        if far & SPECIAL != 0 {
            if far & SUBTABLE != 0 {
                source.refill();
                far = subtable(&tables.distance, DISTANCE_BITS, source.hold, far);
            }
            if far & SPECIAL != 0 {
                break Err(Error::DistanceSymbol);
            }
        }
        let distance = with_extra(far, (far >> 12) & 0x7fff, source.hold);
        source.consume(far);
        if distance > at - floor as u32 {
            break Err(Error::DistanceTooFar);
        }
        if source.count & 63 < LITERAL_BITS {
            source.refill();
        }
        // Its look-up goes on while the match is copied.
        entry = source.literal(tables);
        copy_match(space, at, distance, length);
        at += length;
    };
    output.end = at as usize;
    let used;
    (used, *bits) = source.leave();
    *input = &input[used..];
    result
}

#[inline(always)]
fn is_literals(entry: u32) -> bool {
    entry & 0xc0 != 0
}

#[inline(always)]
fn put_literals(space: &mut [u8], at: &mut u32, entry: u32) {
    store(space, *at, (entry >> 8).to_le_bytes());
    *at += (entry >> 6) & 3;
}
