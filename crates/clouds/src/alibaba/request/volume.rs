//! Volumes of a group.

use super::files::{self, ConfigFile};
use super::words::EmptyDirMedium;
use crate::alibaba::error::Refusal;
use crate::alibaba::parameters::Fields;

/// `Volume.N`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// `Name`, unique in the group.
    pub name: String,
    /// What is mounted.
    pub source: VolumeSource,
}

/// `Type` with the parameters of that type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeSource {
    /// `EmptyDirVolume`
    EmptyDir {
        /// `Medium`: the instance's disk where there is none.
        medium: Option<EmptyDirMedium>,
        /// `SizeLimit`, as `256Mi`.
        size_limit: Option<String>,
    },
    /// `NFSVolume`
    Nfs {
        /// `Server`
        server: String,
        /// `Path`
        path: String,
        /// `ReadOnly`
        read_only: bool,
    },
    /// `ConfigFileVolume`
    ConfigFiles {
        /// `DefaultMode`: permission bits.
        default_mode: Option<u32>,
        /// `ConfigFileToPath.M`
        files: Vec<ConfigFile>,
    },
    /// `DiskVolume`
    Disk {
        /// `DiskId`
        id: Option<String>,
        /// `DiskSize`, in GiB.
        size_gib: Option<u32>,
        /// `FsType`
        file_system: Option<String>,
    },
    /// `FlexVolume`
    Flex {
        /// `Driver`
        driver: Option<String>,
        /// `FsType`
        file_system: Option<String>,
        /// `Options`: JSON.
        options: Option<String>,
    },
    /// `HostPathVolume`
    HostPath {
        /// `Path`
        path: Option<String>,
        /// `Type`
        kind: Option<String>,
    },
}

impl Volume {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let name = fields.required("Name")?;
        let kind: String = fields.required("Type")?;
        let source = match kind.as_str() {
            "EmptyDirVolume" => of(fields, &kind, |volume| {
                Ok(VolumeSource::EmptyDir {
                    medium: volume.parsed("Medium")?,
                    size_limit: volume.parsed("SizeLimit")?,
                })
            })?
            .unwrap_or(VolumeSource::EmptyDir { medium: None, size_limit: None }),
            "NFSVolume" => needed(fields, &kind, |volume| {
                let (server, path) = (volume.required("Server")?, volume.required("Path")?);
                Ok(VolumeSource::Nfs { server, path, read_only: volume.flag("ReadOnly")? })
            })?,
            "ConfigFileVolume" => needed(fields, &kind, |volume| {
                let default_mode = files::mode(volume, "DefaultMode")?;
                Ok(VolumeSource::ConfigFiles { default_mode, files: ConfigFile::read_all(volume)? })
            })?,
            "DiskVolume" => needed(fields, &kind, |volume| {
                let (id, size_gib) = (volume.parsed("DiskId")?, volume.number("DiskSize", 1..=32_768)?);
                Ok(VolumeSource::Disk { id, size_gib, file_system: volume.parsed("FsType")? })
            })?,
            "FlexVolume" => needed(fields, &kind, |volume| {
                let (driver, file_system) = (volume.parsed("Driver")?, volume.parsed("FsType")?);
                Ok(VolumeSource::Flex { driver, file_system, options: volume.parsed("Options")? })
            })?,
            "HostPathVolume" => needed(fields, &kind, |volume| {
                Ok(VolumeSource::HostPath { path: volume.parsed("Path")?, kind: volume.parsed("Type")? })
            })?,
            _ => return Err(fields.invalid("Type")),
        };
        Ok(Self { name, source })
    }
}

/// The parameters of the type; those of other types are no matter.
fn of(
    fields: &Fields<'_>,
    kind: &str,
    read: impl Fn(&Fields<'_>) -> Result<VolumeSource, Refusal>,
) -> Result<Option<VolumeSource>, Refusal> {
    fields.object(kind, read)
}

fn needed(
    fields: &Fields<'_>,
    kind: &str,
    read: impl Fn(&Fields<'_>) -> Result<VolumeSource, Refusal>,
) -> Result<VolumeSource, Refusal> {
    of(fields, kind, read)?.ok_or_else(|| fields.missing(kind))
}
