//! The line between the process that started an instance and the instance's monitor.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Child;

use model::{ExitStatus, InstanceId};

use crate::control::{Control, FromMonitor, ToMonitor};
use crate::relay::Relay;
use crate::{InstanceError, Signal};

/// The line to the monitor of an instance that this process started. Dropped, the instance goes on without it, and what
/// it prints to a terminal goes to its log.
#[derive(Debug)]
pub struct Session {
    id: InstanceId,
    control: Control,
    master: Option<OwnedFd>,
    interactive: bool,
    monitor: Child,
    relay: Option<Relay>,
}

impl Session {
    pub(crate) fn new(
        id: InstanceId,
        control: Control,
        master: Option<OwnedFd>,
        interactive: bool,
        monitor: Child,
        relay: Option<Relay>,
    ) -> Self {
        Self { id, control, master, interactive, monitor, relay }
    }

    /// Waits until the instance has ended and is cleaned up; meanwhile forwards this process's signals (INT, TERM, HUP,
    /// QUIT, USR1, USR2) to it and, where it has a terminal, relays it to this process's in raw mode, sizes included.
    ///
    /// # Errors
    ///
    /// Where this process's terminal fails, or the monitor dies. The instance may go on then.
    pub fn attach(mut self) -> Result<ExitStatus, InstanceError> {
        let failed = |source| InstanceError::Terminal { action: "relay", source };
        {
            let mut relay = self.relay.take().map_or_else(Relay::begin, Ok).map_err(failed)?;
            relay.take_over(self.master.take(), self.interactive).map_err(failed)?;
            let control = &self.control;
            // A signal to a process that has just ended has done its work.
            let mut forward = |signal| drop(control.send(&ToMonitor::Signal(signal), &[]));
            relay.until(control.as_fd(), &mut forward).map_err(failed)?;
        }
        self.wait()
    }

    /// Waits until the instance has ended and is cleaned up, and forwards nothing. What could not be cleaned up is left to
    /// [`crate::Instances::reconcile`].
    ///
    /// # Errors
    ///
    /// Where the monitor dies.
    pub fn wait(mut self) -> Result<ExitStatus, InstanceError> {
        let lost = |source| InstanceError::MonitorLost { id: self.id, source };
        loop {
            match self.control.receive::<FromMonitor>().map_err(lost)? {
                Some((FromMonitor::Exited(status), _)) => {
                    // It has nothing left to do; waiting for it leaves no zombie.
                    let _ = self.monitor.wait();
                    return Ok(status);
                }
                Some(_) => {}
                None => return Err(lost(io::ErrorKind::UnexpectedEof.into())),
            }
        }
    }

    /// Sends a signal to the first process.
    ///
    /// # Errors
    ///
    /// Where the monitor is gone.
    pub fn signal(&self, signal: Signal) -> Result<(), InstanceError> {
        self.control
            .send(&ToMonitor::Signal(signal), &[])
            .map_err(|source| InstanceError::MonitorLost { id: self.id, source })
    }
}
