//! Who may what: disabled keys, policies, and accounts that do not see each other.

use api::service::Service as _;
use clouds::alibaba::ram::READ_ONLY;
use model::{AccessKeyStatus, CacheState};
use serde_json::json;

use super::Place;
use super::signing::{Call, TencentCall, code};

const IMAGE: (&str, &str) = ("Image.1", "nginx:1");

async fn create(place: &Place, name: &str, tag: &str) -> String {
    let pairs = [("ImageCacheName", name), IMAGE, ("Tag.1.Key", "team"), ("Tag.1.Value", tag)];
    place.done("CreateImageCache", &pairs).await["ImageCacheId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_disabled_key_opens_nothing() {
    let place = Place::new().await;
    let id = place.key.id.parse().unwrap();
    place.harness.double.set_access_key_status(&id, AccessKeyStatus::Disabled).await.unwrap();
    let refused = place.refused(Call::new("ListUsage", &[]).acs3(&place.key)).await;
    assert_eq!(refused, (400, "InvalidAccessKeyId.Inactive".to_owned()));
    let call = TencentCall::new("DescribeImageCaches", &json!({}));
    assert_eq!(place.refused_by_tencent(&call).await, "AuthFailure.SecretIdNotFound");
}

#[tokio::test]
async fn a_key_that_reads_changes_nothing() {
    let place = Place::new().await;
    let id = create(&place, "a", "x").await;
    let reader = place.key_of("local", READ_ONLY).await;
    let (status, _) = place.alibaba(Call::new("DescribeImageCaches", &[]).acs3(&reader)).await;
    assert_eq!(status, 200);
    for (action, pairs) in [
        ("CreateImageCache", vec![("ImageCacheName", "b"), IMAGE]),
        ("UpdateImageCache", vec![("ImageCacheId", id.as_str())]),
        ("DeleteImageCache", vec![("ImageCacheId", &id)]),
        ("TagResources", vec![("ResourceType", "ImageCache"), ("ResourceId.1", &id), ("Tag.1.Key", "k")]),
    ] {
        let (status, document) = place.alibaba(Call::new(action, &pairs).acs3(&reader)).await;
        assert_eq!((status, &document["Code"]), (403, &json!("Forbidden.RAM")), "{action}");
        assert!(document["AccessDeniedDetail"].is_object(), "{document}");
    }
    let call = |action, body| TencentCall::new(action, &body);
    let read = call("GetMostSuitableImageCache", json!({"Images": ["nginx"]}));
    assert!(place.tencent_as(&reader, &read).await["Error"].is_null());
    let delete = place.tencent_as(&reader, &call("DeleteImageCaches", json!({"ImageCacheIds": [id]}))).await;
    assert_eq!(code(&delete), "UnauthorizedOperation");
    assert!(delete["Error"]["Message"].as_str().unwrap().contains("tke:DeleteImageCaches"), "{delete}");
}

#[tokio::test]
async fn a_permission_for_a_tag_is_one_for_what_has_it() {
    let place = Place::new().await;
    let (mine, other) = (create(&place, "a", "x").await, create(&place, "b", "y").await);
    let policy = json!({"Version": "1", "Statement": [{
        "Effect": "Allow", "Action": ["eci:*ImageCache*"], "Resource": ["acs:eci:*:*:imagecache/*"],
        "Condition": {"StringEquals": {"eci:tag/team": "x"}},
    }]});
    let key = place.key_of("local", &policy.to_string()).await;
    let ask = |action: &str, pairs: &[(&str, &str)]| Call::new(action, pairs).acs3(&key);
    let tag = |value| [("Tag.1.Key", "team"), ("Tag.1.Value", value)];
    let denied = (403, "Forbidden.RAM".to_owned());
    assert_eq!(place.refused(ask("DescribeImageCaches", &[])).await, denied);
    assert_eq!(place.alibaba(ask("DescribeImageCaches", &tag("x"))).await.1["TotalCount"], 1);
    assert_eq!(place.refused(ask("DescribeImageCaches", &tag("y"))).await, denied);
    let named = [("ImageCacheName", "c"), IMAGE];
    assert_eq!(place.alibaba(ask("CreateImageCache", &[&named[..], &tag("x")].concat())).await.0, 200);
    assert_eq!(place.refused(ask("CreateImageCache", &named)).await, denied);
    assert_eq!(place.refused(ask("DeleteImageCache", &[("ImageCacheId", &other)])).await, denied);
    assert_eq!(place.refused(ask("DescribeContainerGroupStatus", &[])).await, denied);
    let (status, none) = place.alibaba(ask("DescribeContainerGroups", &[])).await;
    assert_eq!((status, &none["TotalCount"], &none["ContainerGroups"]), (200, &json!(0), &json!([])));
    assert_eq!(place.alibaba(ask("DeleteImageCache", &[("ImageCacheId", &mine)])).await.0, 200);
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let place = Place::new().await;
    let id = create(&place, "a", "x").await;
    place.harness.double.set_state(id.parse().unwrap(), CacheState::Ready, 100);
    let other = place.key_of("other", super::FULL).await;
    let ask = |action: &str, pairs: &[(&str, &str)]| Call::new(action, pairs).acs3(&other);
    assert_eq!(place.alibaba(ask("DescribeImageCaches", &[])).await.1["TotalCount"], 0);
    let gone = (404, "InvalidParameter.NotFound".to_owned());
    for action in ["DeleteImageCache", "UpdateImageCache"] {
        assert_eq!(place.refused(ask(action, &[("ImageCacheId", &id)])).await, gone, "{action}");
    }
    let with_token = [("ImageCacheId", id.as_str()), ("ClientToken", "t")];
    assert_eq!(place.refused(ask("DeleteImageCache", &with_token)).await, gone);
    let call = TencentCall::new("DeleteImageCaches", &json!({"ImageCacheIds": [id]}));
    assert_eq!(code(&place.tencent_as(&other, &call).await), "ResourceNotFound");
    let call = TencentCall::new("GetMostSuitableImageCache", &json!({"Images": ["nginx:1"]}));
    assert_eq!(place.tencent_as(&other, &call).await["Found"], false);
}

#[tokio::test]
async fn each_cloud_sees_what_the_other_has_made() {
    let place = Place::new().await;
    let id = create(&place, "a name", "x").await;
    let seen = place.tencent(&TencentCall::new("DescribeImageCaches", &json!({}))).await;
    assert_eq!(seen["ImageCaches"][0]["ImageCacheName"], "a name");
    assert_eq!(seen["ImageCaches"][0]["Images"], json!(["nginx:1"]));
    assert_eq!(seen["ImageCaches"][0]["ImageCacheId"], json!(id));
}
