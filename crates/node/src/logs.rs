//! What an instance printed.

use model::Timestamp;
use serde::{Deserialize, Serialize};

/// Which of its streams a line came by. With a terminal everything is `stdout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line, or a piece of a line over 16 KiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was read from the instance.
    pub time: Timestamp,
    /// Which stream it came by.
    pub stream: LogStream,
    /// The bytes, the line's end included where it has come.
    pub bytes: Vec<u8>,
}
