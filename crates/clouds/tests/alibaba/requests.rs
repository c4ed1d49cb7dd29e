//! Every operation with its parameters, and what is said of those that do not fit.

use clouds::alibaba::request::*;
use clouds::alibaba::{Operation, OperationName};
use model::Elimination;

use crate::support::{Place, Sent, pairs, rpc};

fn sent(operation: OperationName, given: &[(&str, &str)]) -> Sent {
    rpc(operation.as_str(), "POST", false, Place::Query, &pairs(given))
}

/// The operation's required parameters, these replaced or added; `None` takes one away.
fn edited(operation: OperationName, edits: &[(&str, Option<&str>)]) -> Sent {
    let mut given: Vec<(&str, &str)> = required(operation).to_vec();
    for (name, value) in edits {
        given.retain(|(known, _)| known != name);
        given.extend(value.map(|value| (*name, value)));
    }
    sent(operation, &given)
}

fn required(operation: OperationName) -> &'static [(&'static str, &'static str)] {
    use OperationName::*;
    match operation {
        CreateImageCache => &[("RegionId", "cn-a"), ("ImageCacheName", "web"), ("Image.1", "nginx:1")],
        UpdateImageCache | DeleteImageCache => &[("RegionId", "cn-a"), ("ImageCacheId", "imc-1")],
        DescribeImageCaches | DescribeContainerGroups | DescribeContainerGroupStatus => {
            &[("RegionId", "cn-a")]
        }
        DescribeContainerGroupEvents | ListUsage => &[("RegionId", "cn-a")],
        CreateContainerGroup => &[
            ("RegionId", "cn-a"),
            ("ContainerGroupName", "web"),
            ("Container.1.Name", "web"),
            ("Container.1.Image", "nginx:1"),
        ],
        DeleteContainerGroup => &[("RegionId", "cn-a"), ("ContainerGroupId", "eci-1")],
        DescribeContainerLog => &[("ContainerGroupId", "eci-1"), ("ContainerName", "web")],
        DescribeRegions => &[],
        TagResources => &[
            ("RegionId", "cn-a"),
            ("ResourceType", "ImageCache"),
            ("ResourceId.1", "imc-1"),
            ("Tag.1.Key", "k"),
        ],
        UntagResources => &[
            ("RegionId", "cn-a"),
            ("ResourceType", "ImageCache"),
            ("ResourceId.1", "imc-1"),
            ("TagKey.1", "k"),
        ],
        ListTagResources => &[("ResourceType", "ContainerGroup")],
    }
}

#[test]
fn every_operation_with_what_it_needs_and_without() {
    for operation in OperationName::ALL.iter().copied() {
        let read = edited(operation, &[]).operation().unwrap();
        assert_eq!(read.name(), operation);
        for (name, _) in required(operation) {
            let (code, message) = edited(operation, &[(name, None)]).operation().unwrap_err();
            assert_eq!(code.as_str(), "MissingParameter", "{operation} without {name}");
            let whole = name.split('.').next().unwrap();
            assert!(message.contains(&format!("\"{whole}")), "{operation} without {name}: {message}");
        }
    }
}

/// What is said of one parameter with that value.
fn said(operation: OperationName, name: &str, value: &str) -> (&'static str, String) {
    match edited(operation, &[(name, Some(value))]).operation() {
        Err((code, message)) => (code.as_str(), message),
        Ok(operation) => panic!("{name}={value} is taken: {operation:?}"),
    }
}

