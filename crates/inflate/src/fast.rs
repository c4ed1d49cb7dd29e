//! The loop that nearly all time is spent in: symbols while input and output have ample room.

use crate::bits::Bits;
use crate::buffer::OutputBuffer;
use crate::copy::{SLACK, copy_match, store};
use crate::error::Error;
use crate::symbol::{subtable, with_extra};
use crate::table::{DISTANCE_BITS, LITERAL_BITS, LITERAL_ENTRIES, SPECIAL, SUBTABLE, Tables};

/// Input that one round may read: two refills of up to seven bytes, the second reading eight.
pub(crate) const INPUT_MARGIN: usize = 16;

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

/// In here the bits of `hold` above `count` are those of the input that follows, not zero: a refill then needs no mask,
/// it puts the same bits there again.
#[inline(always)]
fn body(
    tables: &Tables,
    bits: &mut Bits,
    input: &mut &[u8],
    output: &mut OutputBuffer,
) -> Result<Exit, Error> {
    let bytes = *input;
    let space = &mut *output.space;
    let floor = output.floor;
    let Some(limit) = space.len().checked_sub(SLACK) else { return Ok(Exit::Margin) };
    let Bits { mut hold, mut count } = *bits;
    let mut next = 0;
    let mut at = output.end;
    let index = |hold: u64| (hold & ((1 << LITERAL_BITS) - 1)) as usize & (LITERAL_ENTRIES - 1);

    let Some(window) = bytes.first_chunk() else { return Ok(Exit::Margin) };
    next += refill(window, 0, &mut hold, &mut count);
    let mut entry = tables.literal[index(hold)];
    let result = loop {
        if at > limit {
            break Ok(Exit::Margin);
        }
        let Some(window) = bytes.get(next..).and_then(|rest| rest.first_chunk()) else {
            break Ok(Exit::Margin);
        };
        let advanced = refill(window, 0, &mut hold, &mut count);
        next += advanced;
        if entry & 0xc0 != 0 {
            literals(space, &mut at, entry, &mut hold, &mut count);
            entry = tables.literal[index(hold)];
            if entry & 0xc0 != 0 {
                literals(space, &mut at, entry, &mut hold, &mut count);
                entry = tables.literal[index(hold)];
                if entry & 0xc0 != 0 {
                    literals(space, &mut at, entry, &mut hold, &mut count);
                    entry = tables.literal[index(hold)];
                    continue;
                }
            }
        }
        if entry & SPECIAL != 0 {
            if entry & SUBTABLE != 0 {
                entry = subtable(&tables.literal, LITERAL_BITS, hold, entry);
                if entry & 0xc0 != 0 {
                    literals(space, &mut at, entry, &mut hold, &mut count);
                    entry = tables.literal[index(hold)];
                    continue;
                }
            }
            if entry & SPECIAL != 0 {
                if entry & 63 == 0 {
                    break Err(Error::LiteralLengthSymbol);
                }
                hold >>= entry & 63;
                count -= entry & 63;
                break Ok(Exit::End);
            }
        }
        let length = with_extra(entry, (entry >> 12) & 0x1ff, hold);
        hold >>= entry & 63;
        count -= entry & 63;
        space[at] = (entry >> 22) as u8;
        at += ((entry >> 21) & 1) as usize;

        if count < 28 + LITERAL_BITS {
            next += refill(window, advanced, &mut hold, &mut count);
        }
        let mut far = tables.distance[(hold & ((1 << DISTANCE_BITS) - 1)) as usize];
        if far & SPECIAL != 0 {
            if far & SUBTABLE == 0 {
                break Err(Error::DistanceSymbol);
            }
            far = subtable(&tables.distance, DISTANCE_BITS, hold, far);
            if far & SPECIAL != 0 {
                break Err(Error::DistanceSymbol);
            }
        }
        let distance = with_extra(far, (far >> 12) & 0x7fff, hold);
        hold >>= far & 63;
        count -= far & 63;
        if distance > at - floor {
            break Err(Error::DistanceTooFar);
        }
        // Its look-up goes on while the match is copied.
        entry = tables.literal[index(hold)];
        copy_match(space, at, distance, length);
        at += length;
    };
    output.end = at;
    // Whole bytes that are not used go back, as far as they are of this input.
    let back = (count as usize / 8).min(next);
    count -= 8 * back as u32;
    *bits = Bits { hold: hold & ((1 << count) - 1), count };
    *input = &bytes[next - back..];
    result
}

/// Fills up to 56 bits or more from `offset` (at most seven) in the window; returns how far that goes.
#[inline(always)]
fn refill(window: &[u8; INPUT_MARGIN], offset: usize, hold: &mut u64, count: &mut u32) -> usize {
    let mut word = [0; 8];
    word.copy_from_slice(&window[offset & 7..][..8]);
    *hold |= u64::from_le_bytes(word) << *count;
    let advanced = (63 - *count) >> 3;
    *count |= 56;
    (advanced & 7) as usize
}

#[inline(always)]
fn literals(space: &mut [u8], at: &mut usize, entry: u32, hold: &mut u64, count: &mut u32) {
    store(space, *at, (entry >> 8).to_le_bytes());
    *at += ((entry >> 6) & 3) as usize;
    *hold >>= entry & 63;
    *count -= entry & 63;
}
