//! Bits taken from input that comes in pieces.

/// Up to 63 bits that were read from the input and not yet used, the next one lowest.
///
/// Bits above `count` are zero (the fast loop keeps other rules inside and restores this one when it leaves).
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Bits {
    pub(crate) hold: u64,
    pub(crate) count: u32,
}

impl Bits {
    /// Reads input until at least 56 bits are there or no input is left.
    pub(crate) fn fill(&mut self, input: &mut &[u8]) {
        while self.count < 56 {
            let Some((&byte, rest)) = input.split_first() else { return };
            self.hold |= u64::from(byte) << self.count;
            self.count += 8;
            *input = rest;
        }
    }

    /// Whether `n` (at most 56) bits are there, after reading input where they were not.
    pub(crate) fn need(&mut self, n: u32, input: &mut &[u8]) -> bool {
        if self.count < n {
            self.fill(input);
        }
        self.count >= n
    }

    /// The next `n` (at most 32) bits without using them; absent ones read as zero.
    pub(crate) fn peek(&self, n: u32) -> u32 {
        (self.hold & ((1 << n) - 1)) as u32
    }

    /// Uses `n` bits that are there.
    pub(crate) fn consume(&mut self, n: u32) {
        debug_assert!(n <= self.count);
        self.hold >>= n;
        self.count -= n;
    }

    /// The next `n` (at most 32) bits, which are there.
    pub(crate) fn take(&mut self, n: u32) -> u32 {
        let value = self.peek(n);
        self.consume(n);
        value
    }

    /// Drops what is left of a byte that was begun.
    pub(crate) fn align(&mut self) {
        self.consume(self.count & 7);
    }

    /// The next byte; only at a byte boundary.
    pub(crate) fn byte(&mut self, input: &mut &[u8]) -> Option<u8> {
        if self.count >= 8 {
            return Some(self.take(8) as u8);
        }
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        Some(byte)
    }
}
