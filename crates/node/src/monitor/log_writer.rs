//! Writing what an instance prints: JSON lines, two files of bounded size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use model::{Clock, SystemClock};

use crate::logs::{LONGEST_LINE, LogStream, encode};

/// When a file has this many bytes it becomes the older one, and the one before is dropped.
const LONGEST_FILE: u64 = 16 << 20;

/// The log of an instance.
pub(super) struct LogWriter {
    path: PathBuf,
    file: Option<File>,
    written: u64,
    longest: u64,
    /// The unfinished line of each stream.
    pending: [Vec<u8>; 2],
}

impl LogWriter {
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        Self::with_longest(directory, LONGEST_FILE)
    }

    fn with_longest(directory: &Path, longest: u64) -> io::Result<Self> {
        let path = directory.join("log");
        let written = fs::metadata(&path).map_or(0, |found| found.len());
        Ok(Self { path, file: None, written, longest, pending: [Vec::new(), Vec::new()] })
    }

    /// Takes what a stream brought; whole lines, and pieces of overlong ones, are written at once.
    pub(super) fn append(&mut self, stream: LogStream, bytes: &[u8]) -> io::Result<()> {
        let index = usize::from(stream == LogStream::Stderr);
        let mut out = Vec::with_capacity(bytes.len() * 2);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut rest = piece;
            while !rest.is_empty() {
                let pending = &mut self.pending[index];
                let (taken, later) = rest.split_at(rest.len().min(LONGEST_LINE - pending.len()));
                pending.extend_from_slice(taken);
                rest = later;
                if pending.ends_with(b"\n") || pending.len() == LONGEST_LINE {
                    encode(&mut out, SystemClock.now(), stream, pending);
                    pending.clear();
                }
            }
        }
        self.write(&out)
    }

    /// Writes the unfinished lines.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let mut out = Vec::new();
        for (pending, stream) in self.pending.iter_mut().zip([LogStream::Stdout, LogStream::Stderr]) {
            if !pending.is_empty() {
                encode(&mut out, SystemClock.now(), stream, pending);
                pending.clear();
            }
        }
        self.write(&out)
    }

    fn write(&mut self, out: &[u8]) -> io::Result<()> {
        if out.is_empty() {
            return Ok(());
        }
        let length = out.len() as u64;
        if self.written > 0 && self.written + length > self.longest {
            fs::rename(&self.path, self.path.with_extension("1"))?;
            self.file = None;
            self.written = 0;
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(OpenOptions::new().create(true).append(true).open(&self.path)?),
        };
        self.written += length;
        file.write_all(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::LogReader;

    fn texts(directory: &Path) -> Vec<(LogStream, String)> {
        let mut reader = LogReader::open(directory).unwrap();
        let mut all = Vec::new();
        reader
            .read_available(&mut |line| {
                all.push((line.stream, String::from_utf8_lossy(&line.bytes).into_owned()));
                true
            })
            .unwrap();
        all
    }

    #[test]
    fn lines_are_put_together_per_stream_and_the_last_needs_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogWriter::open(folder.path()).unwrap();
        log.append(LogStream::Stdout, b"one\ntw").unwrap();
        log.append(LogStream::Stderr, b"err\n").unwrap();
        log.append(LogStream::Stdout, b"o\n\xff\xfe\nend").unwrap();
        log.finish().unwrap();
        let out = |text: &str| (LogStream::Stdout, text.to_owned());
        let expected = [
            out("one\n"),
            (LogStream::Stderr, "err\n".to_owned()),
            out("two\n"),
            out("\u{fffd}\u{fffd}\n"),
            out("end"),
        ];
        assert_eq!(texts(folder.path()), expected);
    }

    #[test]
    fn an_endless_line_comes_in_pieces_and_the_log_stays_within_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogWriter::with_longest(folder.path(), 40 << 10).unwrap();
        for _ in 0..20 {
            log.append(LogStream::Stdout, &[b'x'; 10_000]).unwrap();
        }
        log.finish().unwrap();
        let size = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
        assert!(size("log") <= 40 << 10 && size("log.1") <= 40 << 10);
        let lines = texts(folder.path());
        assert!(lines.iter().all(|(_, text)| text.len() <= LONGEST_LINE));
        assert!(!lines.is_empty());
    }
}
