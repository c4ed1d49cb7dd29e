//! Writing to the disk past the page cache.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;

use erofs::BlockSink;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::EarlyWriter;

/// What every disk and file system takes of addresses, lengths and offsets.
const ALIGNMENT: usize = 4096;

/// A file as a sink that hands the data of files to the disk straight from memory (`O_DIRECT`): for a blob that is made for later.
///
/// That spares the processor the page cache, which costs more than all of the tar's parsing, and what runs on the machine keeps its
/// own pages there. The metadata region goes through the page cache, as in an [`EarlyWriter`], and is found there by the first
/// start; the data of files it reads from the disk.
///
/// Where the file system cannot do it, all goes through the page cache.
#[derive(Debug)]
pub struct DirectWriter<'f> {
    cached: EarlyWriter<'f>,
    /// The same file once more, since the flag is one of the open file and not of a write. None where it is not possible or over.
    direct: Option<File>,
}

impl<'f> DirectWriter<'f> {
    /// A sink that writes to `file`.
    #[must_use]
    pub fn new(file: &'f File) -> Self {
        Self { cached: EarlyWriter::new(file), direct: open_again(file).ok() }
    }
}

fn open_again(file: &File) -> io::Result<File> {
    let flags = i32::try_from(OFlags::DIRECT.bits()).map_err(io::Error::other)?;
    OpenOptions::new().write(true).custom_flags(flags).open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn is_aligned(data: &[u8], offset: u64) -> bool {
    let address_is = data.as_ptr().align_offset(ALIGNMENT) == 0;
    address_is && data.len().is_multiple_of(ALIGNMENT) && offset.is_multiple_of(ALIGNMENT as u64)
}

impl BlockSink for DirectWriter<'_> {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        if let Some(file) = self.direct.as_mut().filter(|_| is_aligned(data, offset)) {
            match BlockSink::write_all_at(file, data, offset) {
                // Some file systems let a file be opened so, and no more.
                Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => self.direct = None,
                written => return written,
            }
        }
        self.cached.write_all_at(data, offset)
    }

    fn wants_aligned(&self) -> bool {
        self.direct.is_some()
    }

    fn metadata_follows(&mut self) {
        self.direct = None;
    }
}