#[test]
fn what_does_not_fit_is_named() {
    use OperationName::*;
    let long = "x".repeat(65);
    let longer = "x".repeat(300);
    for (operation, name, value) in [
        (CreateImageCache, "RegionId", "CN A"),
        (CreateImageCache, "ImageCacheName", longer.as_str()),
        (CreateImageCache, "Image.1", "Not An Image"),
        (CreateImageCache, "Image.2", "oci:/etc"),
        (CreateImageCache, "ImageCacheSize", "0"),
        (CreateImageCache, "ImageCacheSize", "32769"),
        (CreateImageCache, "ImageCacheSize", "20.0"),
        (CreateImageCache, "ImageCacheSize", "99999999999999999999"),
        (CreateImageCache, "RetentionDays", "0"),
        (CreateImageCache, "RetentionDays", "65537"),
        (CreateImageCache, "AutoMatchImageCache", "yes"),
        (CreateImageCache, "StandardCopyCount", "0"),
        (CreateImageCache, "FlashCopyCount", "-1"),
        (CreateImageCache, "EliminationStrategy", "FIFO"),
        (CreateImageCache, "OsType", "linux"),
        (CreateImageCache, "ClientToken", long.as_str()),
        (CreateImageCache, "ClientToken", "é"),
        (CreateImageCache, "PlainHttpRegistry", "http://a.example"),
        (CreateImageCache, "InsecureRegistry", "a b"),
        (CreateImageCache, "VSwitchId", "a b"),
        (CreateImageCache, "Tag.1.Key", "aliyun-x"),
        (CreateImageCache, "Tag.1.Key", "acs:x"),
        (CreateImageCache, "Tag.1.Key", "see http://a"),
        (UpdateImageCache, "EliminationStrategy", "lru"),
        (DescribeImageCaches, "Limit", "0"),
        (DescribeImageCaches, "ImageMatchCountRequest", "-1"),
        (DescribeContainerGroups, "Limit", "21"),
        (DescribeContainerGroups, "Status", "running"),
        (DescribeContainerGroups, "ContainerGroupIds", "eci-1"),
        (DescribeContainerGroups, "ContainerGroupIds", "[1]"),
        (DescribeContainerGroupStatus, "SinceSecond", "59"),
        (DescribeContainerGroupStatus, "Limit", "201"),
        (DescribeContainerGroupEvents, "EventSource", "Other"),
        (DescribeContainerLog, "Tail", "2001"),
        (DescribeContainerLog, "LimitBytes", "1048577"),
        (DescribeContainerLog, "StartTime", "yesterday"),
        (TagResources, "ResourceType", "Snapshot"),
        (ListTagResources, "Limit", "many"),
        (CreateContainerGroup, "ContainerGroupName", "-web"),
        (CreateContainerGroup, "ContainerGroupName", "w"),
        (CreateContainerGroup, "EphemeralStorage", "5001"),
        (CreateContainerGroup, "Cpu", "-1"),
        (CreateContainerGroup, "Memory", "inf"),
        (CreateContainerGroup, "RestartPolicy", "Sometimes"),
        (CreateContainerGroup, "ImageAccelerateMode", "magic"),
        (CreateContainerGroup, "CpuArchitecture", "riscv"),
        (CreateContainerGroup, "Container.1.Image", "Not An Image"),
        (CreateContainerGroup, "Container.1.ImagePullPolicy", "always"),
        (CreateContainerGroup, "DnsConfig.NameServer.1", "dns.example"),
        (CreateContainerGroup, "ActiveDeadlineSeconds", "-1"),
    ] {
        let (code, message) = said(operation, name, value);
        assert_eq!(
            (code, message),
            ("InvalidParameter", format!("The specified parameter \"{name}\" is not valid."))
        );
    }
}

/// What is said where more than one parameter is needed to say it.
fn refused(operation: OperationName, given: &[(&str, &str)]) -> (&'static str, String) {
    let edits: Vec<_> = given.iter().map(|(name, value)| (*name, Some(*value))).collect();
    let (code, message) = edited(operation, &edits).operation().unwrap_err();
    (code.as_str(), message)
}

