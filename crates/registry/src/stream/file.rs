//! A stretch of a local file.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use model::Digest;
use tokio::task::JoinHandle;

use crate::Fault;

/// Bytes read at once.
const CHUNK: u64 = 1 << 20;

/// Reads a stretch of a file on the threads for blocking work, one chunk at a time.
#[derive(Debug)]
pub(crate) struct FileReader {
    file: Arc<File>,
    path: PathBuf,
    digest: Digest,
    from: u64,
    size: u64,
    read: u64,
    /// A read under way, kept over a dropped call.
    pending: Option<JoinHandle<std::io::Result<Vec<u8>>>>,
}

impl FileReader {
    /// `size` bytes of the file from `from` on, which are to be those of `digest`.
    pub(crate) fn new(file: Arc<File>, path: PathBuf, digest: Digest, from: u64, size: u64) -> Self {
        Self { file, path, digest, from, size, read: 0, pending: None }
    }

    /// The same bytes from `from` to before `end`, both counted from the stretch's beginning and within it.
    pub(crate) fn part(self, from: u64, end: u64) -> Self {
        Self { from: self.from + from, size: end - from, ..self }
    }

    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        if self.read == self.size {
            return Ok(None);
        }
        let pending = self.pending.get_or_insert_with(|| {
            let (file, at) = (self.file.clone(), self.from + self.read);
            let length = usize::try_from(CHUNK.min(self.size - self.read)).expect("at most a chunk");
            tokio::task::spawn_blocking(move || {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, at).map(|()| bytes)
            })
        });
        let read = pending.await.expect("reading does not panic and is not aborted");
        self.pending = None;
        match read {
            Ok(bytes) => {
                self.read += bytes.len() as u64;
                Ok(Some(bytes.into()))
            }
            // The file was cut since its length was looked at.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(Fault::WrongLength {
                origin: self.path.display().to_string(),
                digest: self.digest,
                expected: self.size,
                found: self.read,
            }),
            Err(source) => Err(Fault::Local { path: self.path.clone(), source }),
        }
    }
}
