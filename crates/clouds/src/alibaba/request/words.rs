//! Words of which the API knows a few each.

use std::fmt;
use std::str::FromStr;

/// A word that is none of those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to read a word: it is none that the API knows there")]
pub struct UnknownWord;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $word, "`")] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word as printed.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or(UnknownWord)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    )*};
}

words! {
    /// The operations of the service that there are here.
    OperationName {
        CreateImageCache = "CreateImageCache",
        UpdateImageCache = "UpdateImageCache",
        DeleteImageCache = "DeleteImageCache",
        DescribeImageCaches = "DescribeImageCaches",
        CreateContainerGroup = "CreateContainerGroup",
        DeleteContainerGroup = "DeleteContainerGroup",
        DescribeContainerGroups = "DescribeContainerGroups",
        DescribeContainerGroupStatus = "DescribeContainerGroupStatus",
        DescribeContainerGroupEvents = "DescribeContainerGroupEvents",
        DescribeContainerLog = "DescribeContainerLog",
        ListUsage = "ListUsage",
        DescribeRegions = "DescribeRegions",
        TagResources = "TagResources",
        UntagResources = "UntagResources",
        ListTagResources = "ListTagResources",
    }
    /// The operating system of the images.
    OsType { Linux = "Linux", Windows = "Windows", }
    /// The processor architecture of the images.
    CpuArchitecture { Amd64 = "AMD64", Arm64 = "ARM64", }
    /// When an image is looked for in its registry.
    ImagePullPolicy { Always = "Always", IfNotPresent = "IfNotPresent", Never = "Never", }
    /// Which containers start again when they end.
    RestartPolicy { Always = "Always", Never = "Never", OnFailure = "OnFailure", }
    /// How images come without a pull.
    ImageAccelerateMode { Nydus = "nydus", Dadi = "dadi", P2p = "p2p", ImageCache = "imc", }
    /// The protocol of a port.
    PortProtocol { Tcp = "TCP", Udp = "UDP", }
    /// Where name servers come from.
    DnsPolicy { Default = "Default", None = "None", }
    /// What an empty directory lies on, if not the instance's disk.
    EmptyDirMedium { Memory = "Memory", }
    /// Whose events are asked for.
    EventSource { Service = "EciService", Agent = "K8sAgent", }
    /// What a tag is put on.
    ResourceType {
        ContainerGroup = "ContainerGroup",
        ImageCache = "ImageCache",
        DataCache = "DataCache",
        VirtualNode = "VirtualNode",
    }
    /// Where a container group is in its life.
    GroupStatus {
        Pending = "Pending",
        Running = "Running",
        Succeeded = "Succeeded",
        Failed = "Failed",
        Scheduling = "Scheduling",
        ScheduleFailed = "ScheduleFailed",
        Restarting = "Restarting",
        Updating = "Updating",
        Terminating = "Terminating",
        Expired = "Expired",
    }
}
