//! Writing to the disk past the page cache.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use erofs::{BlockSink, WriteBuffer};
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::EarlyWriter;

/// What every disk and file system takes of addresses, lengths and offsets.
const ALIGNMENT: usize = 4096;

/// Buffers that wait for the disk while a further one is filled.
const WAITING: usize = 3;

/// A file as a sink that hands the data of files to the disk straight from memory (`O_DIRECT`): for a blob that is made for later.
///
/// That spares the processor the page cache, which costs more than parsing the tar does, and what runs on the machine keeps its
/// own pages there. The metadata region goes through the page cache, as in an [`EarlyWriter`], and is found there by the first
/// start; the data of files it reads from the disk.
///
/// Where the file system cannot do it, all goes through the page cache.
#[derive(Debug)]
pub struct DirectWriter<'f> {
    cached: EarlyWriter<'f>,
    /// None where it is not possible, or over.
    disk: Option<Disk>,
}

impl<'f> DirectWriter<'f> {
    /// A sink that writes to `file`.
    #[must_use]
    pub fn new(file: &'f File) -> Self {
        Self { cached: EarlyWriter::new(file), disk: Disk::open(file).ok() }
    }
}

impl BlockSink for DirectWriter<'_> {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        self.cached.write_all_at(data, offset)
    }

    fn write_gathered(&mut self, gathered: WriteBuffer, offset: u64) -> io::Result<WriteBuffer> {
        let Some(disk) = &self.disk else { return self.cached.write_gathered(gathered, offset) };
        match disk.exchange(gathered, offset) {
            Some(empty) => Ok(empty),
            // Its thread has ended, for a reason.
            None => self.metadata_follows().and(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn wants_gathered(&self) -> bool {
        self.disk.is_some()
    }

    fn metadata_follows(&mut self) -> io::Result<()> {
        self.disk.take().map_or(Ok(()), Disk::finish)
    }
}

impl Drop for DirectWriter<'_> {
    fn drop(&mut self) {
        // Nothing is written behind the back of whoever gave the conversion up.
        let _ = self.metadata_follows();
    }
}

/// A thread that waits for the disk, so that nothing else does.
#[derive(Debug)]
struct Disk {
    full: SyncSender<(WriteBuffer, u64)>,
    empty: Receiver<WriteBuffer>,
    thread: JoinHandle<io::Result<()>>,
}

impl Disk {
    fn open(file: &File) -> io::Result<Self> {
        let target = Target { direct: Some(open_again(file)?), cached: file.try_clone()? };
        let (full, to_write) = sync_channel(WAITING);
        let (written, empty) = sync_channel(WAITING + 1);
        for _ in 0..WAITING {
            written.send(WriteBuffer::new()).map_err(io::Error::other)?;
        }
        let thread = std::thread::Builder::new().name("layer-disk".to_owned());
        let thread = thread.spawn(move || target.write_all(&to_write, &written))?;
        Ok(Self { full, empty, thread })
    }

    /// Gives a full buffer away and takes an empty one; `None` where the thread has ended.
    fn exchange(&self, gathered: WriteBuffer, offset: u64) -> Option<WriteBuffer> {
        self.full.send((gathered, offset)).ok()?;
        self.empty.recv().ok()
    }

    /// Waits until all is written.
    fn finish(self) -> io::Result<()> {
        drop(self.full);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// A file that is open twice, since `O_DIRECT` is a flag of the open file and not of a write.
struct Target {
    /// None where the file system lets a file be opened so, and no more.
    direct: Option<File>,
    cached: File,
}

impl Target {
    fn write_all(
        mut self,
        full: &Receiver<(WriteBuffer, u64)>,
        empty: &SyncSender<WriteBuffer>,
    ) -> io::Result<()> {
        for (mut buffer, offset) in full {
            self.write(buffer.bytes(), offset)?;
            buffer.clear();
            if empty.send(buffer).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn write(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        if let Some(file) = self.direct.as_mut().filter(|_| is_aligned(data, offset)) {
            match BlockSink::write_all_at(file, data, offset) {
                Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => self.direct = None,
                written => return written,
            }
        }
        BlockSink::write_all_at(&mut self.cached, data, offset)
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
