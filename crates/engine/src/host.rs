//! The port to whatever runs containers: an OCI runtime of this machine today.
//!
//! The truth about a container is the host's; the records follow it. Its actions may block for seconds: the adapter keeps
//! them off the threads that answer requests.

use std::error::Error as StdError;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use blobstore::BlobStore;
use model::{
    ByteSize, ExitStatus, GroupId, GroupMount, ImageConfig, InstanceId, InstanceName, InstanceState,
    SnapshotImage, Timestamp,
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::Sender;

/// Which network an instance sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InstanceNetwork {
    /// The host's own.
    #[default]
    Host,
    /// Loopback alone.
    None,
}

/// A directory or file of the host, seen inside an instance. Both paths are absolute and without `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceVolume {
    /// On the host. It must exist when the instance starts.
    pub host: PathBuf,
    /// Inside.
    pub container: PathBuf,
    /// Whether the instance may not write to it.
    pub read_only: bool,
}

/// What is asked of an instance beyond what its image says; what is empty or `None` is left to the image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceOptions {
    /// In place of the image's entrypoint; an empty list clears it.
    pub entrypoint: Option<Vec<String>>,
    /// In place of the image's command.
    pub command: Vec<String>,
    /// `NAME=value`, over the image's.
    pub env: Vec<String>,
    /// Working directory.
    pub working_dir: Option<String>,
    /// User and group, names or ids.
    pub user: Option<String>,
    /// Host name inside; the instance's name where none is given.
    pub hostname: Option<String>,
    /// Which network it sees.
    pub network: InstanceNetwork,
    /// Directories and files of the host.
    pub volumes: Vec<InstanceVolume>,
    /// The group that it is a container of.
    pub group: Option<GroupMembership>,
    /// The most memory that it may take.
    pub memory: Option<ByteSize>,
    /// How many thousandths of a processor it may use.
    pub milli_cpus: Option<u32>,
}

/// What an instance has of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMembership {
    /// The group, which has been prepared.
    pub id: GroupId,
    /// Whether it sees the group's network, in place of the one that is said.
    pub shares_network: bool,
    /// Where it sees the group's volumes.
    pub mounts: Vec<GroupMount>,
}

/// What the containers of a group are to share.
#[derive(Clone, Debug)]
pub struct GroupOrder {
    /// The group.
    pub id: GroupId,
    /// Its volumes, by their places.
    pub volumes: Vec<OrderedVolume>,
    /// Whether they have a network of their own, with loopback alone.
    pub own_network: bool,
    /// The most memory that they may take together.
    pub memory: Option<ByteSize>,
    /// How many thousandths of a processor they may use together.
    pub milli_cpus: Option<u32>,
}

/// A volume of a group.
#[derive(Clone, Debug)]
pub enum OrderedVolume {
    /// Empty at first, on the disk.
    Directory {
        /// The most that it may hold.
        limit: Option<ByteSize>,
    },
    /// Empty at first, in memory.
    Memory {
        /// The most that it may hold.
        limit: Option<ByteSize>,
    },
    /// Files.
    Files(Vec<GroupFile>),
}

/// A file of a volume.
#[derive(Clone)]
pub struct GroupFile {
    /// Where in the volume.
    pub path: PathBuf,
    /// What is in it. Often a password.
    pub content: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
}

impl std::fmt::Debug for GroupFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What the containers of a group share now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPrepared {
    /// The address by which they are reached now.
    pub address: IpAddr,
    /// What was asked for and is weaker here, in sentences.
    pub warnings: Vec<String>,
    /// Whether what was in memory is lost since the machine was restarted.
    pub was_lost: bool,
}

