//! What an instance printed: reading its log.
//!
//! A line of the file is a JSON object: `t` the time, `s` the stream, and `d` the text, or `b` its bytes in base64 where
//! they are not UTF-8.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Timestamp;
use serde::{Deserialize, Serialize};

/// Longest line that is kept whole, in bytes.
pub(crate) const LONGEST_LINE: usize = 16 << 10;

/// Which of its streams a line came by. With a terminal everything is `stdout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line, or a piece of a line over 16 KiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was read from the instance.
    pub time: Timestamp,
    /// Which stream it came by.
    pub stream: LogStream,
    /// The bytes, the line's end included where it has come.
    pub bytes: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    t: Timestamp,
    s: LogStream,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    d: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    b: Option<String>,
}

/// Appends a line as the file has it.
pub(crate) fn encode(out: &mut Vec<u8>, time: Timestamp, stream: LogStream, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).ok();
    let stored = Stored {
        t: time,
        s: stream,
        d: text.map(Into::into),
        b: text.is_none().then(|| STANDARD.encode(bytes)),
    };
    serde_json::to_writer(&mut *out, &stored).expect("writing to memory, of plain fields");
    out.push(b'\n');
}

/// A line of the file; `None` for what is none, such as the rest of one that a power cut left.
fn decode(line: &[u8]) -> Option<LogLine> {
    let stored: Stored<'_> = serde_json::from_slice(line).ok()?;
    let bytes = match (stored.d, stored.b) {
        (Some(text), _) => text.into_owned().into_bytes(),
        (None, Some(encoded)) => STANDARD.decode(encoded).ok()?,
        (None, None) => return None,
    };
    Some(LogLine { time: stored.t, stream: stored.s, bytes })
}

/// Reads the two files of a log in order, and goes on where it stopped.
#[derive(Debug)]
pub(crate) struct LogReader {
    path: PathBuf,
    /// The file being read; it stays readable when it is renamed or removed.
    file: Option<File>,
    older: Option<File>,
    unfinished: Vec<u8>,
}

impl LogReader {
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join("log");
        // The newer one first: what is rotated between the two is read twice rather than never.
        let file = open_if_there(&path)?;
        let older = open_if_there(&path.with_extension("1"))?;
        let same = file.as_ref().zip(older.as_ref()).map(|(a, b)| Ok::<_, io::Error>(inode(a)? == inode(b)?));
        let older = if same.transpose()?.unwrap_or(false) { None } else { older };
        Ok(Self { path, file, older, unfinished: Vec::new() })
    }

    /// Hands over every whole line that is there; false where `each` wants no more.
    pub(crate) fn read_available(&mut self, each: &mut dyn FnMut(LogLine) -> bool) -> io::Result<bool> {
        if let Some(mut older) = self.older.take()
            && !self.read_from(&mut older, each)?
        {
            return Ok(false);
        }
        loop {
            if let Some(mut file) = self.file.take() {
                let more = self.read_from(&mut file, each)?;
                let current = open_if_there(&self.path)?;
                let rotated = current
                    .as_ref()
                    .map(|now| Ok::<_, io::Error>(inode(now)? != inode(&file)?))
                    .transpose()?;
                if !more || rotated != Some(true) {
                    self.file = Some(file);
                    return Ok(more);
                }
                // It was rotated away; what came into it since is read before the next one is begun.
                if !self.read_from(&mut file, each)? {
                    return Ok(false);
                }
                self.file = current;
            } else {
                self.file = open_if_there(&self.path)?;
                if self.file.is_none() {
                    return Ok(true);
                }
            }
        }
    }

    fn read_from(&mut self, file: &mut File, each: &mut dyn FnMut(LogLine) -> bool) -> io::Result<bool> {
        let mut buffer = vec![0_u8; 64 << 10];
        loop {
            let length = file.read(&mut buffer)?;
            if length == 0 {
                return Ok(true);
            }
            for piece in buffer[..length].split_inclusive(|byte| *byte == b'\n') {
                self.unfinished.extend_from_slice(piece);
                if !piece.ends_with(b"\n") {
                    continue;
                }
                let line = decode(&self.unfinished);
                self.unfinished.clear();
                if let Some(line) = line
                    && !each(line)
                {
                    return Ok(false);
                }
            }
        }
    }
}

fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

fn inode(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.ino())
}
