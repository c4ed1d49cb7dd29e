//! Why a layer could not be converted.

use model::{BlobDigest, ByteSize, DiffId};

use crate::Limit;

/// An error of whatever supplies a layer's bytes.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// Why a conversion failed. Nothing of the blob is usable then.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The stream's bytes are not those that the manifest names.
    #[error("failed to verify the layer: its digest is {actual} instead of {expected}")]
    WrongDigest {
        /// What the manifest says.
        expected: Box<BlobDigest>,
        /// What came.
        actual: Box<BlobDigest>,
    },
    /// The stream is longer or shorter than the manifest says.
    #[error("failed to verify the layer: it has {actual} bytes instead of {expected}")]
    WrongSize {
        /// Bytes that the manifest says.
        expected: u64,
        /// Bytes that came (so far, where more came than expected).
        actual: u64,
    },
    /// The tar's bytes are not those that the image config names.
    #[error("failed to verify the layer: its diff id is {actual} instead of {expected}")]
    WrongDiffId {
        /// What the config says.
        expected: Box<DiffId>,
        /// What came.
        actual: Box<DiffId>,
    },
    /// The compressed stream or the tar ends within something.
    #[error("failed to read the layer: it ends within {what} at byte {offset} of the tar")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Bytes of tar before.
        offset: u64,
    },
    /// The compressed stream is damaged.
    #[error("failed to decompress the layer at byte {offset} of the tar")]
    Corrupt {
        /// Bytes of tar before.
        offset: u64,
        /// What the decoder says.
        #[source]
        source: SourceError,
    },
    /// The tar breaks its format.
    #[error("failed to parse the tar at byte {offset} (entry `{path}`): {reason}")]
    Malformed {
        /// Offset of the header concerned in the tar.
        offset: u64,
        /// The entry, as far as it is known; lossy for display.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The layer wants more than a limit allows.
    #[error("failed to convert the layer: the {limit} is over the limit of {bound} (entry `{path}`)")]
    LimitExceeded {
        /// Which limit.
        limit: Limit,
        /// Its bound.
        bound: u64,
        /// The entry concerned, empty where there is none; lossy for display.
        path: String,
    },
    /// [`Control::cancel`](crate::Control::cancel) was called.
    #[error("the conversion was cancelled")]
    Cancelled,
    /// The source of the bytes failed.
    #[error("failed to read the layer from its source")]
    Source(#[source] SourceError),
    /// The blob could not be written.
    #[error("failed to write the blob")]
    Sink(#[source] std::io::Error),
    /// A thread of the pipeline could not be started.
    #[error("failed to start a thread of the conversion")]
    Thread(#[source] std::io::Error),
}

/// What a caller does about a [`ConvertError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The bytes are not what their digest promises, or were cut: fetch them again, from elsewhere if possible.
    Transfer,
    /// The layer itself is damaged, hostile or not a layer: no retry helps.
    BadLayer,
    /// It wants more than a limit allows: no retry helps, a larger limit might.
    Limit,
    /// The caller cancelled.
    Cancelled,
    /// The source failed: what to do is for the source's own error to say (downcast it).
    Source,
    /// No space is left where the blob is written.
    NoSpace,
    /// Some other failure of this machine.
    Local,
}

impl ConvertError {
    /// The class of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::WrongDigest { .. } | Self::WrongSize { .. } => ErrorKind::Transfer,
            Self::WrongDiffId { .. } | Self::Truncated { .. } => ErrorKind::BadLayer,
            Self::Corrupt { .. } | Self::Malformed { .. } => ErrorKind::BadLayer,
            Self::LimitExceeded { .. } => ErrorKind::Limit,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Source(_) => ErrorKind::Source,
            Self::Sink(error) => match error.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
                _ => ErrorKind::Local,
            },
            Self::Thread(_) => ErrorKind::Local,
        }
    }

    /// The bound that was passed, where one was: for the message that says which limit of the user's to raise.
    #[must_use]
    pub fn limit(&self) -> Option<(Limit, ByteSize)> {
        match self {
            Self::LimitExceeded { limit, bound, .. } => Some((*limit, ByteSize::bytes(*bound))),
            _ => None,
        }
    }
}
