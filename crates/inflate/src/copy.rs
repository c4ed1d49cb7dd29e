//! Copying a match: bytes of the output again, possibly overlapping themselves.

/// Room that must be left in the output before a symbol is decoded: literals that stand before a match in one round of
/// the fast loop, the longest match (258), and what the copies below write beyond its end.
pub(crate) const SLACK: usize = 320;

#[inline(always)]
fn load<const N: usize>(space: &[u8], at: u32) -> [u8; N] {
    let at = at as usize;
    let mut chunk = [0; N];
    chunk.copy_from_slice(&space[at..at + N]);
    chunk
}

#[inline(always)]
pub(crate) fn store<const N: usize>(space: &mut [u8], at: u32, chunk: [u8; N]) {
    let at = at as usize;
    space[at..at + N].copy_from_slice(&chunk);
}

/// Copies `len` bytes from `distance` bytes before `at` to `at`; may write up to 31 bytes more.
///
/// The caller has made sure that `distance` is at least 1 and at most `at`, and of `len + 32` bytes of room.
#[inline(always)]
pub(crate) fn copy_match(space: &mut [u8], at: u32, distance: u32, len: u32) {
    let end = at + len;
    let mut from = at - distance;
    let mut to = at;
    if distance >= 16 {
        // Most matches end within the first two.
        loop {
            let chunk: [u8; 16] = load(space, from);
            store(space, to, chunk);
            let chunk: [u8; 16] = load(space, from + 16);
            store(space, to + 16, chunk);
            from += 32;
            to += 32;
            if to >= end {
                return;
            }
        }
    }
    copy_near(space, at, distance, end);
}

/// The overlapping copies: distances below 16.
#[inline(always)]
fn copy_near(space: &mut [u8], at: u32, distance: u32, end: u32) {
    let mut from = at - distance;
    let mut to = at;
    if distance == 1 {
        let chunk = [space[from as usize]; 32];
        while to < end {
            store(space, to, chunk);
            to += 32;
        }
    } else if distance >= 8 {
        while to < end {
            let chunk: [u8; 8] = load(space, from);
            store(space, to, chunk);
            from += 8;
            to += 8;
        }
    } else {
        let (pattern, step) = repeat(u64::from_le_bytes(load(space, from)), distance);
        while to < end {
            store(space, to, pattern.to_le_bytes());
            to += step;
        }
    }
}

/// Eight bytes that repeat the lowest `distance` (2 to 7) bytes of `word`, and how far a whole number of repeats is.
#[inline(always)]
fn repeat(word: u64, distance: u32) -> (u64, u32) {
    /// By distance: what multiplies one period into all that fit, and their bytes.
    const REPEAT: [(u64, u32); 8] = [
        (0, 8),
        (0x0101_0101_0101_0101, 8),
        (0x0001_0001_0001_0001, 8),
        (0x0001_0000_0100_0001, 6),
        (0x0000_0001_0000_0001, 8),
        (0x0000_0100_0000_0001, 5),
        (0x0001_0000_0000_0001, 6),
        (0x0100_0000_0000_0001, 7),
    ];
    let (factor, step) = REPEAT[(distance & 7) as usize];
    let period = word & ((1 << (8 * (distance & 7))) - 1);
    (period.wrapping_mul(factor), step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_as_byte_by_byte() {
        for distance in 1..80 {
            for len in 3..=258 {
                let mut space: Vec<u8> = (0..600).map(|i| (i * 7 + i / 251) as u8).collect();
                let mut expected = space.clone();
                for i in 0..len {
                    expected[100 + i] = expected[100 + i - distance];
                }
                copy_match(&mut space, 100, distance as u32, len as u32);
                assert_eq!(space[..100 + len], expected[..100 + len], "distance {distance}, length {len}");
            }
        }
    }
}
