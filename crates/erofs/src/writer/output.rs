//! Gathers small writes, lets large ones pass.

mod gathered;

use std::io;

use super::WriteError;
use crate::{BLOCK_SIZE, BlockSink};
use gathered::Gathered;

/// From here on copying a slice costs more than a system call of its own.
const LARGE_SIZE: usize = 64 << 10;
/// Data may not reach the block whose number stands for a hole.
const MAX_POSITION: u64 = u32::MAX as u64 * BLOCK_SIZE;

#[derive(Debug)]
pub(super) struct Output<S> {
    sink: S,
    gathered: Gathered,
    /// Position of the first byte that is gathered.
    flushed: u64,
}

impl<S: BlockSink> Output<S> {
    /// An output that leaves out the first `start` bytes.
    pub(super) fn new(sink: S, start: u64) -> Self {
        Self { sink, gathered: Gathered::new(), flushed: start }
    }

    pub(super) fn position(&self) -> u64 {
        self.flushed + self.gathered.len() as u64
    }

    pub(super) fn append(&mut self, data: &[u8]) -> Result<(), WriteError> {
        self.reserve(data.len() as u64)?;
        match data.len() >= LARGE_SIZE && !self.sink.wants_aligned() {
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
        self.sink.metadata_follows();
        Ok(())
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
        Gathered::SIZE - (self.position() % Gathered::SIZE as u64) as usize
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
        self.write(whole.len(), |sink, offset| sink.write_all_at(whole, offset))?;
        self.append_copied(last)
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        if self.gathered.len() == 0 {
            return Ok(());
        }
        let mut gathered = std::mem::take(&mut self.gathered);
        let written = self.write(gathered.len(), |sink, offset| sink.write_all_at(gathered.bytes(), offset));
        gathered.clear();
        self.gathered = gathered;
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
