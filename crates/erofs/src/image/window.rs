//! Metadata is read in small pieces: a few windows of the source are kept.

use std::sync::{Mutex, PoisonError};

use super::ReadError;
use crate::ReadAt;

const WINDOW_SIZE: u64 = 16 << 10;
const WINDOWS: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Windows {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    windows: Vec<(u64, Vec<u8>)>,
    /// The window that is replaced next.
    oldest: usize,
}

impl Windows {
    /// Appends `len` bytes from `offset` on, all below `end`, to `out`.
    pub(super) fn read(
        &self,
        source: &impl ReadAt,
        (offset, len, end): (u64, usize, u64),
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut at, mut left) = (offset, len);
        while left > 0 {
            let start = at - at % WINDOW_SIZE;
            let window = kept.window(source, start, end)?;
            let skipped = (at - start) as usize;
            let part = left.min(window.len() - skipped);
            out.extend_from_slice(&window[skipped..skipped + part]);
            at += part as u64;
            left -= part;
        }
        Ok(())
    }
}

impl Kept {
    fn window(&mut self, source: &impl ReadAt, start: u64, end: u64) -> Result<&[u8], ReadError> {
        if let Some(found) = self.windows.iter().position(|(kept, _)| *kept == start) {
            return Ok(&self.windows[found].1);
        }
        let mut bytes = vec![0; WINDOW_SIZE.min(end - start) as usize];
        source
            .read_exact_at(&mut bytes, start)
            .map_err(|source| ReadError::Source { offset: start, source })?;
        if self.windows.len() < WINDOWS {
            self.windows.push((start, bytes));
            return Ok(&self.windows[self.windows.len() - 1].1);
        }
        let replaced = self.oldest;
        self.oldest = (replaced + 1) % WINDOWS;
        self.windows[replaced] = (start, bytes);
        Ok(&self.windows[replaced].1)
    }
}
