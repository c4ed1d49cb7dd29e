//! Nothing is too long, too often or too strange to be answered in the cloud's own words.

use std::time::Duration;

use api::{CloudSettings, DialectSettings, Limits};
use axum::body::Body;
use http::Request;
use proptest::prelude::*;
use serde_json::json;

use super::signing::{Call, TencentCall, code, read, read_tencent};
use super::{FULL, Place, key};
use crate::double::WAITS;
use crate::harness::{Harness, ask, get, problem_of};

#[tokio::test]
async fn a_body_is_bounded() {
    let place = Place::new().await;
    let long = vec![b'a'; (1 << 20) + 1];
    let call = Call::new("DescribeImageCaches", &[]);
    let refused = place.refused(call.acs3_with(&place.key, long.clone())).await;
    assert_eq!(refused, (400, "InvalidParameter.LengthExceeded".to_owned()));
    let call = TencentCall { body: long, ..TencentCall::new("DescribeImageCaches", &json!({})) };
    assert_eq!(place.refused_by_tencent(&call).await, "RequestSizeLimitExceeded");
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_while_clients_still_listen() {
    let place = Place::new().await;
    let pairs = [("ImageCacheName", WAITS), ("Image.1", "nginx")];
    let refused = place.refused(Call::new("CreateImageCache", &pairs).acs3(&place.key)).await;
    assert_eq!(refused, (503, "ServiceUnavailable".to_owned()));
    let body = json!({"ImageCacheName": WAITS, "Images": ["nginx"], "VpcId": "v", "SubnetId": "s"});
    let call = TencentCall::new("CreateImageCache", &body);
    assert_eq!(place.refused_by_tencent(&call).await, "ServiceUnavailable");
}

#[tokio::test]
async fn an_account_may_call_an_operation_so_often() {
    let place = Place::with(CloudSettings { requests_per_minute: Some(3), ..CloudSettings::default() }).await;
    let mut codes = Vec::new();
    // In one minute or, where the test meets its end, in two.
    for _ in 0..8 {
        let (status, document) = place.alibaba(Call::new("ListUsage", &[]).acs3(&place.key)).await;
        codes.push((status, document["Code"].as_str().map(ToOwned::to_owned)));
    }
    assert!(codes.contains(&(400, Some("Throttling".to_owned()))), "{codes:?}");
    assert_eq!(codes[0], (200, None));
    let mut codes = Vec::new();
    for _ in 0..8 {
        let call = TencentCall::new("DescribeImageCaches", &json!({}));
        codes.push(place.tencent(&call).await["Error"]["Code"].clone());
    }
    assert!(codes.contains(&json!("RequestLimitExceeded")), "{codes:?}");
}

#[tokio::test]
async fn regions_are_told_apart_where_there_are_several() {
    let regions = ["cn-hangzhou", "cn-beijing"].map(ToOwned::to_owned).to_vec();
    let alibaba = DialectSettings { regions, skew_seconds: 900 };
    let place = Place::with(CloudSettings { alibaba, ..CloudSettings::default() }).await;
    let beijing = ("RegionId", "cn-beijing");
    let pairs = [("ImageCacheName", "a"), ("Image.1", "nginx")];
    let there = place.done("CreateImageCache", &[&pairs[..], &[beijing]].concat()).await;
    place.done("CreateImageCache", &pairs).await;
    let id = there["ImageCacheId"].as_str().unwrap();
    let here = place.done("DescribeImageCaches", &[]).await;
    assert_eq!(here["TotalCount"], 1);
    assert_ne!(here["ImageCaches"][0]["ImageCacheId"], json!(id));
    let found = place.done("DescribeImageCaches", &[beijing]).await;
    assert_eq!(found["ImageCaches"][0]["ImageCacheId"], json!(id));
    assert_eq!(found["ImageCaches"][0]["RegionId"], "cn-beijing");
    let call = Call::new("DeleteImageCache", &[("ImageCacheId", id)]);
    assert_eq!(place.refused(call.acs3(&place.key)).await.0, 404);
    place.done("DeleteImageCache", &[("ImageCacheId", id), beijing]).await;
    assert_eq!(place.done("DescribeRegions", &[]).await["Regions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_served_is_not_there() {
    let place = Place::with(CloudSettings { enabled: false, ..CloudSettings::default() }).await;
    assert_eq!(problem_of(&ask(place.harness.strangers(), get("/")).await).status, 404);
}

#[tokio::test]
async fn a_slow_body_is_refused() {
    let limits = Limits { request_timeout: Duration::from_millis(20), ..Limits::default() };
    let harness = Harness::with(limits);
    let never = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let (status, document) = {
        let request = Request::post("/?Format=JSON").body(never).unwrap();
        read(&ask(harness.strangers(), request).await)
    };
    assert_eq!((status, &document["Code"]), (503, &json!("ServiceUnavailable")));
    let never = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let request = Request::post("/").header("x-tc-action", "a").body(never).unwrap();
    assert_eq!(code(&read_tencent(&ask(harness.strangers(), request).await)), "ServiceUnavailable");
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "Action",
            "Version",
            "2018-08-08",
            "2018-05-25",
            "Format",
            "JSON",
            "XML",
            "AccessKeyId",
            "LTAI00000000000000000000",
            "Signature",
            "SignatureMethod",
            "HMAC-SHA1",
            "SignatureNonce",
            "Timestamp",
            "RegionId",
            "cn-hangzhou",
            "CreateImageCache",
            "Image.1",
            "Image.1.2",
            "Tag.1.Key",
            "nginx",
            "%zz",
            "+",
            "2026-11-21T17:03:24Z",
        ])
        .prop_map(ToOwned::to_owned),
        "[ -~]{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_request_of_any_shape_makes_a_500_or_a_panic(
        method in prop::sample::select(vec!["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "X"]),
        pairs in prop::collection::vec((texts(), texts()), 0..10),
        headers in prop::collection::vec((prop::sample::select(vec![
            "authorization", "x-tc-action", "x-tc-version", "x-tc-timestamp", "x-tc-region", "x-acs-action",
            "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "content-type", "host",
        ]), prop_oneof![
            prop::sample::select(vec![
                "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=b".to_owned(),
                "TC3-HMAC-SHA256 Credential=a/2026-11-21/tke/tc3_request, SignedHeaders=content-type;host, Signature=b".to_owned(),
                "Bearer x".to_owned(), "application/x-www-form-urlencoded".to_owned(), "1".to_owned(),
            ]),
            "[ -~]{0,40}".prop_map(|text| text.trim().to_owned()),
        ]), 0..6),
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let query: Vec<String> = pairs.iter().map(|(name, value)| {
            let plain = |text: &str| text.replace([' ', '"', '<', '>', '#', '\\', '^', '`', '{', '|', '}'], "_");
            format!("{}={}", plain(name), plain(value))
        }).collect();
        let Ok(uri) = format!("/?{}", query.join("&")).parse::<http::Uri>() else { return Ok(()) };
        let mut request = Request::builder().method(method).uri(uri);
        let signed = headers.iter().find(|(name, _)| *name == "authorization");
        let is_tencent = signed.is_some_and(|(_, value)| value.starts_with("TC3-"))
            || headers.iter().any(|(name, _)| name.starts_with("x-tc-"));
        for (name, value) in &headers {
            request = request.header(*name, value.as_str());
        }
        let request = request.body(Body::from(body)).unwrap();
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let harness = Harness::new();
            key(&harness.double, "local", FULL).await;
            let answer = ask(harness.strangers(), request).await;
            let text = String::from_utf8_lossy(answer.body()).into_owned();
            let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
            assert!(!answer.status().is_server_error(), "{text}");
            assert!(["application/json", "application/json;charset=utf-8", "text/xml;charset=utf-8"].contains(&kind.as_str()), "{kind}");
            if is_tencent {
                assert!(answer.status() == 200 && kind == "application/json", "{text}");
            }
        });
    }
}
