//! Container groups, and what they cannot be.

use model::CacheState;
use serde_json::{Value, json};

use super::Place;
use super::signing::Call;
use crate::double::NEVER_STARTS;

const PLAIN: &[(&str, &str)] = &[
    ("ContainerGroupName", "web"),
    ("Container.1.Name", "main"),
    ("Container.1.Image", "nginx:1"),
    ("Container.1.Arg.1", "serve"),
    ("Container.1.EnvironmentVar.1.Key", "MODE"),
    ("Container.1.EnvironmentVar.1.Value", "test"),
    ("Container.1.EnvironmentVar.2.Key", "ADDRESS"),
    ("Container.1.EnvironmentVar.2.FieldRef.FieldPath", "status.podIP"),
    ("Container.1.Port.1.Port", "80"),
    ("RestartPolicy", "Never"),
    ("Cpu", "0.5"),
    ("Memory", "1.0"),
    ("Tag.1.Key", "team"),
    ("Tag.1.Value", "x"),
    ("VSwitchId", "vsw-1"),
];

async fn create(place: &Place, more: &[(&str, &str)]) -> String {
    let created = place.done("CreateContainerGroup", &[PLAIN, more].concat()).await;
    place.harness.edge.finish_actions().await;
    created["ContainerGroupId"].as_str().unwrap().to_owned()
}

async fn describe(place: &Place, pairs: &[(&str, &str)]) -> Value {
    place.done("DescribeContainerGroups", pairs).await
}

#[tokio::test]
async fn a_group_from_its_wish_to_its_end() {
    let place = Place::new().await;
    let id = create(&place, &[]).await;
    assert!(id.starts_with("eci-"), "{id}");
    let ids = format!("[\"{id}\"]");
    let described = describe(&place, &[("ContainerGroupIds", &ids), ("WithEvent", "true")]).await;
    assert_eq!(described["TotalCount"], 1);
    let group = &described["ContainerGroups"][0];
    for (field, value) in [
        ("ContainerGroupId", json!(id)),
        ("ContainerGroupName", json!("web")),
        ("Status", json!("Running")),
        ("RestartPolicy", json!("Never")),
        ("Cpu", json!(0.5)),
        ("Memory", json!(1.0)),
        ("IntranetIp", json!("192.0.2.7")),
        ("VSwitchId", json!("vsw-1")),
        ("Tags", json!([{"Key": "team", "Value": "x"}])),
    ] {
        assert_eq!(group[field], value, "{field}: {group}");
    }
    let container = &group["Containers"][0];
    assert_eq!(container["Image"], "nginx:1");
    assert_eq!(container["Args"], json!(["serve"]));
    assert_eq!(container["CurrentState"]["State"], "Running");
    let of_address = json!({"Key": "ADDRESS", "ValueFrom": {"FieldRef": {"FieldPath": "status.podIP"}}});
    assert_eq!(container["EnvironmentVars"], json!([{"Key": "MODE", "Value": "test"}, of_address]));
    let reasons: Vec<_> =
        group["Events"].as_array().unwrap().iter().map(|event| event["Reason"].clone()).collect();
    assert!(reasons.contains(&json!("Started")), "{reasons:?}");

    let status = place.done("DescribeContainerGroupStatus", &[("ContainerGroupIds", &ids)]).await;
    let pod = &status["Data"][0]["PodStatus"];
    assert_eq!(pod["Phase"], "Running");
    for (field, value) in [("PodIp", json!("192.0.2.7")), ("HostIp", json!("192.0.2.7"))] {
        assert_eq!(pod[field], value, "{field}");
    }
    assert_eq!(pod["PodIps"], json!([{"Ip": "192.0.2.7"}]));
    let events = place.done("DescribeContainerGroupEvents", &[("ContainerGroupIds", &ids)]).await;
    assert_eq!(events["Data"][0]["Events"][0]["involvedObject"]["Uid"], json!(id));
    let log = [("ContainerGroupId", id.as_str()), ("ContainerName", "main"), ("Tail", "1")];
    let log = place.done("DescribeContainerLog", &log).await;
    assert!(log["Content"].is_string(), "{log}");

    place.done("DeleteContainerGroup", &[("ContainerGroupId", &id), ("ClientToken", "d")]).await;
    assert_eq!(describe(&place, &[]).await["TotalCount"], 0);
}

