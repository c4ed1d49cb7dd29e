//! What an instance runs, and with which environment: Docker's rules.

use model::{ImageConfig, InstanceId};

use crate::{InstanceError, RunOptions};

/// Source: the kernel's and Docker's default.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl RunOptions {
    /// The command and its arguments with these options; empty where neither the image nor the user names one.
    ///
    /// A command of the user replaces the image's and keeps its entrypoint; an entrypoint of the user replaces both.
    #[must_use]
    pub fn command_line(&self, image: &ImageConfig) -> Vec<String> {
        let (entrypoint, image_command) = match &self.entrypoint {
            Some(entrypoint) => (entrypoint.as_slice(), [].as_slice()),
            None => (image.entrypoint.as_slice(), image.cmd.as_slice()),
        };
        let command = if self.command.is_empty() { image_command } else { &self.command };
        entrypoint.iter().chain(command).cloned().collect()
    }
}

/// The command and its arguments; never empty.
pub(crate) fn arguments(
    id: InstanceId,
    image: &ImageConfig,
    options: &RunOptions,
) -> Result<Vec<String>, InstanceError> {
    let arguments = options.command_line(image);
    match arguments.first() {
        None => Err(InstanceError::NoCommand(id)),
        Some(first) if first.is_empty() => Err(InstanceError::Option {
            option: "command",
            value: String::new(),
            expected: "expected a program's name",
        }),
        Some(_) => arguments.iter().try_for_each(|argument| no_zero("command", argument)).map(|()| arguments),
    }
}

/// What the environment is made of besides the image and the user.
pub(crate) struct Surroundings<'a> {
    pub(crate) hostname: &'a str,
    pub(crate) home: &'a str,
    pub(crate) terminal: bool,
}

/// The environment of an instance's first process, `NAME=value` each, every name once.
pub(crate) fn environment(
    image: &ImageConfig,
    options: &RunOptions,
    around: &Surroundings<'_>,
) -> Result<Vec<String>, InstanceError> {
    let mut all = vec![format!("PATH={DEFAULT_PATH}"), format!("HOSTNAME={}", around.hostname)];
    if around.terminal {
        all.push("TERM=xterm".to_owned());
    }
    // An entry of the image that is no `NAME=value` could not be seen by a program anyway.
    for entry in image.env.iter().filter(|entry| checked(entry).is_ok()) {
        put(&mut all, entry);
    }
    overlay(&mut all, &options.env)?;
    if value_of(&all, "HOME").is_none() {
        all.push(format!("HOME={}", around.home));
    }
    Ok(all)
}

/// Puts the user's entries over an environment.
pub(crate) fn overlay(all: &mut Vec<String>, entries: &[String]) -> Result<(), InstanceError> {
    for entry in entries {
        checked(entry)?;
        put(all, entry);
    }
    Ok(())
}

/// The value of a name in an environment.
pub(crate) fn value_of<'a>(all: &'a [String], name: &str) -> Option<&'a str> {
    all.iter().find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='))
}

fn put(all: &mut Vec<String>, entry: &str) {
    let name = entry.split_once('=').map_or(entry, |(name, _)| name);
    let same = |old: &&mut String| old.split_once('=').is_some_and(|(old, _)| old == name);
    match all.iter_mut().find(same) {
        Some(old) => entry.clone_into(old),
        None => all.push(entry.to_owned()),
    }
}

fn checked(entry: &str) -> Result<(), InstanceError> {
    no_zero("env", entry)?;
    match entry.split_once('=') {
        Some((name, _)) if !name.is_empty() => Ok(()),
        _ => Err(InstanceError::Option {
            option: "env",
            value: entry.to_owned(),
            expected: "expected `NAME=value`",
        }),
    }
}

/// C's strings end at a zero, so an argument with one would be cut where nobody expects it.
pub(crate) fn no_zero(option: &'static str, value: &str) -> Result<(), InstanceError> {
    if value.contains('\0') {
        return Err(InstanceError::Option {
            option,
            value: value.to_owned(),
            expected: "expected no zero byte in it",
        });
    }
    Ok(())
}