#[test]
fn parts_of_one_object_belong_together() {
    use OperationName::*;
    let env = ("Container.1.EnvironmentVar.1.Key", "1A");
    let file = "Volume.1.ConfigFileVolume.ConfigFileToPath.1";
    let (path, content, mode) = (format!("{file}.Path"), format!("{file}.Content"), format!("{file}.Mode"));
    let files = [("Volume.1.Name", "v"), ("Volume.1.Type", "ConfigFileVolume")];
    for (operation, given, code, name) in [
        (
            CreateImageCache,
            vec![("AcrRegistryInfo.1.Domain.1", "a.example")],
            "MissingParameter",
            "AcrRegistryInfo.1.InstanceId",
        ),
        (
            CreateImageCache,
            vec![("ImageRegistryCredential.1.Server", "a.example")],
            "MissingParameter",
            "ImageRegistryCredential.1.Password",
        ),
        (
            CreateImageCache,
            vec![("ImageRegistryCredential.1.Password", "p")],
            "MissingParameter",
            "ImageRegistryCredential.1.Server",
        ),
        (CreateImageCache, vec![("Tag.3.Value", "v")], "MissingParameter", "Tag.3.Key"),
        (
            CreateImageCache,
            vec![("Tag.1.Key", "a"), ("Tag.1.Value", "https://x")],
            "InvalidParameter",
            "Tag.1.Value",
        ),
        (CreateImageCache, vec![("Tag.1.Key", "a"), ("Tag.2.Key", "a")], "InvalidParameter", "Tag"),
        (CreateContainerGroup, vec![env], "InvalidParameter", "Container.1.EnvironmentVar.1.Key"),
        (
            CreateContainerGroup,
            vec![("Container.1.EnvironmentVar.1.Value", "x")],
            "MissingParameter",
            "Container.1.EnvironmentVar.1.Key",
        ),
        (
            CreateContainerGroup,
            vec![
                ("Container.1.EnvironmentVar.1.Key", "A"),
                ("Container.1.EnvironmentVar.1.FieldRef.FieldPath", "spec.x"),
            ],
            "InvalidParameter",
            "Container.1.EnvironmentVar.1.FieldRef.FieldPath",
        ),
        (
            CreateContainerGroup,
            vec![("Container.1.Port.1.Port", "0")],
            "InvalidParameter",
            "Container.1.Port.1.Port",
        ),
        (
            CreateContainerGroup,
            vec![("Container.1.Port.1.Protocol", "TCP")],
            "MissingParameter",
            "Container.1.Port.1.Port",
        ),
        (
            CreateContainerGroup,
            vec![("Container.1.LivenessProbe.PeriodSeconds", "3")],
            "MissingParameter",
            "Container.1.LivenessProbe.HttpGet",
        ),
        (
            CreateContainerGroup,
            vec![
                ("Container.1.LivenessProbe.TcpSocket.Port", "80"),
                ("Container.1.LivenessProbe.HttpGet.Port", "80"),
            ],
            "InvalidParameter",
            "Container.1.LivenessProbe.HttpGet",
        ),
        (
            CreateContainerGroup,
            vec![("Container.1.VolumeMount.1.Name", "v"), ("Container.1.VolumeMount.1.MountPath", "/v")],
            "InvalidParameter",
            "Container.1.VolumeMount.1.Name",
        ),
        (
            CreateContainerGroup,
            vec![("Container.1.VolumeMount.1.Name", "v"), ("Container.1.VolumeMount.1.MountPath", "/proc/x")],
            "InvalidParameter",
            "Container.1.VolumeMount.1.MountPath",
        ),
        (
            CreateContainerGroup,
            vec![
                ("Container.1.VolumeMount.1.Name", "v"),
                ("Container.1.VolumeMount.1.MountPath", "/v"),
                ("Container.1.VolumeMount.1.SubPath", "a/../b"),
            ],
            "InvalidParameter",
            "Container.1.VolumeMount.1.SubPath",
        ),
        (
            CreateContainerGroup,
            vec![("Container.1.WorkingDir", "srv")],
            "InvalidParameter",
            "Container.1.WorkingDir",
        ),
        (
            CreateContainerGroup,
            vec![("Container.1.VolumeMount.1.Name", "v"), ("Container.1.VolumeMount.1.MountPath", "v")],
            "InvalidParameter",
            "Container.1.VolumeMount.1.MountPath",
        ),
        (CreateContainerGroup, vec![("Volume.1.Name", "v")], "MissingParameter", "Volume.1.Type"),
        (
            CreateContainerGroup,
            vec![("Volume.1.Name", "v"), ("Volume.1.Type", "Tape")],
            "InvalidParameter",
            "Volume.1.Type",
        ),
        (CreateContainerGroup, files.to_vec(), "MissingParameter", "Volume.1.ConfigFileVolume"),
        (
            CreateContainerGroup,
            [&files[..], &[(path.as_str(), "../x")]].concat(),
            "InvalidParameter",
            path.as_str(),
        ),
        (
            CreateContainerGroup,
            [&files[..], &[(path.as_str(), "x"), (content.as_str(), "!")]].concat(),
            "InvalidParameter",
            content.as_str(),
        ),
        (
            CreateContainerGroup,
            [&files[..], &[(path.as_str(), "x"), (mode.as_str(), "512")]].concat(),
            "InvalidParameter",
            mode.as_str(),
        ),
        (CreateContainerGroup, vec![("HostAliase.1.Ip", "x")], "InvalidParameter", "HostAliase.1.Ip"),
    ] {
        let (given_code, message) = refused(operation, &given);
        assert_eq!(given_code, code, "{given:?}: {message}");
        assert!(message.contains(&format!("\"{name}\"")), "{given:?}: {message}");
    }
}

