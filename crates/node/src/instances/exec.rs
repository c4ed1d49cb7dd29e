//! Running a further command in a running instance.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::{ExitStatus, InstanceId};
use rustix::fs::Mode;
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{
    Pid, WaitOptions, child_subreaper, getpgid, kill_process_group, set_child_subreaper, umask, waitpid,
};

use super::Instances;
use super::prepare::{check_command, host_traits, of_command, process_input, terminal_of};
use crate::account;
use crate::config;
use crate::console::Console;
use crate::identity::{open_pid, send};
use crate::layout::InstanceDir;
use crate::monitor::exit_status;
use crate::relay::Relay;
use crate::rootfs::Rootfs;
use crate::runtime::{RuntimeCall, Streams};
use crate::state::{self, Record, Running};
use crate::{ExecOptions, InstanceError, Signal, require_root};

/// Files of one call, removed when dropped.
struct CallFiles {
    process: PathBuf,
    pid: PathBuf,
    console: String,
}

impl CallFiles {
    fn in_dir(dir: &InstanceDir) -> Self {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let name = format!("exec-{}-{}", std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed));
        let file = |kind: &str| dir.path().join(format!("{name}.{kind}"));
        Self { process: file("json"), pid: file("pid"), console: format!("{name}.sock") }
    }
}

impl Drop for CallFiles {
    fn drop(&mut self) {
        // Left behind they go with the instance's directory.
        let _ = fs::remove_file(&self.process);
        let _ = fs::remove_file(&self.pid);
    }
}

impl Instances {
    /// Runs a command in a running instance with this process's streams, forwards signals, and returns how it ended.
    ///
    /// For as long as that takes this process is a child subreaper: a caller that is a server gives it a process of its
    /// own.
    ///
    /// # Errors
    ///
    /// Where the instance does not run, the command is not in it, or the runtime refuses.
    pub fn exec(&self, id: InstanceId, options: &ExecOptions) -> Result<ExitStatus, InstanceError> {
        require_root("run commands in instances")?;
        let dir = self.layout.instance(id);
        let record: Record = state::read_json(&dir.record())?.ok_or(InstanceError::NotFound(id))?;
        let root = self.live_root(id)?;
        let files = CallFiles::in_dir(&dir);
        let path = write_process(&dir, &root, &record, options, &files)?;
        let failed = |source| InstanceError::Terminal { action: "relay", source };
        let before = child_subreaper().map_err(|errno| failed(errno.into()))?;
        set_child_subreaper(Some(Pid::INIT)).map_err(|errno| failed(errno.into()))?;
        // Not every runtime takes the container's from the process's description.
        let own = umask(Mode::from_raw_mode(config::UMASK));
        let answer = run(&dir, &record, options, &files, &path);
        umask(own);
        set_child_subreaper(before).map_err(|errno| failed(errno.into()))?;
        answer
    }

    /// The root as the instance's processes see it, volumes and all.
    fn live_root(&self, id: InstanceId) -> Result<Rootfs, InstanceError> {
        let gone = || InstanceError::NotRunning(id);
        let dir = self.layout.instance(id);
        let running = state::read_json::<Running>(&dir.process())?.ok_or_else(gone)?;
        let path = PathBuf::from(format!("/proc/{}/root", running.process.pid));
        let root = Rootfs::open(&path);
        // Looked at afterwards: what was opened is its own.
        if self.process(id)?.is_none() {
            return Err(gone());
        }
        root.map_err(|source| InstanceError::ReadState { path, source })
    }
}

/// Returns the PATH along which the command is looked for.
fn write_process(
    dir: &InstanceDir,
    live_root: &Rootfs,
    record: &Record,
    options: &ExecOptions,
    files: &CallFiles,
) -> Result<String, InstanceError> {
    let id = record.id;
    let command = options.command.first().filter(|command| !command.is_empty()).ok_or_else(|| {
        InstanceError::Option {
            option: "command",
            value: String::new(),
            expected: "expected a program's name",
        }
    })?;
    options.command.iter().try_for_each(|argument| config::no_zero("command", argument))?;
    let user = options.user.as_deref().unwrap_or(&record.user);
    // Not by the live root: a container may have put a link to a file of /proc there, and reading some of these does
    // something. The command is only looked at.
    let root = Rootfs::open(&dir.merged())
        .map_err(|source| InstanceError::ReadState { path: dir.merged(), source })?;
    let account = account::resolve(user, &root).map_err(|source| InstanceError::Account { id, source })?;
    let mut environment = record.environment.clone();
    if options.user.is_some() && !record.options.env.iter().any(|entry| entry.starts_with("HOME=")) {
        config::overlay(&mut environment, &[format!("HOME={}", account.home)])?;
    }
    if options.terminal && config::value_of(&environment, "TERM").is_none() {
        environment.push("TERM=xterm".to_owned());
    }
    config::overlay(&mut environment, &options.env)?;
    let working_dir = options.working_dir.as_deref().unwrap_or(&record.working_dir);
    check_working_dir(live_root, working_dir)?;
    check_command(live_root, command, &environment, working_dir, &account)?;
    let host = host_traits(&record.runtime);
    let input = process_input(
        &options.command,
        &environment,
        working_dir,
        &account,
        terminal_of(options.terminal),
        host,
    );
    state::write_json(&files.process, &config::process(&input))?;
    Ok(config::value_of(&environment, "PATH").unwrap_or_default().to_owned())
}

