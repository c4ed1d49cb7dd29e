//! Where an image is written to.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::WriteBuffer;

/// Something with positions that bytes are written to: a file, or memory.
///
/// The writer calls in ascending order of `offset` without gaps, in writes of about 1 MiB or, where the sink does not
/// [want it otherwise](Self::wants_gathered), in the caller's own large slices; only block 0 comes last.
pub trait BlockSink {
    /// Writes all of `data` at `offset` bytes from the image's start.
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()>;

    /// Writes what the writer has gathered at `offset` bytes from the image's start, and gives a buffer for what comes next: a
    /// sink may keep the one and write it while the other is filled.
    ///
    /// # Errors
    /// Also those of the buffers that were kept.
    fn write_gathered(&mut self, gathered: WriteBuffer, offset: u64) -> io::Result<WriteBuffer> {
        self.write_all_at(gathered.bytes(), offset)?;
        Ok(gathered)
    }

    /// Whether the writer is to gather the caller's large slices as well, so that all data comes in whole blocks in aligned memory.
    fn wants_gathered(&self) -> bool {
        false
    }

    /// All data of files is written; what follows is the metadata region, which whoever mounts the image reads first.
    ///
    /// # Errors
    /// Those of the buffers that were kept.
    fn metadata_follows(&mut self) -> io::Result<()> {
        Ok(())
    }
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

    fn write_gathered(&mut self, gathered: WriteBuffer, offset: u64) -> io::Result<WriteBuffer> {
        (**self).write_gathered(gathered, offset)
    }

    fn wants_gathered(&self) -> bool {
        (**self).wants_gathered()
    }

    fn metadata_follows(&mut self) -> io::Result<()> {
        (**self).metadata_follows()
    }
}
