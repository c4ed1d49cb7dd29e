//! Answers as the SDKs read them, letter by letter.

use std::collections::BTreeMap;

use clouds::alibaba::answer::*;
use clouds::alibaba::request::{CreateContainerGroup, GroupStatus, ResourceType};
use clouds::alibaba::{Answer, Caller, Format, Operation, OperationName, RequestId};
use model::{CacheState, Elimination, EventKind, Percent, Tags};
use serde_json::{Value, json};

use crate::requests;
use crate::support::at;

fn print(answer: &Answer, format: Format) -> String {
    let request_id = RequestId::from_bits(0x39FC_2E43_3DD7_4CEF_9EF4_E4AD_6E63_5301);
    let reply = answer.reply(&Caller { request_id, format, host: "h", troubleshooting: None });
    assert_eq!(reply.status, 200);
    String::from_utf8(reply.body).unwrap()
}

/// Both forms, one line for each element and part, so that a difference can be seen.
fn both(answer: &Answer) -> String {
    let json = print(answer, Format::Json);
    let value: Value = serde_json::from_str(&json).unwrap();
    let xml = print(answer, Format::Xml).replace("><", ">\n<");
    let order: Vec<&str> = json.split('"').skip(1).step_by(2).collect();
    assert_eq!(order[0], "RequestId");
    format!("{json}\n\n{}\n\n{xml}\n", serde_json::to_string_pretty(&value).unwrap())
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    pairs.collect::<BTreeMap<_, _>>().try_into().unwrap()
}

fn event() -> CacheEvent {
    CacheEvent {
        kind: EventKind::Normal,
        reason: "Started".to_owned(),
        message: "Successfully check image cache resource.".to_owned(),
        name: "imagetest.1661f31f851a0000".to_owned(),
        count: 1,
        first_timestamp: at("2021-02-09T02:24:48Z"),
        last_timestamp: at("2021-02-09T02:24:48Z"),
    }
}

fn entry() -> ImageCacheEntry {
    ImageCacheEntry {
        image_cache_id: "imc-bp195erqe9o2pb090000".to_owned(),
        image_cache_name: "imagetest".to_owned(),
        region_id: "cn-hangzhou".to_owned(),
        resource_group_id: Some("rg-2df3isufhi380000".to_owned()),
        images: vec!["registry.example:5000/team/nginx:1.25".to_owned()],
        image_cache_size: 20,
        status: CacheState::Ready,
        progress: Percent::ALL,
        creation_time: at("2021-02-09T02:24:07.25Z"),
        expire_date_time: Some(at("2021-02-16T02:24:07Z")),
        last_matched_time: Some(at("2021-02-10T03:48:10Z")),
        container_group_id: "eci-bp18oq3m15prd9jb0000".to_owned(),
        snapshot_id: Some("s-2zec5oj8e1yhxijt0000".to_owned()),
        flash_snapshot_id: None,
        elimination_strategy: Elimination::Lru,
        tags: tags(&[("imc", "test")]),
        events: vec![event()],
    }
}

/// The published example, part by part and in its order.
#[test]
fn the_published_example_of_described_caches() {
    let answer = Answer::DescribeImageCaches(ImageCaches {
        next_token: None,
        total_count: 1,
        image_caches: vec![entry()],
    });
    let expected = concat!(
        r#"{"RequestId":"39FC2E43-3DD7-4CEF-9EF4-E4AD6E635301","TotalCount":1,"ImageCaches":[{"#,
        r#""ImageCacheId":"imc-bp195erqe9o2pb090000","ImageCacheName":"imagetest","RegionId":"cn-hangzhou","#,
        r#""ResourceGroupId":"rg-2df3isufhi380000","Images":["registry.example:5000/team/nginx:1.25"],"#,
        r#""ImageCacheSize":20,"Status":"Ready","Progress":"100%","CreationTime":"2021-02-09T02:24:07Z","#,
        r#""ExpireDateTime":"2021-02-16T02:24:07Z","LastMatchedTime":"2021-02-10T03:48:10Z","#,
        r#""ContainerGroupId":"eci-bp18oq3m15prd9jb0000","SnapshotId":"s-2zec5oj8e1yhxijt0000","#,
        r#""EliminationStrategy":"LRU","Tags":[{"Key":"imc","Value":"test"}],"#,
        r#""Events":[{"Type":"Normal","Reason":"Started","Message":"Successfully check image cache resource.","#,
        r#""Name":"imagetest.1661f31f851a0000","Count":1,"FirstTimestamp":"2021-02-09T02:24:48Z","#,
        r#""LastTimestamp":"2021-02-09T02:24:48Z"}]}]}"#
    );
    assert_eq!(print(&answer, Format::Json), expected);
}

