//! The words of imc: references, digests, ids, image caches, image snapshots and their rules.
//!
//! This crate does no I/O and is not async. Strings from outside are parsed here, once, into types
//! that cannot hold anything invalid; nothing further in takes a string where one of these types exists.

mod cache;
mod clock;
mod descriptor;
mod digest;
mod event;
mod hasher;
mod ids;
mod image;
mod instance;
pub mod matching;
mod name;
mod platform;
mod reference;
mod size;
mod snapshot;
mod source;

pub use cache::{BuildFailure, CacheState, ImageCache, TransitionError};
pub use clock::{Clock, SystemClock, TestClock, Timestamp};
pub use descriptor::{Compression, Descriptor, LayerDescriptor, Manifest, MediaType, UnsupportedMedia};
pub use digest::{Algorithm, BlobDigest, ChainId, DiffId, Digest, DigestError, ImageId, ManifestDigest};
pub use event::{Event, EventKind, EventReason, Subject};
pub use hasher::Hasher;
pub use ids::{BuildId, CacheId, IdError, ImageSnapshotId, InstanceId, LeaseId};
pub use image::{Healthcheck, ImageConfig};
pub use instance::{ExitStatus, Instance, InstanceState};
pub use name::{CacheName, InstanceName, NameError};
pub use platform::{Platform, PlatformError};
pub use reference::{ImageReference, ReferenceError, RegistryHost, RepositoryName, Tag};
pub use size::{ByteSize, SizeError};
pub use snapshot::{BlobKey, Document, ImageSnapshot, SnapshotImage, SnapshotLayer};
pub use source::{ImageSource, SourceError};
