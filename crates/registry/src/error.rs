//! What was attempted and failed.

use std::path::PathBuf;

use model::{BlobDigest, ImageSource, RegistryHost};

use crate::Fault;

/// A failed attempt; its source is the [`Fault`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A client could not be made of its settings.
    #[error("failed to set up the registry client")]
    SetUp(#[source] Box<Fault>),
    /// Manifest, index or config could not be had.
    #[error("failed to resolve the image {image}")]
    Resolve {
        /// As asked for.
        image: ImageSource,
        /// What went wrong.
        #[source]
        fault: Box<Fault>,
    },
    /// A layer's bytes could not be had.
    #[error("failed to fetch the layer {digest}")]
    FetchLayer {
        /// As asked for.
        image: ImageSource,
        /// The layer.
        digest: BlobDigest,
        /// What went wrong.
        #[source]
        fault: Box<Fault>,
    },
    /// A login was not accepted.
    #[error("failed to log in to the registry {host}")]
    LogIn {
        /// The registry.
        host: RegistryHost,
        /// What went wrong.
        #[source]
        fault: Box<Fault>,
    },
    /// Credentials could not be stored.
    #[error("failed to store the credentials for {host} in {}", path.display())]
    StoreCredentials {
        /// The registry.
        host: RegistryHost,
        /// The Docker config.
        path: PathBuf,
        /// What went wrong.
        #[source]
        fault: Box<Fault>,
    },
    /// Credentials could not be erased.
    #[error("failed to erase the credentials for {host} from {}", path.display())]
    EraseCredentials {
        /// The registry.
        host: RegistryHost,
        /// The Docker config.
        path: PathBuf,
        /// What went wrong.
        #[source]
        fault: Box<Fault>,
    },
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        match self {
            Self::SetUp(fault)
            | Self::Resolve { fault, .. }
            | Self::FetchLayer { fault, .. }
            | Self::LogIn { fault, .. }
            | Self::StoreCredentials { fault, .. }
            | Self::EraseCredentials { fault, .. } => fault,
        }
    }

    /// For callers that decide by it (exit codes, event reasons).
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.fault().kind()
    }
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Image, tag or digest unknown.
    NotFound,
    /// No or wrong credentials.
    Unauthorized,
    /// Credentials that do not reach that far.
    Forbidden,
    /// DNS, refused, no route, connect time-out.
    Unreachable,
    /// TLS certificate not trusted.
    Certificate,
    /// Plain HTTP where TLS was asked for.
    PlainHttpExpected,
    /// TLS where plain HTTP was asked for.
    TlsExpected,
    /// The server wants a client certificate.
    ClientCertificate,
    /// Not what the protocol has there: HTML, other content, over a limit.
    Malformed,
    /// Bytes that are not those of the digest.
    WrongDigest,
    /// More or fewer bytes than the descriptor says.
    WrongLength,
    /// Schema 1, artifacts, encrypted layers.
    Unsupported,
    /// Redirected too often or in a circle.
    TooManyRedirects,
    /// 429.
    RateLimited,
    /// 5xx, or another status that the protocol does not have there.
    ServerError,
    /// Silent, or all but silent.
    Hang,
    /// The connection broke, again and again.
    Cut,
    /// No image for the platform.
    PlatformMissing,
    /// Several images where one has to be named.
    Ambiguous,
    /// Local directory, archive or file not there.
    LocalMissing,
    /// Local read or write failed.
    Local,
    /// No space left for a local file.
    NoSpace,
    /// Credentials would have gone astray.
    Credentials,
    /// The credential helper that Docker's config.json names failed.
    CredentialHelper,
    /// Settings files that cannot be taken.
    Settings,
}
