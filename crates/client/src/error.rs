//! Why an operation failed.

use wire::{Problem, ProblemKind};

use crate::TransportError;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused, or failed; its own words.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The server could not be reached, or broke off.
    #[error("failed to {operation}: the server cannot be reached")]
    Unreachable {
        /// What was asked for, as `create a cache`.
        operation: &'static str,
        /// Why.
        #[source]
        source: TransportError,
    },
    /// The server's certificate is not trusted.
    #[error("failed to {operation}: the server's certificate is not trusted")]
    Untrusted {
        /// What was asked for.
        operation: &'static str,
        /// Why.
        #[source]
        source: TransportError,
    },
    /// The answer is none of this API.
    #[error("failed to {operation}: the answer (status {status}) is not one of imc's")]
    Answer {
        /// What was asked for.
        operation: &'static str,
        /// The status that came.
        status: u16,
        /// What is wrong with it.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// The stream broke off, and could not be taken up again.
    #[error("failed to {operation}: the stream broke off")]
    BrokenOff {
        /// What was asked for.
        operation: &'static str,
        /// Why.
        #[source]
        source: Option<TransportError>,
    },
    /// The word names nothing that there could be.
    #[error("failed to {operation}: `{word}` is neither an id nor a name")]
    Word {
        /// What was asked for.
        operation: &'static str,
        /// The word.
        word: String,
    },
    /// The transport could not be made.
    #[error("failed to make the client for {server}")]
    Transport {
        /// Where it was to lead.
        server: String,
        /// Why.
        #[source]
        source: TransportError,
    },
}

impl Error {
    /// The type of the server's problem; `None` where it is no refusal, or one of a later version.
    #[must_use]
    pub fn problem_kind(&self) -> Option<ProblemKind> {
        match self {
            Self::Refused(problem) => problem.known_kind(),
            _ => None,
        }
    }

    /// Whether the server could not be reached at all.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}
