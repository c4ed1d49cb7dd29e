//! What failed, for whoever decides by it and for people.

use std::error::Error as StdError;
use std::sync::Arc;

use layer::ErrorKind as ConvertKind;
use model::{ByteSize, CacheId, CacheName, GroupId, ImageSource, Instance};
use registry::ErrorKind as RegistryKind;

use crate::{Bounded, HostError, HostErrorKind, LayerFailure, VaultError};

/// Why a build failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BuildError {
    /// An image's documents could not be had; the registry client says of which image and why.
    #[error(transparent)]
    Resolve(Arc<registry::Error>),
    /// A layer could not be fetched, converted or committed.
    #[error("failed to cache the layer {digest} of {image}")]
    Layer {
        /// The image as asked for.
        image: ImageSource,
        /// The layer as served.
        digest: model::BlobDigest,
        /// What failed.
        #[source]
        source: Arc<LayerFailure>,
    },
    /// The images are larger than the cache.
    #[error(
        "failed to fit the images into the cache: its size is {limit}, the layer {digest} of {image} goes beyond it"
    )]
    SizeExceeded {
        /// The image as asked for.
        image: ImageSource,
        /// The layer that went beyond it.
        digest: model::BlobDigest,
        /// The cache's size.
        limit: ByteSize,
    },
    /// The images are larger than the cache, by a merged metadata image.
    #[error(
        "failed to fit the images into the cache: its size is {limit}, the merged metadata image of {image} goes beyond it"
    )]
    MergedSizeExceeded {
        /// The image as asked for.
        image: ImageSource,
        /// The cache's size.
        limit: ByteSize,
    },
    /// Layers that lean on each other could not be merged.
    #[error("failed to merge the layers of {image}")]
    Merge {
        /// The image as asked for.
        image: ImageSource,
        /// Why.
        #[source]
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// The store refused or failed.
    #[error("failed to {action} in the store")]
    Store {
        /// What was being done.
        action: &'static str,
        /// Why.
        #[source]
        source: Arc<blobstore::Error>,
    },
    /// The records refused or failed.
    #[error("failed to {action} in the records")]
    Records {
        /// What was being done.
        action: &'static str,
        /// Why.
        #[source]
        source: Arc<metastore::Error>,
    },
    /// The cache's credentials could not be opened.
    #[error(transparent)]
    Sealed(Arc<VaultError>),
    /// Somebody cancelled it.
    #[error("the build was cancelled")]
    Cancelled,
    /// The process ends before it: whoever comes next goes on with it.
    #[error("the build was left in the middle: its process ends, and the next one goes on with it")]
    Left,
    /// The task that ran it ended without a word.
    #[error("the build ended without a result: its task was aborted")]
    Aborted,
}

/// What kind of failure it is, by what the user does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// No such image, tag, cache or instance.
    NotFound,
    /// Credentials wrong, missing or not sufficient.
    Unauthorized,
    /// The registry cannot be reached, or does not answer as one.
    Unavailable,
    /// The registry's certificate is not trusted.
    Certificate,
    /// The registry speaks plain HTTP.
    PlainHttp,
    /// The registry wants TLS and was asked by plain HTTP.
    TlsExpected,
    /// The registry wants a client certificate.
    ClientCertificate,
    /// The registry asks to slow down.
    RateLimited,
    /// What came is damaged, hostile or not what was promised.
    BadImage,
    /// The image is of a kind that is not supported.
    Unsupported,
    /// No image for the platform.
    Platform,
    /// The cache's size is too small.
    SizeTooSmall,
    /// No space left where the data is.
    NoSpace,
    /// Something uses it, or another process holds it.
    Busy,
    /// The cache is there and cannot be started from.
    NotUsable,
    /// The request makes no sense as it is.
    Input,
    /// Credentials cannot be sealed or opened with the keys that are set.
    Sealed,
    /// Cancelled.
    Cancelled,
    /// This machine, or imc, failed.
    Internal,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::NotFound,
        Self::Unauthorized,
        Self::Unavailable,
        Self::Certificate,
        Self::PlainHttp,
        Self::TlsExpected,
        Self::ClientCertificate,
        Self::RateLimited,
        Self::BadImage,
        Self::Unsupported,
        Self::Platform,
        Self::SizeTooSmall,
        Self::NoSpace,
        Self::Busy,
        Self::NotUsable,
        Self::Input,
        Self::Sealed,
        Self::Cancelled,
        Self::Internal,
    ];

    /// A stable word for records and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Unauthorized => "unauthorized",
            Self::Unavailable => "registry-unavailable",
            Self::Certificate => "certificate-not-trusted",
            Self::PlainHttp => "plain-http",
            Self::TlsExpected => "tls-expected",
            Self::ClientCertificate => "client-certificate",
            Self::RateLimited => "rate-limited",
            Self::BadImage => "bad-image",
            Self::Unsupported => "unsupported-image",
            Self::Platform => "platform-missing",
            Self::SizeTooSmall => "size-too-small",
            Self::NoSpace => "no-space",
            Self::Busy => "busy",
            Self::NotUsable => "not-usable",
            Self::Input => "input",
            Self::Sealed => "sealed-credentials",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }
}

