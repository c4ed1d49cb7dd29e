//! Random bytes for what every command needs.
//!
//! From the kernel: aws-lc's own generator gathers jitter of the processor when it is first asked, which takes a command of a
//! few milliseconds tens of them.

use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

/// Fills the bytes, at most 256 of them, which the kernel gives at once (getrandom(2)).
///
/// # Errors
/// Where the kernel gives none.
pub(crate) fn fill(bytes: &mut [u8]) -> io::Result<()> {
    match getrandom(&mut *bytes, GetRandomFlags::empty())? {
        filled if filled == bytes.len() => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