/// An instance to start, detached: what it prints goes to its log.
pub struct HostOrder {
    /// Its id.
    pub id: InstanceId,
    /// Its name.
    pub name: InstanceName,
    /// Its image.
    pub image: SnapshotImage,
    /// Where the image's blobs are.
    pub store: Arc<dyn BlobStore>,
    /// What is asked of it.
    pub options: InstanceOptions,
    /// How much it may write.
    pub size_limit: ByteSize,
    /// Whether the host forgets it when it ends.
    pub remove_on_exit: bool,
    /// An installed OCI runtime (a name or a path) in place of the host's own.
    pub runtime: Option<String>,
}

/// An instance that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStarted {
    /// Process id of its first process.
    pub pid: u32,
    /// Microseconds until its image was ready to be run from.
    pub image_ready_us: u64,
    /// Microseconds until its first process ran.
    pub total_us: u64,
    /// Limits that were asked for and are weaker here, in sentences.
    pub limits_not_set: Vec<String>,
    /// What whoever asked for it is told at once, in sentences.
    pub warnings: Vec<String>,
}

/// What the host knows of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStatus {
    /// Its id.
    pub id: InstanceId,
    /// Where it is in its life.
    pub state: InstanceState,
    /// Its first process, while it runs.
    pub pid: Option<u32>,
}

/// What the host found when it looked at everything and cleaned up.
#[derive(Debug, Default)]
pub struct HostStates {
    /// Every instance that it knows, after it.
    pub instances: Vec<HostStatus>,
    /// Those that were found without anybody watching over them, and are cleaned up now.
    pub cleaned: Vec<InstanceId>,
    /// Those that could not be looked at or cleaned up. Their records are to be left as they are.
    pub failed: Vec<(InstanceId, HostError)>,
}

/// Which stream a line came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line that an instance printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintedLine {
    /// When.
    pub time: Timestamp,
    /// By which stream.
    pub stream: LineStream,
    /// The bytes, the line's end included where it has come.
    pub bytes: Vec<u8>,
}

/// A command to run in a running instance, without input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecOrder {
    /// The command.
    pub command: Vec<String>,
    /// `NAME=value`, over the instance's.
    pub env: Vec<String>,
    /// Working directory.
    pub working_dir: Option<String>,
    /// User and group.
    pub user: Option<String>,
    /// It is ended after that long.
    pub patience: Duration,
}

/// Some of what a command in an instance printed, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// By which stream.
    pub stream: LineStream,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// How a command in an instance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecEnd {
    /// How.
    pub status: ExitStatus,
    /// Whether it left something running that may print still.
    pub is_cut: bool,
}

/// Kinds of a host's failure, for callers that decide, in this process or in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HostErrorKind {
    /// What was asked for makes no sense.
    Input,
    /// The command is not in the image.
    CommandNotFound,
    /// The command is no program.
    CommandNotExecutable,
    /// The host does not know the instance.
    NotFound,
    /// The instance is in a state that does not allow it.
    State,
    /// The host lacks a privilege.
    Privilege,
    /// The host failed.
    System,
}

impl HostErrorKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Input,
        Self::CommandNotFound,
        Self::CommandNotExecutable,
        Self::NotFound,
        Self::State,
        Self::Privilege,
        Self::System,
    ];

    /// A stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CommandNotFound => "command-not-found",
            Self::CommandNotExecutable => "command-not-executable",
            Self::NotFound => "not-found",
            Self::State => "state",
            Self::Privilege => "not-permitted",
            Self::System => "system",
        }
    }
}

/// What of an order a host could not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HostOption {
    /// The command, or there is none.
    Command,
    /// The user or the group.
    User,
    /// A directory or file of the host.
    Volumes,
    /// The installed OCI runtime.
    Runtime,
    /// The working directory.
    WorkingDir,
}

/// Why a host failed. The adapter's own error says it whole.
#[derive(Debug)]
pub struct HostError {
    source: Box<dyn StdError + Send + Sync>,
    kind: HostErrorKind,
    option: Option<HostOption>,
}

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.source, f)
    }
}

impl StdError for HostError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.source()
    }
}

