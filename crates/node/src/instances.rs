//! Instances: containers of this data directory, from their mounts to their end.
//!
//! The truth about an instance's process is its directory `<data>/instances/<id>`: the caller's records follow it.
//! Everything here is synchronous and blocks for as long as it takes; call it from a thread that may block.
mod create;
mod exec;
mod launch;
mod life;
mod mount_points;
mod prepare;
mod reconcile;

use std::fs;
use std::path::PathBuf;

use model::{ByteSize, ImageConfig, InstanceId, InstanceName, InstanceState, Timestamp};

use crate::blob_mounts::BlobMounts;
use crate::layout::Layout;
use crate::mount::Via;
use crate::{ImageBlobs, InstanceError, RunOptions, RuntimeChoice, Session};

/// What an instance is started from.
#[derive(Clone, Debug)]
pub struct InstanceSpec {
    /// Its id, fresh.
    pub id: InstanceId,
    /// Its name, the default host name. Whether it is unique is the caller's to know.
    pub name: InstanceName,
    /// The image's config.
    pub config: ImageConfig,
    /// The image's blobs on this machine.
    pub blobs: ImageBlobs,
    /// What the user asks.
    pub options: RunOptions,
    /// How much it may write; `None` for no limit.
    pub size_limit: Option<ByteSize>,
    /// Whether its directory goes when it ends (`--rm`).
    pub remove_on_exit: bool,
    /// What runs it.
    pub runtime: RuntimeChoice,
}

/// Where the standard streams of an instance's first process go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// To its log (`-d`).
    Log,
    /// They are this process's own; nothing is copied. With [`RunOptions::terminal`] it gets a terminal of its own, which
    /// [`Session::attach`] relays to this process's. There is no log then. This process's signals are caught from the
    /// start on: call [`Session::attach`].
    Caller,
}

/// What took how long, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartTimings {
    /// Mounting the layers that were not mounted yet, and counting all.
    pub layers_us: u64,
    /// Mounting the overlay.
    pub overlay_us: u64,
    /// The user, working directory and `config.json`.
    pub config_us: u64,
    /// Monitor and OCI runtime until the first process runs.
    pub runtime_us: u64,
}

impl StartTimings {
    /// Until the image was ready to be run from.
    #[must_use]
    pub fn image_ready_us(&self) -> u64 {
        self.layers_us + self.overlay_us
    }

    /// All of it.
    #[must_use]
    pub fn total_us(&self) -> u64 {
        self.image_ready_us() + self.config_us + self.runtime_us
    }
}

/// Whether the instance's writable layer is limited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpperLimit {
    /// No limit was asked for.
    NotAsked,
    /// The file system enforces it.
    Enforced,
    /// It could not be set, and why: record it as the event `LimitNotSet`.
    NotEnforced(String),
}

/// An instance that runs.
#[derive(Debug)]
pub struct Started {
    /// Process id of its first process on the host.
    pub pid: u32,
    /// When that process started.
    pub started: Timestamp,
    /// What took how long.
    pub timings: StartTimings,
    /// Whether its writable layer is limited.
    pub upper_limit: UpperLimit,
    /// What was asked for and is weaker here, in sentences for an event `LimitNotSet`.
    pub warnings: Vec<String>,
    /// The line to its monitor: attach, signal, wait. Dropping it leaves the instance running.
    pub session: Session,
}

/// What is known of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceStatus {
    /// Its id.
    pub id: InstanceId,
    /// Where it is in its life.
    pub state: InstanceState,
    /// Its first process, while it runs.
    pub pid: Option<u32>,
    /// When that process started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
}

/// Settings of the instances of a data directory.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The program whose `main` calls [`crate::dispatch_internal`] first; `imc` itself: `/proc/self/exe`.
    pub self_exe: PathBuf,
}

/// What [`Instances::reconcile`] did.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// Every instance that has a directory, after it; without those that could not even be looked at.
    pub instances: Vec<InstanceStatus>,
    /// Those that were found without their monitor, were ended if they still ran, and are cleaned up now.
    pub cleaned: Vec<InstanceId>,
    /// Those that could not be cleaned up or looked at, and why. They keep what they hold, and the next reconciliation
    /// tries again; until then their records are to be left as they are.
    pub failed: Vec<(InstanceId, InstanceError)>,
    /// How many shared mounts nobody used any more.
    pub unmounted: usize,
}

/// The instances of one data directory. Any number of processes may act on it at once.
#[derive(Debug, Clone)]
pub struct Instances {
    config: NodeConfig,
    pub(crate) layout: Layout,
    mounts: BlobMounts,
}

impl Instances {
    /// Opens the instances of a data directory; makes its directories where they are missing.
    ///
    /// # Errors
    ///
    /// Where they cannot be made.
    pub fn open(config: NodeConfig) -> Result<Self, InstanceError> {
        Self::open_via(config, Via::Best)
    }

    fn open_via(mut config: NodeConfig, via: Via) -> Result<Self, InstanceError> {
        let failed = |path: &std::path::Path| {
            let path = path.to_owned();
            move |source| InstanceError::Directory { path, source }
        };
        let instances = config.data_dir.join("instances");
        fs::create_dir_all(&instances).map_err(failed(&instances))?;
        // Monitors and runtimes have working directories of their own.
        config.data_dir = config.data_dir.canonicalize().map_err(failed(&config.data_dir))?;
        let layout = Layout::of(&config.data_dir);
        let mounts = BlobMounts::new(layout.clone(), via);
        mounts.prepare().map_err(|error| {
            let source = std::io::Error::other(error);
            InstanceError::Directory { path: layout.mounts(), source }
        })?;
        Ok(Self { config, layout, mounts })
    }

    /// The blobs that are mounted or about to be: never collect these.
    ///
    /// # Errors
    ///
    /// Where the data directory cannot be read.
    pub fn blobs_in_use(&self) -> Result<Vec<model::BlobKey>, InstanceError> {
        let failed = |error| InstanceError::ReadState {
            path: self.layout.refs(),
            source: std::io::Error::other(error),
        };
        self.mounts.keys().map_err(failed)
    }
}
