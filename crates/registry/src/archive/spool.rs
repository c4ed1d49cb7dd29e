//! Opens an archive so that it can be read by seeking: one that is compressed as a whole is expanded into a nameless file.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::bufread::GzDecoder;

use super::malformed;
use crate::layout::open_regular;
use crate::{Fault, Spool};

/// Ends blocking work when it is dropped.
#[derive(Default)]
pub(super) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// How bytes are compressed, by their first ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
    /// Something that is recognised and not read.
    Other(&'static str),
}

impl Packing {
    pub(super) fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Other("xz"),
            [b'B', b'Z', b'h', ..] => Self::Other("bzip2"),
            _ => Self::Plain,
        }
    }

    /// Of a file at an offset.
    pub(super) fn at(file: &File, offset: u64, path: &Path) -> Result<Self, Fault> {
        let mut first = [0; 6];
        let read = file.read_at(&mut first, offset);
        let read = read.map_err(|source| Fault::Local { path: path.to_owned(), source })?;
        Ok(Self::of(&first[..read]))
    }
}

/// Opens the archive.
pub(super) fn open(path: &Path, spool: &Spool, cancelled: &AtomicBool) -> Result<File, Fault> {
    let file = open_regular(path, "docker archive")?;
    let local = |source| Fault::Local { path: path.to_owned(), source };
    match Packing::at(&file, 0, path)? {
        Packing::Plain => Ok(file),
        Packing::Gzip => {
            expand(GzipMembers::new(BufReader::with_capacity(1 << 18, file)), path, spool, cancelled)
        }
        Packing::Zstd => expand(zstd::Decoder::new(file).map_err(local)?, path, spool, cancelled),
        Packing::Other(name) => {
            let why = format!("it is compressed with {name}, which is not read; expand it first");
            Err(malformed(path, "docker archive", why))
        }
    }
}

/// Gzip members one after another, and zeros after them: tapes and block devices are padded so, and `gzip` takes it too.
struct GzipMembers<R> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> GzipMembers<R> {
    fn new(from: R) -> Self {
        Self { member: Some(GzDecoder::new(from)) }
    }
}

/// Drops zeros. Whether nothing follows them.
fn ends_in_zeros(from: &mut impl BufRead) -> std::io::Result<bool> {
    loop {
        let next = from.fill_buf()?;
        if next.is_empty() {
            return Ok(true);
        }
        let zeros = next.iter().take_while(|byte| **byte == 0).count();
        if zeros == 0 {
            return Ok(false);
        }
        from.consume(zeros);
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let ends = ends_in_zeros(member.get_mut())?;
            let rest = self.member.take().map(GzDecoder::into_inner);
            self.member = rest.filter(|_| !ends).map(GzDecoder::new);
        }
        Ok(0)
    }
}

fn expand(mut from: impl Read, path: &Path, spool: &Spool, cancelled: &AtomicBool) -> Result<File, Fault> {
    let dir = spool.dir.clone().unwrap_or_else(std::env::temp_dir);
    let in_spool = |source| Fault::Local { path: dir.clone(), source };
    let mut to = tempfile::tempfile_in(&dir).map_err(in_spool)?;
    let mut buffer = vec![0; 1 << 18];
    let mut length = 0_u64;
    loop {
        let read = from.read(&mut buffer).map_err(|source| match source.kind() {
            std::io::ErrorKind::InvalidData
            | std::io::ErrorKind::InvalidInput
            | std::io::ErrorKind::UnexpectedEof => {
                malformed(path, "docker archive", format!("it cannot be expanded: {source}"))
            }
            _ => Fault::Local { path: path.to_owned(), source },
        })?;
        if read == 0 {
            return Ok(to);
        }
        length += read as u64;
        if length > spool.limit_bytes {
            let (origin, limit) = (path.display().to_string(), spool.limit_bytes);
            return Err(Fault::TooLarge { origin, what: "expanded docker archive", limit });
        }
        if cancelled.load(Ordering::Relaxed) {
            return Err(malformed(path, "docker archive", "reading it was given up"));
        }
        to.write_all(&buffer[..read]).map_err(in_spool)?;
    }
}