#[tokio::test]
async fn groups_are_found_by_what_they_are() {
    let place = Place::new().await;
    let mut ids = Vec::new();
    for name in ["a1", "b1", "c1"] {
        ids.push(create(&place, &[("ContainerGroupName", name)]).await);
    }
    for (pairs, count) in [
        (&[("ContainerGroupName", "b1")][..], 1),
        (&[("Status", "Running")], 3),
        (&[("Status", "Failed")], 0),
        (&[("Tag.1.Key", "team")], 3),
        (&[("Tag.1.Key", "team"), ("Tag.1.Value", "y")], 0),
        (&[("VSwitchId", "vsw-2")], 0),
        (&[("ContainerGroupIds", "[]")], 0),
        (&[("ContainerGroupIds", "[\"eci-none\"]")], 0),
    ] {
        assert_eq!(describe(&place, pairs).await["TotalCount"], count, "{pairs:?}");
    }
    let page = describe(&place, &[("Limit", "2")]).await;
    assert_eq!(
        (page["TotalCount"].clone(), page["ContainerGroups"].as_array().unwrap().len()),
        (json!(3), 2)
    );
    let token = page["NextToken"].as_str().unwrap();
    let rest = describe(&place, &[("Limit", "2"), ("NextToken", token)]).await;
    assert_eq!(rest["ContainerGroups"].as_array().unwrap().len(), 1);
    assert!(rest["NextToken"].is_null());
    assert_eq!(rest["ContainerGroups"][0]["ContainerGroupId"], json!(ids[0]));
    // Whoever deletes what a page has still finds what is behind it.
    for shown in page["ContainerGroups"].as_array().unwrap() {
        let id = shown["ContainerGroupId"].as_str().unwrap();
        place.done("DeleteContainerGroup", &[("ContainerGroupId", id)]).await;
    }
    let rest = describe(&place, &[("Limit", "2"), ("NextToken", token)]).await;
    assert_eq!(rest["ContainerGroups"][0]["ContainerGroupId"], json!(ids[0]));
    let other = place.key_of("other", super::FULL).await;
    let (_, seen) = place.alibaba(Call::new("DescribeContainerGroups", &[]).acs3(&other)).await;
    assert_eq!(seen["TotalCount"], 0);
}

#[tokio::test]
async fn what_was_asked_for_before_is_not_started_again() {
    let place = Place::new().await;
    let token = ("ClientToken", "t");
    let first = create(&place, &[token]).await;
    assert_eq!(create(&place, &[token]).await, first);
    let other = Call::new("CreateContainerGroup", &[PLAIN, &[token, ("Cpu", "2")]].concat());
    let refused = place.refused(other.acs3(&place.key)).await;
    let mismatch = (400, "IdempotentParameterMismatch".to_owned());
    assert_eq!(refused, mismatch);
    assert_eq!(describe(&place, &[]).await["TotalCount"], 1);

    let at_once = [PLAIN, &[("ClientToken", "at once")]].concat();
    let asked = (0..4).map(|_| place.done("CreateContainerGroup", &at_once));
    let answers = futures::future::join_all(asked).await;
    let id = |answer: &Value| answer["ContainerGroupId"].as_str().unwrap().to_owned();
    assert!(answers.iter().all(|answer| id(answer) == id(&answers[0])), "{answers:?}");
    let second = id(&answers[0]);

    let delete = |id| Call::new("DeleteContainerGroup", &[("ContainerGroupId", id), token]).acs3(&place.key);
    for _ in 0..2 {
        assert_eq!(place.alibaba(delete(&first)).await.0, 200);
    }
    assert_eq!(place.refused(delete(&second)).await, mismatch);
    assert_eq!(describe(&place, &[]).await["TotalCount"], 1);
    // The token stays that of what it made.
    assert_eq!(create(&place, &[token]).await, first);

    // Whoever began it is gone: what he has made is found, and what he has deleted is not asked for.
    place.harness.double.lose_answers();
    assert_eq!(create(&place, &[("ClientToken", "at once")]).await, second);
    assert_eq!(place.alibaba(delete(&first)).await.0, 200);
}

