//! Typed answers, printed as the cloud prints them.
//!
//! Texts and ids go out as they are given; times are whole seconds in UTC. What is `None` is not printed. Lists are printed even where
//! they are empty, but in XML, where a list is its element repeated.

mod container;
mod events;
mod group;
mod image_cache;
mod print;
mod resources;
mod status;
mod volume;

use serde::Serialize;

pub use container::{
    ContainerPhase, ContainerState, EnvironmentVar, GroupContainer, InitContainer, PrintedMount, PrintedPort,
    PrintedProbe, SecurityContext, ShownContainer,
};
pub use events::{EventMetadata, EventSourceName, GroupEvent, GroupEvents, InvolvedObject, PodEvents};
pub use group::{
    ContainerGroup, ContainerGroups, CreatedContainerGroup, KernelSetting, KernelSettings, PrintedDns,
    PrintedHostAlias,
};
pub use image_cache::{CacheEvent, CreatedImageCache, ImageCacheEntry, ImageCaches};
pub use resources::{ContainerLog, Region, Regions, TagResource, TagsOfResources, Usage, UsageAttributes};
pub use status::{
    ContainerStatus, GroupStatuses, PodCondition, PodContainerState, PodIp, PodStatus, StatusOfGroup,
};
pub use volume::{PrintedFile, PrintedVolume};

use super::reply::{Caller, Reply};
use super::request::OperationName;

/// The answer of operations that say no more than that it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Done {}

macro_rules! answers {
    ($($name:ident($document:ty),)*) => {
        /// What an operation answers.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Answer {
            $(#[doc = concat!("Of `", stringify!($name), "`.")] $name($document),)*
        }

        impl Answer {
            /// The answer as it goes over the wire.
            #[must_use]
            pub fn reply(&self, caller: &Caller<'_>) -> Reply {
                match self {
                    $(Self::$name(document) => Reply::answer(OperationName::$name, document, caller),)*
                }
            }
        }
    };
}

answers! {
    CreateImageCache(CreatedImageCache),
    UpdateImageCache(Done),
    DeleteImageCache(Done),
    DescribeImageCaches(ImageCaches),
    CreateContainerGroup(CreatedContainerGroup),
    DeleteContainerGroup(Done),
    DescribeContainerGroups(ContainerGroups),
    DescribeContainerGroupStatus(GroupStatuses),
    DescribeContainerGroupEvents(GroupEvents),
    DescribeContainerLog(ContainerLog),
    ListUsage(Usage),
    DescribeRegions(Regions),
    TagResources(Done),
    UntagResources(Done),
    ListTagResources(TagsOfResources),
}
