//! Every operation of Tencent's API, and every way to be refused.

use std::sync::Arc;

use model::{CacheState, TestClock};
use serde_json::{Value, json};

use super::Place;
use super::signing::{Key, TencentCall, code, now};
use crate::double::{FAILS, PANICS};
use crate::harness::Harness;

fn body(more: &Value) -> Value {
    let mut body = json!({"Images": ["nginx"], "VpcId": "vpc-1", "SubnetId": "subnet-1"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn done(place: &Place, action: &str, body: Value) -> Value {
    let answer = place.tencent(&TencentCall::new(action, &body)).await;
    assert!(answer["Error"].is_null(), "{action} {body}: {answer}");
    answer
}

async fn create(place: &Place, more: Value) -> String {
    let answer = done(place, "CreateImageCache", body(&more)).await;
    answer["ImageCacheId"].as_str().unwrap().to_owned()
}

async fn names(place: &Place, body: Value) -> String {
    let answer = done(place, "DescribeImageCaches", body).await;
    let caches = answer["ImageCaches"].as_array().unwrap().iter();
    let names: Vec<_> = caches.map(|cache| cache["ImageCacheName"].as_str().unwrap().to_owned()).collect();
    names.join(" ")
}

/// When the only cache was last matched.
async fn matched(place: &Place) -> Value {
    done(place, "DescribeImageCaches", json!({})).await["ImageCaches"][0]["LastMatchedTime"].clone()
}

#[tokio::test]
async fn a_cache_from_its_wish_to_its_end() {
    let place = Place::new().await;
    let more = json!({
        "ImageCacheName": "demo", "ImageCacheSize": 30, "RetentionDays": 7, "AutoCreateEip": true,
        "Tags": [{"Key": "k", "Value": "v"}],
        "ImageRegistryCredentials": [{"Server": "r.example.com", "Username": "u", "Password": "p", "Name": "n"}],
    });
    let id = create(&place, more).await;
    let described = done(&place, "DescribeImageCaches", json!({"ImageCacheIds": [id]})).await;
    assert_eq!(described["TotalCount"], 1);
    let cache = &described["ImageCaches"][0];
    for (field, value) in [
        ("ImageCacheId", json!(id)),
        ("ImageCacheName", json!("demo")),
        ("ImageCacheSize", json!(30)),
        ("Images", json!(["nginx"])),
        ("Status", json!("Pending")),
        ("RetentionDays", json!(7)),
        ("SnapshotId", json!("")),
        ("Tags", json!([{"Key": "k", "Value": "v"}])),
        ("ImageCacheType", json!("manual")),
        (
            "ImageRegistryCredentials",
            json!([{"Server": "r.example.com", "Username": "u", "Password": "", "Name": "n"}]),
        ),
    ] {
        assert_eq!(cache[field], value, "{field}: {cache}");
    }
    place.harness.double.set_state(id.parse().unwrap(), CacheState::Ready, 100);
    assert_eq!(matched(&place).await, "");
    let found = done(&place, "GetMostSuitableImageCache", json!({"Images": ["nginx"]})).await;
    assert_eq!((&found["Found"], &found["ImageCache"]["ImageCacheId"]), (&json!(true), &json!(id)));
    // Being picked is being matched; what is not picked is not.
    assert_ne!(found["ImageCache"]["LastMatchedTime"], "");
    let at = matched(&place).await;
    assert_ne!(at, "");
    let missed =
        done(&place, "GetMostSuitableImageCache", json!({"Images": ["nginx"], "Snapshotter": "other"})).await;
    assert_eq!((&missed["Found"], &missed["ImageCache"]), (&json!(false), &Value::Null));
    assert_eq!(matched(&place).await, at);
    done(
        &place,
        "UpdateImageCache",
        json!({"ImageCacheId": id, "ImageCacheName": "new", "RetentionDays": 0}),
    )
    .await;
    assert_eq!(names(&place, json!({"ImageCacheNames": ["new"]})).await, "new");
    done(&place, "DeleteImageCaches", json!({"ImageCacheIds": [id]})).await;
    assert_eq!(names(&place, json!({})).await, "");
}

#[tokio::test]
async fn a_cache_without_a_name_has_its_id_for_one() {
    let place = Place::new().await;
    let id = create(&place, json!({})).await;
    assert_eq!(names(&place, json!({"ImageCacheNames": [id]})).await, id);
}

#[tokio::test]
async fn pages_begin_where_they_are_asked_to() {
    let place = Place::new().await;
    for number in 0..5 {
        create(&place, json!({"ImageCacheName": format!("c{number}")})).await;
    }
    for (page, expected) in [
        (json!({}), "c4 c3 c2 c1 c0"),
        (json!({"Limit": 2}), "c4 c3"),
        (json!({"Limit": 2, "Offset": 2}), "c2 c1"),
        (json!({"Limit": 2, "Offset": 4}), "c0"),
        (json!({"Offset": 5}), ""),
        (json!({"Limit": 0}), ""),
        (json!({"Filters": [{"Name": "image-cache-name", "Values": ["c1", "c3"]}]}), "c3 c1"),
        (json!({"ImageCacheIds": ["imc-none"]}), ""),
    ] {
        assert_eq!(names(&place, page.clone()).await, expected, "{page}");
        let total = done(&place, "DescribeImageCaches", page.clone()).await["TotalCount"].clone();
        let all = page.get("Filters").map_or(if page.get("ImageCacheIds").is_some() { 0 } else { 5 }, |_| 2);
        assert_eq!(total, all, "{page}");
    }
}

#[tokio::test]
async fn of_several_deletions_none_is_done_where_one_is_unknown() {
    let place = Place::new().await;
    let id = create(&place, json!({"ImageCacheName": "a"})).await;
    let call = TencentCall::new("DeleteImageCaches", &json!({"ImageCacheIds": [id, "imc-none"]}));
    assert_eq!(place.refused_by_tencent(&call).await, "ResourceNotFound");
    assert_eq!(names(&place, json!({})).await, "a");
}

#[tokio::test]
async fn what_was_signed_for_one_action_does_no_other_later() {
    let clock = Arc::new(TestClock::at(now()));
    let place = Place::of(Harness::at(clock.clone())).await;
    let ids = [create(&place, json!({})).await, create(&place, json!({"ImageCacheName": "b"})).await];
    let read = |id: &str| TencentCall::new("DescribeImageCaches", &json!({"ImageCacheIds": [id]}));
    let delete = |read: &TencentCall| TencentCall { action: "DeleteImageCaches".to_owned(), ..read.clone() };
    // A program that reads and deletes in one second signs both alike.
    let first = read(&ids[0]);
    place.tencent(&first).await;
    assert!(place.tencent(&delete(&first)).await["Error"].is_null());
    let second = read(&ids[1]);
    place.tencent(&second).await;
    clock.advance_seconds(10);
    assert!(place.tencent(&second).await["Error"].is_null(), "the same call again");
    assert_eq!(place.refused_by_tencent(&delete(&second)).await, "AuthFailure.SignatureFailure");
    assert_eq!(names(&place, json!({})).await, "b");
}

#[tokio::test]
async fn every_way_to_be_refused() {
    let place = Place::new().await;
    let id = create(&place, json!({})).await;
    let call = |action: &str, body: Value| TencentCall::new(action, &body);
    let plain = || call("DescribeImageCaches", json!({}));
    let named = |name: &str| call("CreateImageCache", body(&json!({"ImageCacheName": name})));
    let at = |by: i64| TencentCall { at: plain().at + by, ..plain() };
    let updates = json!({"ImageCacheId": id, "ImageCacheName": "b"});
    for (what, call, code) in [
        ("too old", at(-301), "AuthFailure.SignatureExpire"),
        ("too new", at(305), "AuthFailure.SignatureExpire"),
        ("action", call("Describe", json!({})), "InvalidAction"),
        ("version", TencentCall { version: "2022-05-01".to_owned(), ..plain() }, "NoSuchVersion"),
        ("region", TencentCall { region: "ap-nowhere".to_owned(), ..plain() }, "UnsupportedRegion"),
        ("no JSON", TencentCall { body: b"{".to_vec(), ..plain() }, "InvalidRequest"),
        ("no object", TencentCall { body: b"[]".to_vec(), ..plain() }, "InvalidParameter"),
        ("unknown parameter", call("DescribeImageCaches", json!({"X": 1})), "UnknownParameter"),
        ("wrong type", call("DescribeImageCaches", json!({"Limit": "x"})), "InvalidParameter"),
        ("limit", call("DescribeImageCaches", json!({"Limit": 51})), "InvalidParameter"),
        ("missing", call("CreateImageCache", json!({})), "MissingParameter"),
        ("value", call("CreateImageCache", body(&json!({"ImageCacheSize": 1}))), "InvalidParameterValue"),
        ("quota", named("full"), "LimitExceeded"),
        ("failure", named(FAILS), "InternalError"),
        ("panic", named(PANICS), "InternalError"),
        ("unknown id", call("UpdateImageCache", json!({"ImageCacheId": "imc-none"})), "ResourceNotFound"),
        ("state", call("UpdateImageCache", updates), "UnsupportedOperation"),
    ] {
        assert_eq!(place.refused_by_tencent(&call).await, code, "{what}");
    }
    let key = &place.key;
    for (key, refused) in [
        (Key { id: "LTAI99999999999999999999".to_owned(), ..key.clone() }, "AuthFailure.SecretIdNotFound"),
        (Key { secret: "x".to_owned(), ..key.clone() }, "AuthFailure.SignatureFailure"),
    ] {
        assert_eq!(code(&place.tencent_as(&key, &plain()).await), refused);
    }
}