#[tokio::test]
async fn a_named_cache_has_to_be_there_and_usable() {
    let place = Place::new().await;
    let pairs = [("ImageCacheName", "a"), ("Image.1", "nginx:1")];
    let cache = place.done("CreateImageCache", &pairs).await["ImageCacheId"].as_str().unwrap().to_owned();
    let from = |id: &str| Call::new("CreateContainerGroup", &[PLAIN, &[("ImageSnapshotId", id)]].concat());
    let refused = place.refused(from("imc-none").acs3(&place.key)).await;
    assert_eq!(refused, (404, "ImageSnapshot.NotFound".to_owned()));
    let refused = place.refused(from(&cache).acs3(&place.key)).await;
    assert_eq!(refused, (400, "ImageSnapshot.IncorrectStatus".to_owned()));
    place.harness.double.set_state(cache.parse().unwrap(), CacheState::Ready, 100);
    create(&place, &[("ImageSnapshotId", &cache)]).await;
}

#[tokio::test]
async fn what_a_group_cannot_be_is_said_by_name() {
    let place = Place::new().await;
    let unsupported = |name: &'static str| (400, "UnsupportedParameter", name);
    for (more, (status, code, named)) in [
        (vec![("DryRun", "true")], (400, "DryRunOperation", "")),
        (
            vec![("Container.2.Name", "b"), ("Container.2.Image", "c"), ("Container.2.Gpu", "1")],
            unsupported("Container.2.Gpu"),
        ),
        (
            vec![
                ("Volume.1.Name", "v"),
                ("Volume.1.Type", "HostPathVolume"),
                ("Volume.1.HostPathVolume.Path", "/"),
            ],
            unsupported("Volume.1.HostPathVolume"),
        ),
        (
            vec![
                ("Volume.1.Name", "v"),
                ("Volume.1.Type", "EmptyDirVolume"),
                ("Volume.1.EmptyDirVolume.SizeLimit", "x"),
            ],
            (400, "InvalidParameter", "Volume.1.EmptyDirVolume.SizeLimit"),
        ),
        (vec![("Container.1.Gpu", "1")], unsupported("Container.1.Gpu")),
        (vec![("Container.1.LivenessProbe.TcpSocket.Port", "80")], unsupported("LivenessProbe")),
        (vec![("Container.1.SecurityContextPrivileged", "true")], unsupported("Privileged")),
        (vec![("OsType", "Windows")], unsupported("OsType")),
        (vec![("DnsPolicy", "None")], unsupported("DnsConfig")),
        (vec![("ContainerGroupName", "B_")], (400, "InvalidParameter", "ContainerGroupName")),
    ] {
        let call = Call::new("CreateContainerGroup", &[PLAIN, &more].concat());
        let (answered, document) = place.alibaba(call.acs3(&place.key)).await;
        assert_eq!((answered, &document["Code"]), (status, &json!(code)), "{more:?}");
        assert!(document["Message"].as_str().unwrap().contains(named), "{document}");
    }
    place.harness.edge.finish_actions().await;
    assert_eq!(describe(&place, &[]).await["TotalCount"], 0);
    for (action, pairs) in [
        ("DeleteContainerGroup", vec![("ContainerGroupId", "eci-1")]),
        ("DescribeContainerLog", vec![("ContainerGroupId", "eci-1"), ("ContainerName", "a")]),
    ] {
        let refused = place.refused(Call::new(action, &pairs).acs3(&place.key)).await;
        assert_eq!(refused, (404, "InvalidParameter.NotFound".to_owned()), "{action}");
    }
}

#[tokio::test]
async fn a_group_that_cannot_start_says_why() {
    let place = Place::new().await;
    let created =
        place.done("CreateContainerGroup", &[PLAIN, &[("Container.1.Arg.1", NEVER_STARTS)]].concat()).await;
    place.harness.edge.finish_actions().await;
    let described = describe(&place, &[("WithEvent", "true")]).await;
    let group = &described["ContainerGroups"][0];
    assert_eq!(group["Status"], "ScheduleFailed");
    assert_eq!(group["Events"][0]["Reason"], "StartingFailed");
    assert_eq!(group["Containers"][0]["CurrentState"]["State"], "Waiting");
    let id = created["ContainerGroupId"].as_str().unwrap();
    place.done("DeleteContainerGroup", &[("ContainerGroupId", id)]).await;
    assert_eq!(describe(&place, &[]).await["TotalCount"], 0);
}

