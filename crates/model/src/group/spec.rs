//! What is wished of a group.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::matching::MatchPolicy;
use crate::{ByteSize, CacheId, ContainerName, ImageSource, Platform, RegistryAccess};

/// Which containers start again when they have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RestartPolicy {
    /// All; init containers where they have failed.
    #[default]
    Always,
    /// Those that have failed.
    OnFailure,
    /// None.
    Never,
}

/// Which network a group's containers see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupNetwork {
    /// The host's own.
    #[default]
    Host,
    /// One of their own, with loopback alone: they reach each other and nobody else.
    Own,
}

/// What is wished of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSpec {
    /// The platform of its images.
    pub platform: Platform,
    /// Containers that end one after another before the others start.
    pub init_containers: Vec<ContainerSpec>,
    /// Containers that run together; one at least.
    pub containers: Vec<ContainerSpec>,
    /// What they can share.
    pub volumes: Vec<GroupVolume>,
    /// Which start again.
    pub restart_policy: RestartPolicy,
    /// The cache that they start from, whatever it has; `None` where none was said.
    pub cache: Option<CacheId>,
    /// Whether the best cache is used where none was said, and one is made where none has all images.
    pub match_cache: bool,
    /// Whose rules rank the caches.
    pub policy: MatchPolicy,
    /// The limit on temporary storage: larger caches are not used.
    pub space: Option<ByteSize>,
    /// How the registries are spoken to where something must be fetched.
    pub access: RegistryAccess,
    /// The host name inside.
    pub hostname: String,
    /// Which network they see.
    pub network: GroupNetwork,
    /// After so many seconds from its start it is ended and has failed.
    pub deadline_seconds: Option<u64>,
    /// So many seconds a container has between being asked to end and being killed.
    pub grace_seconds: u64,
    /// How many thousandths of a processor its containers may use together.
    #[serde(default)]
    pub milli_cpus: Option<u32>,
    /// The most memory that its containers may take together.
    #[serde(default)]
    pub memory: Option<ByteSize>,
}

/// What is wished of one container. The values of its variables are kept apart, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// Its name.
    pub name: ContainerName,
    /// Its image.
    pub image: ImageSource,
    /// In place of the image's entrypoint.
    pub entrypoint: Option<Vec<String>>,
    /// In place of the image's command.
    pub command: Vec<String>,
    /// The places among its variables of those whose value is the group's address.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub address_variables: BTreeSet<usize>,
    /// Working directory.
    pub working_dir: Option<String>,
    /// User and group, names or ids.
    pub user: Option<String>,
    /// How many thousandths of a processor it may use, of those of its group.
    pub milli_cpus: Option<u32>,
    /// The most memory that it may take, of its group's.
    pub memory: Option<ByteSize>,
    /// Where the group's volumes are seen.
    pub mounts: Vec<GroupMount>,
}

/// Where a volume of the group is seen in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMount {
    /// The volume's place among the group's.
    pub volume: usize,
    /// Where: absolute, without `..`.
    pub path: PathBuf,
    /// What of the volume, relative and without `..`; all of it where nothing is said. Made where it is missing.
    pub sub_path: Option<PathBuf>,
    /// Whether the container may not write to it.
    pub read_only: bool,
}

/// Something that the containers of a group can share; it goes with the group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupVolume {
    /// Its name, unique in the group.
    pub name: String,
    /// What is in it.
    pub source: VolumeSource,
}

/// What is in a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeSource {
    /// Nothing at first, on the disk.
    Directory {
        /// The most that it may hold.
        limit: Option<ByteSize>,
    },
    /// Nothing at first, in memory.
    Memory {
        /// The most that it may hold; half of the machine's memory where nothing is said.
        limit: Option<ByteSize>,
    },
    /// Files whose content came with the wish. It is kept apart, sealed.
    Files {
        /// The files.
        files: Vec<VolumeFile>,
    },
}

/// A file that came with the wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeFile {
    /// Where in the volume: relative, without `..`.
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
}

/// A container of a group by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerPlace {
    /// That init container.
    Init(usize),
    /// That container.
    Main(usize),
}

