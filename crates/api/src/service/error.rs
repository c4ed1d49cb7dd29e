//! Why a use-case refused or failed, as the edge tells it.

use std::error::Error as StdError;

/// Which way it refused or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceErrorKind {
    /// No such object of this account.
    NotFound,
    /// A field has a value that is not possible.
    InvalidField,
    /// Instances use it.
    InUse,
    /// A build of it waits or runs.
    Building,
    /// It is being deleted.
    Deleting,
    /// Another has the name.
    NameTaken,
    /// Several have the name.
    Ambiguous,
    /// Its state does not allow it.
    WrongState,
    /// The account may have no more of these.
    QuotaReached,
    /// The idempotency key came before with another request.
    KeyReused,
    /// The images do not fit into the size.
    SizeTooSmall,
    /// An image is not there, damaged, or of a kind that is not supported.
    BadImage,
    /// The registry wants other credentials.
    RegistryUnauthorized,
    /// The registry does not answer as it should.
    RegistryUnavailable,
    /// This server cannot do that.
    Unsupported,
    /// The records do not answer: their database is away, or others hold it for too long.
    RecordsUnavailable,
    /// There is too much at once.
    Busy,
    /// No space left here.
    NoSpace,
    /// Something failed here. What is said of it goes to the log alone.
    Internal,
}

/// Why a use-case refused or failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ServiceError {
    /// Which way.
    pub kind: ServiceErrorKind,
    /// The field of the request that it is about.
    pub field: Option<String>,
    /// What is possible there.
    pub allowed: Vec<String>,
    /// What failed in one stable word, finer than the kind: as events and failed builds have it.
    pub reason: Option<&'static str>,
    /// What failed, on what; of [`Internal`](ServiceErrorKind::Internal) ones only the log is told it.
    pub message: String,
    /// The cause, for the log.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ServiceError {
    /// An error with a message and no more.
    #[must_use]
    pub fn new(kind: ServiceErrorKind, message: impl Into<String>) -> Self {
        Self { kind, field: None, allowed: Vec::new(), reason: None, message: message.into(), source: None }
    }

    /// With that word.
    #[must_use]
    pub fn with_reason(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// About that field.
    #[must_use]
    pub fn about(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Where these are possible.
    #[must_use]
    pub fn allowing<T: Into<String>>(mut self, allowed: impl IntoIterator<Item = T>) -> Self {
        self.allowed = allowed.into_iter().map(Into::into).collect();
        self
    }

    /// For that reason.
    #[must_use]
    pub fn because(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}