#[tokio::test]
async fn a_cache_is_missed_only_where_one_was_looked_for() {
    let place = Place::new().await;
    for (matches, expected) in [("false", false), ("true", true)] {
        let id = create(&place, &[("AutoMatchImageCache", matches)]).await;
        let ids = format!("[\"{id}\"]");
        let group = &describe(&place, &[("ContainerGroupIds", &ids), ("WithEvent", "true")]).await["ContainerGroups"]
            [0];
        let reasons: Vec<_> =
            group["Events"].as_array().unwrap().iter().map(|event| &event["Reason"]).collect();
        assert_eq!(reasons.contains(&&json!("ImageCacheMissed")), expected, "{reasons:?}");
        assert!(reasons.contains(&&json!("Pulled")), "{reasons:?}");
    }
}

#[tokio::test]
async fn a_build_fails_by_the_deletion_of_its_transit_instance() {
    let place = Place::new().await;
    let pairs = [("ImageCacheName", "a"), ("Image.1", "nginx:1")];
    let created = place.done("CreateImageCache", &pairs).await;
    let transit = created["ContainerGroupId"].as_str().unwrap();
    place.done("DeleteContainerGroup", &[("ContainerGroupId", transit)]).await;
    let cache = place.done("DescribeImageCaches", &[]).await["ImageCaches"][0].clone();
    assert_eq!(cache["Status"], "Failed");
    let again = Call::new("DeleteContainerGroup", &[("ContainerGroupId", transit)]);
    assert_eq!(place.refused(again.acs3(&place.key)).await, (404, "InvalidParameter.NotFound".to_owned()));
}

#[tokio::test]
async fn a_build_is_seen_as_its_transit_instance_while_it_runs() {
    let place = Place::new().await;
    // A cache's name is any text.
    let name = "Web, *~/网";
    let pairs = [
        ("ImageCacheName", name),
        ("Image.1", "nginx:1"),
        ("ZoneId", "zone-1"),
        ("SecurityGroupId", "sg-1"),
        ("VSwitchId", "vsw-1"),
    ];
    let created = place.done("CreateImageCache", &pairs).await;
    let transit = created["ContainerGroupId"].as_str().unwrap();
    let groups = describe(&place, &[("WithEvent", "true")]).await;
    assert_eq!(groups["TotalCount"], 1);
    let group = &groups["ContainerGroups"][0];
    assert_eq!(group["ContainerGroupId"], transit);
    assert_eq!(group["ContainerGroupName"], name);
    assert_eq!(group["Status"], "Pending");
    assert_eq!(group["ZoneId"], "zone-1");
    assert_eq!(group["Containers"][0]["Image"], "nginx:1");
    let told = place.done("DescribeImageCaches", &[]).await["ImageCaches"][0]["Events"].clone();
    assert!(!told.as_array().unwrap().is_empty());
    assert_eq!(group["Events"], told);

    let ids = format!("[\"{transit}\"]");
    let named = [("ContainerGroupIds", ids.as_str())];
    let status = place.done("DescribeContainerGroupStatus", &named).await;
    assert_eq!(status["Data"][0]["ContainerGroupId"], transit);
    assert_eq!(status["Data"][0]["PodStatus"]["Phase"], "Pending");
    let events = place.done("DescribeContainerGroupEvents", &named).await;
    assert_eq!(events["Data"][0]["Events"].as_array().unwrap().len(), told.as_array().unwrap().len());
    let others = [("ContainerGroupIds", "[\"eci-01890000000070008000000000000000\"]")];
    assert_eq!(place.done("DescribeContainerGroupStatus", &others).await["TotalCount"], 0);
    assert_eq!(describe(&place, &[("ContainerGroupName", "b")]).await["TotalCount"], 0);

    place.done("DeleteContainerGroup", &[("ContainerGroupId", transit)]).await;
    assert_eq!(describe(&place, &[]).await["TotalCount"], 0);
}

