//! The monitor: one small process per instance that outlives whoever started it.
//!
//! It has the runtime make the container, becomes the parent of its first process (as a child subreaper), collects what
//! it prints where nobody is attached, waits for its end, and takes everything down. It holds the instance's lock from
//! beginning to end, so its own death is seen by everybody.

mod log_writer;
mod supervise;

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use model::{Clock, ExitStatus, SystemClock};
use rustix::fs::{FallocateFlags, Mode};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Pid, WaitOptions, set_child_subreaper, setsid, umask, wait};

use crate::blob_mounts::BlobMounts;
use crate::config;
use crate::console::Console;
use crate::control::{Control, FromMonitor, ToMonitor};
use crate::identity::{ProcessIdentity, open_pid};
use crate::layout::{InstanceDir, Layout};
use crate::lock::unlock;
use crate::mount::Via;
use crate::runtime::{RuntimeCall, Streams};
use crate::state::{self, Ended, Record, Running};
use crate::teardown::{PATIENCE, remove_directory, take_down};
use log_writer::LogWriter;
use supervise::{Source, Supervision};

use crate::logs::LogStream;

/// Room for how an instance ended.
const END_ROOM: u64 = 1024;

/// Runs the monitor: its line to the caller is the standard input.
pub(crate) fn monitor_main() -> ExitCode {
    match watch() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever started it sees the line end; what is left is cleaned up by the next command.
        Err(_) => ExitCode::FAILURE,
    }
}

/// What the first word of the caller brings.
struct Begun {
    control: Control,
    lock: File,
    streams: Option<[OwnedFd; 3]>,
    attached: bool,
    mounts: BlobMounts,
    dir: InstanceDir,
    record: Record,
}

fn watch() -> io::Result<()> {
    let begun = begin()?;
    let started = match start(&begun) {
        Ok(started) => started,
        Err(message) => return give_up(begun, message),
    };
    let Begun { control, mut lock, mounts, dir, record, attached, .. } = begun;
    let Outcome { pid, handle, running, sources, master, keep } = started;
    let word = FromMonitor::Started { pid: running.process.pid, started: running.started };
    let beside: Vec<_> = master.iter().filter(|_| attached).map(AsFd::as_fd).collect();
    let listening = control.send(&word, &beside).is_ok();
    // So that how it ended can be written on a disk that has become full. Without the room it is tried all the same.
    let _ = rustix::fs::fallocate(&lock, FallocateFlags::KEEP_SIZE, 0, END_ROOM);
    let log = LogWriter::open(dir.path());
    let supervision = Supervision { handle, control: listening.then_some(control), sources, master, log };
    // From here on nothing but the end of the first process leads further, and everything leads to the taking down. What
    // cannot be watched is waited for; its caller sees the line end.
    let control = supervision.until_end().unwrap_or_default();
    drop(keep);
    let status = reap(pid);
    let ended = Ended { status, finished: SystemClock.now() };
    let clean = take_down(&mounts, &dir, &record, PATIENCE);
    // Unwritten, it ended with an unknown status, as the next reconciliation finds.
    let written = state::write_end(&mut lock, ended);
    let removed = if record.remove_on_exit && clean.is_ok() { remove_directory(&dir) } else { Ok(()) };
    // Before the word: who hears it may remove the instance at once.
    unlock(&lock)?;
    if let Some(control) = control {
        let _ = control.send(&FromMonitor::Exited(status), &[]);
    }
    clean.and(removed).map_err(io::Error::other).and(written)
}

/// Whatever its caller had open, a lock for example, is not to stay open for as long as the instance lives.
#[allow(unsafe_code, reason = "nothing safe closes descriptors that nobody in this process knows")]
fn close_all_but_the_standard_streams() {
    // SAFETY: it is the first that this process does, so no descriptor of these is anybody's.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
}

