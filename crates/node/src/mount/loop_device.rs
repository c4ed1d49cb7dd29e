//! Loop devices, for kernels that do not mount EROFS from a file.
#![allow(unsafe_code, reason = "the loop driver is spoken to by ioctl, and no crate of ours wraps these two")]

use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, Setter, ioctl};

/// Source: the kernel's include/uapi/linux/loop.h.
const LOOP_CTL_GET_FREE: Opcode = 0x4C82;
const LOOP_CONFIGURE: Opcode = 0x4C0A;
const LO_FLAGS_READ_ONLY: u32 = 1;
const LO_FLAGS_AUTOCLEAR: u32 = 4;

/// Another process may take the free device first; that often, and something else is wrong.
const ATTEMPTS: usize = 64;

/// A read-only loop device over a file. The kernel frees it when this and every mount of it is gone.
#[derive(Debug)]
pub(super) struct LoopDevice {
    path: PathBuf,
    _open: File,
}

impl LoopDevice {
    /// Sets one up.
    pub(super) fn over(file: &Path) -> io::Result<Self> {
        let backing = File::open(file)?;
        let control = OpenOptions::new().read(true).write(true).open("/dev/loop-control")?;
        for _ in 0..ATTEMPTS {
            // SAFETY: `GetFree` describes LOOP_CTL_GET_FREE truly: no operand, a number as the result.
            let number = unsafe { ioctl(&control, GetFree) }?;
            let path = PathBuf::from(format!("/dev/loop{number}"));
            let device = File::open(&path)?;
            let config = LoopConfig::read_only(backing.as_raw_fd());
            // SAFETY: LOOP_CONFIGURE reads one `struct loop_config`, which `LoopConfig` mirrors field by field.
            let configured = unsafe { ioctl(&device, Setter::<LOOP_CONFIGURE, LoopConfig>::new(config)) };
            match configured {
                Ok(()) => return Ok(Self { path, _open: device }),
                Err(Errno::BUSY) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Err(Errno::BUSY.into())
    }

    /// Its node in /dev.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

struct GetFree;

// SAFETY: LOOP_CTL_GET_FREE takes no operand and returns a device number.
unsafe impl Ioctl for GetFree {
    type Output = i32;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        LOOP_CTL_GET_FREE
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::null_mut()
    }

    unsafe fn output_from_ptr(number: IoctlOutput, _: *mut c_void) -> rustix::io::Result<i32> {
        Ok(number)
    }
}

/// `struct loop_config` with its `struct loop_info64`.
#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    device: u64,
    inode: u64,
    rdevice: u64,
    offset: u64,
    size_limit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
    reserved: [u64; 8],
}

const _: () = assert!(size_of::<LoopConfig>() == 304, "the kernel's struct loop_config");

impl LoopConfig {
    fn read_only(backing: i32) -> Self {
        Self {
            fd: u32::try_from(backing).expect("an open descriptor is not negative"),
            block_size: 0,
            device: 0,
            inode: 0,
            rdevice: 0,
            offset: 0,
            size_limit: 0,
            number: 0,
            encrypt_type: 0,
            encrypt_key_size: 0,
            flags: LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR,
            file_name: [0; 64],
            crypt_name: [0; 64],
            encrypt_key: [0; 32],
            init: [0; 2],
            reserved: [0; 8],
        }
    }
}