/// A registry client's failure by what the user does about it.
#[must_use]
pub fn registry_failure_kind(error: &registry::Error) -> FailureKind {
    let of_layer = matches!(error, registry::Error::FetchLayer { .. });
    match error.kind() {
        // The image is there and names a layer that is not: no other name or tag mends that.
        RegistryKind::NotFound | RegistryKind::LocalMissing if of_layer => FailureKind::BadImage,
        RegistryKind::NotFound | RegistryKind::LocalMissing => FailureKind::NotFound,
        RegistryKind::Unauthorized
        | RegistryKind::Forbidden
        | RegistryKind::Credentials
        | RegistryKind::CredentialHelper => FailureKind::Unauthorized,
        RegistryKind::Certificate => FailureKind::Certificate,
        RegistryKind::PlainHttpExpected => FailureKind::PlainHttp,
        RegistryKind::TlsExpected => FailureKind::TlsExpected,
        RegistryKind::ClientCertificate => FailureKind::ClientCertificate,
        RegistryKind::RateLimited => FailureKind::RateLimited,
        RegistryKind::WrongDigest | RegistryKind::WrongLength | RegistryKind::Malformed => {
            FailureKind::BadImage
        }
        RegistryKind::Unsupported => FailureKind::Unsupported,
        RegistryKind::PlatformMissing => FailureKind::Platform,
        RegistryKind::Ambiguous | RegistryKind::Settings => FailureKind::Input,
        RegistryKind::Unreachable
        | RegistryKind::TooManyRedirects
        | RegistryKind::ServerError
        | RegistryKind::Hang
        | RegistryKind::Cut => FailureKind::Unavailable,
        RegistryKind::NoSpace => FailureKind::NoSpace,
        RegistryKind::Local => FailureKind::Internal,
    }
}

pub(crate) fn kind_of_store(error: &blobstore::Error) -> FailureKind {
    match error.kind() {
        blobstore::ErrorKind::NoSpace => FailureKind::NoSpace,
        blobstore::ErrorKind::Busy => FailureKind::Busy,
        _ => FailureKind::Internal,
    }
}

pub(crate) fn kind_of_records(error: &metastore::Error) -> FailureKind {
    match error {
        metastore::Error::SizeTooSmall { .. } => FailureKind::SizeTooSmall,
        // Nobody uses it: waiting does not help.
        metastore::Error::Transition { .. } => FailureKind::NotUsable,
        other => match other.kind() {
            metastore::ErrorKind::NotFound => FailureKind::NotFound,
            metastore::ErrorKind::Refused | metastore::ErrorKind::Busy => FailureKind::Busy,
            metastore::ErrorKind::NoSpace => FailureKind::NoSpace,
            _ => FailureKind::Internal,
        },
    }
}

fn kind_of_layer(failure: &LayerFailure) -> FailureKind {
    match failure {
        LayerFailure::Open(error) => registry_failure_kind(error),
        LayerFailure::Store(error) => kind_of_store(error),
        LayerFailure::Cancelled => FailureKind::Cancelled,
        LayerFailure::Sidecar(_) | LayerFailure::Aborted => FailureKind::Internal,
        LayerFailure::Convert(error) => match error.kind() {
            ConvertKind::Transfer | ConvertKind::BadLayer | ConvertKind::Limit => FailureKind::BadImage,
            ConvertKind::Cancelled => FailureKind::Cancelled,
            ConvertKind::NoSpace => FailureKind::NoSpace,
            ConvertKind::Local => FailureKind::Internal,
            ConvertKind::Source => StdError::source(error)
                .and_then(|source| source.downcast_ref::<registry::Error>())
                .map_or(FailureKind::Unavailable, registry_failure_kind),
        },
    }
}

impl BuildError {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Resolve(source) => registry_failure_kind(source),
            Self::Layer { source, .. } => kind_of_layer(source),
            Self::SizeExceeded { .. } | Self::MergedSizeExceeded { .. } => FailureKind::SizeTooSmall,
            Self::Merge { .. } => FailureKind::BadImage,
            Self::Store { source, .. } => kind_of_store(source),
            Self::Records { source, .. } => kind_of_records(source),
            Self::Sealed(_) => FailureKind::Sealed,
            Self::Cancelled | Self::Left => FailureKind::Cancelled,
            Self::Aborted => FailureKind::Internal,
        }
    }

    pub(crate) fn sealed(source: VaultError) -> Self {
        Self::Sealed(Arc::new(source))
    }

    pub(crate) fn store(action: &'static str) -> impl FnOnce(blobstore::Error) -> Self {
        move |source| Self::Store { action, source: Arc::new(source) }
    }

    pub(crate) fn records(action: &'static str) -> impl FnOnce(metastore::Error) -> Self {
        move |source| Self::Records { action, source: Arc::new(source) }
    }
}

