//! The words between the process that starts an instance and its monitor: packets of JSON over a Unix socket pair, with
//! descriptors beside them.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use model::{ExitStatus, Timestamp};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Longest packet; a runtime's error message is cut before it gets that long.
const LONGEST: usize = 64 << 10;
/// Most descriptors with one packet: a lock and three streams.
const MOST_DESCRIPTORS: usize = 4;

/// To the monitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ToMonitor {
    /// Start the instance of this directory. With it comes the instance's lock, and the three standard streams where
    /// they are not to go to the log.
    Begin {
        /// The data directory.
        data_dir: std::path::PathBuf,
        /// The instance.
        id: model::InstanceId,
        /// Whether the caller keeps the terminal (or the streams).
        attached: bool,
    },
    /// Send this signal to the first process.
    Signal(crate::Signal),
}

/// From the monitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FromMonitor {
    /// The first process runs. With it comes its terminal's other end where the caller is attached to one.
    Started {
        /// Its number on the host.
        pid: u32,
        /// When.
        started: Timestamp,
    },
    /// It did not come to run; all is cleaned up.
    Failed {
        /// What the runtime said.
        message: String,
    },
    /// It ended; all is cleaned up.
    Exited(ExitStatus),
}

/// One end of the line.
#[derive(Debug)]
pub(crate) struct Control(OwnedFd);

impl From<OwnedFd> for Control {
    fn from(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }
}

impl From<Control> for OwnedFd {
    fn from(control: Control) -> Self {
        control.0
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Control {
    /// Both ends of a new line.
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (one, other) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(one), Self(other)))
    }

    /// Sends a word; a line whose other end is gone is an error of kind `BrokenPipe`.
    pub(crate) fn send(&self, word: &impl Serialize, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let bytes = serde_json::to_vec(word).expect("our own words serialise");
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::Error::other("too many descriptors for one packet"));
        }
        loop {
            match sendmsg(&self.0, &[IoSlice::new(&bytes)], &mut beside, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                other => return other.map(drop).map_err(io::Error::from),
            }
        }
    }

    /// Waits for a word; `None` where the other end is gone.
    pub(crate) fn receive<T: DeserializeOwned>(&self) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
        let mut bytes = vec![0_u8; LONGEST];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let length = loop {
            let mut slices = [IoSliceMut::new(&mut bytes)];
            match recvmsg(&self.0, &mut slices, &mut beside, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => {}
                Err(Errno::CONNRESET) => return Ok(None),
                other => break other?.bytes,
            }
        };
        if length == 0 {
            return Ok(None);
        }
        let descriptors = beside.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        let descriptors = descriptors.flatten().collect();
        Ok(Some((serde_json::from_slice(&bytes[..length])?, descriptors)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn words_and_descriptors_there_and_the_end_is_seen() {
        let (here, there) = Control::pair().unwrap();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let word = FromMonitor::Exited(ExitStatus::Code(3));
        here.send(&word, &[writer.as_fd()]).unwrap();
        drop(writer);
        let (heard, mut descriptors) = there.receive::<FromMonitor>().unwrap().unwrap();
        assert_eq!(heard, word);
        let mut passed = std::fs::File::from(descriptors.pop().unwrap());
        passed.write_all(b"through").unwrap();
        drop(passed);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        drop(here);
        assert!(there.receive::<FromMonitor>().unwrap().is_none());
        assert_eq!(there.send(&word, &[]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
