//! Starting an instance's monitor and hearing that the first process runs.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command, Stdio};

use model::Timestamp;
use rustix::fs::{FileType, makedev};

use super::prepare::Prepared;
use super::{Attachment, InstanceSpec, Instances};
use crate::control::{Control, FromMonitor, ToMonitor};
use crate::layout::InstanceDir;
use crate::relay::Relay;
use crate::{InstanceError, Session, dispatch};

/// Whether that is the null device.
fn is_null(out: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(out).is_ok_and(|stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == makedev(1, 3)
    })
}

impl Instances {
    /// Hands the instance over to a monitor. The lock goes with it: the monitor holds it from now on.
    pub(super) fn launch(
        &self,
        spec: &InstanceSpec,
        prepared: &Prepared,
        dir: &InstanceDir,
        lock: File,
        attachment: Attachment,
    ) -> Result<(u32, Timestamp, Session), InstanceError> {
        let id = spec.id;
        let lost = |source| InstanceError::MonitorLost { id, source };
        let attached = attachment == Attachment::Caller;
        let begun = if attached { Relay::begin().map(Some) } else { Ok(None) };
        let relay = begun.map_err(|source| InstanceError::Terminal { action: "relay", source })?;
        let (control, monitor) = self.spawn_monitor(spec, dir)?;
        let begin = ToMonitor::Begin { data_dir: self.config.data_dir.clone(), id, attached };
        // Room for the descriptors that live while they are sent.
        let null = File::open("/dev/null").map_err(lost)?;
        let (stdin, stdout, stderr) =
            (rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr());
        let stdin = if spec.options.interactive { stdin } else { null.as_fd() };
        // The runtime inside puts the container's /dev/null in place of the host's, opened for reading alone, and whoever
        // writes there fails. What is written here is lost the same way.
        let sink = File::options().write(true).open("/dev/zero").map_err(lost)?;
        let [stdout, stderr] = [stdout, stderr].map(|out| if is_null(out) { sink.as_fd() } else { out });
        let mut beside: Vec<BorrowedFd<'_>> = vec![lock.as_fd()];
        if attached && !spec.options.terminal {
            beside.extend([stdin, stdout, stderr]);
        }
        control.send(&begin, &beside).map_err(lost)?;
        drop(lock);
        match control.receive::<FromMonitor>().map_err(lost)? {
            Some((FromMonitor::Started { pid, started }, descriptors)) => {
                let master: Option<OwnedFd> = descriptors.into_iter().next();
                let session = Session::new(id, control, master, spec.options.interactive, monitor, relay);
                Ok((pid, started, session))
            }
            Some((FromMonitor::Failed { message }, _)) => Err(prepared.refused(spec, message)),
            Some((FromMonitor::Exited(_), _)) | None => Err(lost(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn spawn_monitor(
        &self,
        spec: &InstanceSpec,
        dir: &InstanceDir,
    ) -> Result<(Control, Child), InstanceError> {
        let program = &self.config.self_exe;
        let failed = |source| InstanceError::Monitor { id: spec.id, program: program.clone(), source };
        let (ours, theirs) = Control::pair().map_err(failed)?;
        let mut command = Command::new(program);
        for secret in dispatch::SECRETS {
            command.env_remove(secret);
        }
        let child = command
            .arg(dispatch::MONITOR)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir(dir.path())
            .spawn()
            .map_err(failed)?;
        Ok((ours, child))
    }
}
