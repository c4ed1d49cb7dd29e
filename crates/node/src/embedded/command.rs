//! Executing a container's command, and telling what stands in the way.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Access, access};
use rustix::io::Errno;

use crate::runtime::CommandFailure;

/// A shell's exit codes for a command that is missing, and for one that cannot be executed.
const MISSING: i32 = 127;
const NOT_EXECUTABLE: i32 = 126;

/// Whether the command can be executed by this process, as execvp(3) looks for it.
pub(super) fn look_for(command: &str, path: &str) -> Result<(), CommandFailure> {
    let candidates: Vec<PathBuf> = match command.contains('/') {
        true => vec![PathBuf::from(command)],
        false => path.split(':').map(|folder| Path::new(folder).join(command)).collect(),
    };
    let mut worst = CommandFailure::Missing;
    for candidate in candidates {
        let is_file = candidate.metadata().map(|found| found.is_file());
        match (is_file, access(&candidate, Access::EXEC_OK)) {
            (Ok(true), Ok(())) => return Ok(()),
            (Ok(_), _) => worst = CommandFailure::NotExecutable,
            (Err(error), _) if error.kind() == io::ErrorKind::PermissionDenied => {
                worst = CommandFailure::NotExecutable;
            }
            (Err(_), _) => {}
        }
    }
    Err(worst)
}

/// Becomes the command, with every signal as the kernel has it at first: this program ignores some, and what is ignored
/// stays so. Returns only by ending the process, as a shell does for what it cannot execute.
pub(super) fn become_command(arguments: &[String]) -> ! {
    reset_signals();
    let (first, rest) = arguments.split_first().map_or(("", [].as_slice()), |(first, rest)| (first, rest));
    let error = Command::new(OsStr::new(first)).args(rest).exec();
    let is_missing = error.raw_os_error() == Some(Errno::NOENT.raw_os_error());
    let there = look_for(first, &std::env::var("PATH").unwrap_or_default()).is_ok();
    let why = if is_missing && there { "the interpreter or loader that it names is missing" } else { "" };
    let separator = if why.is_empty() { "" } else { ": " };
    // The container's own standard error: there is nobody else to tell, and if that is closed, the code tells.
    let _ = writeln!(io::stderr(), "imc: failed to execute `{first}`: {error}{separator}{why}");
    std::process::exit(if is_missing { MISSING } else { NOT_EXECUTABLE })
}

/// Source: the kernel's `struct sigaction` for rt_sigaction(2), which has room for 64 signals. All zeroes is the default
/// action, and nothing is blocked meanwhile.
#[allow(
    unsafe_code,
    reason = "there is no safe way to set the action of every signal, and glibc keeps two to itself"
)]
fn reset_signals() {
    const SIZE_OF_SET: usize = 8;
    let default = [0_u64; 4];
    for signal in 1..=64_i32 {
        // SAFETY: the kernel reads one structure. The actions of SIGKILL and SIGSTOP cannot be set and need not be. No
        // handler is lost that could be needed: this process is about to become another program.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                std::ptr::null_mut::<u64>(),
                SIZE_OF_SET,
            );
        }
    }
    // SAFETY: the kernel reads one set of signals.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            default.as_ptr(),
            std::ptr::null_mut::<u64>(),
            SIZE_OF_SET,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_command_is_looked_for_along_the_path_and_with_its_own_rights() {
        let folder = tempfile::tempdir().unwrap();
        let first = folder.path().join("first");
        let second = folder.path().join("second");
        for (folder, mode) in [(&first, 0o644), (&second, 0o700)] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("tool"), "").unwrap();
            std::fs::set_permissions(folder.join("tool"), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let path = format!("{}:{}", first.display(), second.display());
        assert_eq!(look_for("tool", &path), Ok(()));
        assert_eq!(look_for("tool", first.to_str().unwrap()), Err(CommandFailure::NotExecutable));
        assert_eq!(look_for("absent", &path), Err(CommandFailure::Missing));
        assert_eq!(look_for(first.to_str().unwrap(), ""), Err(CommandFailure::NotExecutable));
    }
}