#[test]
fn a_created_cache() {
    let created = CreatedImageCache {
        image_cache_id: "imc-2zebxkiifuyzzlhl0000".to_owned(),
        container_group_id: "eci-2zebxkiifuyzzlhl0000".to_owned(),
    };
    let json: Value = serde_json::from_str(&print(&Answer::CreateImageCache(created), Format::Json)).unwrap();
    assert_eq!(
        json,
        json!({
            "RequestId": "39FC2E43-3DD7-4CEF-9EF4-E4AD6E635301",
            "ImageCacheId": "imc-2zebxkiifuyzzlhl0000",
            "ContainerGroupId": "eci-2zebxkiifuyzzlhl0000",
        })
    );
    for (answer, name) in [
        (Answer::UpdateImageCache(Done {}), "UpdateImageCache"),
        (Answer::DeleteImageCache(Done {}), "DeleteImageCache"),
        (Answer::DeleteContainerGroup(Done {}), "DeleteContainerGroup"),
        (Answer::TagResources(Done {}), "TagResources"),
        (Answer::UntagResources(Done {}), "UntagResources"),
    ] {
        let id = "39FC2E43-3DD7-4CEF-9EF4-E4AD6E635301";
        assert_eq!(print(&answer, Format::Json), format!("{{\"RequestId\":\"{id}\"}}"));
        let xml = format!(
            "<?xml version='1.0' encoding='UTF-8'?><{name}Response><RequestId>{id}</RequestId></{name}Response>"
        );
        assert_eq!(print(&answer, Format::Xml), xml);
    }
}

#[test]
fn described_caches() {
    let young = ImageCacheEntry {
        status: CacheState::Preparing,
        progress: Percent::ZERO,
        expire_date_time: None,
        last_matched_time: None,
        resource_group_id: None,
        snapshot_id: None,
        flash_snapshot_id: Some("s-flash".to_owned()),
        elimination_strategy: Elimination::Keep,
        tags: tags(&[]),
        events: Vec::new(),
        image_cache_name: "a <&> b".to_owned(),
        ..entry()
    };
    let caches = ImageCaches {
        next_token: Some("d7k".to_owned()),
        total_count: 15,
        image_caches: vec![entry(), young],
    };
    insta::assert_snapshot!(both(&Answer::DescribeImageCaches(caches)));
}

fn container(create: &CreateContainerGroup) -> GroupContainer {
    let given = &create.containers[0];
    GroupContainer {
        shown: ShownContainer {
            name: given.name.clone(),
            image: given.image.text.clone(),
            image_pull_policy: given.pull_policy,
            cpu: given.cpu.unwrap_or_default(),
            memory: given.memory_gib.unwrap_or_default(),
            gpu: given.gpu,
            working_dir: given.working_dir.clone(),
            args: given.arguments.clone(),
            ports: given.ports.iter().map(PrintedPort::from).collect(),
            environment_vars: given.environment.iter().map(EnvironmentVar::from).collect(),
            volume_mounts: given.mounts.iter().map(PrintedMount::from).collect(),
            ready: true,
            restart_count: 2,
            current_state: Some(ContainerState {
                state: ContainerPhase::Running,
                detail_status: None,
                reason: None,
                message: None,
                exit_code: None,
                signal: None,
                start_time: Some(at("2026-11-21T17:03:24Z")),
                finish_time: None,
            }),
            previous_state: Some(ContainerState {
                state: ContainerPhase::Terminated,
                detail_status: Some("Failed".to_owned()),
                reason: Some("Error".to_owned()),
                message: Some("gone".to_owned()),
                exit_code: Some(137),
                signal: Some(9),
                start_time: Some(at("2026-11-21T17:02:24Z")),
                finish_time: Some(at("2026-11-21T17:03:20Z")),
            }),
            security_context: Some(SecurityContext::from(&given.capabilities)),
        },
        commands: given.command.clone(),
        liveness_probe: given.liveness.as_ref().map(PrintedProbe::from),
        readiness_probe: given.readiness.as_ref().map(PrintedProbe::from),
        stdin: given.stdin,
        stdin_once: given.stdin_once,
        tty: given.tty,
    }
}

