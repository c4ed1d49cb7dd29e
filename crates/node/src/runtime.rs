//! The OCI runtime that makes containers: the embedded one or an installed one, called in the same way.
//!
//! Source of the command line: the runc man pages; crun has the same one, and the embedded one follows it.

use std::ffi::OsString;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use model::InstanceId;
use serde::{Deserialize, Serialize};

use crate::dispatch;
use crate::layout::InstanceDir;
use crate::mount::ReadOnlyProgram;

/// What the user chose: `--runtime`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeChoice {
    /// libcontainer, inside this program: nothing has to be installed.
    #[default]
    Embedded,
    /// An installed program with runc's command line: a name to look up along PATH and in the sbin directories, or a path.
    Installed(PathBuf),
}

/// A program with runc's command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// What to execute.
    pub program: PathBuf,
    /// Arguments before all others: the hidden subcommand, for the embedded runtime.
    pub prefix_args: Vec<OsString>,
}

/// Streams of a container's process. `None` is an empty or bottomless one.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) stdout: Option<OwnedFd>,
    pub(crate) stderr: Option<OwnedFd>,
}

/// Longest message of a runtime that is passed on, in characters.
const LONGEST_MESSAGE: usize = 1000;

impl RuntimeChoice {
    /// The program to call. `self_exe` is this program.
    #[must_use]
    pub fn program(&self, self_exe: &Path) -> Runtime {
        match self {
            Self::Embedded => {
                Runtime { program: self_exe.to_owned(), prefix_args: vec![OsString::from(dispatch::RUNTIME)] }
            }
            Self::Installed(name) => {
                let program = find_program(name).unwrap_or_else(|| name.clone());
                Runtime { program, prefix_args: Vec::new() }
            }
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Embedded => "embedded".to_owned(),
            Self::Installed(name) => name.display().to_string(),
        }
    }
}

/// An installed program: a path as it stands, a name along PATH and in the directories where Debian keeps runc.
pub(crate) fn find_program(name: &Path) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return name.is_file().then(|| name.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(sbin).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// One runtime for one instance, whose state it keeps in the instance's own directory.
#[derive(Debug)]
pub(crate) struct RuntimeCall<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) dir: &'a InstanceDir,
    pub(crate) id: InstanceId,
}

/// A call that is being put together.
struct Call {
    command: Command,
    /// What it executes, where that is this program.
    _program: Option<ReadOnlyProgram>,
}

impl RuntimeCall<'_> {
    fn command(&self, log: &Path) -> Result<Call, String> {
        let is_embedded = self.runtime.prefix_args.first().is_some_and(|first| first == dispatch::RUNTIME);
        let program = is_embedded.then(|| ReadOnlyProgram::of(&self.runtime.program)).transpose();
        let program = program.map_err(|error| format!("failed to protect it from the container: {error}"))?;
        let path = program.as_ref().map_or_else(|| self.runtime.program.clone(), ReadOnlyProgram::path);
        let mut command = Command::new(path);
        // Nothing of the caller's environment is any of the container's or the runtime's business.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.args(&self.runtime.prefix_args);
        command.arg("--root").arg(self.dir.oci_root()).arg("--log").arg(log).args(["--log-format", "json"]);
        command.current_dir(self.dir.path());
        Ok(Call { command, _program: program })
    }

    /// Creates the container of the instance's bundle and starts it. The container's process has the streams, and its
    /// number is in `pid_file` then. The error is what the runtime said.
    pub(crate) fn run(
        &self,
        streams: Streams,
        pid_file: &Path,
        console: Option<&Path>,
    ) -> Result<(), String> {
        let log = self.dir.path().join("runtime.log");
        let mut call = self.command(&log)?;
        let command = &mut call.command;
        command
            .arg("run")
            .arg("--detach")
            .arg("--bundle")
            .arg(self.dir.path())
            .arg("--pid-file")
            .arg(pid_file);
        if let Some(console) = console {
            command.arg("--console-socket").arg(console);
        }
        command.arg(self.id.to_string());
        finish(call, streams, &log)
    }

    /// Runs a further process in the running container.
    pub(crate) fn exec(
        &self,
        process: &Path,
        streams: Streams,
        pid_file: &Path,
        console: Option<&Path>,
    ) -> Result<(), String> {
        let log = pid_file.with_extension("log");
        let mut call = self.command(&log)?;
        let command = &mut call.command;
        command.arg("exec").arg("--detach").arg("--process").arg(process).arg("--pid-file").arg(pid_file);
        if let Some(console) = console {
            command.arg("--console-socket").arg(console);
        }
        command.arg(self.id.to_string());
        let answer = finish(call, streams, &log);
        let _ = fs::remove_file(&log);
        answer
    }

    /// Ends what is left of the container and removes its cgroups and the runtime's state of it.
    pub(crate) fn delete(&self) -> Result<(), String> {
        let log = self.dir.path().join("runtime.log");
        let mut call = self.command(&log)?;
        call.command.arg("delete").arg("--force").arg(self.id.to_string());
        finish(call, Streams::default(), &log)
    }
}

