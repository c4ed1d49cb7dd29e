//! An instance's life after its start: looking at it, signalling, waiting, its log, its removal.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use model::{ExitStatus, InstanceId, InstanceState};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;

use super::{InstanceStatus, Instances};
use crate::layout::InstanceDir;
use crate::lock::{is_free, try_exclusive, wait_free};
use crate::logs::LogReader;
use crate::state::{self, Ended, Record, Running};
use crate::teardown::{PATIENCE, remove_directory, take_down};
use crate::{InstanceError, LogLine, Signal, cgroups, identity};

/// How long an instance may take from its lock to its first process, and how often that is looked for.
const START: (Duration, Timespec) = (Duration::from_secs(60), Timespec { tv_sec: 0, tv_nsec: 20_000_000 });

pub(super) fn read_failed(path: &Path) -> impl FnOnce(io::Error) -> InstanceError {
    let path = path.to_owned();
    move |source| InstanceError::ReadState { path, source }
}

impl Instances {
    /// The open lock file of an instance; `None` where there is no such instance.
    pub(super) fn open_lock(dir: &InstanceDir) -> Result<Option<File>, InstanceError> {
        match File::options().read(true).write(true).open(dir.lock()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some).map_err(read_failed(&dir.lock())),
        }
    }

    /// What is known of one instance; `None` where it has no directory (never started, or removed).
    ///
    /// # Errors
    ///
    /// Where its files cannot be read.
    pub fn inspect(&self, id: InstanceId) -> Result<Option<InstanceStatus>, InstanceError> {
        let dir = self.layout.instance(id);
        let Some(mut lock) = Self::open_lock(&dir)? else { return Ok(None) };
        let free = is_free(&lock).map_err(read_failed(&dir.lock()))?;
        let ended: Option<Ended> = state::read_end(&mut lock).map_err(read_failed(&dir.lock()))?;
        let running: Option<Running> = state::read_json(&dir.process())?;
        let state = match (ended, free, &running) {
            (Some(ended), ..) => InstanceState::Exited(ended.status),
            (None, true, _) => InstanceState::Exited(ExitStatus::Unknown),
            (None, false, Some(_)) => InstanceState::Running,
            (None, false, None) => InstanceState::Creating,
        };
        let pid =
            running.as_ref().filter(|_| state == InstanceState::Running).map(|running| running.process.pid);
        let started = running.map(|running| running.started);
        Ok(Some(InstanceStatus { id, state, pid, started, finished: ended.map(|ended| ended.finished) }))
    }

    /// Waits until an instance has ended and is cleaned up. At once for one that has.
    ///
    /// # Errors
    ///
    /// Where there is no such instance, or its files cannot be read.
    pub fn wait(&self, id: InstanceId) -> Result<ExitStatus, InstanceError> {
        let dir = self.layout.instance(id);
        let mut lock = Self::open_lock(&dir)?.ok_or(InstanceError::NotFound(id))?;
        wait_free(&lock).map_err(read_failed(&dir.lock()))?;
        let ended = state::read_end(&mut lock).map_err(read_failed(&dir.lock()))?;
        Ok(ended.map_or(ExitStatus::Unknown, |ended| ended.status))
    }

    /// A handle to the first process of an instance that runs; `None` where it has ended or never ran.
    pub(super) fn process(&self, id: InstanceId) -> Result<Option<OwnedFd>, InstanceError> {
        let dir = self.layout.instance(id);
        let Some(running) = state::read_json::<Running>(&dir.process())? else { return Ok(None) };
        running.process.open().map_err(|source| InstanceError::Signal { id, source })
    }

    /// As [`Self::process`], of an instance whose lock somebody holds: one that is just starting is waited for until it
    /// has a process or gives its lock back.
    fn coming_process(&self, id: InstanceId, lock: &File) -> Result<Option<OwnedFd>, InstanceError> {
        let dir = self.layout.instance(id);
        let begun = Instant::now();
        while !dir.process().exists() {
            if is_free(lock).map_err(read_failed(&dir.lock()))? {
                return Ok(None);
            }
            if begun.elapsed() > START.0 {
                return Err(InstanceError::Starting(id));
            }
            // There is nothing to wait on that both ends of a start would wake.
            let _ = poll(&mut [], Some(&START.1));
        }
        self.process(id)
    }

    /// Sends a signal to its first process. Returns false where it does not run.
    ///
    /// # Errors
    ///
    /// Where the signal may not be sent.
    pub fn kill(&self, id: InstanceId, signal: Signal) -> Result<bool, InstanceError> {
        match self.process(id)? {
            Some(handle) => {
                if signal == Signal::KILL {
                    cgroups::thaw(id);
                }
                identity::send(&handle, signal).map_err(|source| InstanceError::Signal { id, source })
            }
            None => Ok(false),
        }
    }

    /// Sends its stop signal, SIGKILL after `timeout`, and waits until it is cleaned up.
    ///
    /// # Errors
    ///
    /// Where there is no such instance, or it outlives SIGKILL.
    pub fn stop(&self, id: InstanceId, timeout: Duration) -> Result<ExitStatus, InstanceError> {
        let dir = self.layout.instance(id);
        // Opened first: with `--rm` the directory goes, and how it ended is read from the open file.
        let mut lock = Self::open_lock(&dir)?.ok_or(InstanceError::NotFound(id))?;
        if let Some(handle) = self.coming_process(id, &lock)? {
            // Written before the process came to be, and read after it: an instance that is starting may not have it yet.
            let record = state::read_json::<Record>(&dir.record())?;
            let signal = record.map_or(Signal::TERM, |record| record.stop_signal);
            end_process(id, &handle, signal, timeout)
                .map_err(|source| InstanceError::Signal { id, source })?;
        }
        wait_free(&lock).map_err(read_failed(&dir.lock()))?;
        let ended = state::read_end(&mut lock).map_err(read_failed(&dir.lock()))?;
        Ok(ended.map_or(ExitStatus::Unknown, |ended| ended.status))
    }

    /// Removes what is left of an instance; with `force` also one that runs (it is killed). Removing a removed one is
    /// done.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Running`] for one that runs, without `force`; else where something cannot be taken down.
    pub fn remove(&self, id: InstanceId, force: bool) -> Result<(), InstanceError> {
        let dir = self.layout.instance(id);
        let Some(lock) = Self::open_lock(&dir)? else { return remove_directory(&dir) };
        if !try_exclusive(&lock).map_err(read_failed(&dir.lock()))? {
            // Somebody who only looks at it for a moment does not make it run.
            let runs = !is_free(&lock).map_err(read_failed(&dir.lock()))?;
            if runs && !force {
                return Err(InstanceError::Running(id));
            }
            let process = if runs { self.coming_process(id, &lock)? } else { None };
            if let Some(handle) = process {
                kill_process(id, &handle, PATIENCE).map_err(|source| InstanceError::Signal { id, source })?;
            }
            crate::lock::wait_exclusive(&lock).map_err(read_failed(&dir.lock()))?;
        }
        if let Some(record) = state::read_json::<Record>(&dir.record())? {
            self.end_leftover(&dir, id, PATIENCE)?;
            take_down(&self.mounts, &dir, &record, PATIENCE)?;
        }
        remove_directory(&dir)
    }

    /// Hands over the log, oldest line first; with `follow` goes on until the instance ends or `each` returns false.
    ///
    /// # Errors
    ///
    /// Where there is no such instance, or its log cannot be read.
    pub fn logs(
        &self,
        id: InstanceId,
        follow: bool,
        each: &mut dyn FnMut(LogLine) -> bool,
    ) -> Result<(), InstanceError> {
        self.logs_while(id, follow, &|| true, each)
    }

    /// The same for whoever may go in the middle: `wanted` is asked every second while no line comes, and ends it.
    ///
    /// # Errors
    ///
    /// Where there is no such instance, or its log cannot be read.
    pub fn logs_while(
        &self,
        id: InstanceId,
        follow: bool,
        wanted: &dyn Fn() -> bool,
        each: &mut dyn FnMut(LogLine) -> bool,
    ) -> Result<(), InstanceError> {
        let dir = self.layout.instance(id);
        let lock = Self::open_lock(&dir)?.ok_or(InstanceError::NotFound(id))?;
        self.read_logs(&dir, follow.then_some(&lock), wanted, each)
            .map_err(read_failed(&dir.path().join("log")))
    }

    #[allow(clippy::unused_self, reason = "the reader of its caller reads on")]
    fn read_logs(
        &self,
        dir: &InstanceDir,
        alive: Option<&File>,
        wanted: &dyn Fn() -> bool,
        each: &mut dyn FnMut(LogLine) -> bool,
    ) -> io::Result<()> {
        let changes = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        let watched =
            inotify::WatchFlags::MODIFY | inotify::WatchFlags::MOVED_FROM | inotify::WatchFlags::CLOSE_WRITE;
        inotify::add_watch(&changes, dir.path(), watched)?;
        let mut reader = LogReader::open(dir.path())?;
        loop {
            // Asked before reading: what was written before the end is read after it.
            let ended = alive.map_or(Ok(true), is_free)?;
            if !reader.read_available(each)? || ended || !wanted() {
                return Ok(());
            }
            // The end of an instance is no change of a file: look for it every second.
            let limit = Timespec { tv_sec: 1, tv_nsec: 0 };
            poll(&mut [PollFd::new(&changes, PollFlags::IN)], Some(&limit))?;
            let mut buffer = [0_u8; 4096];
            while rustix::io::read(&changes, &mut buffer).is_ok_and(|length| length > 0) {}
        }
    }

    /// Kills a first process whose monitor is gone, and waits for its end no longer than `patience`. The instance's lock
    /// must be held.
    pub(super) fn end_leftover(
        &self,
        dir: &InstanceDir,
        id: InstanceId,
        patience: Duration,
    ) -> Result<(), InstanceError> {
        let Some(running) = state::read_json::<Running>(&dir.process())? else { return Ok(()) };
        let failed = |source| InstanceError::Signal { id, source };
        match running.process.open().map_err(failed)? {
            Some(handle) => kill_process(id, &handle, patience).map_err(failed),
            None => Ok(()),
        }
    }
}

/// Asks a process to end by `signal`, kills it after `grace`, and returns when it has ended.
fn end_process(id: InstanceId, handle: &OwnedFd, signal: Signal, grace: Duration) -> io::Result<()> {
    if !identity::send(handle, signal)? || has_ended(handle, grace)? {
        return Ok(());
    }
    kill_process(id, handle, PATIENCE)
}

/// Kills a process of an instance, be it frozen, and returns when it has ended.
fn kill_process(id: InstanceId, handle: &OwnedFd, patience: Duration) -> io::Result<()> {
    cgroups::thaw(id);
    if !identity::send(handle, Signal::KILL)? || has_ended(handle, patience)? {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, format!("it has not ended {patience:?} after SIGKILL")))
}

fn has_ended(handle: &OwnedFd, limit: Duration) -> io::Result<bool> {
    let limit = Timespec::try_from(limit).map_err(|_| io::ErrorKind::InvalidInput)?;
    loop {
        match poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&limit)) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other? > 0),
        }
    }
}
