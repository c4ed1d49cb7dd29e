//! Typed requests: a struct for each operation, with every parameter that the operation has.
//!
//! What is malformed or out of its range is refused here. What is not there is `None`, empty, or the default that the API
//! documents. Nothing is decided here about what a parameter is good for: see [`super::PARAMETERS`].

mod access;
mod container;
mod container_group;
mod files;
mod further;
mod groups;
mod image;
mod image_cache;
mod network;
mod probe;
mod resources;
mod secret;
mod tags;
mod text;
mod volume;
mod words;

pub use access::{AcrRegistryInfo, RegistryAccess, RegistryCredential};
pub use container::{
    Capabilities, Container, ContainerPort, EnvironmentVariable, Lifecycle, LifecycleAction, VariableSource,
    VolumeMount,
};
pub use container_group::CreateContainerGroup;
pub use files::{ConfigFile, FileContent};
pub use further::Further;
pub use groups::{
    DeleteContainerGroup, DescribeContainerGroupEvents, DescribeContainerGroupStatus,
    DescribeContainerGroups, DescribeContainerLog, GroupFilter,
};
pub use image::GivenImage;
pub use image_cache::{
    CacheParameters, CreateImageCache, DeleteImageCache, DescribeImageCaches, UpdateImageCache,
};
pub use network::{DnsConfig, HostAlias, NetworkPlace, PublicAddress};
pub use probe::{HttpGet, Probe, ProbeAction};
pub use resources::{
    DescribeRegions, ListTagResources, ListUsage, TagResources, TaggedResources, UntagResources,
};
pub use secret::Secret;
pub use tags::TagFilter;
pub use text::{ClientToken, FreeName, GroupName, PageToken, RegionId, ResourceId};
pub use volume::{Volume, VolumeSource};
pub use words::{
    CpuArchitecture, DnsPolicy, EmptyDirMedium, EventSource, GroupStatus, ImageAccelerateMode,
    ImagePullPolicy, OperationName, OsType, PortProtocol, ResourceType, RestartPolicy,
};

use super::error::Refusal;
use super::parameters::Fields;

macro_rules! operations {
    ($($name:ident,)*) => {
        /// An operation with its parameters.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Operation {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name(Box<$name>),)*
        }

        impl Operation {
            /// Its name.
            #[must_use]
            pub fn name(&self) -> OperationName {
                match self { $(Self::$name(_) => OperationName::$name,)* }
            }

            pub(super) fn read(name: OperationName, fields: &Fields<'_>) -> Result<Self, Refusal> {
                Ok(match name {
                    $(OperationName::$name => Self::$name(Box::new($name::read(fields)?)),)*
                })
            }
        }
    };
}

operations! {
    CreateImageCache, UpdateImageCache, DeleteImageCache, DescribeImageCaches,
    CreateContainerGroup, DeleteContainerGroup, DescribeContainerGroups, DescribeContainerGroupStatus,
    DescribeContainerGroupEvents, DescribeContainerLog,
    ListUsage, DescribeRegions, TagResources, UntagResources, ListTagResources,
}
