//! The words of imc: references, digests, ids, image caches, image snapshots and their rules.
//!
//! This crate does no I/O and is not async. Strings from outside are parsed here, once, into types
//! that cannot hold anything invalid; nothing further in takes a string where one of these types exists.

mod access_key;
mod account;
mod cache;
mod clock;
mod descriptor;
mod digest;
mod event;
mod group;
mod hasher;
mod ids;
mod image;
mod instance;
pub mod matching;
mod name;
mod notes;
mod platform;
mod policy;
pub mod prediction;
mod reference;
pub mod rules;
mod size;
mod snapshot;
mod source;
mod summary;
mod tags;

pub use access_key::{AccessKey, AccessKeyId, AccessKeyIdError, AccessKeyStatus, SealedSecret};
pub use account::{Account, AccountError, AccountId};
pub use cache::{BuildFailure, CacheState, ImageCache, NewImageCache, Savings, TransitionError};
pub use clock::{Clock, SystemClock, TestClock, Timestamp};
pub use descriptor::{Compression, Descriptor, LayerDescriptor, Manifest, MediaType, UnsupportedMedia};
pub use digest::{Algorithm, BlobDigest, ChainId, DiffId, Digest, DigestError, ImageId, ManifestDigest};
pub use event::{Event, EventKind, EventReason, Subject};
pub use group::{
    Attempt, ContainerPlace, ContainerSpec, ContainerState, ContainerStatus, Deleting, Group, GroupAction,
    GroupChoice, GroupMount, GroupNetwork, GroupNews, GroupPhase, GroupSecrets, GroupSpec, GroupSpecError,
    GroupStatus, GroupVolume, ImagesFailure, KeptGroups, NextStep, RestartPolicy, Run, StartFailure,
    VolumeFile, VolumeSource,
};
pub use hasher::Hasher;
pub use ids::{BuildId, CacheId, GroupId, IdError, ImageSnapshotId, InstanceId, LeaseId};
pub use image::{Healthcheck, ImageConfig};
pub use instance::{ExitStatus, Instance, InstanceState};
pub use name::{CacheName, ContainerName, GroupName, InstanceName, NameError};
pub use notes::{Cloud, CloudNotes, CloudNotesError, LabelFilter};
pub use platform::{Platform, PlatformError};
pub use policy::{
    CachePolicy, CopyCount, CopyCountError, CopyPlan, CopyState, Elimination, Generation, Origin, Percent,
    PolicyEdit, RefreshError, RefreshSeconds, RegistryAccess, RetentionDays, RetentionError, SnapshotCopies,
    Staleness,
};
pub use reference::{ImageReference, ReferenceError, RegistryHost, RepositoryName, Tag};
pub use size::{ByteSize, SizeError};
pub use snapshot::{BlobKey, Document, ImageSnapshot, SnapshotImage, SnapshotLayer};
pub use source::{ImageSource, SourceError};
pub use summary::{
    ImageView, PackedSummary, SnapshotSummary, SummaryError, SummaryImage, SummaryLayer, SummaryView,
};
pub use tags::{TagChange, TagError, Tags};