fn begin() -> io::Result<Begun> {
    close_all_but_the_standard_streams();
    let control = Control::from(fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    let Some((ToMonitor::Begin { data_dir, id, attached }, descriptors)) = control.receive()? else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let mut descriptors = descriptors.into_iter();
    let lock = descriptors.next().map(File::from).ok_or(io::ErrorKind::InvalidData)?;
    let streams: Vec<OwnedFd> = descriptors.collect();
    let streams = <[OwnedFd; 3]>::try_from(streams).ok();
    // What runtimes make is not the caller's.
    umask(Mode::from_raw_mode(config::UMASK));
    // A session of its own, so that the caller's terminal ends neither it nor the container.
    setsid()?;
    set_child_subreaper(Some(Pid::INIT))?;
    let layout = Layout::of(&data_dir);
    let dir = layout.instance(id);
    let record: Record = state::read_json(&dir.record())
        .map_err(io::Error::other)?
        .ok_or_else(|| io::Error::other("the instance has no record"))?;
    let mounts = BlobMounts::new(layout, Via::Best);
    Ok(Begun { control, lock, streams, attached, mounts, dir, record })
}

/// What came of starting.
struct Outcome {
    pid: Pid,
    handle: OwnedFd,
    running: Running,
    sources: Vec<Source>,
    master: Option<OwnedFd>,
    /// The other end of an input that stays open.
    keep: Option<OwnedFd>,
}

fn start(begun: &Begun) -> Result<Outcome, String> {
    let say = |error: io::Error| error.to_string();
    let (dir, record) = (&begun.dir, &begun.record);
    let runtime = record.runtime.program(&record.self_exe);
    let call = RuntimeCall { runtime: &runtime, dir, id: record.id };
    let pid_file = dir.path().join("pid");
    let mut sources = Vec::new();
    let mut master = None;
    let mut keep = None;
    if record.options.terminal {
        let console = Console::listen(dir.path(), "console.sock".to_owned()).map_err(say)?;
        call.run(Streams::default(), &pid_file, Some(&console.path_for(&record.runtime)))?;
        master = Some(console.take_master().map_err(say)?);
    } else {
        let (streams, ours, input) = streams(begun).map_err(say)?;
        call.run(streams, &pid_file, None)?;
        sources = ours;
        keep = input;
    }
    let pid = fs::read_to_string(&pid_file).map_err(say)?;
    let pid: u32 =
        pid.trim().parse().map_err(|_| format!("the runtime's pid file holds `{}`", pid.trim()))?;
    let process = ProcessIdentity::of(pid).map_err(say)?;
    let handle = open_pid(pid).map_err(say)?.ok_or("its first process is gone without a trace")?;
    let running = Running { process, started: SystemClock.now() };
    state::write_json(&dir.process(), &running).map_err(|error| error.to_string())?;
    let pid =
        i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or("the runtime's pid file holds no number")?;
    Ok(Outcome { pid, handle, running, sources, master, keep })
}

type Wiring = (Streams, Vec<Source>, Option<OwnedFd>);

/// The streams of the first process: the caller's own, or pipes to the log. Our ends with them, and the open end of an
/// input that nobody writes to.
fn streams(begun: &Begun) -> io::Result<Wiring> {
    if let Some([stdin, stdout, stderr]) = &begun.streams {
        let own = |stream: &OwnedFd| stream.try_clone().map(Some);
        let streams = Streams { stdin: own(stdin)?, stdout: own(stdout)?, stderr: own(stderr)? };
        return Ok((streams, Vec::new(), None));
    }
    let (out, out_of_container) = io::pipe()?;
    let (err, err_of_container) = io::pipe()?;
    let sources =
        vec![Source::new(out.into(), LogStream::Stdout), Source::new(err.into(), LogStream::Stderr)];
    let (stdin, keep) = if begun.record.options.interactive {
        let (input, keep) = io::pipe()?;
        (Some(OwnedFd::from(input)), Some(OwnedFd::from(keep)))
    } else {
        (None, None)
    };
    let streams =
        Streams { stdin, stdout: Some(out_of_container.into()), stderr: Some(err_of_container.into()) };
    Ok((streams, sources, keep))
}

/// The container did not come to run: as if it had never been.
fn give_up(mut begun: Begun, message: String) -> io::Result<()> {
    let clean = take_down(&begun.mounts, &begun.dir, &begun.record, PATIENCE);
    if clean.is_ok() {
        // What is left of it is half made, and removed by the next reconciliation.
        let _ = remove_directory(&begun.dir);
    } else {
        let ended = Ended { status: ExitStatus::Unknown, finished: SystemClock.now() };
        // Unwritten, it is found to have ended by the next reconciliation.
        let _ = state::write_end(&mut begun.lock, ended);
    }
    unlock(&begun.lock)?;
    begun.control.send(&FromMonitor::Failed { message }, &[])
}

/// The exit status of the first process. Its parent is this process, at once or when what the runtime left behind has
/// ended: crun makes a container by a child that outlives the call. So every child is waited for until it is the one.
fn reap(pid: Pid) -> ExitStatus {
    loop {
        match wait(WaitOptions::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(Some((found, status))) if found == pid => {
                return exit_status(status.exit_status(), status.terminating_signal());
            }
            Ok(Some(_)) => {}
            _ => return ExitStatus::Unknown,
        }
    }
}

/// From the two halves of wait(2)'s status.
pub(crate) fn exit_status(code: Option<i32>, signal: Option<i32>) -> ExitStatus {
    let byte = |number: i32| u8::try_from(number).ok();
    match (code.and_then(byte), signal.and_then(byte)) {
        (Some(code), _) => ExitStatus::Code(code),
        (None, Some(signal)) => ExitStatus::Signal(signal),
        (None, None) => ExitStatus::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_of_a_wait_status() {
        assert_eq!(exit_status(Some(7), None), ExitStatus::Code(7));
        assert_eq!(exit_status(None, Some(9)), ExitStatus::Signal(9));
        assert_eq!(exit_status(None, None), ExitStatus::Unknown);
    }
}
