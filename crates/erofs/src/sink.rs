//! Where an image is written to.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Something with positions that bytes are written to: a file, or memory.
///
/// The writer calls in ascending order of `offset` without gaps, in writes of about 1 MiB or, where the sink does not
/// [want it otherwise](Self::wants_aligned), in the caller's own large slices; only block 0 comes last.
pub trait BlockSink {
    /// Writes all of `data` at `offset` bytes from the image's start.
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()>;

    /// Whether the writer is to copy the caller's large slices as well, so that nearly every write begins on a page of memory and
    /// on a block of the image, and ends on one.
    fn wants_aligned(&self) -> bool {
        false
    }

    /// All data of files is written; what follows is the metadata region, which whoever mounts the image reads first.
    fn metadata_follows(&mut self) {}
}

impl BlockSink for File {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, data, offset)
    }
}

impl BlockSink for &File {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(*self, data, offset)
    }
}

impl BlockSink for Vec<u8> {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let end = start.checked_add(data.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        if self.len() < end {
            self.resize(end, 0);
        }
        self[start..end].copy_from_slice(data);
        Ok(())
    }
}

impl<S: BlockSink + ?Sized> BlockSink for &mut S {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        (**self).write_all_at(data, offset)
    }

    fn wants_aligned(&self) -> bool {
        (**self).wants_aligned()
    }

    fn metadata_follows(&mut self) {
        (**self).metadata_follows();
    }
}
