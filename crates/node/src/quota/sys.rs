//! The kernel's side of project quotas: one system call and two ioctls.
#![allow(unsafe_code, reason = "quotactl_fd(2) has no safe wrapper, nor have the ioctls for a project id")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use rustix::ioctl::{Getter, Opcode, Setter, ioctl, opcode};

use super::ProjectId;

/// Source: the kernel's include/uapi/linux/quota.h and dqblk_xfs.h. Each command works on ext4 and xfs alike: the
/// kernel translates.
const PRJQUOTA: u32 = 2;
const Q_GETQUOTA: u32 = 0x80_0007;
const Q_SETQUOTA: u32 = 0x80_0008;
const Q_XGETQSTATV: u32 = ((b'X' as u32) << 8) + 8;
const FS_QSTATV_VERSION1: i8 = 1;
const QIF_BLIMITS: u32 = 1;
/// Project usage is counted.
pub(super) const FS_QUOTA_PDQ_ACCT: u16 = 1 << 4;
/// Project limits hold.
pub(super) const FS_QUOTA_PDQ_ENFD: u16 = 1 << 5;
/// New files and directories below get the directory's project. Source: the kernel's include/uapi/linux/fs.h.
pub(super) const FS_XFLAG_PROJINHERIT: u32 = 0x200;
const FS_IOC_FSGETXATTR: Opcode = opcode::read::<Attributes>(b'X', 31);
const FS_IOC_FSSETXATTR: Opcode = opcode::write::<Attributes>(b'X', 32);

/// The head of `struct fs_quota_statv`, and room for the rest.
#[repr(C)]
struct State {
    version: i8,
    pad: u8,
    flags: u16,
    in_core: u32,
    rest: [u64; 19],
}

const _: () = assert!(size_of::<State>() == 160, "the kernel's struct fs_quota_statv");

/// `struct if_dqblk`. Limits on space count blocks of 1 KiB whatever the file system's block is; 0 is no limit.
#[repr(C)]
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) hard_blocks: u64,
    soft_blocks: u64,
    pub(super) bytes: u64,
    hard_inodes: u64,
    soft_inodes: u64,
    pub(super) inodes: u64,
    block_time: u64,
    inode_time: u64,
    valid: u32,
}

const _: () = assert!(size_of::<Usage>() == 72, "the kernel's struct if_dqblk");

/// `struct fsxattr`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes {
    pub(super) flags: u32,
    extent_size: u32,
    extents: u32,
    pub(super) project: u32,
    cow_extent_size: u32,
    pad: [u8; 8],
}

const _: () = assert!(size_of::<Attributes>() == 28, "the kernel's struct fsxattr");

/// What quotas are on for the file system that a file lies on: `FS_QUOTA_*`.
pub(super) fn state(file: &File) -> io::Result<u16> {
    let mut state = State { version: FS_QSTATV_VERSION1, pad: 0, flags: 0, in_core: 0, rest: [0; 19] };
    // SAFETY: Q_XGETQSTATV reads and writes one `struct fs_quota_statv`, which `State` has the size and head of.
    unsafe { quotactl(file, Q_XGETQSTATV, 0, &mut state) }?;
    Ok(state.flags)
}

/// What a project uses and may use; zeros for one that never was.
pub(super) fn usage(file: &File, project: ProjectId) -> io::Result<Usage> {
    let mut usage = Usage::default();
    // SAFETY: Q_GETQUOTA writes one `struct if_dqblk`, which `Usage` mirrors field by field.
    match unsafe { quotactl(file, Q_GETQUOTA, project.get(), &mut usage) } {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Usage::default()),
        other => other.map(|()| usage),
    }
}

/// Limits a project's space, in KiB; 0 lifts the limit.
pub(super) fn set_hard_limit(file: &File, project: ProjectId, hard_blocks: u64) -> io::Result<()> {
    let mut limit = Usage { hard_blocks, valid: QIF_BLIMITS, ..Usage::default() };
    // SAFETY: Q_SETQUOTA reads one `struct if_dqblk`, which `Usage` mirrors field by field.
    unsafe { quotactl(file, Q_SETQUOTA, project.get(), &mut limit) }
}

/// # Safety
///
/// `T` must be the structure that `command` reads or writes.
unsafe fn quotactl<T>(file: &File, command: u32, id: u32, operand: &mut T) -> io::Result<()> {
    let command = command << 8 | PRJQUOTA;
    let operand: *mut T = operand;
    // SAFETY: the descriptor is open and the operand borrowed mutably for the whole call; the rest is the caller's.
    match unsafe { libc::syscall(libc::SYS_quotactl_fd, file.as_raw_fd(), command, id, operand) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The attributes of a file, its project among them.
pub(super) fn attributes(file: &File) -> io::Result<Attributes> {
    // SAFETY: FS_IOC_FSGETXATTR writes one `struct fsxattr`, which `Attributes` mirrors field by field.
    Ok(unsafe { ioctl(file, Getter::<FS_IOC_FSGETXATTR, Attributes>::new()) }?)
}

/// Sets them.
pub(super) fn set_attributes(file: &File, attributes: Attributes) -> io::Result<()> {
    // SAFETY: FS_IOC_FSSETXATTR reads one `struct fsxattr`, which `Attributes` mirrors field by field.
    Ok(unsafe { ioctl(file, Setter::<FS_IOC_FSSETXATTR, Attributes>::new(attributes)) }?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_kernel_s() {
        assert_eq!(Q_XGETQSTATV, 0x5808);
        assert_eq!(Q_SETQUOTA << 8 | PRJQUOTA, 0x8000_0802);
        #[cfg(target_arch = "x86_64")]
        assert_eq!((FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR), (0x801c_581f, 0x401c_5820));
        assert_eq!(std::mem::offset_of!(State, flags), 2);
        assert_eq!(std::mem::offset_of!(Usage, inodes), 40);
        assert_eq!(std::mem::offset_of!(Usage, valid), 64);
        assert_eq!(std::mem::offset_of!(Attributes, project), 12);
    }
}
