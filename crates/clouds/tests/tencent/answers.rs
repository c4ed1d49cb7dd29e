//! Answers as golden files.

use std::fmt::Write as _;

use clouds::tencent::{
    Answer, Code, Error, EventType, ImageCache, ImageCacheEvent, ImageCacheType, Language, OperationName,
    RequestId, ShownCredential, Snapshotter, Status, Tag, Time, cam,
};
use model::{AccountId, Timestamp};
use serde_json::Value;

use super::client::Sent;

fn request_id() -> RequestId {
    RequestId::of_random([0xd9; 16])
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000 + 999_999)
}

fn cache() -> ImageCache {
    let created = time(1_774_854_215);
    ImageCache {
        image_cache_id: "imc-r1htp8tg".to_owned(),
        image_cache_name: "manualtest2".to_owned(),
        image_cache_size: 20,
        images: vec!["redis:8.6.1-trixie".to_owned()],
        creation_time: created.into(),
        expire_date_time: created.plus_micros(7 * 86_400_000_000).into(),
        events: vec![ImageCacheEvent {
            image_cache_id: "imc-r1htp8tg".to_owned(),
            r#type: EventType::Normal,
            reason: "SnapCreated".to_owned(),
            message: "Snap snap-fji6ytcl created".to_owned(),
            first_timestamp: created.into(),
            last_timestamp: created.into(),
        }],
        last_matched_time: Time(None),
        snapshot_id: "snap-fji6ytcl".to_owned(),
        status: Status::Ready,
        retention_days: 7,
        image_registry_credentials: vec![ShownCredential {
            server: "r.example.com".to_owned(),
            username: "u\"\n中".to_owned(),
            name: String::new(),
        }],
        tags: vec![Tag { key: "k".to_owned(), value: "v".to_owned() }],
        image_cache_type: ImageCacheType::Manual,
        snapshotter: Snapshotter::Overlay,
    }
}

/// Indented for people; what is sent is on one line.
fn pretty(body: &[u8]) -> String {
    assert!(!body.contains(&b'\n'));
    serde_json::to_string_pretty(&serde_json::from_slice::<Value>(body).unwrap()).unwrap()
}