#[test]
fn lists_have_bounds() {
    use OperationName::*;
    for (operation, part, rest, most, code) in [
        (CreateImageCache, "Image", "", 20, "InvalidParameter.LengthExceeded"),
        (CreateImageCache, "Tag", ".Key", 20, "InvalidParameter.LengthExceeded"),
        (DescribeImageCaches, "MatchImage", "", 100, "InvalidParameter.LengthExceeded"),
        (TagResources, "ResourceId", "", 100, "InvalidParameter.LengthExceeded"),
        (TagResources, "Tag", ".Key", 20, "NumberExceed.Tags"),
        (UntagResources, "TagKey", "", 20, "InvalidParameter.LengthExceeded"),
        (DescribeContainerGroups, "Tag", ".Key", 10, "InvalidParameter.LengthExceeded"),
    ] {
        let request = |count: usize| {
            let mut given = pairs(required(operation));
            given.retain(|(name, _)| !name.starts_with(&format!("{part}.")));
            given.extend((1..=count).map(|index| (format!("{part}.{index}{rest}"), format!("a{index}"))));
            rpc(operation.as_str(), "POST", false, Place::Form, &given).operation()
        };
        assert!(request(most).is_ok(), "{operation} {part}");
        assert_eq!(request(most + 1).unwrap_err().0.as_str(), code, "{operation} {part}");
    }
    let many = format!("[{}]", vec!["\"eci-1\""; 21].join(","));
    assert_eq!(
        said(DescribeContainerGroups, "ContainerGroupIds", &many).0,
        "InvalidParameter.LengthExceeded"
    );
    let switches = ["vsw"; 11].join(",");
    assert_eq!(said(CreateImageCache, "VSwitchId", &switches).0, "InvalidParameter.LengthExceeded");
    let value = [
        ("Container.1.EnvironmentVar.1.Key", "A"),
        ("Container.1.EnvironmentVar.1.Value", &*"x".repeat(257)),
    ];
    assert_eq!(refused(CreateContainerGroup, &value).0, "InvalidParameter.LengthExceeded");
}

#[test]
fn names_are_unique_in_a_group() {
    use OperationName::CreateContainerGroup;
    let twice = [("InitContainer.1.Name", "web"), ("InitContainer.1.Image", "nginx")];
    let (code, message) = refused(CreateContainerGroup, &twice);
    assert_eq!(code, "InvalidParameter.DuplicatedName");
    assert_eq!(message, "The container group include containers with duplicate names.");
    let twice = [
        ("Volume.1.Name", "v"),
        ("Volume.1.Type", "EmptyDirVolume"),
        ("Volume.2.Name", "v"),
        ("Volume.2.Type", "EmptyDirVolume"),
    ];
    assert_eq!(refused(CreateContainerGroup, &twice).0, "InvalidParameter.DuplicatedVolumeName");
}

fn create(given: &[(&str, &str)]) -> CreateImageCache {
    let edits: Vec<_> = given.iter().map(|(name, value)| (*name, Some(*value))).collect();
    match edited(OperationName::CreateImageCache, &edits).operation().unwrap() {
        Operation::CreateImageCache(create) => *create,
        other => panic!("{other:?}"),
    }
}