impl HostError {
    /// An adapter's error of that kind.
    pub fn new(kind: HostErrorKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: source.into(), kind, option: None }
    }

    /// About that part of the order.
    #[must_use]
    pub fn about(self, option: Option<HostOption>) -> Self {
        Self { option, ..self }
    }

    /// What of the order it is about, where it is about one thing.
    #[must_use]
    pub fn option(&self) -> Option<HostOption> {
        self.option
    }

    /// The adapter's own error, where it is of that type.
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.source.downcast_ref()
    }

    /// For callers that decide.
    #[must_use]
    pub fn kind(&self) -> HostErrorKind {
        self.kind
    }
}

/// Runs containers.
#[async_trait]
pub trait InstanceHost: Send + Sync {
    /// What an instance of that image and these options runs.
    fn command_line(&self, options: &InstanceOptions, config: &ImageConfig) -> Vec<String>;

    /// Starts an instance. After an error nothing of it stays.
    ///
    /// # Errors
    /// Where it cannot start, and why.
    async fn start(&self, order: HostOrder) -> Result<HostStarted, HostError>;

    /// Asks an instance to end, ends it after that long, and says how it did.
    ///
    /// # Errors
    /// Kind `NotFound`; where it cannot be ended.
    async fn stop(&self, id: InstanceId, patience: Duration) -> Result<ExitStatus, HostError>;

    /// Waits until an instance that has ended is cleaned up.
    ///
    /// # Errors
    /// Kind `NotFound` where nothing of it is left.
    async fn wait(&self, id: InstanceId) -> Result<(), HostError>;

    /// Removes what the host has of an instance, once it is cleaned up; with `force` one that runs is killed first.
    ///
    /// # Errors
    /// Kinds `NotFound`, and `State` where it runs.
    async fn remove(&self, id: InstanceId, force: bool) -> Result<(), HostError>;

    /// The last lines that an instance printed, at most so many bytes of them.
    ///
    /// # Errors
    /// Kind `NotFound`; where its log cannot be read.
    async fn logs(&self, id: InstanceId, limit: usize) -> Result<Vec<PrintedLine>, HostError>;

    /// Hands over every line that an instance printed, the oldest first; with `follow` goes on until it ends. Ends as well
    /// soon after nobody takes them any more, and waits for whoever is slow.
    ///
    /// # Errors
    /// Kind `NotFound`; where its log cannot be read.
    async fn read_log(&self, id: InstanceId, follow: bool, to: Sender<PrintedLine>) -> Result<(), HostError>;

    /// Runs a further command in a running instance, and hands over what it prints as it comes. Dropped before its end, the
    /// command is ended.
    ///
    /// # Errors
    /// Kinds `State`, `NotFound`, `CommandNotFound`.
    async fn exec(&self, id: InstanceId, order: ExecOrder, to: Sender<Printed>)
    -> Result<ExecEnd, HostError>;

    /// Makes what the containers of a group share, where it is missing.
    ///
    /// # Errors
    /// Where it cannot be made; the next call goes on.
    async fn prepare_group(&self, order: GroupOrder) -> Result<GroupPrepared, HostError>;

    /// Removes what the containers of a group shared; none of them runs any more. What is not there is removed.
    ///
    /// # Errors
    /// Where it cannot be removed; the next call goes on.
    async fn remove_group(&self, id: GroupId) -> Result<(), HostError>;

    /// Every group of which the host has anything.
    ///
    /// # Errors
    /// Where they cannot be listed.
    async fn groups(&self) -> Result<Vec<GroupId>, HostError>;

    /// Calls that from now on when an instance has ended that this process started. Whoever misses a call finds the end at the
    /// next look.
    fn on_end(&self, call: Box<dyn Fn() + Send + Sync>);

    /// Looks at every instance and cleans up after those that nobody watches over any more.
    ///
    /// # Errors
    /// Kind `Privilege` where this process may not; where not even that can be done.
    async fn look_around(&self) -> Result<HostStates, HostError>;
}
