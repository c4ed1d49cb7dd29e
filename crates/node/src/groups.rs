//! What the containers of a group share: volumes and a network namespace, in the data directory, and a control group above
//! theirs, from before the first of them starts until the group is removed.
//!
//! Every step is done where it is done already, and what a killed process or a restart of the machine left half made is made
//! anew. Who a group's instances are, and whether it is wanted still, is the caller's to know.

mod network;
mod sub_path;
mod volumes;

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use model::{ByteSize, GroupId};
use serde::{Deserialize, Serialize};

use crate::cgroups::SharedLimits;
use crate::instances::Instances;
use crate::layout::{GroupDir, InstanceDir};
use crate::mount::unmount_path;
use crate::teardown::PATIENCE;
use crate::{InstanceError, InstanceSpec, MilliCpus, Volume, address, cgroups, require_root};

pub(crate) use sub_path::let_go;

/// What the containers of a group share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSpec {
    /// Its id.
    pub id: GroupId,
    /// Its volumes, by their places.
    pub volumes: Vec<SharedVolume>,
    /// Whether they have a network of their own, with loopback alone.
    pub own_network: bool,
    /// Upper limit of the memory that they take together.
    pub memory: Option<ByteSize>,
    /// Upper limit of the processor time that they take together.
    pub cpus: Option<MilliCpus>,
}

/// A volume of a group.
#[derive(Clone, PartialEq, Eq)]
pub enum SharedVolume {
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
    /// Files with their content.
    Files(Vec<SharedFile>),
}

/// What is in files is nobody's to read in a log.
impl std::fmt::Debug for SharedVolume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory { limit } => f.debug_struct("Directory").field("limit", limit).finish(),
            Self::Memory { limit } => f.debug_struct("Memory").field("limit", limit).finish(),
            Self::Files(files) => write!(f, "Files({} files)", files.len()),
        }
    }
}

/// A file of a volume.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedFile {
    /// Where in the volume: relative, without `..`.
    pub path: PathBuf,
    /// What is in it.
    pub content: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
}

/// What a group has once it is prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedGroup {
    /// The address by which its containers are reached now: this machine's, or with a network of their own that of loopback.
    pub address: IpAddr,
    /// What was asked for and is weaker here, in sentences.
    pub warnings: Vec<String>,
    /// Whether volumes in memory were lost and are empty again: the machine was restarted.
    pub was_lost: bool,
}

/// The group that an instance is a container of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedGroup {
    /// Its id.
    pub id: GroupId,
    /// Whether the instance sees the group's network, in place of one that [`RunOptions::network`](crate::RunOptions) says.
    pub shares_network: bool,
    /// Where it sees the group's volumes.
    pub mounts: Vec<SharedMount>,
}

/// Where an instance sees a volume of its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedMount {
    /// The volume's place.
    pub volume: usize,
    /// What of it: relative, without `..`; made where it is missing, as a directory. Symlinks never lead out of the volume.
    pub sub_path: Option<PathBuf>,
    /// Absolute path inside.
    pub container: PathBuf,
    /// Whether the instance may not write to it.
    pub read_only: bool,
}

impl Instances {
    /// Makes what the containers of a group share, where it is missing.
    ///
    /// # Errors
    /// [`InstanceError::Privilege`]; [`InstanceError::GroupVolume`]; [`InstanceError::GroupNetwork`];
    /// [`InstanceError::GroupLimits`]. What was made stays, and the next call goes on.
    pub fn prepare_group(&self, spec: &GroupSpec) -> Result<PreparedGroup, InstanceError> {
        require_root("start container groups")?;
        let dir = self.layout.group(spec.id);
        volumes::make_directory(dir.path())?;
        volumes::make_directory(&dir.volumes())?;
        let address = if spec.own_network { Ipv4Addr::LOCALHOST.into() } else { address::primary() };
        let mut prepared = PreparedGroup { address, warnings: Vec::new(), was_lost: false };
        for (place, volume) in spec.volumes.iter().enumerate() {
            self.prepare_volume(&dir, place, volume, &mut prepared)?;
        }
        if spec.own_network {
            network::prepare(&dir.network())
                .map_err(|source| InstanceError::GroupNetwork { id: spec.id, source })?;
        }
        // They go with a restart of the machine, and are set again.
        let limits = SharedLimits { memory: spec.memory, cpus: spec.cpus };
        let warning =
            limits.set(spec.id).map_err(|source| InstanceError::GroupLimits { id: spec.id, source })?;
        prepared.warnings.extend(warning);
        Ok(prepared)
    }