#[test]
fn single_values_as_the_sdks_write_them() {
    assert_eq!(create(&[("ImageCacheSize", "5")]).parameters.size_gib, Some(20));
    assert_eq!(create(&[]).parameters.size_gib, None);
    assert_eq!(create(&[("EliminationStrategy", "")]).parameters.elimination, Some(Elimination::Keep));
    assert_eq!(create(&[("EliminationStrategy", "LRU")]).parameters.elimination, Some(Elimination::Lru));
    let hosts = create(&[("PlainHttpRegistry", "\"a.example:5000, 10.0.0.1:80\"")]).access.plain_http;
    assert_eq!(hosts.iter().map(|host| host.as_str()).collect::<Vec<_>>(), ["a.example:5000", "10.0.0.1:80"]);
    let switches = create(&[("VSwitchId", "vsw-1,vsw-2")]).network.vswitch_ids.unwrap();
    assert_eq!(switches.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["vsw-1", "vsw-2"]);
    let acr =
        create(&[("AcrRegistryInfo.1.InstanceId", "cri-1"), ("AcrRegistryInfo.1Domain.1", "a.example")])
            .access
            .acr;
    assert_eq!(acr[0].domains[0].as_str(), "a.example");
    let password = [
        ("ImageRegistryCredential.1.Server", "a.example"),
        ("ImageRegistryCredential.1.UserName", "u"),
        ("ImageRegistryCredential.1.Password", ""),
    ];
    assert_eq!(create(&password).access.credentials[0].password.expose(), "");
    assert!(
        create(&[("OwnerId", "1"), ("Nothing.1.Known", "x"), ("Image", "x")]).access.credentials.is_empty()
    );
}

/// A group with something of everything.
pub(crate) fn whole_group() -> Sent {
    sent(
        OperationName::CreateContainerGroup,
        &[
            ("RegionId", "cn-a"),
            ("ContainerGroupName", "web"),
            ("ZoneId", "cn-a-1"),
            ("InstanceType", "ecs.c6"),
            ("Cpu", "2.0"),
            ("Memory", "4"),
            ("EphemeralStorage", "10"),
            ("AutoMatchImageCache", "True"),
            ("ImageSnapshotId", "imc-1"),
            ("DryRun", "false"),
            ("DnsPolicy", "None"),
            ("DnsConfig.NameServer.1", "10.0.0.53"),
            ("DnsConfig.Search.1", "a.example"),
            ("DnsConfig.Option.1.Name", "ndots"),
            ("DnsConfig.Option.1.Value", "2"),
            ("HostAliase.1.Ip", "10.0.0.9"),
            ("HostAliase.1.Hostname.1", "db"),
            ("Tag.1.Key", "team"),
            ("Container.1.Name", "web"),
            ("Container.1.Image", "nginx:1"),
            ("Container.1.ImagePullPolicy", "IfNotPresent"),
            ("Container.1.Command.1", "nginx"),
            ("Container.1.Arg.1", "-g"),
            ("Container.1.Arg.2", ""),
            ("Container.1.Cpu", "0.5"),
            ("Container.1.Memory", "1.0"),
            ("Container.1.WorkingDir", "/srv"),
            ("Container.1.Tty", "true"),
            ("Container.1.EnvironmentVar.1.Key", "PASSWORD"),
            ("Container.1.EnvironmentVar.1.Value", "hunter2"),
            ("Container.1.EnvironmentVar.2.Key", "IP"),
            ("Container.1.EnvironmentVar.2.FieldRef.FieldPath", "status.podIP"),
            ("Container.1.Port.1.Port", "80"),
            ("Container.1.Port.1.Protocol", "UDP"),
            ("Container.1.VolumeMount.1.Name", "files"),
            ("Container.1.VolumeMount.1.MountPath", "/etc/web"),
            ("Container.1.VolumeMount.1.SubPath", "a"),
            ("Container.1.VolumeMount.1.ReadOnly", "True"),
            ("Container.1.LivenessProbe.HttpGet.Path", "/up"),
            ("Container.1.LivenessProbe.HttpGet.Port", "80"),
            ("Container.1.LivenessProbe.HttpGet.Scheme", "HTTP"),
            ("Container.1.ReadinessProbe.Exec.Command.1", "true"),
            ("Container.1.ReadinessProbe.PeriodSeconds", "3"),
            ("Container.1.SecurityContext.RunAsUser", "1000"),
            ("Container.1.SecurityContext.Capability.Add.1", "NET_ADMIN"),
            ("Container.1.LifecyclePreStopHandlerExec.1", "sync"),
            ("InitContainer.1.Name", "init"),
            ("InitContainer.1.Image", "busybox"),
            ("Volume.1.Name", "scratch"),
            ("Volume.1.Type", "EmptyDirVolume"),
            ("Volume.1.EmptyDirVolume.SizeLimit", "256Mi"),
            ("Volume.1.EmptyDirVolume.Medium", "Memory"),
            ("Volume.2.Name", "files"),
            ("Volume.2.Type", "ConfigFileVolume"),
            ("Volume.2.ConfigFileVolume.ConfigFileToPath.1.Path", "conf/web"),
            ("Volume.2.ConfigFileVolume.ConfigFileToPath.1.Content", "aHVudGVyMg=="),
            ("Volume.2.ConfigFileVolume.ConfigFileToPath.1.Mode", "420"),
            ("Volume.3.Name", "shared"),
            ("Volume.3.Type", "NFSVolume"),
            ("Volume.3.NFSVolume.Server", "nfs.example"),
            ("Volume.3.NFSVolume.Path", "/export"),
        ],
    )
}

