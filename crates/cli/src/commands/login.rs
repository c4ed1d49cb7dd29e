//! `imc login` and `logout`: credentials, checked before they are kept.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use registry::{Credentials, Registry};
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{docker_config, registry_settings};
use crate::args::{LoginArgs, LogoutArgs, RegistryArgs};
use crate::documents::{LoggedIn, LoggedOut};
use crate::exit::Failure;
use crate::interrupts::Interrupts;
use crate::printer::Printer;

/// Longer than any password or token.
const LONGEST_SECRET: u64 = 64 << 10;

pub(crate) async fn login(args: LoginArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let username = match &args.username {
        Some(name) => name.clone(),
        None => ask("user name: ")?,
    };
    // From here on the terminal may hide what is typed, so nothing but this ends the command.
    let mut interrupts = Interrupts::listen_at_terminal()?;
    tokio::select! {
        done = check_and_keep(&args, username, printer) => done,
        _ = interrupts.next() => Err(Failure::cancelled(format!("failed to log in to {}: cancelled", args.host))),
    }
}

async fn check_and_keep(args: &LoginArgs, username: String, printer: &Printer) -> Result<ExitCode, Failure> {
    let path = config_path()?;
    let prompt = format!("password of {username} at {}: ", args.host);
    let password = match args.password_stdin {
        true => elsewhere(piped_password).await?,
        false => ask_hidden(prompt).await?,
    };
    let registry = Registry::new(registry_settings(&args.registry)?)?;
    let (name, credentials) = (username.clone(), Credentials::basic(username, password));
    registry.ping(&args.host, Some(&credentials)).await.map_err(refused)?;
    registry.store_credentials(&path, &args.host, &credentials).await?;
    printer.document(&LoggedIn {
        registry: args.host.to_string(),
        username: name,
        config: path.display().to_string(),
    });
    printer.note(&format!("logged in to {}; kept in {} or its credential helper", args.host, path.display()));
    Ok(ExitCode::SUCCESS)
}

/// Whoever is logging in needs no advice to log in.
fn refused(error: registry::Error) -> Failure {
    let failure = Failure::from(error);
    match failure.kind {
        "unauthorized" => Failure {
            advice: Some("check the user name and the password; some registries want a token".to_owned()),
            ..failure
        },
        _ => failure,
    }
}

pub(crate) async fn logout(args: LogoutArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let path = config_path()?;
    let registry = Registry::new(registry_settings(&RegistryArgs::default())?)?;
    let there = registry.erase_credentials(&path, &args.host).await?;
    printer.document(&LoggedOut { registry: args.host.to_string(), forgotten: there });
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

/// Asks with the terminal's echo off. It is on again whatever happens: an answer, a signal, a stop by Ctrl-Z.
async fn ask_hidden(prompt: String) -> Result<String, Failure> {
    let Ok(before) = tcgetattr(std::io::stdin()) else { return elsewhere(move || ask(&prompt)).await };
    let mut stops = signal(SignalKind::from_raw(Signal::TSTP.as_raw()))
        .map_err(|error| Failure::system("listen for signals", &error))?;
    let mut hidden = Hidden::new(before.clone())?;
    let shown = prompt.clone();
    let mut answer = std::pin::pin!(elsewhere(move || ask(&shown)));
    let answer = loop {
        tokio::select! {
            answer = &mut answer => break answer,
            _ = stops.recv() => {
                drop(hidden);
                let _ = kill_process(getpid(), Signal::STOP);
                hidden = Hidden::new(before.clone())?;
                let _ = write!(std::io::stderr(), "{prompt}");
            }
        }
    };
    drop(hidden);
    answer
}

/// What is typed does not show while this lives.
struct Hidden(Termios);

impl Hidden {
    fn new(before: Termios) -> Result<Self, Failure> {
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden)
            .map_err(|error| Failure::system("set the terminal", &error.into()))?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
        // The newline that was typed did not show either.
        let _ = writeln!(std::io::stderr());
    }
}

/// Reads on a thread of its own. Where a signal ends the command, nobody waits for that thread: it goes with the process.
async fn elsewhere(
    read: impl FnOnce() -> Result<String, Failure> + Send + 'static,
) -> Result<String, Failure> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || tell.send(read()));
    told.await
        .map_err(|_| Failure::internal("failed to read from standard input: the thread that read ended"))?
}
