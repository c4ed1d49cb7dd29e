//! Writing what an instance prints: JSON lines, two files of bounded size.
//!
//! What cannot be written, as on a full disk, is dropped and counted; the log says so as soon as it can. An instance never
//! ends, waits or fails for its log.

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
    /// How many bytes of the file's form were dropped since the last that was written, and why the first were.
    dropped: Option<(u64, io::Error)>,
}

impl LogWriter {
    pub(super) fn open(directory: &Path) -> Self {
        Self::with_longest(directory, LONGEST_FILE)
    }

    fn with_longest(directory: &Path, longest: u64) -> Self {
        let path = directory.join("log");
        let written = fs::metadata(&path).map_or(0, |found| found.len());
        Self { path, file: None, written, longest, pending: [Vec::new(), Vec::new()], dropped: None }
    }

    /// Takes what a stream brought; whole lines, and pieces of overlong ones, are written at once.
    pub(super) fn append(&mut self, stream: LogStream, bytes: &[u8]) {
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
        self.keep(&out);
    }

    /// Writes the unfinished lines.
    pub(super) fn finish(&mut self) {
        let mut out = Vec::new();
        for (pending, stream) in self.pending.iter_mut().zip([LogStream::Stdout, LogStream::Stderr]) {
            if !pending.is_empty() {
                encode(&mut out, SystemClock.now(), stream, pending);
                pending.clear();
            }
        }
        self.keep(&out);
        if self.dropped.is_some() {
            self.keep(&[]);
        }
    }

    /// Writes or drops, with a word of what was dropped before.
    fn keep(&mut self, out: &[u8]) {
        let mut all = Vec::new();
        if let Some((bytes, error)) = &self.dropped {
            let note = format!("imc: about {bytes} bytes of output were dropped here: {error}\n");
            encode(&mut all, SystemClock.now(), LogStream::Stderr, note.as_bytes());
        }
        all.extend_from_slice(out);
        match self.write(&all) {
            Ok(()) => self.dropped = None,
            Err(error) => {
                let (before, first) =
                    self.dropped.take().map_or((0, error), |(before, first)| (before, first));
                self.dropped = Some((before + out.len() as u64, first));
            }
        }
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
        if let Err(error) = file.write_all(out) {
            // Half a line would spoil the next one.
            let _ = file.set_len(self.written);
            return Err(error);
        }
        self.written += length;
        Ok(())
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
        let mut log = LogWriter::open(folder.path());
        log.append(LogStream::Stdout, b"one\ntw");
        log.append(LogStream::Stderr, b"err\n");
        log.append(LogStream::Stdout, b"o\n\xff\xfe\nend");
        log.finish();
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
        let mut log = LogWriter::with_longest(folder.path(), 40 << 10);
        for _ in 0..20 {
            log.append(LogStream::Stdout, &[b'x'; 10_000]);
        }
        log.finish();
        let size = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
        assert!(size("log") <= 40 << 10 && size("log.1") <= 40 << 10);
        let lines = texts(folder.path());
        assert!(lines.iter().all(|(_, text)| text.len() <= LONGEST_LINE));
        assert!(!lines.is_empty());
    }

    #[test]
    fn what_a_full_disk_swallowed_is_counted_and_said_when_there_is_room_again() {
        if !testkit::privileged() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let size = Some(c"size=64k");
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("tmpfs", folder.path(), "tmpfs", flags, size).unwrap();
        let directory = folder.path().to_owned();
        let answer = std::panic::catch_unwind(move || {
            let mut log = LogWriter::open(&directory);
            log.append(LogStream::Stdout, b"before\n");
            fs::write(directory.join("filler"), [0; 56 << 10]).unwrap();
            log.append(LogStream::Stdout, &[b'x'; 12 << 10]);
            log.append(LogStream::Stdout, b"\nlost as well\n");
            for _ in 0..40 {
                log.append(LogStream::Stdout, &[b'y'; 1 << 10]);
            }
            fs::remove_file(directory.join("filler")).unwrap();
            log.append(LogStream::Stdout, b"\nafter\n");
            log.finish();
            texts(&directory)
        });
        rustix::mount::unmount(folder.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
        let lines = answer.unwrap();
        let text = lines.iter().map(|(_, text)| text.as_str()).collect::<String>();
        assert!(text.starts_with("before\n") && text.ends_with("\nafter\n"), "{text}");
        let note = lines.iter().find(|(stream, _)| *stream == LogStream::Stderr).unwrap();
        assert!(note.1.contains("bytes of output were dropped here: No space left"), "{}", note.1);
    }
}