/// Why a use-case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A build did.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Credentials could not be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// What was asked for makes no sense: more images than a cache holds, or none, or one twice.
    #[error("failed to take the images of the cache `{name}`: {why}")]
    BadRequest {
        /// The cache's name.
        name: CacheName,
        /// What is wrong.
        why: String,
    },
    /// More, or less, than a request may ask for.
    #[error("failed to take {given} {} for the cache `{name}`: {least} to {most} are allowed here", what.unit())]
    OutOfBounds {
        /// The cache's name.
        name: CacheName,
        /// What is bounded.
        what: Bounded,
        /// What was asked for.
        given: u64,
        /// The least that is allowed.
        least: u64,
        /// The most.
        most: u64,
    },
    /// A container group that cannot be.
    #[error(transparent)]
    GroupSpec(#[from] model::GroupSpecError),
    /// The account has as many as it may.
    #[error(
        "failed to create the container group: the account has {most} that have not ended, and may have no more"
    )]
    TooManyGroups {
        /// So many.
        most: usize,
    },
    /// No such container group.
    #[error("failed to find the container group {id}")]
    UnknownGroup {
        /// The id.
        id: GroupId,
    },
    /// The host could not make what a group's containers share.
    #[error("failed to prepare the container group {id}")]
    PrepareGroup {
        /// Which.
        id: GroupId,
        /// Why.
        source: HostError,
    },
    /// The host could not remove it.
    #[error("failed to remove what is left of the container group {id}")]
    RemoveGroup {
        /// Which.
        id: GroupId,
        /// Why.
        source: HostError,
    },
    /// The user's word names several caches.
    #[error("failed to choose a cache: {} caches are named `{name}`; say which by its id: {}", ids.len(), some(ids))]
    AmbiguousCache {
        /// The name.
        name: CacheName,
        /// All of them, the newest usable one first.
        ids: Vec<CacheId>,
    },
    /// The word names no cache, no instance, and no image can be read from it.
    #[error("failed to find `{word}`: there is no cache of that name or id")]
    UnknownCache {
        /// The word.
        word: String,
    },
    /// The cache is there and cannot be started from.
    #[error("failed to start from the cache `{name}` ({id}): it is {}", standing(*state, *is_deleting, failure))]
    NotUsable {
        /// Its name.
        name: CacheName,
        /// Its id.
        id: CacheId,
        /// Its state.
        state: model::CacheState,
        /// Whether it goes once nothing uses it.
        is_deleting: bool,
        /// Why, where its build failed.
        failure: Option<String>,
    },
    /// The cache's snapshot is gone or broken.
    #[error(
        "failed to start from the cache {id}: its image snapshot {snapshot} is not in the store any more"
    )]
    SnapshotMissing {
        /// The cache.
        id: CacheId,
        /// The snapshot.
        snapshot: model::ImageSnapshotId,
    },
    /// The cache has no earlier snapshot, or not that one.
    #[error("failed to go back with the cache `{name}` ({id}): it has no such earlier image snapshot")]
    NoGeneration {
        /// Its name.
        name: CacheName,
        /// Its id.
        id: CacheId,
    },
    /// Several images, and none was named; or one that it does not have.
    #[error("failed to choose an image of the cache `{name}`: it has {}", list(images))]
    WhichImage {
        /// The cache's name.
        name: CacheName,
        /// What it has.
        images: Vec<ImageSource>,
    },
    /// The registry did not say what a tag means by now, which the rule asks for.
    #[error(
        "failed to look the tags of the cache `{name}` up anew, which the rule strict wants before each start"
    )]
    Strict {
        /// The cache's name.
        name: CacheName,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// Nothing to start.
    #[error("failed to start an instance: no image is named")]
    NoImage,
    /// A file of the server, named by an account that may name registries only.
    #[error("failed to start {image}: it is a file of the server; the account {account} may name registries")]
    ForeignFile {
        /// The image.
        image: ImageSource,
        /// The account.
        account: model::AccountId,
    },
    /// The word names no instance.
    #[error("failed to find `{word}`: there is no instance of that name or id")]
    UnknownInstance {
        /// The word.
        word: String,
    },
    /// An image that is kept and cannot run here.
    #[error("failed to start {image}: it is for {platform}, and this machine runs {}", std::env::consts::OS)]
    OtherSystem {
        /// The image.
        image: ImageSource,
        /// What it is for.
        platform: model::Platform,
    },
    /// The host refused or failed.
    #[error("failed to {action} the instance {name}")]
    Host {
        /// What was being done.
        action: &'static str,
        /// The instance's name.
        name: model::InstanceName,
        /// Why.
        #[source]
        source: HostError,
    },
    /// The host could not look at its instances.
    #[error("failed to look at the instances of this machine")]
    LookAround {
        /// Why.
        #[source]
        source: HostError,
    },
    /// The store refused or failed.
    #[error("failed to {action} in the store")]
    Store {
        /// What was being done.
        action: &'static str,
        /// Why.
        #[source]
        source: blobstore::Error,
    },
    /// The records refused or failed.
    #[error(transparent)]
    Records(#[from] metastore::Error),
}

fn kind_of_host(error: &HostError) -> FailureKind {
    match error.kind() {
        HostErrorKind::Input | HostErrorKind::CommandNotFound | HostErrorKind::CommandNotExecutable => {
            FailureKind::Input
        }
        HostErrorKind::NotFound => FailureKind::NotFound,
        HostErrorKind::State => FailureKind::Busy,
        HostErrorKind::Privilege | HostErrorKind::System => FailureKind::Internal,
    }
}

fn standing(state: model::CacheState, is_deleting: bool, failure: &Option<String>) -> String {
    match failure {
        _ if is_deleting => "being deleted".to_owned(),
        Some(failure) => format!("{state}, {failure}"),
        None => state.to_string(),
    }
}

/// So many of them as a line holds.
fn some(ids: &[CacheId]) -> String {
    const TOLD: usize = 5;
    let told = ids.iter().take(TOLD).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if ids.len() > TOLD { format!("{told}, ...") } else { told }
}

fn list(images: &[ImageSource]) -> String {
    images.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Error {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Build(error) => error.kind(),
            Self::Strict { source, .. } => source.kind(),
            Self::Vault(_) => FailureKind::Sealed,
            Self::BadRequest { .. }
            | Self::OutOfBounds { .. }
            | Self::AmbiguousCache { .. }
            | Self::WhichImage { .. }
            | Self::NoImage
            | Self::GroupSpec(_)
            | Self::ForeignFile { .. } => FailureKind::Input,
            Self::UnknownCache { .. }
            | Self::UnknownInstance { .. }
            | Self::UnknownGroup { .. }
            | Self::NoGeneration { .. } => FailureKind::NotFound,
            Self::TooManyGroups { .. } => FailureKind::Busy,
            Self::OtherSystem { .. } => FailureKind::Unsupported,
            Self::Host { source, .. }
            | Self::PrepareGroup { source, .. }
            | Self::RemoveGroup { source, .. }
            | Self::LookAround { source } => kind_of_host(source),
            Self::SnapshotMissing { .. } => FailureKind::NotUsable,
            Self::NotUsable { .. } => FailureKind::NotUsable,
            Self::Store { source, .. } => kind_of_store(source),
            Self::Records(source) => kind_of_records(source),
        }
    }

    pub(crate) fn store(action: &'static str) -> impl FnOnce(blobstore::Error) -> Self {
        move |source| Self::Store { action, source }
    }

    pub(crate) fn host(action: &'static str, instance: &Instance) -> impl FnOnce(HostError) -> Self {
        let name = instance.name.clone();
        move |source| Self::Host { action, name, source }
    }
}

