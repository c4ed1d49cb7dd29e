//! Volumes as `DescribeContainerGroups` shows them: what is nested in requests is one long name here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::alibaba::request::{ConfigFile, EmptyDirMedium, Volume, VolumeSource};

/// A volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PrintedVolume {
    name: String,
    #[serde(rename = "Type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    empty_dir_volume_medium: Option<EmptyDirMedium>,
    #[serde(skip_serializing_if = "Option::is_none")]
    empty_dir_volume_size_limit: Option<String>,
    #[serde(rename = "NFSVolumeServer", skip_serializing_if = "Option::is_none")]
    nfs_volume_server: Option<String>,
    #[serde(rename = "NFSVolumePath", skip_serializing_if = "Option::is_none")]
    nfs_volume_path: Option<String>,
    #[serde(rename = "NFSVolumeReadOnly", skip_serializing_if = "Option::is_none")]
    nfs_volume_read_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_file_volume_config_file_to_paths: Option<Vec<PrintedFile>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_volume_disk_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_volume_fs_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flex_volume_driver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flex_volume_fs_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flex_volume_options: Option<String>,
}

impl From<&Volume> for PrintedVolume {
    fn from(volume: &Volume) -> Self {
        let named = |kind| Self { name: volume.name.clone(), kind, ..Self::default() };
        match volume.source.clone() {
            VolumeSource::EmptyDir { medium, size_limit } => Self {
                empty_dir_volume_medium: medium,
                empty_dir_volume_size_limit: size_limit,
                ..named("EmptyDirVolume")
            },
            VolumeSource::Nfs { server, path, read_only } => Self {
                nfs_volume_server: Some(server),
                nfs_volume_path: Some(path),
                nfs_volume_read_only: Some(read_only),
                ..named("NFSVolume")
            },
            VolumeSource::ConfigFiles { files, .. } => Self {
                config_file_volume_config_file_to_paths: Some(files.iter().map(PrintedFile::from).collect()),
                ..named("ConfigFileVolume")
            },
            VolumeSource::Disk { id, file_system, .. } => {
                Self { disk_volume_disk_id: id, disk_volume_fs_type: file_system, ..named("DiskVolume") }
            }
            VolumeSource::Flex { driver, file_system, options } => Self {
                flex_volume_driver: driver,
                flex_volume_fs_type: file_system,
                flex_volume_options: options,
                ..named("FlexVolume")
            },
            VolumeSource::HostPath { .. } => named("HostPathVolume"),
        }
    }
}

/// A file of a volume, its content in base64.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PrintedFile {
    path: String,
    content: String,
}

impl From<&ConfigFile> for PrintedFile {
    fn from(file: &ConfigFile) -> Self {
        Self { path: file.path.clone(), content: STANDARD.encode(file.content.expose()) }
    }
}

/// The content goes to its owner and into no log.
impl std::fmt::Debug for PrintedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrintedFile").field("path", &self.path).finish_non_exhaustive()
    }
}
