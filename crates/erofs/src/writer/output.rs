//! Gathers small writes, lets large ones pass.

use super::WriteError;
use crate::{BLOCK_SIZE, BlockSink, WriteBuffer};

/// From here on copying a slice costs more than a system call of its own.
const LARGE_SIZE: usize = 64 << 10;
/// Data may not reach the block whose number stands for a hole.
const MAX_POSITION: u64 = u32::MAX as u64 * BLOCK_SIZE;

#[derive(Debug)]
pub(super) struct Output<S> {
    sink: S,
    gathered: WriteBuffer,
    /// Position of the first byte that is gathered.
    flushed: u64,
}

impl<S: BlockSink> Output<S> {
    /// An output that leaves out the first `start` bytes.
    pub(super) fn new(sink: S, start: u64) -> Self {
        Self { sink, gathered: WriteBuffer::new(), flushed: start }
    }

    pub(super) fn position(&self) -> u64 {
        self.flushed + self.gathered.len() as u64
    }

    pub(super) fn append(&mut self, data: &[u8]) -> Result<(), WriteError> {
        self.reserve(data.len() as u64)?;
        match data.len() >= LARGE_SIZE && !self.sink.wants_gathered() {
            true => self.append_as_it_is(data),
            false => self.append_copied(data),
        }
    }

    pub(super) fn append_zeros(&mut self, count: u64) -> Result<(), WriteError> {
        self.reserve(count)?;
        let mut left = count;
        while left > 0 {
            let room = self.room();
            let part = usize::try_from(left).map_or(room, |left| left.min(room));
            self.gathered.put_zeros(part);
            left -= part as u64;
            if part == room {
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

    /// Writes what is left of the files' data.
    pub(super) fn metadata_follows(&mut self) -> Result<(), WriteError> {
        self.flush()?;
        let offset = self.flushed;
        self.sink.metadata_follows().map_err(|source| WriteError::Sink { offset, source })
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

    /// What is gathered before the next write, which ends at a multiple of the buffer's size.
    fn room(&self) -> usize {
        WriteBuffer::SIZE - (self.position() % WriteBuffer::SIZE as u64) as usize
    }

    fn append_copied(&mut self, mut data: &[u8]) -> Result<(), WriteError> {
        while data.len() >= self.room() {
            let (now, later) = data.split_at(self.room());
            self.gathered.put(now);
            self.flush()?;
            data = later;
        }
        self.gathered.put(data);
        Ok(())
    }

    /// Copies only what fills the last block and what is left of the slice's own last block, so that the sink sees whole blocks.
    fn append_as_it_is(&mut self, data: &[u8]) -> Result<(), WriteError> {
        let block = BLOCK_SIZE as usize;
        let filling = self.gathered.len().next_multiple_of(block) - self.gathered.len();
        let (first, rest) = data.split_at(filling);
        self.append_copied(first)?;
        self.flush()?;
        let (whole, last) = rest.split_at(rest.len() - rest.len() % block);
        let offset = self.flushed;
        self.sink.write_all_at(whole, offset).map_err(|source| WriteError::Sink { offset, source })?;
        self.flushed += whole.len() as u64;
        self.append_copied(last)
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        if self.gathered.len() == 0 {
            return Ok(());
        }
        let offset = self.flushed;
        let gathered = std::mem::take(&mut self.gathered);
        self.flushed += gathered.len() as u64;
        let next = self.sink.write_gathered(gathered, offset);
        self.gathered = next.map_err(|source| WriteError::Sink { offset, source })?;
        self.gathered.clear();
        Ok(())
    }
}