/// Why a wish is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupSpecError {
    /// No container.
    #[error("failed to take the container group: it has no container")]
    NoContainer,
    /// A name of two.
    #[error("failed to take the container group: two containers are named `{0}`")]
    ContainerNames(ContainerName),
    /// A name of two.
    #[error("failed to take the container group: two volumes are named `{0}`")]
    VolumeNames(String),
    /// No place for a mount.
    #[error("failed to take the mount `{path}` of the container `{container}`: {expected}")]
    Mount {
        /// Whose.
        container: ContainerName,
        /// Where.
        path: String,
        /// What was expected.
        expected: &'static str,
    },
    /// No path for a file.
    #[error(
        "failed to take the file `{path}` of the volume `{volume}`: expected a relative path without `..` that no other file of \
         the volume has, or has a part of"
    )]
    File {
        /// Of which volume.
        volume: String,
        /// The path.
        path: String,
    },
}

impl GroupSpec {
    /// Init containers, then the others, each with its place.
    pub fn all(&self) -> impl Iterator<Item = (ContainerPlace, &ContainerSpec)> {
        let init =
            self.init_containers.iter().enumerate().map(|(index, one)| (ContainerPlace::Init(index), one));
        init.chain(self.containers.iter().enumerate().map(|(index, one)| (ContainerPlace::Main(index), one)))
    }

    /// The container at that place.
    #[must_use]
    pub fn container(&self, place: ContainerPlace) -> Option<&ContainerSpec> {
        match place {
            ContainerPlace::Init(index) => self.init_containers.get(index),
            ContainerPlace::Main(index) => self.containers.get(index),
        }
    }

    /// The images of all containers, each once, in order.
    #[must_use]
    pub fn images(&self) -> Vec<ImageSource> {
        let mut images: Vec<ImageSource> = Vec::new();
        for (_, container) in self.all() {
            if !images.contains(&container.image) {
                images.push(container.image.clone());
            }
        }
        images
    }

    /// Whether it can be carried out at all.
    ///
    /// # Errors
    /// The first thing that cannot.
    pub fn check(&self) -> Result<(), GroupSpecError> {
        if self.containers.is_empty() {
            return Err(GroupSpecError::NoContainer);
        }
        let mut names = BTreeSet::new();
        for (_, container) in self.all() {
            if !names.insert(&container.name) {
                return Err(GroupSpecError::ContainerNames(container.name.clone()));
            }
            container.mounts.iter().try_for_each(|mount| self.check_mount(container, mount))?;
        }
        let mut names = BTreeSet::new();
        for volume in &self.volumes {
            if !names.insert(&volume.name) {
                return Err(GroupSpecError::VolumeNames(volume.name.clone()));
            }
            volume.check()?;
        }
        Ok(())
    }

    fn check_mount(&self, container: &ContainerSpec, mount: &GroupMount) -> Result<(), GroupSpecError> {
        let refused = |expected| GroupSpecError::Mount {
            container: container.name.clone(),
            path: mount.path.display().to_string(),
            expected,
        };
        let place = &mount.path;
        let climbs = place.components().any(|part| part == Component::ParentDir);
        if place.is_relative() || climbs || place.components().count() < 2 {
            return Err(refused("expected an absolute path without `..` that is not `/`"));
        }
        if mount.volume >= self.volumes.len() {
            return Err(refused("expected a volume of the group"));
        }
        match mount.sub_path.as_deref().is_none_or(is_below) {
            true => Ok(()),
            false => Err(refused("expected a relative sub-path without `..`")),
        }
    }
}

impl GroupVolume {
    fn check(&self) -> Result<(), GroupSpecError> {
        let VolumeSource::Files { files } = &self.source else { return Ok(()) };
        let leads = |file: &VolumeFile, other: &VolumeFile| other.path.starts_with(&file.path);
        for (index, file) in files.iter().enumerate() {
            let others = files.iter().enumerate().filter(|(other, _)| *other != index);
            if !is_below(&file.path) || others.into_iter().any(|(_, other)| leads(file, other)) {
                let (volume, path) = (self.name.clone(), file.path.display().to_string());
                return Err(GroupSpecError::File { volume, path });
            }
        }
        Ok(())
    }
}

/// Whether a path stays where it begins.
fn is_below(path: &Path) -> bool {
    path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}