#[test]
fn a_group_with_something_of_everything() {
    let Operation::CreateContainerGroup(group) = whole_group().operation().unwrap() else { panic!() };
    let printed = format!("{group:#?}");
    assert!(!printed.contains("hunter2") && !printed.contains("104,"), "{printed}");
    insta::assert_snapshot!(printed);
    let container = &group.containers[0];
    assert!(
        matches!(&container.environment[0].value, VariableSource::Value(value) if value.expose() == "hunter2")
    );
    assert_eq!(container.arguments, ["-g", ""]);
    assert!(
        matches!(&group.volumes[1].source, VolumeSource::ConfigFiles { files, .. } if files[0].content.expose() == b"hunter2")
    );
}

fn described(given: &[(&str, &str)]) -> DescribeContainerGroups {
    let edits: Vec<_> = given.iter().map(|(name, value)| (*name, Some(*value))).collect();
    match edited(OperationName::DescribeContainerGroups, &edits).operation().unwrap() {
        Operation::DescribeContainerGroups(describe) => *describe,
        other => panic!("{other:?}"),
    }
}

#[test]
fn modes_in_octal_and_in_decimal() {
    let mode = |text: &str| {
        let part = "Volume.1.ConfigFileVolume";
        let (default, path) = (format!("{part}.DefaultMode"), format!("{part}.ConfigFileToPath.1.Path"));
        let given =
            [("Volume.1.Name", "v"), ("Volume.1.Type", "ConfigFileVolume"), (&default, text), (&path, "a")];
        let edits: Vec<_> = given.iter().map(|(name, value)| (*name, Some(*value))).collect();
        match edited(OperationName::CreateContainerGroup, &edits).operation() {
            Ok(Operation::CreateContainerGroup(group)) => match group.volumes[0].source {
                VolumeSource::ConfigFiles { default_mode, .. } => default_mode,
                _ => panic!(),
            },
            other => other.map(|_| None).unwrap_or(None),
        }
    };
    for (text, expected) in [
        ("0644", Some(0o644)),
        ("420", Some(0o644)),
        ("0", Some(0)),
        ("00", Some(0)),
        ("0777", Some(0o777)),
        ("511", Some(0o777)),
        ("01777", None),
        ("0648", None),
        ("644", None),
    ] {
        assert_eq!(mode(text), expected, "{text}");
    }
}

#[test]
fn filters() {
    let plain = described(&[]);
    assert_eq!((plain.limit, plain.filter.ids, plain.filter.tags.len()), (20, None, 0));
    let given = described(&[
        ("ContainerGroupIds", "[\"eci-1\", \"eci-2\"]"),
        ("Tag.1.Key", "a"),
        ("Tag.2.Key", "b"),
        ("Tag.2.Value", ""),
        ("WithEvent", "True"),
        ("Status", "Running"),
        ("NextToken", ""),
    ]);
    assert_eq!(given.filter.ids.unwrap().len(), 2);
    let values: Vec<Option<&str>> = given.filter.tags.iter().map(|tag| tag.value.as_deref()).collect();
    assert_eq!(values, [None, Some("")]);
    assert_eq!((given.with_events, given.status), (true, Some(GroupStatus::Running)));
    assert_eq!(described(&[("ContainerGroupIds", "[]")]).filter.ids, Some(Vec::new()));
    let Operation::UntagResources(untag) =
        edited(OperationName::UntagResources, &[("All", Some("true"))]).operation().unwrap()
    else {
        panic!()
    };
    assert!(!untag.all, "all counts only without a key");
}