/// An error with its causes, outermost first, in one line.
#[must_use]
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // A transparent variant says what its source says.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use registry::Fault;

    use super::*;

    fn missing() -> Box<Fault> {
        Box::new(Fault::NotFound { host: "r.example".into(), what: "it".into() })
    }

    #[test]
    fn a_layer_that_is_missing_is_no_mistyped_name() {
        let image: ImageSource = "r.example/app:1".parse().unwrap();
        let resolve = registry::Error::Resolve { image: image.clone(), fault: missing() };
        assert_eq!(registry_failure_kind(&resolve), FailureKind::NotFound);
        let digest = model::BlobDigest::new(model::Digest::sha256(b""));
        let fetch = registry::Error::FetchLayer { image, digest, fault: missing() };
        assert_eq!(registry_failure_kind(&fetch), FailureKind::BadImage);
    }

    #[test]
    fn settings_transport_and_space_have_kinds_of_their_own() {
        let kind = |fault| registry_failure_kind(&registry::Error::SetUp(Box::new(fault)));
        let file = || std::path::PathBuf::from("/ca.pem");
        assert_eq!(kind(Fault::Settings { path: file(), why: "gone".into() }), FailureKind::Input);
        assert_eq!(kind(Fault::TlsExpected { host: "r.example".into() }), FailureKind::TlsExpected);
        let source = std::io::ErrorKind::StorageFull.into();
        assert_eq!(kind(Fault::Local { path: file(), source }), FailureKind::NoSpace);
    }
}