fn group() -> ContainerGroup {
    let Operation::CreateContainerGroup(create) = requests::whole_group().operation().unwrap() else {
        panic!()
    };
    let container = container(&create);
    let init = InitContainer { shown: container.shown.clone(), command: vec!["true".to_owned()] };
    ContainerGroup {
        container_group_id: "eci-1".to_owned(),
        container_group_name: create.name.to_string(),
        region_id: create.region.to_string(),
        zone_id: create.network.zone_id.as_ref().map(ToString::to_string),
        vpc_id: Some("vpc-1".to_owned()),
        vswitch_id: Some("vsw-1".to_owned()),
        security_group_id: Some("sg-1".to_owned()),
        resource_group_id: Some("rg-1".to_owned()),
        instance_type: create.instance_type.clone(),
        status: GroupStatus::Running,
        restart_policy: create.restart_policy,
        cpu: create.cpu.unwrap_or(2.0),
        memory: create.memory_gib.unwrap_or(4.0),
        ephemeral_storage: create.extra_storage_gib,
        spot_strategy: Some("NoSpot".to_owned()),
        dns_policy: create.dns.policy,
        intranet_ip: Some("10.0.0.2".to_owned()),
        internet_ip: Some("192.0.2.1".to_owned()),
        ipv6_address: Some("2001:db8::1".to_owned()),
        eni_instance_id: Some("eni-1".to_owned()),
        creation_time: at("2026-11-21T17:02:00Z"),
        succeeded_time: Some(at("2026-11-21T17:04:00Z")),
        failed_time: Some(at("2026-11-21T17:05:00Z")),
        expired_time: Some(at("2026-11-21T17:06:00Z")),
        tags: create.tags.clone().unwrap_or_default(),
        events: vec![event()],
        containers: vec![container],
        init_containers: vec![init],
        volumes: create.volumes.iter().map(PrintedVolume::from).collect(),
        host_aliases: create.host_aliases.iter().map(PrintedHostAlias::from).collect(),
        dns_config: Some(PrintedDns::from(&create.dns)),
        eci_security_context: Some(KernelSettings {
            sysctls: vec![KernelSetting { name: "net.core.somaxconn".to_owned(), value: "1024".to_owned() }],
        }),
    }
}

#[test]
fn described_groups() {
    let groups = ContainerGroups { next_token: None, total_count: 1, container_groups: vec![group()] };
    assert!(!format!("{groups:?}").contains("hunter2"));
    insta::assert_snapshot!(both(&Answer::DescribeContainerGroups(groups)));
    let created = CreatedContainerGroup { container_group_id: "eci-1".to_owned() };
    assert!(
        print(&Answer::CreateContainerGroup(created), Format::Json)
            .ends_with("\"ContainerGroupId\":\"eci-1\"}")
    );
}

fn container_status(state: PodContainerState, last_state: Option<PodContainerState>) -> ContainerStatus {
    ContainerStatus {
        name: "web".to_owned(),
        image: "nginx".to_owned(),
        image_id: Some("sha256:0a".to_owned()),
        ready: false,
        started: true,
        restart_count: 0,
        state,
        last_state,
    }
}

