//! Output buffers with room for the history that matches reach into.

use crate::copy::SLACK;

/// Bytes before the output of every buffer: the farthest that a match of DEFLATE reaches back.
pub const HISTORY: usize = 32 * 1024;

/// Least capacity of an [`OutputBuffer`]; smaller wishes are raised to it.
pub const MIN_CAPACITY: usize = 4 * SLACK;

/// Greatest capacity of an [`OutputBuffer`]; greater wishes are lowered to it. Positions fit 32 bits so with room to add.
pub const MAX_CAPACITY: usize = 1 << 30;

/// A buffer that a decoder fills: output, preceded by a copy of the last [`HISTORY`] bytes of the buffer before.
///
/// It is a plain owned value: share it in an `Arc`, or turn it into `bytes::Bytes` by `Bytes::from_owner`, and reuse it
/// when the last reader is done.
pub struct OutputBuffer {
    /// History, output, and what is not yet written.
    pub(crate) space: Box<[u8]>,
    /// Where the next byte goes; never below `HISTORY`.
    pub(crate) end: usize,
    /// The first byte that a match may reach: where the member began, but not more than `HISTORY` before the output.
    pub(crate) floor: usize,
}

impl OutputBuffer {
    /// A buffer for `capacity` bytes of output. It counts as full when fewer than 320 bytes of room are left, so
    /// that decoding never stops within a symbol.
    pub fn with_capacity(capacity: usize) -> Self {
        let space = vec![0; HISTORY + capacity.clamp(MIN_CAPACITY, MAX_CAPACITY)].into_boxed_slice();
        Self { space, end: HISTORY, floor: HISTORY }
    }

    /// The output.
    pub fn as_slice(&self) -> &[u8] {
        &self.space[HISTORY..self.end]
    }

    /// Bytes of output.
    pub fn len(&self) -> usize {
        self.end - HISTORY
    }

    /// Whether there is no output.
    pub fn is_empty(&self) -> bool {
        self.end == HISTORY
    }

    /// Most bytes of output.
    pub fn capacity(&self) -> usize {
        self.space.len() - HISTORY
    }

    /// Forgets the output, and what matches may reach.
    pub(crate) fn clear(&mut self) {
        self.end = HISTORY;
        self.floor = HISTORY;
    }

    /// Puts `fresh` into the place of this buffer, with the history that the next matches need, and returns this one.
    pub(crate) fn replace(&mut self, mut fresh: Self) -> Self {
        let reach = (self.end - self.floor).min(HISTORY);
        fresh.clear();
        fresh.floor = HISTORY - reach;
        fresh.space[HISTORY - reach..HISTORY].copy_from_slice(&self.space[self.end - reach..self.end]);
        std::mem::replace(self, fresh)
    }

    /// From here on matches reach no byte that is already there.
    pub(crate) fn begin_member(&mut self) {
        self.floor = self.end;
    }

    /// Room for at least one more symbol?
    pub(crate) fn is_full(&self) -> bool {
        self.space.len() - self.end < SLACK
    }
}

impl AsRef<[u8]> for OutputBuffer {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl std::fmt::Debug for OutputBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutputBuffer").field("len", &self.len()).field("capacity", &self.capacity()).finish()
    }
}
