//! Standing between this process's terminal and signals and a container's process, until that one ends.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{
    LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};
use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use crate::Signal;

/// What is passed on to the container's process.
const FORWARDED: [i32; 7] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH];
/// What a terminal's line discipline takes as the end of the input.
const END_OF_INPUT: u8 = 4;
/// How often the end of the input is said again to a program that reads keys.
const MOST_ENDS: u8 = 64;

/// The relay.
#[derive(Debug)]
pub(crate) struct Relay {
    signals: SignalDelivery<UnixStream, SignalOnly>,
    terminal: Option<Terminal>,
    /// How long the process may go on after SIGTERM.
    grace: Option<Duration>,
    /// Whether SIGTERM came and there is a grace.
    asked: bool,
    /// When the grace is over.
    kill_at: Option<Instant>,
}

/// A container's terminal, and ours set to pass everything on to it.
#[derive(Debug)]
struct Terminal {
    master: OwnedFd,
    reads_input: bool,
    input: Vec<u8>,
    /// The last byte that came from our input.
    last: Option<u8>,
    /// How often the end of the input may still be said again: none before it has come.
    ends_left: u8,
    /// Our terminal's own mode, put back in the end.
    _raw: Option<RawMode>,
}

impl Relay {
    /// Catches this process's signals from now on. Begin before the container's process: a signal that comes while it
    /// starts is meant for it.
    pub(crate) fn begin() -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        let signals = SignalDelivery::with_pipe(read, write, SignalOnly, FORWARDED)?;
        Ok(Self { signals, terminal: None, grace: None, asked: false, kill_at: None })
    }

    /// The same; SIGTERM now means that the process is to end for certain: after that long SIGKILL follows by itself.
    pub(crate) fn with_grace(self, grace: Option<Duration>) -> Self {
        Self { grace, ..self }
    }

    /// Whether the process was asked to end, so that nothing of it is to go on.
    pub(crate) fn was_asked_to_end(&self) -> bool {
        self.asked
    }

    /// Takes this process's terminal over where the container has one.
    pub(crate) fn take_over(&mut self, master: Option<OwnedFd>, interactive: bool) -> io::Result<()> {
        self.terminal = master.map(|master| Terminal::over(master, interactive)).transpose()?;
        Ok(())
    }

    /// Relays until there is something to read from `end`; then until the terminal has said all.
    pub(crate) fn until(&mut self, end: BorrowedFd<'_>, forward: &mut dyn FnMut(Signal)) -> io::Result<()> {
        loop {
            let ready = self.wait(end)?;
            if ready.signals {
                self.pass_signals(forward);
            }
            if self.kill_at.is_some_and(|at| at <= Instant::now()) {
                self.kill_at = None;
                forward(Signal::KILL);
            }
            if let Some(terminal) = &mut self.terminal {
                if ready.input {
                    terminal.read_input()?;
                }
                if ready.master && !terminal.exchange()? {
                    self.terminal = None;
                }
            }
            if ready.end {
                return self.terminal.as_mut().map_or(Ok(()), Terminal::drain);
            }
        }
    }

    fn pass_signals(&mut self, forward: &mut dyn FnMut(Signal)) {
        let caught: Vec<i32> = self.signals.pending().collect();
        for number in caught {
            if let (SIGTERM, Some(grace)) = (number, self.grace) {
                self.asked = true;
                // A second one asks for no more, and gives no more time.
                self.kill_at.get_or_insert_with(|| Instant::now() + grace);
            }
            match (&self.terminal, number) {
                (Some(terminal), SIGWINCH) => terminal.copy_size(),
                (None, SIGWINCH) => {}
                (_, number) => Signal::from_number(number).into_iter().for_each(&mut *forward),
            }
        }
    }

    fn wait(&self, end: BorrowedFd<'_>) -> io::Result<Ready> {
        let stdin = rustix::stdio::stdin();
        let mut all = vec![
            PollFd::new(self.signals.get_read(), PollFlags::IN),
            PollFd::from_borrowed_fd(end, PollFlags::IN),
        ];
        if let Some(terminal) = &self.terminal {
            let wanted =
                if terminal.input.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
            all.push(PollFd::new(&terminal.master, wanted));
            if terminal.reads_input && terminal.input.is_empty() {
                all.push(PollFd::from_borrowed_fd(stdin, PollFlags::IN));
            }
        }
        let left = self.kill_at.map(|at| at.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut all, left.as_ref()) {
            Err(Errno::INTR) => return Ok(Ready::default()),
            other => other?,
        };
        let is = |index: usize| all.get(index).is_some_and(|one| !one.revents().is_empty());
        Ok(Ready { signals: is(0), end: is(1), master: is(2), input: is(3) })
    }
}

