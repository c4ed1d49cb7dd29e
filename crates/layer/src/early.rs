//! Writing to the disk while the layer is still converted.

use std::fs::File;
use std::io;
use std::num::NonZeroU64;

use erofs::BlockSink;
use rustix::fs::{Advice, fadvise};

/// Bytes between two nudges.
const STRETCH: u64 = 8 << 20;

/// A file as a sink that asks the kernel to begin writing each stretch to the disk as soon as it is complete.
///
/// Left alone, the kernel keeps a blob in memory until its time or memory runs out, and the `fsync` of the commit
/// waits for nearly all of it. With this the disk works while the processors inflate.
///
/// It uses `POSIX_FADV_DONTNEED`, which on Linux starts writing the range without waiting, and then drops only pages that
/// are clean: none are, right after they were written, so that what starts from the blob still finds it in memory.
#[derive(Debug)]
pub struct EarlyWriter<'f> {
    file: &'f File,
    nudged: u64,
}

impl<'f> EarlyWriter<'f> {
    /// A sink that writes to `file`.
    #[must_use]
    pub fn new(file: &'f File) -> Self {
        Self { file, nudged: 0 }
    }
}

impl BlockSink for EarlyWriter<'_> {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        BlockSink::write_all_at(&mut self.file, data, offset)?;
        let end = offset + data.len() as u64;
        if let Some(length) = end.checked_sub(self.nudged).filter(|length| *length >= STRETCH) {
            // Only a hint: where it is not taken, the fsync does the work.
            let _ = fadvise(self.file, self.nudged, NonZeroU64::new(length), Advice::DontNeed);
            self.nudged = end;
        }
        Ok(())
    }
}
