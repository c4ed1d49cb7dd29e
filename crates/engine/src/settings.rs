//! What an engine is made of, and the bounds of its work.

use std::sync::Arc;
use std::time::Duration;

use blobstore::BlobStore;
use metastore::{Metastore, ProcessIdentity};
use model::rules::{Prices, Quotas, RetentionRules};
use model::{ByteSize, Clock};
use registry::Registry;

use crate::{CacheBounds, StandardStore, Timer, Vault};

/// What an engine is made of.
pub struct Parts {
    /// Where blobs and image snapshots are that this machine starts from: flash snapshots, and all of them where there is
    /// no other store.
    pub store: Arc<dyn BlobStore>,
    /// Where standard snapshots are; `None`: the store is both.
    pub standard: Option<Arc<dyn StandardStore>>,
    /// Where records are.
    pub records: Arc<dyn Metastore>,
    /// Where images come from.
    pub registry: Registry,
    /// What seals credentials; `None`: caches can have none of their own.
    pub vault: Option<Arc<dyn Vault>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Waits.
    pub timer: Arc<dyn Timer>,
    /// Who we are to other processes.
    pub owner: ProcessIdentity,
    /// Bounds of its work.
    pub settings: Settings,
}

/// Bounds of an engine's work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Layers that are converted at once, over all builds. Each takes about two processors and up to 40 MiB.
    pub conversions: usize,
    /// Images whose documents are asked for at once in one build.
    pub resolves: usize,
    /// How long the owner of a claim may give no sign of life before a build that waits for it does the work as well.
    pub claim_patience: Duration,
    /// Memory for the zstd windows over 8 MiB of all conversions together.
    pub zstd_windows: ByteSize,
    /// Queued builds that run here at once.
    pub builds_at_once: usize,
    /// Builds of one account that run at once, over all servers.
    pub builds_per_account: u32,
    /// How many processes may begin a build, one after the other dying over it, before it is failed.
    pub build_attempts: u32,
    /// A build whose owner is not to be seen from here is taken over after this long without a sign of life.
    pub build_patience: Duration,
    /// The most that a cache's images may take where its maker says nothing.
    pub default_size: ByteSize,
    /// What a request may ask for.
    pub bounds: CacheBounds,
    /// How many caches an account may have.
    pub quotas: Quotas,
    /// How long is kept what nobody said anything of.
    pub retention: RetentionRules,
    /// Container groups that are worked at at once: most of it is waiting, for registries and for ends.
    pub groups_at_once: usize,
    /// Container groups of one account that have not ended.
    pub groups_per_account: usize,
    /// What space costs.
    pub prices: Prices,
    /// How long a client token is remembered.
    pub client_tokens_kept: Duration,
    /// How many changes are kept for those who follow them.
    pub changes_kept: u64,
    /// How often each reconciler looks without being told to.
    pub intervals: Intervals,
}

impl Default for Settings {
    fn default() -> Self {
        // One conversion keeps about two processors busy; a second one fills the gaps that the first one's ends leave.
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            conversions: (processors / 2 + 1).clamp(2, 8),
            resolves: 4,
            claim_patience: Duration::from_secs(120),
            zstd_windows: ByteSize::mib(128),
            builds_at_once: 4,
            builds_per_account: 2,
            build_attempts: 5,
            build_patience: Duration::from_secs(60),
            default_size: ByteSize::gib(20),
            bounds: CacheBounds::default(),
            quotas: Quotas::default(),
            retention: RetentionRules::default(),
            groups_at_once: 256,
            groups_per_account: 1000,
            prices: Prices::default(),
            client_tokens_kept: Duration::from_secs(24 * 3600),
            changes_kept: 100_000,
            intervals: Intervals::default(),
        }
    }
}

/// How often each reconciler looks without being told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    /// For caches and generations whose time is over.
    pub expiry: Duration,
    /// For tags that are to be compared with their registries.
    pub refresh: Duration,
    /// For builds that others queued, or left.
    pub builds: Duration,
    /// For snapshots to copy.
    pub copies: Duration,
    /// For blobs that nobody names.
    pub collection: Duration,
    /// For events, changes and client tokens to forget.
    pub forgetting: Duration,
    /// For container groups.
    pub groups: Duration,
    /// For changes that others recorded.
    pub changes: Duration,
    /// For the indexes in memory. Who asks them brings them up to date; this bounds how much there is to do then.
    pub indexes: Duration,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            expiry: Duration::from_secs(60),
            refresh: Duration::from_secs(30),
            builds: Duration::from_secs(2),
            copies: Duration::from_secs(60),
            collection: Duration::from_secs(3600),
            forgetting: Duration::from_secs(3600),
            groups: Duration::from_secs(2),
            changes: Duration::from_secs(1),
            indexes: Duration::from_secs(30),
        }
    }
}
