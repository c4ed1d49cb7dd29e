//! What is refused: codes, statuses, messages, and the document that says so.

mod codes;
mod document;
mod operations;

use std::borrow::Cow;
use std::fmt;

pub use codes::ErrorCode;
pub use operations::{OPERATION_ERRORS, OperationError};

use super::request::OperationName;

/// Why the service, rather than the signature, denies a call; goes into the document as `AccessDeniedDetail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The action that was denied, `eci:CreateImageCache`.
    pub action: String,
    /// Whether a statement denies it, rather than none allowing it.
    pub is_explicit: bool,
}

/// A call that is refused, in the cloud's own words.
///
/// `Debug` and `Display` leave out what [`Refusal::message`] repeats of the request, since a string to sign has passwords in it:
/// they may be logged, the message may only go to who sent the request.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    code: ErrorCode,
    message: Cow<'static, str>,
    echo: String,
    denial: Option<Denial>,
    retry_after_milliseconds: Option<u32>,
}

impl Refusal {
    /// In the words that the code has everywhere.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        let message = Cow::Borrowed(code.message());
        Self { code, message, echo: String::new(), denial: None, retry_after_milliseconds: None }
    }

    /// In the words that this operation has for the code.
    #[must_use]
    pub fn of(operation: OperationName, code: ErrorCode) -> Self {
        let own = OPERATION_ERRORS.iter().find(|row| row.operation == operation && row.code == code);
        let message = own.and_then(|row| row.message).unwrap_or(code.message());
        Self { message: Cow::Borrowed(message), ..Self::new(code) }
    }

    /// Puts a word where the message has `%s`.
    #[must_use]
    pub fn about(mut self, word: &str) -> Self {
        self.message = Cow::Owned(self.message.replacen("%s", word, 1));
        self
    }

    /// Says it in other words, where the code has no fixed ones.
    #[must_use]
    pub fn saying(mut self, message: &str) -> Self {
        self.message = Cow::Owned(message.to_owned());
        self
    }

    /// That a parameter is malformed.
    #[must_use]
    pub fn invalid(name: &str) -> Self {
        Self::new(ErrorCode::InvalidParameter).about(name)
    }

    /// That a parameter must be there.
    #[must_use]
    pub fn missing(name: &str) -> Self {
        Self::new(ErrorCode::MissingParameter).about(name)
    }

    /// That the caller has no permission.
    #[must_use]
    pub fn denied(denial: Denial) -> Self {
        Self { denial: Some(denial), ..Self::new(ErrorCode::ForbiddenRam) }
    }

    /// When to try again, in milliseconds: the SDKs know a throttled call by this.
    #[must_use]
    pub fn retry_after(mut self, milliseconds: u32) -> Self {
        self.retry_after_milliseconds = Some(milliseconds);
        self
    }

    /// Repeats a part of the request behind the message.
    pub(super) fn echoing(mut self, text: String) -> Self {
        self.echo = text;
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.code.status()
    }

    /// The message as it goes to the caller. Not to be logged.
    #[must_use]
    pub fn message(&self) -> Cow<'_, str> {
        match self.echo.as_str() {
            // A code without words of its own, of which nothing was said.
            "" if self.message == "%s" => Cow::Borrowed(self.code.as_str()),
            "" => Cow::Borrowed(&self.message),
            echo => Cow::Owned(format!("{}{echo}", self.message)),
        }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("code", &self.code)
            .field("message", &self.message)
            .field("denial", &self.denial)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with {} ({}): {}", self.code, self.status(), self.message)
    }
}

impl std::error::Error for Refusal {}
