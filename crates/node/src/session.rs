//! The line between the process that started an instance and the instance's monitor.

use model::ExitStatus;

use crate::{InstanceError, Signal};

/// The line to the monitor of an instance that this process started.
#[derive(Debug)]
pub struct Session {
    _private: (),
}

#[allow(clippy::todo, clippy::missing_errors_doc, unused_variables, reason = "being written")]
impl Session {
    /// Waits until the instance has ended and is cleaned up; meanwhile forwards this process's signals (INT, TERM, HUP, QUIT, USR1,
    /// USR2) to it and, where it has a terminal, relays it to this process's in raw mode, sizes included.
    pub fn attach(self) -> Result<ExitStatus, InstanceError> {
        todo!()
    }

    /// Waits until the instance has ended and is cleaned up, and forwards nothing.
    pub fn wait(self) -> Result<ExitStatus, InstanceError> {
        todo!()
    }

    /// Sends a signal to the first process.
    pub fn signal(&mut self, signal: Signal) -> Result<(), InstanceError> {
        todo!()
    }
}