const WHOLE: &[(&str, &str)] = &[
    ("ContainerGroupName", "whole"),
    ("Container.1.Name", "main"),
    ("Container.1.Image", "nginx:1"),
    ("Container.1.VolumeMount.1.Name", "data"),
    ("Container.1.VolumeMount.1.MountPath", "/data"),
    ("Container.1.VolumeMount.2.Name", "conf"),
    ("Container.1.VolumeMount.2.MountPath", "/etc/app"),
    ("Container.1.VolumeMount.2.SubPath", "deep"),
    ("Container.1.VolumeMount.2.ReadOnly", "true"),
    ("Container.1.EnvironmentVar.1.Key", "PASSWORD"),
    ("Container.1.EnvironmentVar.1.Value", "hidden-variable"),
    ("Container.1.EnvironmentVarHide", "true"),
    ("Container.2.Name", "side"),
    ("Container.2.Image", "busybox:1"),
    ("Container.2.EnvironmentVar.1.Key", "SHOWN"),
    ("Container.2.EnvironmentVar.1.Value", "shown-variable"),
    ("InitContainer.1.Name", "prepare"),
    ("InitContainer.1.Image", "busybox:1"),
    ("InitContainer.1.Command.1", "sh"),
    ("Volume.1.Name", "data"),
    ("Volume.1.Type", "EmptyDirVolume"),
    ("Volume.1.EmptyDirVolume.Medium", "Memory"),
    ("Volume.1.EmptyDirVolume.SizeLimit", "64Mi"),
    ("Volume.2.Name", "conf"),
    ("Volume.2.Type", "ConfigFileVolume"),
    ("Volume.2.ConfigFileVolume.DefaultMode", "0600"),
    ("Volume.2.ConfigFileVolume.ConfigFileToPath.1.Path", "deep/app.conf"),
    ("Volume.2.ConfigFileVolume.ConfigFileToPath.1.Content", "YSA9IDE="),
    ("RestartPolicy", "OnFailure"),
];

async fn whole(place: &Place) -> Value {
    let created = place.done("CreateContainerGroup", WHOLE).await;
    let ids = format!("[{}]", created["ContainerGroupId"]);
    describe(place, &[("ContainerGroupIds", &ids)]).await["ContainerGroups"][0].clone()
}

#[tokio::test]
async fn several_containers_are_described_with_what_they_share() {
    let place = Place::new().await;
    let group = whole(&place).await;
    let names = |list: &str| -> Vec<Value> {
        group[list].as_array().unwrap().iter().map(|one| one["Name"].clone()).collect()
    };
    assert_eq!(names("Containers"), ["main", "side"]);
    assert_eq!(names("InitContainers"), ["prepare"]);
    assert_eq!(names("Volumes"), ["data", "conf"]);
    assert_eq!(group["RestartPolicy"], "OnFailure");
    let main = &group["Containers"][0];
    assert_eq!(main["RestartCount"], 1);
    assert_eq!(main["CurrentState"]["State"], "Running");
    let previous = &main["PreviousState"];
    assert_eq!((&previous["State"], &previous["ExitCode"]), (&json!("Terminated"), &json!(3)));
    let mount = json!({"Name": "conf", "MountPath": "/etc/app", "SubPath": "deep", "ReadOnly": true});
    assert_eq!(main["VolumeMounts"][1], mount);
    let init = &group["InitContainers"][0];
    assert_eq!((&init["Command"], &init["CurrentState"]["Reason"]), (&json!(["sh"]), &json!("Completed")));
    let volume = json!({"Name": "data", "Type": "EmptyDirVolume", "EmptyDirVolumeMedium": "Memory",
        "EmptyDirVolumeSizeLimit": "64Mi"});
    assert_eq!(group["Volumes"][0], volume);
    let files = &group["Volumes"][1]["ConfigFileVolumeConfigFileToPaths"];
    assert_eq!(files, &json!([{"Path": "deep/app.conf", "Content": "YSA9IDE="}]));
}

#[tokio::test]
async fn hidden_variables_come_back_in_no_answer_and_stand_in_no_record() {
    let place = Place::new().await;
    let group = whole(&place).await;
    assert_eq!(group["Containers"][0]["EnvironmentVars"], json!([]));
    let shown = json!([{"Key": "SHOWN", "Value": "shown-variable"}]);
    assert_eq!(group["Containers"][1]["EnvironmentVars"], shown);
    assert!(!group.to_string().contains("hidden-variable"));
    let local = model::AccountId::local();
    let views = api::service::GroupService::groups(&*place.harness.double, &local).await.unwrap();
    let record = serde_json::to_string(&views[0].group).unwrap();
    assert!(!record.contains("variable") && !record.contains("YSA9"), "{record}");
}

