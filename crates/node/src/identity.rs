//! Which process a number means: process ids are reused, so a number alone means nobody.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::Signal;

/// A process, by its number, the instant of its start and the boot in which that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessIdentity {
    pub(crate) pid: u32,
    start_ticks: u64,
    boot: String,
}

impl ProcessIdentity {
    /// Of a process that is there now.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        Ok(Self { pid, start_ticks: start_ticks(pid)?, boot: boot()? })
    }

    /// A handle to the process that cannot come to mean another; `None` where it is gone (an unreaped one is still there).
    pub(crate) fn open(&self) -> io::Result<Option<OwnedFd>> {
        if boot()? != self.boot {
            return Ok(None);
        }
        let Some(handle) = open_pid(self.pid)? else { return Ok(None) };
        // Opened first, compared then: what was compared is what is open.
        match start_ticks(self.pid) {
            Ok(ticks) if ticks == self.start_ticks => Ok(Some(handle)),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A handle to the process that has the number now.
pub(crate) fn open_pid(pid: u32) -> io::Result<Option<OwnedFd>> {
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::INVAL)?;
    match pidfd_open(number, PidfdFlags::empty()) {
        Err(Errno::SRCH) => Ok(None),
        other => other.map(Some).map_err(io::Error::from),
    }
}

/// Sends a signal; false where the process has ended.
pub(crate) fn send(handle: &OwnedFd, signal: Signal) -> io::Result<bool> {
    let raw = i32::from(signal.number());
    let Some(signal) = rustix::process::Signal::from_named_raw(raw).or_else(|| real_time(raw)) else {
        return Err(Errno::INVAL.into());
    };
    match pidfd_send_signal(handle, signal) {
        Ok(()) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

#[allow(
    unsafe_code,
    reason = "rustix has no safe way to a real-time signal; images of systemd stop on SIGRTMIN+3"
)]
fn real_time(raw: i32) -> Option<rustix::process::Signal> {
    // SAFETY: 34 to 64 are glibc's SIGRTMIN to SIGRTMAX, which libc leaves to programs, and we only send them.
    (34..=64).contains(&raw).then(|| unsafe { rustix::process::Signal::from_raw_unchecked(raw) })
}

/// Source: proc_pid_stat(5), field 22, counted from behind the name, which may hold blanks and parentheses.
fn start_ticks(pid: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|error| {
        // A process that goes while its file is read.
        if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) {
            io::ErrorKind::NotFound.into()
        } else {
            error
        }
    })?;
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = behind_name.split_whitespace().nth(19).and_then(|field| field.parse().ok());
    ticks.ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat has no start time")))
}

fn boot() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_and_another_with_its_number_is_not() {
        let own = ProcessIdentity::of(std::process::id()).unwrap();
        assert!(own.open().unwrap().is_some());
        let reused = ProcessIdentity { start_ticks: own.start_ticks + 1, ..own.clone() };
        assert!(reused.open().unwrap().is_none());
        let before_restart = ProcessIdentity { boot: "other".to_owned(), ..own };
        assert!(before_restart.open().unwrap().is_none());
    }

    #[test]
    fn an_ended_process_is_not_signalled() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let identity = ProcessIdentity::of(child.id()).unwrap();
        let handle = identity.open().unwrap().unwrap();
        assert!(send(&handle, Signal::KILL).unwrap());
        child.wait().unwrap();
        assert!(!send(&handle, Signal::TERM).unwrap());
        assert!(identity.open().unwrap().is_none());
    }
}
