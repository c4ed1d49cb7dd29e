//! The command line of the embedded runtime: the part of runc's that this program uses.

use std::ffi::OsString;
use std::path::PathBuf;

/// What to do, and with which container.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) root: PathBuf,
    pub(super) log: Option<PathBuf>,
    pub(super) id: String,
    pub(super) action: Action,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// `run --detach`: create and start.
    Run {
        /// The directory with `config.json`.
        bundle: PathBuf,
        /// How.
        start: Start,
    },
    /// `exec --detach`: a further process.
    Exec {
        /// The file that describes it.
        process: PathBuf,
        /// How.
        start: Start,
    },
}

/// What `run` and `exec` have in common.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) pid_file: Option<PathBuf>,
    pub(super) console_socket: Option<PathBuf>,
}

impl Arguments {
    /// Options may be written `--name value` alone, as our own calls do. The error is the argument that is wrong.
    pub(super) fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let (mut root, mut log, mut bundle, mut process) = (None, None, None, None);
        let (mut action, mut id) = (None, None);
        let mut start = Start::default();
        while let Some(argument) = arguments.next() {
            let text = argument.to_str().ok_or_else(|| argument.to_string_lossy().into_owned())?.to_owned();
            let mut value = || arguments.next().map(PathBuf::from).ok_or_else(|| text.clone());
            match text.as_str() {
                "--root" => root = Some(value()?),
                "--log" => log = Some(value()?),
                "--log-format" => drop(value()?),
                "--bundle" => bundle = Some(value()?),
                "--process" => process = Some(value()?),
                "--pid-file" => start.pid_file = Some(value()?),
                "--console-socket" => start.console_socket = Some(value()?),
                "--detach" => {}
                _ if text.starts_with('-') => return Err(text),
                _ if action.is_none() => action = Some(text),
                _ if id.is_none() => id = Some(text),
                _ => return Err(text),
            }
        }
        let missing = |name: &str| name.to_owned();
        let action = match action.as_deref() {
            Some("run") => Action::Run { bundle: bundle.ok_or_else(|| missing("--bundle"))?, start },
            Some("exec") => Action::Exec { process: process.ok_or_else(|| missing("--process"))?, start },
            other => return Err(other.unwrap_or("a command").to_owned()),
        };
        let root = root.ok_or_else(|| missing("--root"))?;
        Ok(Self { root, log, id: id.ok_or_else(|| missing("an id"))?, action })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn reads_the_calls_of_this_crate() {
        let run =
            parse("--root /r --log /l --log-format json run --detach --bundle /b --pid-file /p c1").unwrap();
        assert_eq!(run.id, "c1");
        assert_eq!(run.log, Some("/l".into()));
        let start = Start { pid_file: Some("/p".into()), console_socket: None };
        assert_eq!(run.action, Action::Run { bundle: "/b".into(), start });
    }

    #[test]
    fn names_what_is_wrong() {
        assert_eq!(parse("--root /r run c1").unwrap_err(), "--bundle");
        assert_eq!(parse("--root /r run c1 c2").unwrap_err(), "c2");
        assert_eq!(parse("--root /r --systemd-cgroup run c1").unwrap_err(), "--systemd-cgroup");
        assert_eq!(parse("--root /r delete c1").unwrap_err(), "delete");
        assert_eq!(parse("run --bundle /b c1").unwrap_err(), "--root");
    }
}
