//! One symbol at a time, where the input may end anywhere within it.

use crate::bits::Bits;
use crate::buffer::OutputBuffer;
use crate::copy::{copy_match, store};
use crate::error::Error;
use crate::table::{
    DISTANCE_BITS, DISTANCE_ENTRIES, LITERAL_BITS, LITERAL_ENTRIES, SPECIAL, SUBTABLE, Tables,
};

/// What one look-up came to.
pub(crate) enum Step {
    /// Output was made.
    Done,
    /// The end of the block.
    End,
    /// Nothing happened: the symbol, with the distance of a match, goes beyond the bits that are there.
    NeedInput,
}

/// The entry for the next bits of `hold`, from the main table or a subtable.
#[inline(always)]
pub(crate) fn look_up<const N: usize>(table: &[u32; N], bits: u32, hold: u64) -> u32 {
    const { assert!(N.is_power_of_two()) }
    let entry = table[(hold & ((1 << bits) - 1)) as usize & (N - 1)];
    if entry & (SPECIAL | SUBTABLE) == SPECIAL | SUBTABLE && entry & 0xc0 == 0 {
        return subtable(table, bits, hold, entry);
    }
    entry
}

/// The entry in the subtable that `entry` names.
#[inline(always)]
pub(crate) fn subtable<const N: usize>(table: &[u32; N], bits: u32, hold: u64, entry: u32) -> u32 {
    let index = (hold >> bits) & ((1 << ((entry >> 24) & 15)) - 1);
    table[(((entry >> 8) & 0x1fff) as usize + index as usize) & (N - 1)]
}

/// `MASKS[n]`: the lowest `n` bits.
static MASKS: [u32; 32] = {
    let mut masks = [0; 32];
    let mut n = 0;
    while n < 32 {
        masks[n] = (1 << n) - 1;
        n += 1;
    }
    masks
};

/// The base of a length or distance with its extra bits, the lowest of `hold` being those of its code.
///
/// Code and extra bits are 28 together at most, so the lowest 32 bits have them all.
#[inline(always)]
pub(crate) fn with_extra(entry: u32, base: u32, hold: u64) -> u32 {
    let code_bits = (entry >> 8) & 15;
    base + ((hold as u32 & MASKS[(entry & 31) as usize]) >> code_bits)
}

/// Decodes the next entry's worth: literals, or a whole match. The output has room for it.
pub(crate) fn step(tables: &Tables, bits: &mut Bits, output: &mut OutputBuffer) -> Result<Step, Error> {
    let entry = look_up::<LITERAL_ENTRIES>(&tables.literal, LITERAL_BITS, bits.hold);
    let used = entry & 63;
    if used > bits.count {
        return Ok(Step::NeedInput);
    }
    let literals = (entry >> 6) & 3;
    if literals > 0 {
        store(&mut output.space, output.end as u32, (entry >> 8).to_le_bytes());
        output.end += literals as usize;
        bits.consume(used);
        return Ok(Step::Done);
    }
    if entry & SPECIAL != 0 {
        bits.consume(used);
        return if used > 0 { Ok(Step::End) } else { Err(Error::LiteralLengthSymbol) };
    }
    let length = with_extra(entry, (entry >> 12) & 0x1ff, bits.hold) as usize;

    let rest = Bits { hold: bits.hold >> used, count: bits.count - used };
    let far = look_up::<DISTANCE_ENTRIES>(&tables.distance, DISTANCE_BITS, rest.hold);
    if far & SPECIAL != 0 {
        return Err(Error::DistanceSymbol);
    }
    if far & 63 > rest.count {
        return Ok(Step::NeedInput);
    }
    let distance = with_extra(far, (far >> 12) & 0x7fff, rest.hold) as usize;

    let prefixed = (entry >> 21) & 1;
    output.space[output.end] = (entry >> 22) as u8;
    let at = output.end + prefixed as usize;
    if distance > at - output.floor {
        return Err(Error::DistanceTooFar);
    }
    copy_match(&mut output.space, at as u32, distance as u32, length as u32);
    output.end = at + length;
    bits.consume(used + (far & 63));
    Ok(Step::Done)
}
