//! Where an OCI runtime hands over the terminal of a process: a socket that it connects to.
//!
//! Source: runc's docs/terminals.md: the runtime sends the pseudo terminal's master with SCM_RIGHTS.

use std::fs::{self, File};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use crate::RuntimeChoice;

/// A listening console socket in an instance's directory, removed when dropped.
#[derive(Debug)]
pub(crate) struct Console {
    listener: UnixListener,
    path: PathBuf,
    name: String,
}

impl Console {
    pub(crate) fn listen(directory: &Path, name: String) -> io::Result<Self> {
        let path = directory.join(&name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // An address holds 107 bytes, a data directory's path may be longer: this name of it never is.
        let open = File::open(directory)?;
        let listener = UnixListener::bind(format!("/proc/self/fd/{}/{name}", open.as_raw_fd()))?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, path, name })
    }

    /// The path to tell a runtime whose working directory is the instance's: libcontainer connects by a link of its
    /// own and wants an absolute path; the others connect by what they are told, where a short one is safe.
    pub(crate) fn path_for(&self, runtime: &RuntimeChoice) -> PathBuf {
        match runtime {
            RuntimeChoice::Embedded => self.path.clone(),
            RuntimeChoice::Installed(_) => PathBuf::from(&self.name),
        }
    }

    /// The terminal that a runtime has sent. Call it when the runtime is done: it does not wait.
    pub(crate) fn take_master(&self) -> io::Result<OwnedFd> {
        let (stream, _) = self.listener.accept()?;
        let mut byte = [0_u8; 256];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        recvmsg(&stream, &mut [IoSliceMut::new(&mut byte)], &mut beside, RecvFlags::CMSG_CLOEXEC)?;
        let rights = beside.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        rights.ok_or_else(|| io::Error::other("the runtime sent no terminal"))
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // Left behind it does no harm: it goes with the instance's directory.
        let _ = fs::remove_file(&self.path);
    }
}