    fn prepare_volume(
        &self,
        dir: &GroupDir,
        place: usize,
        volume: &SharedVolume,
        prepared: &mut PreparedGroup,
    ) -> Result<(), InstanceError> {
        let path = dir.volume(place);
        let failed = |source| InstanceError::GroupVolume { path: path.clone(), source };
        match volume {
            SharedVolume::Directory { limit } => {
                // Under the lock of all, so that no two get the same project.
                let _lock = self.global_lock()?;
                prepared.warnings.extend(volumes::empty(&path, *limit).map_err(failed)?);
            }
            SharedVolume::Memory { limit } => {
                prepared.was_lost |= volumes::memory(&path, *limit).map_err(failed)?;
            }
            SharedVolume::Files(files) => volumes::files(&path, files).map_err(failed)?,
        }
        Ok(())
    }

    /// Removes what the containers of a group shared. None of them may run any more. Removing what is not there is done.
    ///
    /// # Errors
    /// Where something cannot be taken down or removed: the next call goes on.
    pub fn remove_group(&self, id: GroupId) -> Result<(), InstanceError> {
        let dir = self.layout.group(id);
        let failed = |path: PathBuf| move |source| InstanceError::CleanUp { path, source };
        let unmount = |path: &PathBuf| {
            unmount_path(path).map_err(|error| failed(path.clone())(io::Error::other(error)))
        };
        cgroups::remove_shared(id, PATIENCE).map_err(|source| InstanceError::GroupLimits { id, source })?;
        unmount(&dir.network())?;
        for volume in volumes::places(&dir.volumes()).map_err(failed(dir.volumes()))? {
            unmount(&volume)?;
            // A limit that could not be lifted is one of a project without files.
            let _ = crate::quota::lift(&volume);
        }
        match fs::remove_dir_all(dir.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed(dir.path().to_owned())(error))
            }
            _ => Ok(()),
        }
    }

    /// Every group that has anything here.
    ///
    /// # Errors
    /// Where they cannot be listed.
    pub fn groups(&self) -> Result<Vec<GroupId>, InstanceError> {
        let path = self.layout.groups();
        let failed = |source| InstanceError::ReadState { path: path.clone(), source };
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            ids.extend(name.to_str().and_then(|name| name.parse::<GroupId>().ok()));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// The same instance with its group's volumes among its own.
    pub(crate) fn joined(
        &self,
        spec: &InstanceSpec,
        dir: &InstanceDir,
    ) -> Result<InstanceSpec, InstanceError> {
        let mut spec = spec.clone();
        let Some(group) = spec.options.group.clone() else { return Ok(spec) };
        let of_group = self.layout.group(group.id);
        for (place, mount) in group.mounts.iter().enumerate() {
            let volume = of_group.volume(mount.volume);
            let host = match &mount.sub_path {
                None => volume,
                Some(sub_path) => sub_path::hold(&volume, sub_path, &dir.sub_paths(), place)
                    .map_err(|source| InstanceError::SubPath { path: sub_path.clone(), source })?,
            };
            let (container, read_only) = (mount.container.clone(), mount.read_only);
            spec.options.volumes.push(Volume { host, container, read_only });
        }
        Ok(spec)
    }
}
