//! File operations with the object and the path in their errors, and documents that are read bounded.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::owner;
use crate::{Error, Result};

/// The longest document that is read, and so the longest that is written: a chunk table of a blob of 1 TiB in chunks of 1 MiB takes about 80 MB.
const DOCUMENT_LIMIT: u64 = 128 << 20;

/// Makes an error of a file operation.
pub(super) fn failed(
    action: &'static str,
    object: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { action, object, path, source }
}

/// Takes a lock without waiting; `false` where somebody has it.
pub(super) fn try_flock(file: &File, how: FlockOperation) -> io::Result<bool> {
    loop {
        match flock(file, how) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Locks the file at this path within the time, or says that it is busy. The lock goes with the returned file.
pub(super) fn lock_within(path: &Path, how: FlockOperation, wait: Duration) -> Result<File> {
    let file = owner::open_or_create_file(path).map_err(failed("open", "lock", path))?;
    let start = Instant::now();
    let mut pause = Duration::from_micros(200);
    // Polled, because flock(2) knows no deadline. Whoever holds the lock does so for milliseconds.
    while !try_flock(&file, how).map_err(failed("take", "lock", path))? {
        if start.elapsed() >= wait {
            return Err(Error::Busy { path: path.to_owned(), seconds: wait.as_secs() });
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
    Ok(file)
}

/// Makes the store's own directory and those above it, private, and makes their names durable. Those that exist are left
/// alone.
pub(super) fn ensure_root(path: &Path) -> Result<()> {
    ensure_by(path, |path| fs::DirBuilder::new().mode(0o700).create(path))
}

/// The same for a directory of the store, which belongs to whom the store belongs.
pub(super) fn ensure_directory(path: &Path) -> Result<()> {
    ensure_by(path, owner::create_folder)
}

fn ensure_by(path: &Path, create: fn(&Path) -> io::Result<()>) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        ensure_by(parent, create)?;
    }
    match create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(failed("create", "directory", path)(error))
        }
        _ => parent.map_or(Ok(()), sync_directory),
    }
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(path: &Path) -> Result<()> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(failed("sync", "directory", path))
}

/// Removes a file; `false` where there was none.
pub(super) fn remove(object: &'static str, path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("remove", object, path)(error)),
    }
}

/// Opens a file for reading; `None` where there is none.
pub(super) fn open(object: &'static str, path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("open", object, path)(error)),
    }
}

/// The names in a directory that are text, sorted; none where it does not exist. Other names are nobody's business.
pub(super) fn names(path: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("list", "directory", path)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("list", "directory", path))?;
        names.extend(entry.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}

/// Reads a whole file, bounded; `None` where there is none.
pub(super) fn read(object: &'static str, path: &Path) -> Result<Option<Vec<u8>>> {
    let Some(file) = open(object, path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(DOCUMENT_LIMIT + 1).read_to_end(&mut bytes).map_err(failed("read", object, path))?;
    if bytes.len() as u64 > DOCUMENT_LIMIT {
        let why = format!("it is longer than {DOCUMENT_LIMIT} bytes");
        return Err(Error::Contradiction { object, path: path.to_owned(), why });
    }
    Ok(Some(bytes))
}

/// The part of every document that says how to read the rest.
#[derive(serde::Deserialize)]
struct Versioned {
    version: u64,
}

/// Parses a document after a look at its version; a newer one is not guessed at.
pub(super) fn parse<T: DeserializeOwned>(
    object: &'static str,
    path: &Path,
    known: u32,
    bytes: &[u8],
) -> Result<T> {
    let broken = |source| Error::Document { object, path: path.to_owned(), source };
    let Versioned { version } = serde_json::from_slice(bytes).map_err(broken)?;
    if version != u64::from(known) {
        return Err(Error::Version { object, path: path.to_owned(), found: version, known });
    }
    serde_json::from_slice(bytes).map_err(broken)
}

/// Serialises a document.
pub(super) fn to_json(document: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(document).expect("our documents have text keys and no failing parts");
    bytes.push(b'\n');
    bytes
}

/// Serialises a document that [`read`] is to give back; one that it would refuse is not written.
pub(super) fn to_bounded_json(object: &'static str, document: &impl Serialize) -> Result<Vec<u8>> {
    let bytes = to_json(document);
    let size = bytes.len() as u64;
    if size > DOCUMENT_LIMIT {
        return Err(Error::DocumentTooLong { object, size, limit: DOCUMENT_LIMIT });
    }
    Ok(bytes)
}

/// A file in `tmp/` that is removed again unless it was renamed. Its owner holds a lock on it while it lives, so that
/// whoever finds it without one knows that it is a leftover.
#[derive(Debug)]
pub(super) struct TempFile {
    object: &'static str,
    file: File,
    path: Option<PathBuf>,
}

impl TempFile {
    pub(super) fn create(tmp: &Path, object: &'static str) -> Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = tmp.join(format!("{}.{}.{number}.{object}", boot(), std::process::id()));
            let file = match owner::create_file(&path) {
                // A leftover of a process that had our number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                created => created.map_err(failed("create", object, &path))?,
            };
            let temp = Self { object, file, path: Some(path.clone()) };
            lock_own(&temp.file).map_err(failed("lock", object, &path))?;
            // Between creation and lock somebody may have swept it: then begin again.
            if has_name(&temp.file).map_err(failed("examine", object, &path))? {
                return Ok(temp);
            }
        }
    }

    /// A document's bytes in a temporary file, durable.
    pub(super) fn with_bytes(tmp: &Path, object: &'static str, bytes: &[u8]) -> Result<Self> {
        let temp = Self::with_bytes_unsynced(tmp, object, bytes)?;
        temp.file.sync_all().map_err(failed("sync", object, temp.path()))?;
        Ok(temp)
    }

    /// A document's bytes in a temporary file, for what need not outlive the machine's next crash.
    pub(super) fn with_bytes_unsynced(tmp: &Path, object: &'static str, bytes: &[u8]) -> Result<Self> {
        let temp = Self::create(tmp, object)?;
        (&temp.file).write_all(bytes).map_err(failed("write", object, temp.path()))?;
        Ok(temp)
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn path(&self) -> &Path {
        self.path.as_deref().expect("has its path until it is renamed, and renaming consumes it")
    }

    /// Gives it its final name, replacing what has it, and returns the file (still locked).
    pub(super) fn rename(mut self, to: &Path) -> Result<File> {
        fs::rename(self.path(), to).map_err(failed("rename", self.object, to))?;
        self.path = None;
        self.file.try_clone().map_err(failed("keep", self.object, to))
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // What cannot be removed now is swept later.
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether nobody has removed the file meanwhile.
pub(super) fn has_name(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() > 0)
}

fn lock_own(file: &File) -> io::Result<()> {
    loop {
        match flock(file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(()),
            // A sweeper looks at it: for microseconds.
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// The beginning of the boot's id, so that people see which leftovers are of an earlier boot.
fn boot() -> &'static str {
    static BOOT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        id.get(..8).unwrap_or("unknown").to_owned()
    });
    &BOOT
}

/// Removes the files of `tmp/` whose owners are dead; returns how many.
pub(super) fn sweep(tmp: &Path) -> Result<u64> {
    let mut swept = 0;
    for name in names(tmp)? {
        let path = tmp.join(name);
        let Some(file) = open("leftover", &path)? else { continue };
        if try_flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(failed("lock", "leftover", &path))?
            // A claim's name may be another file's by now, and that one's owner lives.
            && has_name(&file).map_err(failed("examine", "leftover", &path))?
            && remove("leftover", &path)?
        {
            swept += 1;
        }
    }
    Ok(swept)
}