#[tokio::test]
async fn each_container_has_a_log_and_the_one_before_its_restart() {
    let place = Place::new().await;
    let group = whole(&place).await;
    let id = group["ContainerGroupId"].as_str().unwrap();
    for (container, last_time) in [("main", "false"), ("side", "true"), ("prepare", "false")] {
        let log = [("ContainerGroupId", id), ("ContainerName", container), ("LastTime", last_time)];
        let log = place.done("DescribeContainerLog", &log).await;
        assert!(log["Content"].as_str().unwrap().contains("line 0"), "{container}: {log}");
    }
    let none = [("ContainerGroupId", id), ("ContainerName", "prepare"), ("LastTime", "true")];
    assert_eq!(place.done("DescribeContainerLog", &none).await["Content"], "");
    let unknown = Call::new("DescribeContainerLog", &[("ContainerGroupId", id), ("ContainerName", "none")]);
    assert_eq!(place.refused(unknown.acs3(&place.key)).await.0, 400);
}

#[tokio::test]
async fn volumes_and_mounts_that_cannot_be_are_refused() {
    let place = Place::new().await;
    for more in [
        [("Container.1.VolumeMount.2.SubPath", "../up")],
        [("Container.1.VolumeMount.2.SubPath", "/etc")],
        [("Container.1.VolumeMount.2.MountPath", "/etc/../..")],
        [("Container.1.VolumeMount.2.MountPath", "/")],
        [("Container.1.VolumeMount.2.Name", "none")],
    ] {
        let (name, _) = more[0];
        let pairs: Vec<_> = WHOLE.iter().filter(|(key, _)| *key != name).chain(&more).copied().collect();
        let refused = place.refused(Call::new("CreateContainerGroup", &pairs).acs3(&place.key)).await;
        assert_eq!(refused, (400, "InvalidParameter".to_owned()), "{more:?}");
    }
}

#[tokio::test]
async fn tags_of_groups_are_changed_and_listed() {
    let place = Place::new().await;
    let (one, two) = (create(&place, &[]).await, create(&place, &[("ContainerGroupName", "other")]).await);
    let kind = ("ResourceType", "ContainerGroup");
    let tag =
        [kind, ("ResourceId.1", &one), ("Tag.1.Key", "team"), ("Tag.1.Value", "y"), ("Tag.2.Key", "new")];
    place.done("TagResources", &tag).await;
    let listed = |pairs: &[(&'static str, &str)]| {
        let pairs: Vec<(&str, &str)> = [kind].iter().chain(pairs).copied().collect();
        let call = Call::new("ListTagResources", &pairs).acs3(&place.key);
        let place = &place;
        async move {
            let (_, document) = place.alibaba(call).await;
            let tags = document["TagResources"].as_array().unwrap().clone();
            let text = |tag: &Value, name: &str| tag[name].as_str().unwrap().to_owned();
            tags.iter()
                .map(|tag| [text(tag, "ResourceId"), text(tag, "TagKey"), text(tag, "TagValue")].join(" "))
                .collect::<Vec<_>>()
        }
    };
    let (new, team, other) = (format!("{one} new "), format!("{one} team y"), format!("{two} team x"));
    assert_eq!(listed(&[]).await, [other.clone(), new.clone(), team.clone()]);
    assert_eq!(listed(&[("Tag.1.Key", "team"), ("Tag.1.Value", "x")]).await, [other]);
    assert_eq!(listed(&[("ResourceId.1", &one)]).await, [new, team.clone()]);
    assert_eq!(describe(&place, &[("Tag.1.Key", "new")]).await["TotalCount"], 1);
    let untag = [kind, ("ResourceId.1", &one), ("TagKey.1", "new")];
    place.done("UntagResources", &untag).await;
    assert_eq!(listed(&[("ResourceId.1", &one)]).await, [team]);
    // One that is not there, and none is changed.
    let some = [kind, ("ResourceId.1", &one), ("ResourceId.2", "eci-none"), ("Tag.1.Key", "z")];
    let refused = place.refused(Call::new("TagResources", &some).acs3(&place.key)).await;
    assert_eq!(refused, (404, "InvalidParameter.NotFound".to_owned()));
    assert_eq!(listed(&[("Tag.1.Key", "z")]).await, Vec::<String>::new());
}
