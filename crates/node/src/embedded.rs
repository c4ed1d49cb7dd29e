//! The embedded OCI runtime: libcontainer behind runc's command line.
//!
//! It forks, so it runs in a small process of its own that has no threads: this program, called as
//! `internal-runtime ...`. It says what went wrong in the log file that it was given, as runc does, since its streams
//! are the container's.

mod arguments;
mod command;
mod executor;
mod notes;
mod outside;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use libcontainer::container::Container;
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;

use libcontainer::oci_spec::runtime::{LinuxSeccomp, Spec};
use serde_json::Value;

use arguments::{Action, Arguments, Start};
use executor::{Borrowed, Filter, GIVER, LOADER, LastSteps};
use notes::Notes;
pub(crate) use outside::bring_loopback_up;
use outside::{Process, Wanted};
use rustix::fs::{Mode, Uid};
use rustix::process::umask;

/// Runs the embedded runtime with the arguments behind `internal-runtime`.
pub(crate) fn embedded_runtime_main(arguments: impl Iterator<Item = std::ffi::OsString>) -> ExitCode {
    let arguments = match Arguments::parse(arguments) {
        Ok(arguments) => arguments,
        // A usage error of our own making: there is no log to write it to.
        Err(_) => return ExitCode::from(64),
    };
    // What it makes is not the caller's.
    umask(Mode::from_raw_mode(crate::config::UMASK));
    let noted = arguments.log.as_deref().and_then(Notes::begin);
    match act(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            if let Some(log) = &arguments.log {
                let cause = noted.and_then(|from| Notes::cause(log, from));
                let cause = cause.filter(|cause| !message.contains(cause));
                log_error(log, &cause.map_or(message.clone(), |cause| format!("{message}: {cause}")));
            }
            ExitCode::FAILURE
        }
    }
}

fn act(arguments: &Arguments) -> Result<(), String> {
    let id = &arguments.id;
    match &arguments.action {
        Action::Run { bundle, start } => {
            let wanted = Wanted::of_bundle(bundle).map_err(|error| chain(&error))?;
            wanted.process().own_pipes().map_err(|error| chain(&error))?;
            let builder = builder(arguments, start, LastSteps::default())?;
            let builder = builder.as_init(bundle).with_systemd(false).with_detach(true);
            let mut container = builder.build().map_err(|error| chain(&error))?;
            let pid = container.pid().ok_or("the container has no process")?.as_raw();
            wanted.give(pid).map_err(|error| chain(&error))?;
            container.start().map_err(|error| chain(&error))
        }
        Action::Exec { process, start } => {
            let widened = process.with_extension("widened");
            let described = Process::read(process).map_err(|error| chain(&error))?;
            described.own_pipes().map_err(|error| chain(&error))?;
            let owner = described.owner_of_terminal();
            let filter = filter_of_container(&arguments.root.join(id), process, &widened, owner)?;
            let process = if filter.is_some() { &widened } else { process };
            let builder = builder(arguments, start, LastSteps::with(filter))?;
            let builder = builder.as_tenant().with_detach(true).with_process(Some(process));
            let answer = builder.build().map(drop).map_err(|error| chain(&error));
            // Left behind it goes with the instance's directory.
            let _ = fs::remove_file(&widened);
            answer
        }
    }
}

/// The system call filter that the container's first process has, for a further one. The further process, described in
/// the file `process`, needs rights to set it; `widened` describes it with these.
fn filter_of_container(
    container: &Path,
    process: &Path,
    widened: &Path,
    owner: Option<Uid>,
) -> Result<Option<Filter>, String> {
    let container = Container::load(container.to_owned()).map_err(|error| chain(&error))?;
    let spec = Spec::load(container.bundle().join("config.json")).map_err(|error| chain(&error))?;
    let profile: Option<LinuxSeccomp> = spec.linux().as_ref().and_then(|linux| linux.seccomp().clone());
    let Some(profile) = profile else { return Ok(None) };
    let text = fs::read(process).map_err(|error| chain(&error))?;
    let mut description: Value = serde_json::from_slice(&text).map_err(|error| chain(&error))?;
    let mut borrowed = Borrowed::default();
    for set in ["bounding", "permitted", "effective"] {
        let list = &mut description["capabilities"][set];
        if !list.is_array() {
            *list = Value::Array(Vec::new());
        }
        for name in LOADER.into_iter().chain(owner.map(|_| GIVER)) {
            let missing = list.as_array().is_some_and(|list| !list.iter().any(|one| one == name));
            if let (true, Some(list)) = (missing, list.as_array_mut()) {
                list.push(Value::from(name));
                match (set, name) {
                    ("bounding", "CAP_SYS_ADMIN") => borrowed.sys_admin_bounding = true,
                    ("bounding", _) => {
                        return Err("the instance's processes must be able to drop rights".to_owned());
                    }
                    (_, "CAP_SYS_ADMIN") => borrowed.sys_admin = true,
                    (_, GIVER) => borrowed.chown = true,
                    _ => borrowed.setpcap = true,
                }
            }
        }
    }
    fs::write(widened, description.to_string()).map_err(|error| chain(&error))?;
    Ok(Some(Filter { profile, borrowed, owner }))
}

fn builder(arguments: &Arguments, start: &Start, last_steps: LastSteps) -> Result<ContainerBuilder, String> {
    ContainerBuilder::new(arguments.id.clone(), SyscallType::default())
        .with_executor(last_steps)
        .with_root_path(arguments.root.clone())
        .and_then(|builder| builder.with_pid_file(start.pid_file.clone()))
        .and_then(|builder| builder.with_console_socket(start.console_socket.clone()).validate_id())
        .map_err(|error| chain(&error))
}

/// An error with everything that caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Transparent errors repeat their source.
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn log_error(log: &Path, message: &str) {
    let line = serde_json::json!({ "level": "error", "msg": message });
    let opened = OpenOptions::new().create(true).append(true).open(log);
    // There is nowhere else to say it: the exit code tells the caller at least that it failed.
    let _ = opened.and_then(|mut file| writeln!(file, "{line}"));
}
