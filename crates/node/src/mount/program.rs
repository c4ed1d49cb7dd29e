//! A program as a container may come to see it: never writable.
//!
//! The embedded runtime is this program, and until it executes the container's command it is a process of the container:
//! a command that leads to `/proc/self/exe` would hand the host's own file to the container's root (CVE-2019-5736). So
//! the runtime is executed from a read-only mount of the file that is nowhere in any tree, or, where the kernel makes
//! none, from a sealed copy in memory.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};

/// A program that can be executed by its [`path`](Self::path) for as long as this lives.
#[derive(Debug)]
pub(crate) struct ReadOnlyProgram(OwnedFd);

impl ReadOnlyProgram {
    pub(crate) fn of(program: &Path) -> io::Result<Self> {
        mounted(program).map_err(io::Error::from).or_else(|_| copied(program)).map(Self)
    }

    /// For a child of this process: the descriptor goes when it executes.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }
}

fn mounted(program: &Path) -> Result<OwnedFd, Errno> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mount = open_tree(CWD, program, flags)?;
    make_read_only(mount.as_fd())?;
    Ok(mount)
}

fn copied(program: &Path) -> io::Result<OwnedFd> {
    let mut from = File::open(program)?;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know the word and make every one executable.
    let memory = match memfd_create("imc", flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => memfd_create("imc", flags)?,
        other => other?,
    };
    let mut memory = File::from(memory);
    io::copy(&mut from, &mut memory)?;
    fcntl_add_seals(&memory, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    // The kernel executes nothing that somebody has open for writing.
    let readable = File::open(format!("/proc/self/fd/{}", memory.as_raw_fd()))?;
    Ok(readable.into())
}

/// Source: mount_setattr(2), `struct mount_attr`.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

const MOUNT_ATTR_RDONLY: u64 = 1;

#[allow(unsafe_code, reason = "rustix has no mount_setattr(2)")]
fn make_read_only(mount: BorrowedFd<'_>) -> Result<(), Errno> {
    let attributes = MountAttributes { set: MOUNT_ATTR_RDONLY, clear: 0, propagation: 0, user_namespace: 0 };
    // SAFETY: the path is a C string and the structure as long as is said; both live until the call returns.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    };
    let errno = io::Error::last_os_error().raw_os_error().unwrap_or_default();
    if answer == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(errno)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn runs_and_cannot_be_written_to(program: &ReadOnlyProgram, refusals: &[i32]) {
        let mut child = Command::new(program.path())
            .args(["-c", "read line; echo $line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let seen = rustix::fs::open(
            format!("/proc/{}/exe", child.id()),
            rustix::fs::OFlags::PATH,
            rustix::fs::Mode::empty(),
        )
        .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"ran\n").unwrap();
        assert_eq!(child.wait_with_output().unwrap().stdout, b"ran\n");
        // Nobody executes it any more, which would refuse a writer as well.
        let opened = File::options().write(true).open(format!("/proc/self/fd/{}", seen.as_raw_fd()));
        let written = opened.and_then(|mut file| std::io::Write::write_all(&mut file, b"x"));
        let errno = written.unwrap_err().raw_os_error().unwrap();
        assert!(refusals.contains(&errno), "{errno}");
    }

    #[test]
    fn neither_a_mounted_nor_a_copied_program_can_be_overwritten_by_who_runs_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("program");
        std::fs::copy("/bin/sh", &file).unwrap();
        let copy = ReadOnlyProgram(copied(&file).unwrap());
        runs_and_cannot_be_written_to(&copy, &[libc::EPERM, libc::ETXTBSY]);
        if testkit::privileged() {
            let mount = ReadOnlyProgram(mounted(&file).unwrap());
            runs_and_cannot_be_written_to(&mount, &[libc::EROFS]);
        }
        assert_eq!(std::fs::read(&file).unwrap(), std::fs::read("/bin/sh").unwrap());
    }
}
