//! Gathers small writes, lets large ones pass.

use std::io;

use super::WriteError;
use crate::{BLOCK_SIZE, BlockSink};

/// Bytes gathered before a write: large enough that system calls do not count, small enough to stay in the CPU's cache.
const BUFFER_SIZE: usize = 1 << 20;
/// From here on copying a slice costs more than a system call of its own.
const DIRECT_SIZE: usize = 64 << 10;
/// Data may not reach the block whose number stands for a hole.
const MAX_POSITION: u64 = u32::MAX as u64 * BLOCK_SIZE;

#[derive(Debug)]
pub(super) struct Output<S> {
    sink: S,
    buffer: Vec<u8>,
    /// Position of the buffer's first byte.
    flushed: u64,
}

impl<S: BlockSink> Output<S> {
    /// An output that leaves out the first `start` bytes.
    pub(super) fn new(sink: S, start: u64) -> Self {
        Self { sink, buffer: Vec::with_capacity(BUFFER_SIZE), flushed: start }
    }

    pub(super) fn position(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

    pub(super) fn append(&mut self, data: &[u8]) -> Result<(), WriteError> {
        self.reserve(data.len() as u64)?;
        if data.len() >= DIRECT_SIZE { self.append_direct(data) } else { self.append_copied(data) }
    }

    pub(super) fn append_zeros(&mut self, count: u64) -> Result<(), WriteError> {
        self.reserve(count)?;
        let mut left = count;
        while left > 0 {
            let room = BUFFER_SIZE - self.buffer.len();
            let part = usize::try_from(left).map_or(room, |left| left.min(room));
            self.buffer.resize(self.buffer.len() + part, 0);
            left -= part as u64;
            if self.buffer.len() == BUFFER_SIZE {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Fills the last block with zeros; gives the number of the next one.
    pub(super) fn align(&mut self) -> Result<u32, WriteError> {
        let end = self.position().next_multiple_of(BLOCK_SIZE);
        self.append_zeros(end - self.position())?;
        u32::try_from(end / BLOCK_SIZE).map_err(|_| WriteError::ImageTooLarge)
    }

    /// Writes what is left, then `head` at the very start, and gives the sink back.
    pub(super) fn close(mut self, head: &[u8]) -> Result<S, WriteError> {
        self.flush()?;
        self.sink.write_all_at(head, 0).map_err(|source| WriteError::Sink { offset: 0, source })?;
        Ok(self.sink)
    }

    fn reserve(&self, count: u64) -> Result<(), WriteError> {
        match self.position().checked_add(count) {
            Some(end) if end <= MAX_POSITION => Ok(()),
            _ => Err(WriteError::ImageTooLarge),
        }
    }

    fn append_copied(&mut self, data: &[u8]) -> Result<(), WriteError> {
        let room = BUFFER_SIZE - self.buffer.len();
        let (now, later) = data.split_at(room.min(data.len()));
        self.buffer.extend_from_slice(now);
        if self.buffer.len() == BUFFER_SIZE {
            self.flush()?;
        }
        self.buffer.extend_from_slice(later);
        Ok(())
    }

    /// Copies only what fills the last block and what is left of the slice's own last block, so that the sink sees whole blocks.
    fn append_direct(&mut self, data: &[u8]) -> Result<(), WriteError> {
        let block = BLOCK_SIZE as usize;
        let filling = self.buffer.len().next_multiple_of(block) - self.buffer.len();
        let (first, rest) = data.split_at(filling);
        self.append_copied(first)?;
        self.flush()?;
        let (direct, last) = rest.split_at(rest.len() - rest.len() % block);
        self.write(direct.len(), |sink, offset| sink.write_all_at(direct, offset))?;
        self.append_copied(last)
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let buffer = std::mem::take(&mut self.buffer);
        let written = self.write(buffer.len(), |sink, offset| sink.write_all_at(&buffer, offset));
        self.buffer = buffer;
        self.buffer.clear();
        written
    }

    fn write(
        &mut self,
        len: usize,
        call: impl FnOnce(&mut S, u64) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        let offset = self.flushed;
        call(&mut self.sink, offset).map_err(|source| WriteError::Sink { offset, source })?;
        self.flushed += len as u64;
        Ok(())
    }
}