#[test]
fn status_of_groups() {
    let waiting = PodContainerState::Waiting { reason: Some("ContainerCreating".to_owned()), message: None };
    let running = PodContainerState::Running { started: at("2026-11-21T17:03:24Z") };
    let ended = PodContainerState::Terminated {
        container_id: Some("containerd://0a".to_owned()),
        exit_code: 1,
        signal: Some(0),
        reason: Some("Error".to_owned()),
        message: Some("gone".to_owned()),
        started: Some(at("2026-11-21T17:03:24Z")),
        finished: Some(at("2026-11-21T17:03:25Z")),
    };
    let pod_status = PodStatus {
        phase: "Running".to_owned(),
        pod_ip: Some("10.0.0.2".to_owned()),
        pod_ips: vec![PodIp { ip: "10.0.0.2".to_owned() }],
        host_ip: Some("10.0.0.1".to_owned()),
        qos_class: Some("Guaranteed".to_owned()),
        start_time: Some(at("2026-11-21T17:03:24Z")),
        conditions: vec![PodCondition {
            kind: "Ready".to_owned(),
            status: "True".to_owned(),
            last_transition_time: at("2026-11-21T17:03:24Z"),
            reason: Some("Up".to_owned()),
            message: Some("all".to_owned()),
        }],
        container_statuses: vec![container_status(waiting, None), container_status(running, Some(ended))],
    };
    let data = vec![StatusOfGroup {
        container_group_id: "eci-1".to_owned(),
        name: "web".to_owned(),
        namespace: "default".to_owned(),
        status: GroupStatus::Running,
        uuid: "u-1".to_owned(),
        annotations: BTreeMap::from([("a".to_owned(), "\"b\"".to_owned())]),
        pod_status,
    }];
    let statuses = GroupStatuses { next_token: Some("n".to_owned()), total_count: 1, data };
    insta::assert_snapshot!(both(&Answer::DescribeContainerGroupStatus(statuses)));
}

#[test]
fn events_of_groups() {
    let event = GroupEvent {
        kind: EventKind::Normal,
        reason: "SuccessfulHitImageCache".to_owned(),
        message:
            "[eci.imagecache]Successfully hit image cache imc-1, eci will be scheduled with this image cache."
                .to_owned(),
        count: 1,
        first_timestamp: at("2026-11-21T17:03:24Z"),
        last_timestamp: at("2026-11-21T17:03:25Z"),
        reporting_component: "EciService".to_owned(),
        reporting_instance: String::new(),
        source: EventSourceName { component: "kubelet".to_owned(), host: Some("eci".to_owned()) },
        involved_object: InvolvedObject {
            kind: "Pod".to_owned(),
            name: "web".to_owned(),
            namespace: "default".to_owned(),
            uid: "eci-1".to_owned(),
            api_version: "v1".to_owned(),
        },
        metadata: EventMetadata { name: "web.0a".to_owned(), namespace: "default".to_owned() },
    };
    let data = vec![PodEvents {
        container_group_id: "eci-1".to_owned(),
        name: "web".to_owned(),
        namespace: "default".to_owned(),
        uuid: "u-1".to_owned(),
        annotations: BTreeMap::new(),
        events: vec![event],
    }];
    insta::assert_snapshot!(both(&Answer::DescribeContainerGroupEvents(GroupEvents {
        total_count: 1,
        data
    })));
}

#[test]
fn small_answers() {
    let log = ContainerLog { container_name: "web".to_owned(), content: "a\n\u{1b}[0mb & c\n".to_owned() };
    let usage = Usage {
        attributes: UsageAttributes {
            used_cpu: 2.5,
            max_cpu: 64.0,
            max_image_cache_count: 500,
            used_image_cache_count: 3,
            max_auto_image_cache_count: 25,
            used_auto_image_cache_count: 1,
            max_data_cache_count: 0,
            used_data_cache_count: 0,
        },
    };
    let regions = Regions {
        regions: vec![Region {
            region_id: "local".to_owned(),
            region_endpoint: "imc.example:8443".to_owned(),
            zones: vec!["local-a".to_owned()],
            recommend_zones: vec!["local-a".to_owned()],
            unavailable_zones: Vec::new(),
        }],
    };
    let tags = TagsOfResources {
        next_token: Some("n".to_owned()),
        tag_resources: vec![TagResource {
            resource_type: ResourceType::ImageCache,
            resource_id: "imc-1".to_owned(),
            tag_key: "k".to_owned(),
            tag_value: String::new(),
        }],
    };
    let all = [
        Answer::DescribeContainerLog(log),
        Answer::ListUsage(usage),
        Answer::DescribeRegions(regions),
        Answer::ListTagResources(tags),
    ];
    insta::assert_snapshot!(all.iter().map(both).collect::<Vec<_>>().join("----\n"));
    assert_eq!(OperationName::ALL.len(), 15);
}