/// Nothing is made for a command, unlike at a start; and runtimes say of a missing directory what nobody understands.
fn check_working_dir(live_root: &Rootfs, path: &str) -> Result<(), InstanceError> {
    let expected = match live_root.is_directory(Path::new(path)) {
        _ if !path.starts_with('/') => "expected an absolute path",
        // What is in /proc depends on who looks. What cannot be looked at the runtime may know.
        _ if Path::new(path).starts_with("/proc") => return Ok(()),
        Ok(None | Some(false)) => "expected a directory that the instance has",
        Ok(Some(true)) | Err(_) => return Ok(()),
    };
    Err(InstanceError::Option { option: "workdir", value: path.to_owned(), expected })
}

fn run(
    dir: &InstanceDir,
    record: &Record,
    options: &ExecOptions,
    files: &CallFiles,
    path: &str,
) -> Result<ExitStatus, InstanceError> {
    let id = record.id;
    let failed = |source| InstanceError::Terminal { action: "relay", source };
    let refused = |message: String| {
        let runtime = record.runtime.name();
        let command = options.command.first().map_or("", String::as_str);
        of_command(command, path, &message).unwrap_or(InstanceError::Runtime {
            action: "run a command in",
            id,
            runtime,
            message,
        })
    };
    let runtime = record.runtime.program(&record.self_exe);
    let call = RuntimeCall { runtime: &runtime, dir, id };
    let mut relay = Relay::begin().map_err(failed)?.with_grace(options.grace);
    let mut master = None;
    if options.terminal {
        let console = Console::listen(dir.path(), files.console.clone()).map_err(failed)?;
        let socket = console.path_for(&record.runtime);
        call.exec(&files.process, Streams::default(), &files.pid, Some(&socket)).map_err(refused)?;
        master = Some(console.take_master().map_err(failed)?);
    } else {
        call.exec(&files.process, own_streams(options.interactive).map_err(failed)?, &files.pid, None)
            .map_err(refused)?;
    }
    let text = fs::read_to_string(&files.pid).map_err(super::life::read_failed(&files.pid))?;
    let number: i32 =
        text.trim().parse().map_err(|_| refused(format!("its pid file holds `{}`", text.trim())))?;
    let pid = Pid::from_raw(number).ok_or_else(|| refused("its pid file holds 0".to_owned()))?;
    // Its parent is this process, so until it is waited for below its number means nobody else.
    if let Some(handle) = open_pid(number.unsigned_abs()).map_err(failed)? {
        relay.take_over(master, options.interactive).map_err(failed)?;
        let mut forward = |signal: Signal| match signal {
            // Nobody can send this process one: it is the end of the grace.
            Signal::KILL => kill_all(&handle, pid),
            signal => drop(send(&handle, signal)),
        };
        relay.until(handle.as_fd(), &mut forward).map_err(failed)?;
        if relay.was_asked_to_end() {
            kill_all(&handle, pid);
        }
    }
    Ok(reap(pid))
}

/// Kills a command that is not waited for yet, and what it started and left in its process group. Runtimes make one for each
/// command; its leader is the command, or a step of the runtime before it.
fn kill_all(handle: &OwnedFd, pid: Pid) {
    // Who is gone needs no signal.
    match (getpgid(Some(pid)), getpgid(None)) {
        (Ok(group), Ok(own)) if group != own => {
            let _ = kill_process_group(group, rustix::process::Signal::KILL);
        }
        _ => {}
    }
    drop(send(handle, Signal::KILL));
}

/// How often, and how long each time, the ended process is waited for to become this one's child.
const ADOPTION: (u32, Duration) = (500, Duration::from_millis(10));

/// The exit status of an ended process. It becomes this process's child when the runtime's own parent of it has ended,
/// which with crun may be a moment after the call. Other children are not ours to wait for.
fn reap(pid: Pid) -> ExitStatus {
    for _ in 0..ADOPTION.0 {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => return exit_status(status.exit_status(), status.terminating_signal()),
            Err(Errno::CHILD) if PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero())).exists() => {
                std::thread::sleep(ADOPTION.1);
            }
            Err(Errno::INTR) => {}
            _ => break,
        }
    }
    ExitStatus::Unknown
}

fn own_streams(interactive: bool) -> io::Result<Streams> {
    let own =
        |stream: BorrowedFd<'_>| -> io::Result<Option<OwnedFd>> { Ok(Some(fcntl_dupfd_cloexec(stream, 3)?)) };
    let stdin = if interactive { own(rustix::stdio::stdin())? } else { None };
    Ok(Streams { stdin, stdout: own(rustix::stdio::stdout())?, stderr: own(rustix::stdio::stderr())? })
}