#[test]
fn every_answer() {
    let young = ImageCache {
        status: Status::Pending,
        snapshot_id: String::new(),
        expire_date_time: Time(None),
        retention_days: 0,
        events: Vec::new(),
        image_registry_credentials: Vec::new(),
        tags: Vec::new(),
        image_cache_type: ImageCacheType::Auto,
        ..cache()
    };
    for (name, answer) in [
        ("create", Answer::CreateImageCache { image_cache_id: "imc-je2ytppo".to_owned() }),
        ("describe", Answer::DescribeImageCaches { total_count: 7, image_caches: vec![young, cache()] }),
        ("update", Answer::UpdateImageCache {}),
        ("delete", Answer::DeleteImageCaches {}),
        ("most_suitable", Answer::most_suitable(Some(cache()))),
        ("most_suitable_none", Answer::most_suitable(None)),
    ] {
        insta::assert_snapshot!(name, pretty(&answer.print(request_id())));
    }
    let bytes = Answer::UpdateImageCache {}.print(request_id());
    assert_eq!(bytes, br#"{"Response":{"RequestId":"d9d9d9d9-d9d9-49d9-99d9-d9d9d9d9d9d9"}}"#);
}

#[test]
fn every_status_is_the_clouds_word() {
    use Status::*;
    let words = [Pending, Ready, Failed, Updating, UpdateFailed]
        .map(|status| serde_json::to_string(&status).unwrap());
    assert_eq!(words, ["\"Pending\"", "\"Ready\"", "\"Failed\"", "\"Updating\"", "\"UpdateFailed\""]);
}

#[test]
fn an_error_is_an_answer_like_another() {
    let wrong = Error::of(Code::SignatureFailure);
    insta::assert_snapshot!("error", pretty(&wrong.print(Language::English, request_id())));
    insta::assert_snapshot!("error_chinese", pretty(&wrong.print(Language::Chinese, request_id())));
    let unknown = Sent::post("DescribeImageCaches", r#"{"A\"\u0000\n中":1}"#).arrives().unwrap_err();
    insta::assert_snapshot!("error_of_a_parameter", pretty(&unknown.print(Language::Chinese, request_id())));
}

#[test]
fn codes_and_their_messages() {
    let mut table = String::new();
    for code in Code::ALL {
        writeln!(table, "{code}: {}", code.message()).unwrap();
    }
    for name in OperationName::ALL {
        let codes: Vec<&str> = name.codes().iter().map(|code| code.as_str()).collect();
        writeln!(table, "{}: {}", name.as_str(), codes.join(", ")).unwrap();
    }
    insta::assert_snapshot!("codes", table);
}

#[test]
fn who_lacks_a_right_is_told_which() {
    let account: AccountId = "100001".parse().unwrap();
    let all = cam::resource("ap-guangzhou", &account, None);
    let error = cam::denied(OperationName::CreateImageCache, &all, request_id());
    assert_eq!(error.code(), Code::UnauthorizedOperation);
    insta::assert_snapshot!("denied", pretty(&error.print(Language::Chinese, request_id())));
    let id = model::CacheId::generate();
    assert_eq!(
        cam::resource("ap-guangzhou", &account, Some(id)),
        format!("qcs::tke:ap-guangzhou:uin/100001:imagecache/{id}")
    );
    assert!(cam::READ_ONLY.iter().all(|name| name.cam_action().starts_with("tke:")));
}

/// Every parameter arrives in its field, by JSON and by query.
#[test]
fn a_creation_with_every_parameter() {
    let body = r#"{"Images": ["nginx:1.25", "r.example.com:5000/a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
        "VpcId": "vpc-1", "SubnetId": "subnet-1", "ImageCacheName": "demo", "SecurityGroupIds": ["sg-1", "sg-2"],
        "ImageRegistryCredentials": [{"Server": "r.example.com:5000", "Username": "u", "Password": "p", "Name": "n"}],
        "AutoCreateEip": true,
        "AutoCreateEipAttribute": {"DeletePolicy": "Never", "InternetServiceProvider": "CTCC", "InternetMaxBandwidthOut": 2},
        "ImageCacheSize": 50, "RetentionDays": 7, "RegistrySkipVerifyList": ["r.example.com:5000"],
        "RegistryHttpEndPointList": ["h.example.com"], "ResolveConfig": "nameserver 4.4.4.4\nnameserver 8.8.8.8",
        "Tags": [{"Key": "k", "Value": "v"}, {"Key": "empty"}]}"#;
    let query = "Images.0=nginx%3A1.25&Images.1=r.example.com%3A5000%2Fa%40sha256%3Ae3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\
        &VpcId=vpc-1&SubnetId=subnet-1&ImageCacheName=demo&SecurityGroupIds.0=sg-1&SecurityGroupIds.1=sg-2\
        &ImageRegistryCredentials.0.Server=r.example.com%3A5000&ImageRegistryCredentials.0.Username=u\
        &ImageRegistryCredentials.0.Password=p&ImageRegistryCredentials.0.Name=n&AutoCreateEip=True\
        &AutoCreateEipAttribute.DeletePolicy=Never&AutoCreateEipAttribute.InternetServiceProvider=CTCC\
        &AutoCreateEipAttribute.InternetMaxBandwidthOut=2&ImageCacheSize=50&RetentionDays=7\
        &RegistrySkipVerifyList.0=r.example.com%3A5000&RegistryHttpEndPointList.0=h.example.com\
        &ResolveConfig=nameserver+4.4.4.4%0Anameserver+8.8.8.8&Tags.0.Key=k&Tags.0.Value=v&Tags.1.Key=empty";
    let by_post = format!("{:#?}", Sent::post("CreateImageCache", body).arrives().unwrap());
    insta::assert_snapshot!("creation", by_post);
    assert_eq!(format!("{:#?}", Sent::get("CreateImageCache", query).arrives().unwrap()), by_post);
}

#[test]
fn an_update_with_every_parameter() {
    let body = r#"{"ImageCacheId": "imc-0192f0c1a2b37c4d8e9f001122334455", "ImageCacheName": "other", "Images": ["a"],
        "ImageRegistryCredentials": [], "ImageCacheSize": 20, "RetentionDays": 0, "SecurityGroupIds": [], "Tags": []}"#;
    insta::assert_snapshot!(
        "update_all",
        format!("{:#?}", Sent::post("UpdateImageCache", body).arrives().unwrap())
    );
}
