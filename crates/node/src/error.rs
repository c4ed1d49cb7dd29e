//! What can go wrong with an instance, and what the caller may do about it.

use std::io;
use std::path::PathBuf;

use model::{GroupId, InstanceId};

use crate::{AccountError, MissingPrivilege, SignalError};

/// What the caller can do about an [`InstanceError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceErrorKind {
    /// Ask for something else: an option, the image or the command is wrong.
    Input,
    /// The command is not in the image (a shell's 127).
    CommandNotFound,
    /// The command is there and cannot be run (a shell's 126).
    CommandNotExecutable,
    /// No such instance.
    NotFound,
    /// The instance is in the wrong state for that: running where it must have ended, or the reverse.
    State,
    /// Become root, or get what the kernel lacks.
    Privilege,
    /// The machine refused; look at the source.
    System,
}

/// A failure of an action on an instance.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// Not root, or a capability is missing.
    #[error(transparent)]
    Privilege(#[from] MissingPrivilege),
    /// The directory that holds the instances' state.
    #[error("failed to prepare the directory `{}`", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An instance with this id is there already.
    #[error("failed to create the instance {0}: it exists already")]
    Exists(InstanceId),
    /// No instance with this id.
    #[error("failed to find the instance {0}: it does not exist")]
    NotFound(InstanceId),
    /// It runs and had to have ended.
    #[error("failed to remove the instance {0}: it runs; stop it first, or force it")]
    Running(InstanceId),
    /// It has ended and had to run.
    #[error("failed to act on the instance {0}: it does not run")]
    NotRunning(InstanceId),
    /// It has been starting for so long that it cannot be waited for.
    #[error("failed to signal the instance {0}: it is still starting and has no process yet")]
    Starting(InstanceId),
    /// A volume of a container group.
    #[error("failed to prepare the volume `{}`", path.display())]
    GroupVolume {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The network of a container group.
    #[error("failed to make the network of the container group {id}")]
    GroupNetwork {
        /// Whose.
        id: GroupId,
        /// Why.
        source: io::Error,
    },
    /// What the containers of a group may take together.
    #[error("failed to change the limits of the container group {id}")]
    GroupLimits {
        /// Whose.
        id: GroupId,
        /// Why.
        source: io::Error,
    },
    /// A part of a volume of the instance's group.
    #[error("failed to mount the sub-path `{}` of a volume", path.display())]
    SubPath {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Mounting the image.
    #[error("failed to attach the image to the instance {id}")]
    Attach {
        /// Which instance.
        id: InstanceId,
        /// Why.
        source: AttachError,
    },
    /// The user of the image or of the options.
    #[error("failed to find the user of the instance {id}")]
    Account {
        /// Which instance.
        id: InstanceId,
        /// Why.
        source: AccountError,
    },
    /// Neither the image nor the user names a command.
    #[error("failed to start the instance {0}: the image has no command, so one must be given")]
    NoCommand(InstanceId),
    /// The command is not in the image.
    #[error("failed to start the command `{0}`: it is not in the image, looked for along PATH `{1}`")]
    CommandNotFound(String, String),
    /// The command is a directory or lacks the executable bit.
    #[error("failed to start the command `{0}`: it is not an executable file")]
    CommandNotExecutable(String),
    /// An environment entry, path or name that cannot be.
    #[error("failed to take the option {option} `{value}`: {expected}")]
    Option {
        /// Which.
        option: &'static str,
        /// As given.
        value: String,
        /// What it had to be.
        expected: &'static str,
    },
    /// The stop signal of the image.
    #[error("failed to take the image's stop signal")]
    StopSignal(#[source] SignalError),
    /// The host side of a volume.
    #[error("failed to find the volume's host path `{}`", path.display())]
    Volume {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The image has a symlink or a file where the kernel's own file systems are mounted.
    #[error(
        "failed to start the instance {id}: the image's `{path}` is no directory of its own, and no file system can be \
             mounted there safely"
    )]
    SystemDirectory {
        /// Which instance.
        id: InstanceId,
        /// Which.
        path: &'static str,
    },
    /// The image's symlinks, or those in another volume, lead a volume to where the kernel's own file systems are mounted.
    #[error(
        "failed to mount a volume on `{}`: inside the instance it leads to `{}`, and nothing can be mounted there safely",
        path.display(), leads_to.display()
    )]
    VolumePlace {
        /// Which, as given.
        path: PathBuf,
        /// Where it leads.
        leads_to: PathBuf,
    },
    /// What a file or directory of the host is mounted on inside.
    #[error("failed to make the mount point `{}` inside the instance", path.display())]
    MountPoint {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The working directory inside.
    #[error("failed to make the working directory `{path}` inside the instance")]
    WorkingDir {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file of the instance's own state.
    #[error("failed to write the instance's file `{}`", path.display())]
    WriteState {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the instance's own state.
    #[error("failed to read the instance's file `{}`", path.display())]
    ReadState {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The monitor could not be started.
    #[error("failed to start the monitor of the instance {id} by `{}`", program.display())]
    Monitor {
        /// Which instance.
        id: InstanceId,
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The monitor ended or answered nonsense.
    #[error("failed to hear from the monitor of the instance {id}")]
    MonitorLost {
        /// Which instance.
        id: InstanceId,
        /// Why.
        source: io::Error,
    },
    /// The OCI runtime said no.
    #[error("failed to {action} the instance {id} by the runtime `{runtime}`: {message}")]
    Runtime {
        /// `start`, `run a command in`, ...
        action: &'static str,
        /// Which instance.
        id: InstanceId,
        /// Which runtime.
        runtime: String,
        /// What it said, one line.
        message: String,
    },
    /// A signal could not be sent.
    #[error("failed to send a signal to the instance {id}")]
    Signal {
        /// Which instance.
        id: InstanceId,
        /// Why.
        source: io::Error,
    },
    /// This process's terminal.
    #[error("failed to {action} the terminal")]
    Terminal {
        /// `set the mode of`, `relay`, ...
        action: &'static str,
        /// Why.
        source: io::Error,
    },
    /// What an ended instance left.
    #[error("failed to clean up `{}`", path.display())]
    CleanUp {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl InstanceError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> InstanceErrorKind {
        match self {
            Self::Privilege(_) => InstanceErrorKind::Privilege,
            Self::NotFound(_) => InstanceErrorKind::NotFound,
            Self::Exists(_) | Self::Running(_) | Self::NotRunning(_) | Self::Starting(_) => {
                InstanceErrorKind::State
            }
            Self::CommandNotFound(..) => InstanceErrorKind::CommandNotFound,
            Self::CommandNotExecutable(_) => InstanceErrorKind::CommandNotExecutable,
            Self::Account { .. }
            | Self::NoCommand(_)
            | Self::Option { .. }
            | Self::StopSignal(_)
            | Self::Volume { .. }
            | Self::SubPath { .. }
            | Self::SystemDirectory { .. }
            | Self::VolumePlace { .. }
            | Self::MountPoint { .. }
            | Self::WorkingDir { .. } => InstanceErrorKind::Input,
            Self::Directory { .. }
            | Self::GroupVolume { .. }
            | Self::GroupNetwork { .. }
            | Self::GroupLimits { .. }
            | Self::Attach { .. }
            | Self::WriteState { .. }
            | Self::ReadState { .. }
            | Self::Monitor { .. }
            | Self::MonitorLost { .. }
            | Self::Runtime { .. }
            | Self::Signal { .. }
            | Self::Terminal { .. }
            | Self::CleanUp { .. } => InstanceErrorKind::System,
        }
    }
}

/// A failure to mount an image's blobs or an instance's overlay, or to undo it.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// A directory or file beside the mounts.
    #[error("failed to prepare `{}` for mounting", path.display())]
    Prepare {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The lock over the shared mounts.
    #[error("failed to lock the mounts by `{}`", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The blob's file.
    #[error("failed to open the blob `{}`", path.display())]
    OpenBlob {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel refused the blob.
    #[error("failed to mount the EROFS blob `{}`{}", path.display(), kernel_says(kernel))]
    MountBlob {
        /// The file.
        path: PathBuf,
        /// What the kernel logged for this mount; may be empty.
        kernel: String,
        /// Why.
        source: io::Error,
    },
    /// No loop device.
    #[error("failed to set up a loop device for the blob `{}`", path.display())]
    LoopDevice {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// More layers than overlayfs stacks.
    #[error("failed to mount the overlay: the image has {0} layers and overlayfs stacks {1} at most")]
    TooManyLowers(usize, usize),
    /// The kernel refused the overlay.
    #[error("failed to mount the overlay on `{}`{}", path.display(), kernel_says(kernel))]
    MountOverlay {
        /// Where.
        path: PathBuf,
        /// What the kernel logged for this mount; may be empty.
        kernel: String,
        /// Why.
        source: io::Error,
    },
    /// A mount that would not go.
    #[error("failed to unmount `{}`", path.display())]
    Unmount {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn kernel_says(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!(" (the kernel says: {log})") }
}