/// Executes a call; the error is what the runtime said.
fn finish(mut call: Call, streams: Streams, log: &Path) -> Result<(), String> {
    let command = &mut call.command;
    let or_null = |stream: Option<OwnedFd>| stream.map_or_else(Stdio::null, Stdio::from);
    command.stdin(or_null(streams.stdin)).stdout(or_null(streams.stdout)).stderr(or_null(streams.stderr));
    let before = fs::metadata(log).map_or(0, |found| found.len());
    let status = command.status().map_err(|error| format!("failed to execute it: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let said = fs::read(log).unwrap_or_default();
    let new = said.get(usize::try_from(before).unwrap_or(0)..).unwrap_or_default();
    Err(last_error(&String::from_utf8_lossy(new))
        .unwrap_or_else(|| format!("it ended with {status} and said nothing")))
}

/// Why a command cannot be executed, as a shell tells it apart. Its text is what the embedded runtime says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandFailure {
    #[error("exec: the executable file is not found")]
    Missing,
    #[error("exec: the executable file cannot be executed: permission denied")]
    NotExecutable,
}

impl CommandFailure {
    /// What a runtime's message says of the command; `None` where it is about something else.
    ///
    /// Source: runc 1.1 (`exec: "x": executable file not found in $PATH`, `exec: "/x": stat /x: no such file or directory`,
    /// `exec: "/x": permission denied`, `exec /x: ...`, `eaccess /x: ...`), crun 1.8 (``executable file `x` not found in $PATH``, `open executable: ...`).
    pub(crate) fn in_message(message: &str) -> Option<Self> {
        let message = message.to_lowercase();
        let about_file = ["exec: ", "process: exec ", "eaccess ", "executable file `", "open executable: "];
        if !about_file.iter().any(|words| message.contains(words)) {
            return None;
        }
        let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
        if says(&["permission denied", "is a directory", "not a regular file"]) {
            Some(Self::NotExecutable)
        } else if says(&["not found", "no such file or directory", "not a directory"]) {
            Some(Self::Missing)
        } else {
            None
        }
    }
}

/// The last error of a log of JSON lines, as runc and crun write them.
fn last_error(log: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Line {
        level: String,
        msg: String,
    }
    let lines: Vec<Line> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let errors = lines.iter().rev().find(|line| matches!(line.level.as_str(), "error" | "fatal"));
    let message = errors.or(lines.last())?.msg.trim().replace('\n', " ");
    Some(message.chars().take(LONGEST_MESSAGE).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runtimes_say_of_a_command_is_told_apart() {
        use CommandFailure::{Missing, NotExecutable};
        let start = "runc create failed: unable to start container process:";
        for (message, failure) in [
            (format!("{start} exec: \"x\": executable file not found in $PATH"), Some(Missing)),
            (format!("{start} exec: \"/x\": stat /x: no such file or directory"), Some(Missing)),
            (format!("{start} exec: \"/x\": permission denied"), Some(NotExecutable)),
            (format!("{start} exec /x: permission denied"), Some(NotExecutable)),
            (format!("{start} exec: \"/x\": is a directory"), Some(NotExecutable)),
            ("executable file `x` not found in $PATH: No such file or directory".to_owned(), Some(Missing)),
            ("open executable: Permission denied".to_owned(), Some(NotExecutable)),
            (format!("failed to create container: {Missing}"), Some(Missing)),
            (format!("failed to create container: {NotExecutable}"), Some(NotExecutable)),
            ("mount `/x` to `/y`: No such file or directory".to_owned(), None),
            (format!("{start} error mounting \"/x\": permission denied"), None),
        ] {
            assert_eq!(CommandFailure::in_message(&message), failure, "{message}");
        }
    }

    #[test]
    fn the_last_error_of_a_log_is_what_is_passed_on() {
        let log = "{\"level\":\"error\",\"msg\":\"first\"}\nnonsense\n{\"level\":\"error\",\"msg\":\"second\\nline\"}\n\
                   {\"level\":\"warning\",\"msg\":\"later\"}\n";
        assert_eq!(last_error(log).as_deref(), Some("second line"));
        assert_eq!(last_error(""), None);
    }
}
