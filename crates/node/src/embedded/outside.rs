//! What is done for a container from outside of it, with rights that its processes do not have.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Uid, chownat, fchown, fstatfs, openat};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde::Deserialize;

/// Source: the kernel's include/uapi/linux/magic.h.
const PIPEFS_MAGIC: u64 = 0x5049_5045;

/// The parts of `config.json` that are looked at here.
#[derive(Deserialize)]
pub(super) struct Wanted {
    process: Process,
    linux: Linux,
}

/// The same of a further process's description.
#[derive(Deserialize)]
pub(super) struct Process {
    #[serde(default)]
    terminal: bool,
    user: User,
}

#[derive(Deserialize)]
struct User {
    uid: u32,
}

#[derive(Deserialize)]
struct Linux {
    #[serde(default)]
    namespaces: Vec<Namespace>,
}

#[derive(Deserialize)]
struct Namespace {
    #[serde(rename = "type")]
    kind: String,
}

impl Wanted {
    pub(super) fn of_bundle(bundle: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(bundle.join("config.json"))?)?)
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// For the created container, whose command has not begun.
    pub(super) fn give(&self, pid: i32) -> io::Result<()> {
        if let Some(uid) = self.process.owner_of_terminal() {
            // By the name of what is open, so that nothing is opened: a terminal could become this process's own.
            let terminal =
                openat(CWD, format!("/proc/{pid}/fd/0"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
            chownat(&terminal, "", Some(uid), None, AtFlags::EMPTY_PATH)?;
        }
        if self.linux.namespaces.iter().any(|namespace| namespace.kind == "network") {
            let network = File::open(format!("/proc/{pid}/ns/net"))?;
            move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
            bring_loopback_up()?;
        }
        Ok(())
    }
}

impl Process {
    pub(super) fn read(file: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(file)?)?)
    }

    /// Who must own the terminal to open it by its name; root can anyway.
    pub(super) fn owner_of_terminal(&self) -> Option<Uid> {
        (self.terminal && self.user.uid != 0).then(|| Uid::from_raw(self.user.uid))
    }

    /// Pipes on the standard streams become the user's, so that it can open `/dev/stdout`. Files and terminals of whoever
    /// called stay whose they are.
    pub(super) fn own_pipes(&self) -> io::Result<()> {
        let streams = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
        let mut pipes = streams.iter().filter(|stream| self.user.uid != 0 && is_pipe(**stream));
        Ok(pipes.try_for_each(|pipe| fchown(pipe, Some(Uid::from_raw(self.user.uid)), None))?)
    }
}

fn is_pipe(stream: BorrowedFd<'_>) -> bool {
    fstatfs(stream).is_ok_and(|found| u64::try_from(found.f_type) == Ok(PIPEFS_MAGIC))
}

#[allow(unsafe_code, reason = "rustix has no ioctl for the flags of a network device")]
/// In the network namespace of this thread.
pub(crate) fn bring_loopback_up() -> io::Result<()> {
    let socket = match socket(AddressFamily::INET, SocketType::DGRAM, None) {
        // A kernel without IPv4: nobody can use what would be brought up.
        Err(Errno::AFNOSUPPORT) => return Ok(()),
        other => other?,
    };
    // SAFETY: all of the structure is numbers, and all zeroes are valid ones.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed() as libc::c_char;
    }
    for call in [libc::SIOCGIFFLAGS, libc::SIOCSIFFLAGS] {
        // SAFETY: both calls read and write one `ifreq` and no more.
        if unsafe { libc::ioctl(socket.as_raw_fd(), call as _, &raw mut request) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just written the flags, or is done with them.
        unsafe { request.ifr_ifru.ifru_flags |= libc::IFF_UP as libc::c_short };
    }
    Ok(())
}