#[derive(Default)]
struct Ready {
    signals: bool,
    end: bool,
    master: bool,
    input: bool,
}

impl Terminal {
    fn over(master: OwnedFd, interactive: bool) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&master, true)?;
        let raw = if interactive { RawMode::of_stdin()? } else { None };
        let terminal =
            Self { master, reads_input: interactive, input: Vec::new(), last: None, ends_left: 0, _raw: raw };
        terminal.copy_size();
        Ok(terminal)
    }

    /// Our terminal's size becomes the container's. Where ours is none, the container's stays as it is.
    fn copy_size(&self) {
        if let Ok(size) =
            tcgetwinsize(rustix::stdio::stdout()).or_else(|_| tcgetwinsize(rustix::stdio::stdin()))
        {
            // A terminal that is going away has no size to keep.
            let _ = tcsetwinsize(&self.master, size);
        }
    }

    fn read_input(&mut self) -> io::Result<()> {
        let mut buffer = [0_u8; 4096];
        match rustix::io::read(rustix::stdio::stdin(), &mut buffer) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(0) | Err(Errno::IO) => {
                self.reads_input = false;
                self.ends_left = MOST_ENDS;
                // In the middle of a line the first one only hands over what is there of it.
                let in_line = !matches!(self.last, None | Some(b'\n' | b'\r' | END_OF_INPUT));
                self.input.extend(std::iter::repeat_n(END_OF_INPUT, 1 + usize::from(in_line)));
            }
            other => {
                let read = &buffer[..other?];
                self.last = read.last().copied().or(self.last);
                self.input.extend_from_slice(read);
            }
        }
        Ok(())
    }

    /// Moves what can be moved in both directions; false where the container has closed its side.
    fn exchange(&mut self) -> io::Result<bool> {
        if !self.input.is_empty() {
            match rustix::io::write(&self.master, &self.input) {
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(Errno::IO) => return Ok(false),
                other => drop(self.input.drain(..other?)),
            }
        }
        let mut buffer = [0_u8; 32 << 10];
        match rustix::io::read(self.master.as_fd(), &mut buffer) {
            Err(Errno::INTR | Errno::AGAIN) => Ok(true),
            Ok(0) | Err(Errno::IO) => Ok(false),
            other => {
                let mut out = io::stdout().lock();
                out.write_all(&buffer[..other?])?;
                out.flush()?;
                self.end_again();
                Ok(true)
            }
        }
    }

    /// Says the end of the input again to a line editor, as shells have one: what came before it took the terminal over the
    /// kernel made the end of a line that the editor never sees. Such a program prints when it begins to read.
    fn end_again(&mut self) {
        let reads_keys =
            || tcgetattr(&self.master).is_ok_and(|mode| !mode.local_modes.contains(LocalModes::ICANON));
        if self.ends_left > 0 && reads_keys() {
            self.ends_left -= 1;
            self.input.push(END_OF_INPUT);
        }
    }

    /// What the ended process had printed and nobody has read yet.
    fn drain(&mut self) -> io::Result<()> {
        self.input.clear();
        loop {
            let mut all = [PollFd::new(&self.master, PollFlags::IN)];
            match poll(&mut all, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
                Err(Errno::INTR) => {}
                Ok(0) => return Ok(()),
                other => {
                    other?;
                    if !self.exchange()? {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// The terminal on standard input in raw mode, until dropped.
#[derive(Debug)]
struct RawMode {
    before: Termios,
}

impl RawMode {
    /// `None` where standard input is no terminal.
    fn of_stdin() -> io::Result<Option<Self>> {
        let Ok(before) = tcgetattr(rustix::stdio::stdin()) else { return Ok(None) };
        let mut raw = before.clone();
        raw.make_raw();
        // What has been typed already stays: it is meant for the container, or for the shell after it.
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &raw)?;
        Ok(Some(Self { before }))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // A terminal that has gone needs no mode.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    #[allow(unsafe_code, reason = "nothing safe sends a signal to one thread")]
    fn signals_that_come_while_the_last_output_is_read_do_no_harm() {
        let _relay = Relay::begin().unwrap();
        let (master, _open) = io::pipe().unwrap();
        let mut terminal = Terminal {
            master: master.into(),
            reads_input: false,
            input: Vec::new(),
            last: None,
            ends_left: 0,
            _raw: None,
        };
        // SAFETY: it has no arguments and no effect.
        let drainer = unsafe { libc::pthread_self() };
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    // SAFETY: the thread lives until this one has been joined, and the signal is caught.
                    unsafe { libc::pthread_kill(drainer, SIGWINCH) };
                }
            });
            let answer = (0..50_000).try_for_each(|_| terminal.drain());
            done.store(true, Ordering::Relaxed);
            answer.unwrap();
        });
    }
}
