//! Credential helper programs.
//!
//! Source: the protocol of `docker-credential-*`: the action as argument, the registry or a JSON document on standard
//! input, a JSON document on standard output.

use std::ffi::OsString;
use std::process::{Output, Stdio};
use std::time::Duration;

use model::RegistryHost;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::{Credentials, docker_key};
use crate::{Fault, Settings};

/// Longest output of a helper that is read.
const OUTPUT_LIMIT: u64 = 256 << 10;
/// What helpers say where they know no credentials, by their common library.
const UNKNOWN: &[u8] = b"credentials not found in native keychain";

/// Starts helper programs.
pub(crate) struct Helpers {
    path: Option<OsString>,
    deadline: Duration,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pair {
    #[serde(rename = "ServerURL", default)]
    server_url: String,
    username: String,
    secret: String,
}

impl Helpers {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { path: settings.helper_path.clone(), deadline: settings.helper_deadline }
    }

    /// The credentials that a helper has for the host.
    pub(crate) async fn get(&self, program: &str, host: &RegistryHost) -> Result<Option<Credentials>, Fault> {
        let output = self.run(program, "get", docker_key(host).as_bytes()).await?;
        if !output.status.success() {
            return match output.stdout.windows(UNKNOWN.len()).any(|text| text == UNKNOWN) {
                true => Ok(None),
                false => Err(failed(program, format!("`get` ended with {}", output.status))),
            };
        }
        let pair: Pair = serde_json::from_slice(&output.stdout)
            .map_err(|_| failed(program, "`get` printed no credentials".to_owned()))?;
        let empty = pair.username.is_empty() && pair.secret.is_empty();
        Ok((!empty).then(|| Credentials::of_pair(pair.username, pair.secret)))
    }

    /// Has a helper keep credentials.
    pub(crate) async fn store(
        &self,
        program: &str,
        host: &RegistryHost,
        credentials: &Credentials,
    ) -> Result<(), Fault> {
        let (username, secret) = match credentials {
            Credentials::Basic { username, password } => (username.as_str(), password),
            Credentials::IdentityToken(token) => ("<token>", token),
        };
        let pair = Pair {
            server_url: docker_key(host).to_owned(),
            username: username.to_owned(),
            secret: secret.expose_secret().to_owned(),
        };
        let input = serde_json::to_vec(&pair).expect("three strings are always a document");
        let output = self.run(program, "store", &input).await?;
        match output.status.success() {
            true => Ok(()),
            false => Err(failed(program, format!("`store` ended with {}", output.status))),
        }
    }

    /// Has a helper forget credentials. Returns whether it says that it had some.
    pub(crate) async fn erase(&self, program: &str, host: &RegistryHost) -> Result<bool, Fault> {
        let output = self.run(program, "erase", docker_key(host).as_bytes()).await?;
        let unknown = output.stdout.windows(UNKNOWN.len()).any(|text| text == UNKNOWN);
        match (output.status.success(), unknown) {
            (true, _) => Ok(true),
            (false, true) => Ok(false),
            (false, false) => Err(failed(program, format!("`erase` ended with {}", output.status))),
        }
    }

    async fn run(&self, helper: &str, action: &str, input: &[u8]) -> Result<Output, Fault> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if helper.is_empty() || !helper.bytes().all(plain) {
            return Err(failed(
                helper,
                "its name has other than letters, digits, `-`, `_` and `.`".to_owned(),
            ));
        }
        let mut command = Command::new(format!("docker-credential-{helper}"));
        command.arg(action).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.kill_on_drop(true);
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        let mut child =
            command.spawn().map_err(|error| failed(helper, format!("it cannot be started: {error}")))?;
        let mut stdin = child.stdin.take().expect("asked for as a pipe");
        let stdout = child.stdout.take().expect("asked for as a pipe");
        let talk = async {
            // A helper that does not read its input is its own affair; what it prints counts.
            let _ = stdin.write_all(input).await;
            drop(stdin);
            let mut out = Vec::new();
            stdout.take(OUTPUT_LIMIT).read_to_end(&mut out).await?;
            let status = child.wait().await?;
            Ok(Output { status, stdout: out, stderr: Vec::new() })
        };
        match tokio::time::timeout(self.deadline, talk).await {
            Ok(output) => output
                .map_err(|error: std::io::Error| failed(helper, format!("it cannot be spoken to: {error}"))),
            Err(_) => Err(failed(helper, format!("`{action}` took over {} s", self.deadline.as_secs_f32()))),
        }
    }
}

fn failed(helper: &str, why: String) -> Fault {
    Fault::CredentialHelper { program: format!("docker-credential-{helper}"), why }
}
