//! What comes in streams of server-sent events: changes, lines of logs, output of commands.

use base64::Engine as _;
use model::{ExitStatus, Subject, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A record of the account was written. What it is now, the record says: several changes of one may be read as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Which record.
    #[serde(flatten)]
    #[schema(value_type = ChangedRecord)]
    pub subject: Subject,
    /// Whether it is gone; else it was made or changed, or an event was written about it.
    pub gone: bool,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Which record was written: `kind` is `cache` or `instance`.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes how model::Subject looks on the wire")]
struct ChangedRecord {
    /// What it is.
    #[schema(example = "cache")]
    kind: String,
    /// Its id.
    #[schema(example = "imc-0192f0c1e0f07d3a8b1c2d3e4f506172")]
    id: String,
}

/// Where output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line of an instance's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// What was written.
    #[serde(flatten)]
    pub output: Output,
}

/// Output of a process: as text where it is UTF-8, else in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Output {
    /// Where it came from.
    pub stream: OutputStream,
    /// The output, where it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The output in base64, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

impl Output {
    /// Output of these bytes.
    #[must_use]
    pub fn of(stream: OutputStream, bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self { stream, text: Some(text), base64: None },
            Err(error) => {
                let base64 = base64::engine::general_purpose::STANDARD.encode(error.as_bytes());
                Self { stream, text: None, base64: Some(base64) }
            }
        }
    }

    /// The bytes; `None` where the base64 is broken.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match (&self.text, &self.base64) {
            (Some(text), _) => Some(text.clone().into_bytes()),
            (None, Some(base64)) => base64::engine::general_purpose::STANDARD.decode(base64).ok(),
            (None, None) => Some(Vec::new()),
        }
    }
}

/// How a process ended: by itself with a code, or by a signal; neither where nobody saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ended {
    /// Its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u8>,
    /// The signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<u8>,
}

/// How a command in an instance ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandEnded {
    /// How.
    #[serde(flatten)]
    pub ended: Ended,
    /// Whether it left something running that may write still.
    #[serde(default)]
    pub is_cut: bool,
}

/// What a command in an instance does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecEvent {
    /// It wrote something.
    Output(Output),
    /// It ended; the last.
    Ended(CommandEnded),
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        match status {
            ExitStatus::Code(code) => Self { code: Some(code), signal: None },
            ExitStatus::Signal(signal) => Self { code: None, signal: Some(signal) },
            ExitStatus::Unknown => Self::default(),
        }
    }
}

impl From<Ended> for ExitStatus {
    fn from(ended: Ended) -> Self {
        match (ended.code, ended.signal) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn output_is_the_same_bytes_again(bytes in any::<Vec<u8>>()) {
            let output = Output::of(OutputStream::Stderr, bytes.clone());
            let text = serde_json::to_string(&output).unwrap();
            prop_assert_eq!(serde_json::from_str::<Output>(&text).unwrap().bytes(), Some(bytes));
        }
    }
}
