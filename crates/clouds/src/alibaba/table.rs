//! What becomes of every parameter of every operation.

use super::request::OperationName;

/// What becomes of a parameter whose value is well-formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It does what the cloud says it does.
    Honoured,
    /// It means nothing outside of that cloud: it is checked and kept, and comes back where the cloud returns it.
    RecordedOnly,
    /// A request that needs it is refused with `UnsupportedParameter`, rather than run as if it were not there.
    Refused,
}

macro_rules! parameters {
    ($($operation:ident { $($fate:ident: $($name:literal)*;)* })*) => {
        /// Every parameter that an operation reads, as the wire has it; `N`, `M` and `O` stand for numbers from 1. Names that are not
        /// here are ignored, as the cloud ignores them.
        pub const PARAMETERS: &[(OperationName, &str, Fate)] =
            &[$($($((OperationName::$operation, $name, Fate::$fate),)*)*)*];
    };
}

parameters! {
    CreateImageCache {
        Honoured: "RegionId" "ImageCacheName" "Image.N" "ImageCacheSize" "RetentionDays" "AutoMatchImageCache"
            "ImageRegistryCredential.N.Server" "ImageRegistryCredential.N.UserName" "ImageRegistryCredential.N.Password"
            "AcrRegistryInfo.N.InstanceId" "AcrRegistryInfo.N.InstanceName" "AcrRegistryInfo.N.RegionId"
            "AcrRegistryInfo.N.Domain.M" "PlainHttpRegistry" "InsecureRegistry" "ResourceGroupId" "Tag.N.Key" "Tag.N.Value"
            "Flash" "StandardCopyCount" "FlashCopyCount" "EliminationStrategy" "OsType" "ClientToken";
        RecordedOnly: "ZoneId" "SecurityGroupId" "VSwitchId" "EipInstanceId" "AcrRegistryInfo.N.ArnService"
            "AcrRegistryInfo.N.ArnUser" "Annotations";
    }
    UpdateImageCache {
        Honoured: "RegionId" "ImageCacheId" "ImageCacheName" "Image.N" "ImageCacheSize" "RetentionDays"
            "AutoMatchImageCache" "Flash" "StandardCopyCount" "FlashCopyCount" "EliminationStrategy"
            "ImageRegistryCredential.N.Server" "ImageRegistryCredential.N.UserName" "ImageRegistryCredential.N.Password"
            "AcrRegistryInfo.N.InstanceId" "AcrRegistryInfo.N.InstanceName" "AcrRegistryInfo.N.RegionId"
            "AcrRegistryInfo.N.Domain.M" "Tag.N.Key" "Tag.N.Value" "ResourceGroupId" "ClientToken";
        RecordedOnly: "SecurityGroupId" "VSwitchId" "EipInstanceId";
    }
    DeleteImageCache {
        Honoured: "RegionId" "ImageCacheId" "ClientToken";
    }
    DescribeImageCaches {
        Honoured: "RegionId" "ImageCacheId" "ImageCacheName" "SnapshotId" "Image" "ResourceGroupId" "Tag.N.Key"
            "Tag.N.Value" "MatchImage.N" "ImageFullMatch" "ImageMatchCountRequest" "Limit" "NextToken";
    }
    CreateContainerGroup {
        Honoured: "RegionId" "ContainerGroupName" "ImageSnapshotId" "AutoMatchImageCache" "EphemeralStorage"
            "ImageRegistryCredential.N.Server" "ImageRegistryCredential.N.UserName" "ImageRegistryCredential.N.Password"
            "AcrRegistryInfo.N.InstanceId" "AcrRegistryInfo.N.Domain.M" "PlainHttpRegistry" "InsecureRegistry"
            "Container.N.Name" "Container.N.Image" "Container.N.Command.M" "Container.N.Arg.M" "Container.N.Cpu"
            "Container.N.Memory" "Container.N.WorkingDir" "Container.N.EnvironmentVar.M.Key"
            "Container.N.EnvironmentVar.M.Value" "Container.N.EnvironmentVar.M.FieldRef.FieldPath"
            "Container.N.EnvironmentVarHide" "Container.N.SecurityContext.RunAsUser"
            "Container.N.SecurityContextRunAsGroup" "Cpu" "Memory" "ResourceGroupId" "HostName" "OsType" "CpuArchitecture"
            "Tag.N.Key" "Tag.N.Value" "DryRun" "ClientToken" "Container.N.VolumeMount.M.Name"
            "Container.N.VolumeMount.M.MountPath" "Container.N.VolumeMount.M.SubPath" "Container.N.VolumeMount.M.ReadOnly"
            "InitContainer.N.Name" "InitContainer.N.Image" "InitContainer.N.Command.M" "InitContainer.N.Arg.M"
            "InitContainer.N.Cpu" "InitContainer.N.Memory" "InitContainer.N.WorkingDir" "InitContainer.N.EnvironmentVar.M.Key"
            "InitContainer.N.EnvironmentVar.M.Value" "InitContainer.N.EnvironmentVar.M.FieldRef.FieldPath"
            "InitContainer.N.VolumeMount.M.Name"
            "InitContainer.N.VolumeMount.M.MountPath" "InitContainer.N.VolumeMount.M.SubPath"
            "InitContainer.N.VolumeMount.M.ReadOnly" "InitContainer.N.SecurityContext.RunAsUser" "Volume.N.Name"
            "Volume.N.Type" "Volume.N.EmptyDirVolume.Medium" "Volume.N.EmptyDirVolume.SizeLimit"
            "Volume.N.ConfigFileVolume.DefaultMode" "Volume.N.ConfigFileVolume.ConfigFileToPath.M.Path"
            "Volume.N.ConfigFileVolume.ConfigFileToPath.M.Content" "Volume.N.ConfigFileVolume.ConfigFileToPath.M.Mode"
            "ActiveDeadlineSeconds" "RestartPolicy" "TerminationGracePeriodSeconds";
        RecordedOnly: "AcrRegistryInfo.N.InstanceName" "AcrRegistryInfo.N.RegionId" "AcrRegistryInfo.N.ArnService"
            "AcrRegistryInfo.N.ArnUser" "ImageAccelerateMode" "Container.N.ImagePullPolicy" "Container.N.Stdin"
            "Container.N.StdinOnce" "Container.N.Tty" "Container.N.Port.M.Port" "Container.N.Port.M.Protocol"
            "Container.N.TerminationMessagePath" "Container.N.TerminationMessagePolicy" "InstanceType" "ZoneId" "VSwitchId"
            "SecurityGroupId" "EipInstanceId" "AutoCreateEip" "EipBandwidth" "EipISP" "EipCommonBandwidthPackage" "NtpServer.N"
            "MaxPendingMinute" "InitContainer.N.ImagePullPolicy" "InitContainer.N.Port.M.Port"
            "InitContainer.N.Port.M.Protocol" "InitContainer.N.TerminationMessagePath"
            "InitContainer.N.TerminationMessagePolicy"
            "ComputeCategory.N" "CpuOptionsCore" "CpuOptionsNuma" "CpuOptionsThreadsPerCore"
            "DataCacheBurstingEnabled" "DataCachePL" "DataCacheProvisionedIops" "FixedIp" "FixedIpRetainHour"
            "GpuDriverVersion" "Ipv6AddressCount" "Ipv6GatewayBandwidth" "Ipv6GatewayBandwidthEnable"
            "OverheadReservationOption.EnableOverheadReservation" "PrivateIpAddress" "ScheduleStrategy" "SpotDuration"
            "SpotPriceLimit" "SpotStrategy" "StrictSpot";
        Refused: "Container.N.Gpu"
            "Container.N.VolumeMount.M.MountPropagation" "Container.N.LivenessProbe.HttpGet.Path"
            "Container.N.LivenessProbe.HttpGet.Port" "Container.N.LivenessProbe.HttpGet.Scheme"
            "Container.N.LivenessProbe.Exec.Command.M" "Container.N.LivenessProbe.TcpSocket.Port"
            "Container.N.LivenessProbe.InitialDelaySeconds" "Container.N.LivenessProbe.PeriodSeconds"
            "Container.N.LivenessProbe.TimeoutSeconds" "Container.N.LivenessProbe.SuccessThreshold"
            "Container.N.LivenessProbe.FailureThreshold" "Container.N.ReadinessProbe.HttpGet.Path"
            "Container.N.ReadinessProbe.HttpGet.Port" "Container.N.ReadinessProbe.HttpGet.Scheme"
            "Container.N.ReadinessProbe.Exec.Command.M" "Container.N.ReadinessProbe.TcpSocket.Port"
            "Container.N.ReadinessProbe.InitialDelaySeconds" "Container.N.ReadinessProbe.PeriodSeconds"
            "Container.N.ReadinessProbe.TimeoutSeconds" "Container.N.ReadinessProbe.SuccessThreshold"
            "Container.N.ReadinessProbe.FailureThreshold" "Container.N.SecurityContext.Capability.Add.M"
            "Container.N.SecurityContext.ReadOnlyRootFilesystem" "Container.N.SecurityContextPrivileged"
            "Container.N.SecurityContextRunAsNonRoot" "Container.N.LifecyclePostStartHandlerExec.M"
            "Container.N.LifecyclePostStartHandlerHttpGetHost" "Container.N.LifecyclePostStartHandlerHttpGetPath"
            "Container.N.LifecyclePostStartHandlerHttpGetPort" "Container.N.LifecyclePostStartHandlerHttpGetScheme"
            "Container.N.LifecyclePostStartHandlerHttpGetHttpHeader.M.Name"
            "Container.N.LifecyclePostStartHandlerHttpGetHttpHeader.M.Value"
            "Container.N.LifecyclePostStartHandlerTcpSocketHost" "Container.N.LifecyclePostStartHandlerTcpSocketPort"
            "Container.N.LifecyclePreStopHandlerExec.M" "Container.N.LifecyclePreStopHandlerHttpGetHost"
            "Container.N.LifecyclePreStopHandlerHttpGetPath" "Container.N.LifecyclePreStopHandlerHttpGetPort"
            "Container.N.LifecyclePreStopHandlerHttpGetScheme" "Container.N.LifecyclePreStopHandlerHttpGetHttpHeader.M.Name"
            "Container.N.LifecyclePreStopHandlerHttpGetHttpHeader.M.Value" "Container.N.LifecyclePreStopHandlerTcpSocketHost"
            "Container.N.LifecyclePreStopHandlerTcpSocketPort" "InitContainer.N.Gpu"
            "InitContainer.N.VolumeMount.M.MountPropagation"
            "InitContainer.N.SecurityContext.Capability.Add.M" "InitContainer.N.SecurityContext.ReadOnlyRootFilesystem"
            "Volume.N.NFSVolume.Server" "Volume.N.NFSVolume.Path" "Volume.N.NFSVolume.ReadOnly" "Volume.N.DiskVolume.DiskId"
            "Volume.N.DiskVolume.DiskSize" "Volume.N.DiskVolume.FsType" "Volume.N.FlexVolume.Driver"
            "Volume.N.FlexVolume.FsType" "Volume.N.FlexVolume.Options" "Volume.N.HostPathVolume.Path"
            "Volume.N.HostPathVolume.Type" "HostAliase.N.Ip" "HostAliase.N.Hostname.M" "DnsPolicy" "DnsConfig.NameServer.N"
            "DnsConfig.Search.N" "DnsConfig.Option.N.Name" "DnsConfig.Option.N.Value"
            "SecurityContext.Sysctl.N.Name" "SecurityContext.Sysctl.N.Value" "HostSecurityContext.Sysctl.N.Name"
            "HostSecurityContext.Sysctl.N.Value" "ShareProcessNamespace" "ContainerResourceView" "CorePattern"
            "RamRoleName" "DataCacheBucket" "IngressBandwidth" "EgressBandwidth";
    }
    DescribeContainerGroups {
        Honoured: "RegionId" "ContainerGroupIds" "ContainerGroupName" "Status" "Limit" "NextToken" "WithEvent" "Tag.N.Key"
            "Tag.N.Value" "ZoneId" "VSwitchId" "SecurityGroupId" "ResourceGroupId";
        RecordedOnly: "ComputeCategory";
    }
    DescribeContainerGroupStatus {
        Honoured: "RegionId" "ContainerGroupIds" "SinceSecond" "Limit" "NextToken" "Tag.N.Key" "Tag.N.Value" "ZoneId"
            "VSwitchId" "ResourceGroupId";
    }
    DescribeContainerGroupEvents {
        Honoured: "RegionId" "ContainerGroupIds" "SinceSecond" "Limit" "NextToken" "Tag.N.Key" "Tag.N.Value" "ZoneId"
            "VSwitchId" "ResourceGroupId" "EventSource";
    }
    DeleteContainerGroup {
        Honoured: "RegionId" "ContainerGroupId" "ClientToken" "Force";
    }
    DescribeContainerLog {
        Honoured: "RegionId" "ContainerGroupId" "ContainerName" "Tail" "StartTime" "SinceSeconds" "LimitBytes" "LastTime"
            "Timestamps";
    }
    ListUsage {
        Honoured: "RegionId";
    }
    DescribeRegions {
        Honoured: "RegionId";
    }
    TagResources {
        Honoured: "RegionId" "ResourceType" "ResourceId.N" "Tag.N.Key" "Tag.N.Value";
    }
    UntagResources {
        Honoured: "RegionId" "ResourceType" "ResourceId.N" "TagKey.N" "All" "ClientToken";
    }
    ListTagResources {
        Honoured: "RegionId" "ResourceType" "ResourceId.N" "Tag.N.Key" "Tag.N.Value" "Limit" "NextToken";
    }
}

#[cfg(test)]
mod tests;
