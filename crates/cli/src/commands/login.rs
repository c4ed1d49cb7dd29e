//! `imc login` and `logout`: credentials, checked before they are kept.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use registry::{Credentials, Registry};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::app::{docker_config, settings};
use crate::args::{LoginArgs, LogoutArgs, RegistryArgs};
use crate::exit::Failure;
use crate::printer::Printer;

/// Longer than any password or token.
const LONGEST_SECRET: u64 = 64 << 10;

pub(crate) async fn login(args: LoginArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let path = config_path()?;
    let username = match args.username {
        Some(name) => name,
        None => ask("user name: ")?,
    };
    let password = match args.password_stdin {
        true => piped_password()?,
        false => ask_hidden(&format!("password of {username} at {}: ", args.host))?,
    };
    let registry = Registry::new(settings(&args.registry)?)?;
    let credentials = Credentials::basic(username, password);
    registry.ping(&args.host, Some(&credentials)).await?;
    registry.store_credentials(&path, &args.host, &credentials).await?;
    printer.note(&format!("logged in to {}; kept in {} or its credential helper", args.host, path.display()));
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn logout(args: LogoutArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let path = config_path()?;
    let registry = Registry::new(settings(&RegistryArgs::default())?)?;
    let there = registry.erase_credentials(&path, &args.host).await?;
    let said = if there { "forgotten" } else { "there were none" };
    printer.note(&format!("credentials of {}: {said}", args.host));
    Ok(ExitCode::SUCCESS)
}

fn config_path() -> Result<PathBuf, Failure> {
    docker_config()
        .ok_or_else(|| Failure::input("failed to find where to keep credentials: set HOME or DOCKER_CONFIG"))
}

fn piped_password() -> Result<String, Failure> {
    let mut secret = String::new();
    std::io::stdin()
        .take(LONGEST_SECRET)
        .read_to_string(&mut secret)
        .map_err(|error| Failure::system("read the password from standard input", &error))?;
    Ok(secret.trim_end_matches(['\r', '\n']).to_owned())
}

fn ask(prompt: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::input(
            "failed to ask for a user name or password: standard input is no terminal; use `-u` and `--password-stdin`",
        ));
    }
    let mut err = std::io::stderr();
    let _ = write!(err, "{prompt}").and_then(|()| err.flush());
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .take(LONGEST_SECRET)
        .read_line(&mut line)
        .map_err(|error| Failure::system("read from the terminal", &error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks with the terminal's echo off, and puts it back whatever happens.
fn ask_hidden(prompt: &str) -> Result<String, Failure> {
    let stdin = std::io::stdin();
    let Ok(before) = tcgetattr(&stdin) else { return ask(prompt) };
    let mut hidden = before.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    let set = |modes| {
        tcsetattr(&stdin, OptionalActions::Flush, modes)
            .map_err(|error| Failure::system("set the terminal", &error.into()))
    };
    set(&hidden)?;
    let answer = ask(prompt);
    set(&before)?;
    let _ = writeln!(std::io::stderr());
    answer
}
