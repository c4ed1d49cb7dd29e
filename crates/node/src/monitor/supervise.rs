//! Watching a running instance: its end, what it prints, and the words of whoever started it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::log_writer::LogWriter;
use crate::control::{Control, ToMonitor};
use crate::identity::send;
use crate::logs::LogStream;

/// How long what is still in the pipes may take after the end: a process outside may hold them open for ever.
const DRAIN: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Something that the instance prints to.
#[derive(Debug)]
pub(super) struct Source {
    descriptor: OwnedFd,
    stream: LogStream,
}

impl Source {
    pub(super) fn new(descriptor: OwnedFd, stream: LogStream) -> Self {
        Self { descriptor, stream }
    }
}

/// A running instance.
pub(super) struct Supervision {
    /// Its first process.
    pub(super) handle: OwnedFd,
    /// The line to who started it, while that one lives.
    pub(super) control: Option<Control>,
    /// What goes to the log.
    pub(super) sources: Vec<Source>,
    /// Its terminal. The caller reads it while it lives; then it goes to the log.
    pub(super) master: Option<OwnedFd>,
    pub(super) log: LogWriter,
}

/// What woke us.
#[derive(Default)]
struct Ready {
    ended: bool,
    spoken: bool,
    sources: Vec<usize>,
}

impl Supervision {
    /// Returns when the first process has ended and its output is in the log; with the line, if it still is one.
    pub(super) fn until_end(mut self) -> io::Result<Option<Control>> {
        loop {
            if self.control.is_none()
                && let Some(master) = self.master.take()
            {
                self.sources.push(Source::new(master, LogStream::Stdout));
            }
            let ready = self.wait(None)?;
            if ready.spoken {
                self.listen();
            }
            self.copy(&ready.sources);
            if ready.ended {
                break;
            }
        }
        while !self.sources.is_empty() {
            let ready = self.wait(Some(&DRAIN))?;
            if ready.sources.is_empty() {
                break;
            }
            self.copy(&ready.sources);
        }
        self.log.finish();
        Ok(self.control)
    }

    fn wait(&self, limit: Option<&Timespec>) -> io::Result<Ready> {
        let draining = limit.is_some();
        let mut all: Vec<PollFd<'_>> = Vec::with_capacity(self.sources.len() + 2);
        all.extend(self.sources.iter().map(|source| PollFd::new(&source.descriptor, PollFlags::IN)));
        if !draining {
            all.push(PollFd::new(&self.handle, PollFlags::IN));
            all.extend(self.control.iter().map(|control| PollFd::new(control, PollFlags::IN)));
        }
        match poll(&mut all, limit) {
            Err(Errno::INTR) => return Ok(Ready::default()),
            other => other?,
        };
        let mut woken = all.iter().map(|one| !one.revents().is_empty());
        let sources =
            woken.by_ref().take(self.sources.len()).enumerate().filter_map(|(index, is)| is.then_some(index));
        let sources = sources.collect();
        Ok(Ready { sources, ended: woken.next().unwrap_or(false), spoken: woken.next().unwrap_or(false) })
    }

    fn listen(&mut self) {
        match self.control.as_ref().map(Control::receive::<ToMonitor>) {
            Some(Ok(Some((ToMonitor::Signal(signal), _)))) => {
                // One that cannot be sent is the process's end, which is seen next.
                let _ = send(&self.handle, signal);
            }
            Some(Ok(Some((ToMonitor::Begin { .. }, _)))) | None => {}
            // The caller is gone; the instance goes on.
            Some(Ok(None) | Err(_)) => self.control = None,
        }
    }

    fn copy(&mut self, ready: &[usize]) {
        let mut buffer = [0_u8; 32 << 10];
        // From behind, so that what is removed does not shift what comes.
        for index in ready.iter().rev() {
            let source = &self.sources[*index];
            match rustix::io::read(source.descriptor.as_fd(), &mut buffer) {
                Err(Errno::INTR | Errno::AGAIN) => {}
                // A terminal whose other end is closed says EIO where a pipe says 0.
                Ok(0) | Err(_) => drop(self.sources.remove(*index)),
                Ok(length) => self.log.append(source.stream, &buffer[..length]),
            }
        }
    }
}
