//! Events: what happened to a cache or an instance, for people.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{CacheId, GroupId, InstanceId, Timestamp};

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "lowercase")]
pub enum Subject {
    /// A cache.
    Cache(CacheId),
    /// An instance.
    Instance(InstanceId),
    /// A container group.
    Group(GroupId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cache(id) => fmt::Display::fmt(id, f),
            Self::Instance(id) => fmt::Display::fmt(id, f),
            Self::Group(id) => fmt::Display::fmt(id, f),
        }
    }
}

/// Whether somebody should look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// As it should be.
    Normal,
    /// Something failed or is about to.
    Warning,
}

impl EventKind {
    /// The name as printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What happened, in one stable word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum EventReason {
            $($(#[$doc])* $name,)*
        }

        impl EventReason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word as printed and stored.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

reasons! {
    /// The cache was recorded.
    Created,
    /// A build began.
    BuildStarted,
    /// A build went on where an earlier process left it.
    BuildResumed,
    /// An image's tag was resolved to a digest.
    ImageResolved,
    /// A layer is fetched and converted.
    LayerStarted,
    /// A layer's blob was committed.
    LayerCommitted,
    /// A layer's blob was in the store already, or another build is making it.
    LayerReused,
    /// A layer's blob was found broken and deleted, to be made again.
    LayerDiscarded,
    /// A merged metadata image was made for layers that lean on those below.
    LayersMerged,
    /// The image snapshot was committed.
    SnapshotCommitted,
    /// The cache is usable.
    Ready,
    /// A build failed.
    BuildFailed,
    /// A build was cancelled.
    BuildCancelled,
    /// A build's process ended in the middle of it.
    BuildInterrupted,
    /// The cache was deleted.
    Deleted,
    /// The cache's deletion was asked for; it goes once nothing uses it.
    DeletionRequested,
    /// The cache was deleted since its time was over.
    Expired,
    /// The cache was deleted to make room under a quota.
    Evicted,
    /// What is said of the cache beside its images was changed.
    Updated,
    /// The cache serves an earlier image snapshot again.
    RolledBack,
    /// An earlier image snapshot of the cache was let go.
    GenerationExpired,
    /// A tag of the cache means another image by now.
    TagMoved,
    /// The registry could not be asked whether a tag has moved.
    RefreshFailed,
    /// The flash snapshot is complete.
    FlashCompleted,
    /// The flash snapshot was let go, since the standard one is complete.
    FlashReleased,
    /// The standard snapshot is complete.
    StandardCompleted,
    /// Fewer copies of the snapshot are kept than were asked for.
    FewerCopies,
    /// The standard snapshot could not be made.
    StandardFailed,
    /// The cache's snapshot is gone from the store: it is no longer usable.
    SnapshotLost,
    /// An instance started from the cache, with the digest that its tag was pinned to.
    ServedPinned,
    /// An instance started from a cache.
    CacheHit,
    /// No cache had the image.
    CacheMiss,
    /// A cache had a part of what was wanted; the rest was fetched.
    CachePartlyHit,
    /// A cache was created since none had what was wanted.
    AutoCreated,
    /// The instance started.
    Started,
    /// The instance ended.
    Exited,
    /// The instance could not start.
    StartFailed,
    /// The instance was asked to stop.
    Stopping,
    /// A limit that was asked for could not be set here.
    LimitNotSet,
    /// What an ended process left behind was cleaned up.
    CleanedUp,
    /// The images of a container group could not be had; they are asked for again.
    ImagesFailed,
    /// A container of a group is started again after a while.
    BackOff,
    /// A container group ended: well, badly, or it never came to run.
    GroupEnded,
    /// A container group ran for as long as it was to.
    DeadlineExceeded,
}

impl EventReason {
    /// Whether it tells of one layer of a build: of these there may be hundreds, and where not all can be kept, they go first.
    #[must_use]
    pub fn is_of_a_layer(self) -> bool {
        matches!(self, Self::LayerStarted | Self::LayerCommitted | Self::LayerReused)
    }
}

impl fmt::Display for EventReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventReason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .copied()
            .find(|r| r.as_str() == text)
            .ok_or_else(|| format!("unknown event reason `{text}`"))
    }
}

/// Something that happened, once or more often. Equal events of one subject are counted, not repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What it is about.
    pub subject: Subject,
    /// Whether somebody should look at it.
    pub kind: EventKind,
    /// What happened.
    pub reason: EventReason,
    /// The particulars, for people. Never holds a secret.
    pub message: String,
    /// When it first happened.
    pub first: Timestamp,
    /// When it last happened.
    pub last: Timestamp,
    /// How often.
    pub count: u32,
}

impl Event {
    /// An event that happened now for the first time.
    #[must_use]
    pub fn once(
        subject: Subject,
        kind: EventKind,
        reason: EventReason,
        message: impl Into<String>,
        now: Timestamp,
    ) -> Self {
        Self { subject, kind, reason, message: message.into(), first: now, last: now, count: 1 }
    }
}
