//! The last steps inside of the container, right before the command is executed: what libcontainer leaves out.
//!
//! - It does not put the system call filter on a further process of a running container. The process is therefore made
//!   with the right to set one ([`LOADER`]), and gives it up here.
//! - It knows nothing of a terminal's size, and leaves the terminal to root.
//! - Its own look for the command takes what not everybody may execute for what nobody may, and its failure to execute it
//!   is told to nobody.

use libcontainer::oci_spec::runtime::{LinuxSeccomp, Spec};
use libcontainer::seccomp::initialize_seccomp;
use libcontainer::workload::{Executor, ExecutorError, ExecutorValidationError};
use rustix::fs::{Uid, fchown};
use rustix::termios::Winsize;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, remove_capability_from_bounding_set, set_capabilities,
};

use super::command::{become_command, look_for};
use crate::config::value_of;

/// What a process needs to set a filter on itself and to give that right up.
pub(super) const LOADER: [&str; 2] = ["CAP_SYS_ADMIN", "CAP_SETPCAP"];

/// What it needs to give the terminal to its user.
pub(super) const GIVER: &str = "CAP_CHOWN";

/// The executor of the embedded runtime.
#[derive(Clone, Default)]
pub(super) struct LastSteps {
    filter: Option<Filter>,
}

/// The filter of a further process, and what it may keep of [`LOADER`].
#[derive(Clone)]
pub(super) struct Filter {
    pub(super) profile: LinuxSeccomp,
    /// Whether the process was given these for this purpose alone.
    pub(super) borrowed: Borrowed,
    /// Who gets the terminal.
    pub(super) owner: Option<Uid>,
}

/// For each set of capabilities, which were added.
#[derive(Clone, Copy, Default)]
pub(super) struct Borrowed {
    pub(super) sys_admin_bounding: bool,
    pub(super) sys_admin: bool,
    pub(super) setpcap: bool,
    pub(super) chown: bool,
}

impl LastSteps {
    pub(super) fn with(filter: Option<Filter>) -> Self {
        Self { filter }
    }
}

impl Executor for LastSteps {
    fn exec(&self, spec: &Spec) -> Result<(), ExecutorError> {
        let failed = |error: &dyn std::fmt::Display| ExecutorError::Execution(error.to_string().into());
        set_terminal_size(spec);
        if let Some(filter) = &self.filter {
            if filter.owner.is_some() {
                fchown(rustix::stdio::stdin(), filter.owner, None).map_err(|errno| failed(&errno))?;
            }
            initialize_seccomp(&filter.profile).map_err(|error| failed(&error))?;
            give_up(filter.borrowed).map_err(|errno| failed(&errno))?;
        }
        let arguments = spec.process().as_ref().and_then(|process| process.args().as_ref());
        become_command(arguments.ok_or(ExecutorError::InvalidArg)?)
    }

    fn validate(&self, spec: &Spec) -> Result<(), ExecutorValidationError> {
        let process = spec.process().as_ref();
        let arguments = process.and_then(|process| process.args().as_ref());
        let command = arguments.and_then(|arguments| arguments.first()).map_or("", String::as_str);
        let environment = process.and_then(|process| process.env().as_ref());
        let path = environment.and_then(|environment| value_of(environment, "PATH")).unwrap_or_default();
        look_for(command, path)
            .map_err(|failure| ExecutorValidationError::ArgValidationError(failure.to_string()))
    }
}

fn give_up(borrowed: Borrowed) -> rustix::io::Result<()> {
    if borrowed.sys_admin_bounding {
        remove_capability_from_bounding_set(CapabilitySet::SYS_ADMIN)?;
    }
    let mut gone = CapabilitySet::empty();
    gone.set(CapabilitySet::SYS_ADMIN, borrowed.sys_admin);
    gone.set(CapabilitySet::SETPCAP, borrowed.setpcap);
    gone.set(CapabilitySet::CHOWN, borrowed.chown);
    let sets = capabilities(None)?;
    let kept = CapabilitySets {
        effective: sets.effective - gone,
        permitted: sets.permitted - gone,
        inheritable: sets.inheritable - gone,
    };
    set_capabilities(None, kept)
}

fn set_terminal_size(spec: &Spec) {
    let size = spec.process().as_ref().and_then(|process| process.console_size().as_ref().map(|size| *size));
    let fit = |length: u64| u16::try_from(length).ok();
    if let Some((rows, columns)) = size.and_then(|size| fit(size.height()).zip(fit(size.width()))) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // A terminal of another size is a lesser evil than no command.
        let _ = rustix::termios::tcsetwinsize(rustix::stdio::stdin(), size);
    }
}
