//! Every operation on caches of Alibaba's API, and every way to be refused.

use axum::body::Body;
use clouds::alibaba::OperationName;
use http::Request;
use model::CacheState;
use serde_json::{Value, json};

use super::Place;
use super::signing::{Call, Key, TencentCall, now};
use crate::double::{FAILS, PANICS};
use crate::harness::ask;

const IMAGE: &str = "registry.example:5000/team/nginx:1.25";

fn id_of(document: &Value) -> String {
    document["ImageCacheId"].as_str().unwrap().to_owned()
}

async fn create(place: &Place, name: &str, more: &[(&str, &str)]) -> String {
    let pairs = [&[("ImageCacheName", name), ("Image.1", IMAGE)], more].concat();
    id_of(&place.done("CreateImageCache", &pairs).await)
}

async fn describe(place: &Place, pairs: &[(&str, &str)]) -> Value {
    place.done("DescribeImageCaches", pairs).await
}

async fn names(place: &Place, pairs: &[(&str, &str)]) -> Vec<String> {
    let document = describe(place, pairs).await;
    let caches = document["ImageCaches"].as_array().unwrap();
    caches.iter().map(|cache| cache["ImageCacheName"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_cache_from_its_wish_to_its_end() {
    let place = Place::new().await;
    let created = place
        .done(
            "CreateImageCache",
            &[
                ("ImageCacheName", "demo *~/é"),
                ("Image.1", IMAGE),
                ("Image.2", "nginx"),
                ("ImageCacheSize", "1"),
                ("RetentionDays", "7"),
                ("EliminationStrategy", "LRU"),
                ("Tag.1.Key", "k"),
                ("Tag.1.Value", ""),
                ("ResourceGroupId", "rg-1"),
                ("VSwitchId", "vsw-1,vsw-2"),
                ("SecurityGroupId", "sg-1"),
                ("ImageRegistryCredential.1.Server", "registry.example:5000"),
                ("ImageRegistryCredential.1.UserName", "u"),
                ("ImageRegistryCredential.1.Password", "p&=+ %"),
            ],
        )
        .await;
    let id = id_of(&created);
    assert!(created["ContainerGroupId"].as_str().unwrap().starts_with("eci-"));

    let described = describe(&place, &[("ImageCacheId", &id)]).await;
    assert_eq!(described["TotalCount"], 1);
    let cache = &described["ImageCaches"][0];
    for (field, value) in [
        ("ImageCacheId", json!(id)),
        ("ImageCacheName", json!("demo *~/é")),
        ("RegionId", json!("cn-hangzhou")),
        ("ResourceGroupId", json!("rg-1")),
        ("Images", json!([IMAGE, "nginx"])),
        ("ImageCacheSize", json!(20)),
        ("Status", json!("Preparing")),
        ("Progress", json!("0%")),
        ("ContainerGroupId", created["ContainerGroupId"].clone()),
        ("EliminationStrategy", json!("LRU")),
        ("Tags", json!([{"Key": "k", "Value": ""}])),
        ("SnapshotId", Value::Null),
    ] {
        assert_eq!(cache[field], value, "{field}: {cache}");
    }
    let event = &cache["Events"][0];
    assert_eq!(event["Reason"], "Started");
    assert_eq!(event["Message"], "Successfully check image cache resource.");
    let name = event["Name"].as_str().unwrap().strip_prefix("demo *~/é.").unwrap();
    assert_eq!(name.len(), 16, "{name}");

    place.harness.double.set_state(id.parse().unwrap(), CacheState::Ready, 100);
    let ready = describe(&place, &[("ImageCacheId", &id)]).await;
    let snapshot = ready["ImageCaches"][0]["SnapshotId"].as_str().unwrap().to_owned();
    assert!(snapshot.starts_with("s-"));
    assert_eq!(names(&place, &[("SnapshotId", &snapshot)]).await, ["demo *~/é"]);

    place
        .done("UpdateImageCache", &[("ImageCacheId", &id), ("ImageCacheName", "new"), ("RetentionDays", "9")])
        .await;
    assert_eq!(names(&place, &[("ImageCacheName", "new")]).await, ["new"]);
    place.done("DeleteImageCache", &[("ImageCacheId", &id)]).await;
    assert_eq!(describe(&place, &[("ImageCacheId", &id)]).await["TotalCount"], 0);
}

#[tokio::test]
async fn both_schemes_and_both_documents() {
    let place = Place::new().await;
    let pairs = [("ImageCacheName", "a"), ("Image.1", IMAGE)];
    for method in ["GET", "POST"] {
        let call = || Call { method: method.to_owned(), ..Call::new("CreateImageCache", &pairs) };
        assert_eq!(place.alibaba(call().acs3(&place.key)).await.0, 200);
        assert_eq!(place.alibaba(call().rpc(&place.key, Some("json"))).await.0, 200);
        for format in [Some("XML"), None] {
            let answer = ask(place.harness.strangers(), call().rpc(&place.key, format)).await;
            let text = String::from_utf8(answer.body().clone()).unwrap();
            assert_eq!(answer.headers()["content-type"], "text/xml;charset=utf-8");
            assert!(
                text.contains("<CreateImageCacheResponse>") && text.contains("<ImageCacheId>imc-"),
                "{text}"
            );
        }
    }
    assert_eq!(describe(&place, &[]).await["TotalCount"], 8);
    let refused = Call::new("CreateImageCache", &[]).rpc(&place.key, None);
    let refused = ask(place.harness.strangers(), refused).await;
    assert!(String::from_utf8_lossy(refused.body()).contains("<Code>MissingParameter</Code>"));
}

#[tokio::test]
async fn what_was_asked_for_before_is_not_made_again() {
    let place = Place::new().await;
    let token = ("ClientToken", "tok with a space");
    let first = create(&place, "a", &[token]).await;
    assert_eq!(create(&place, "a", &[token]).await, first);
    let other = Call::new("CreateImageCache", &[("ImageCacheName", "b"), ("Image.1", IMAGE), token]);
    let refused = place.refused(other.acs3(&place.key)).await;
    assert_eq!(refused, (400, "IdempotentParameterMismatch".to_owned()));
    assert_ne!(create(&place, "a", &[]).await, first, "names are not unique");

    place.harness.double.set_state(first.parse().unwrap(), CacheState::Ready, 100);
    let update = [("ImageCacheId", first.as_str()), ("ImageCacheName", "new"), ("RetentionDays", "3"), token];
    place.done("UpdateImageCache", &update).await;
    // What it asked for is so by now, and it is no other request for that.
    place.done("UpdateImageCache", &update).await;
    place.done("UpdateImageCache", &[("ImageCacheId", &first), ("ImageCacheName", "newer")]).await;
    place.done("UpdateImageCache", &update).await;
    assert_eq!(names(&place, &[("ImageCacheId", &first)]).await, ["newer"]);

    let second = create(&place, "b", &[]).await;
    let token = ("ClientToken", "d");
    let delete = |id| Call::new("DeleteImageCache", &[("ImageCacheId", id), token]).acs3(&place.key);
    for _ in 0..2 {
        assert_eq!(place.alibaba(delete(&first)).await.0, 200);
    }
    let mismatch = (400, "IdempotentParameterMismatch".to_owned());
    assert_eq!(place.refused(delete(&second)).await, mismatch);
    assert_eq!(names(&place, &[("ImageCacheId", &second)]).await, ["b"]);
    let untag = |key| {
        let pairs = [("ResourceType", "ImageCache"), ("ResourceId.1", &second), ("TagKey.1", key), token];
        Call::new("UntagResources", &pairs).acs3(&place.key)
    };
    assert_eq!(place.alibaba(untag("a")).await.0, 200, "a token counts for its operation alone");
    assert_eq!(place.refused(untag("b")).await, mismatch);
}

#[tokio::test]
async fn pages_have_everything_once_newest_first() {
    let place = Place::new().await;
    for number in 0..7 {
        create(&place, &format!("c{number}"), &[("Tag.1.Key", "n"), ("ResourceGroupId", "rg-1")]).await;
    }
    create(&place, "other", &[]).await;
    // With the group they are walked, without it asked for.
    for filter in [vec![("Tag.1.Key", "n")], vec![("Tag.1.Key", "n"), ("ResourceGroupId", "rg-1")]] {
        for limit in ["1", "3", "7", "8"] {
            let (mut seen, mut token) = (Vec::new(), String::new());
            loop {
                let mut pairs = [filter.clone(), vec![("Limit", limit)]].concat();
                let behind = token.clone();
                if !behind.is_empty() {
                    pairs.push(("NextToken", &behind));
                }
                let page = describe(&place, &pairs).await;
                assert_eq!(page["TotalCount"], 7);
                let caches = page["ImageCaches"].as_array().unwrap();
                seen.extend(caches.iter().map(|cache| cache["ImageCacheName"].as_str().unwrap().to_owned()));
                match page["NextToken"].as_str() {
                    Some(next) => token = next.to_owned(),
                    None => break,
                }
            }
            assert_eq!(seen.join(" "), "c6 c5 c4 c3 c2 c1 c0", "{limit}");
        }
    }
    let page = describe(&place, &[("Limit", "1")]).await;
    let token = page["NextToken"].as_str().unwrap();
    for pairs in [[("NextToken", "x"), ("Limit", "1")], [("NextToken", token), ("ImageCacheName", "c1")]] {
        let call = Call::new("DescribeImageCaches", &pairs);
        assert_eq!(place.refused(call.acs3(&place.key)).await, (400, "InvalidParameter".to_owned()));
    }
}

#[tokio::test]
async fn filters_let_through_what_has_all_of_it() {
    let place = Place::new().await;
    create(&place, "a", &[("Tag.1.Key", "k"), ("Tag.1.Value", "1"), ("Image.1", "nginx:1")]).await;
    create(&place, "b", &[("Tag.1.Key", "k"), ("Tag.1.Value", "2"), ("Image.1", "nginx:2")]).await;
    create(&place, "c", &[("ResourceGroupId", "rg-1"), ("Image.1", IMAGE)]).await;
    for (pairs, expected) in [
        (&[("ImageCacheName", "a")][..], "a"),
        (&[("ImageCacheName", "nobody")], ""),
        (&[("ImageCacheId", "imc-bp195erqe9o2pb090000")], ""),
        (&[("SnapshotId", "s-2zec5oj8e1yhxijt0000")], ""),
        (&[("Image", "nginx")], "b a"),
        (&[("Image", "docker.io/library/nginx:1")], "a"),
        (&[("Image", "nginx:3")], ""),
        (&[("Image", "registry.example:5000/team/nginx")], "c"),
        (&[("Image", "team/nginx")], ""),
        (&[("ResourceGroupId", "rg-1")], "c"),
        (&[("ResourceGroupId", "rg-2")], ""),
        (&[("Tag.1.Key", "k")], "b a"),
        (&[("Tag.1.Key", "k"), ("Tag.1.Value", "2")], "b"),
        (&[("Tag.1.Key", "k"), ("Tag.1.Value", "2"), ("Image", "nginx:1")], ""),
    ] {
        assert_eq!(names(&place, pairs).await.join(" "), expected, "{pairs:?}");
    }
}

#[tokio::test]
async fn caches_that_match_images_best() {
    let place = Place::new().await;
    for (name, image) in [("a", "nginx:1"), ("b", "redis:7"), ("c", "nginx:1")] {
        create(&place, name, &[("Image.1", image)]).await;
    }
    // The double has them in order of their creation.
    let wanted = [("MatchImage.1", "nginx:1"), ("ImageFullMatch", "true")];
    assert_eq!(names(&place, &wanted).await, ["a", "c"]);
    assert_eq!(names(&place, &[&wanted[..], &[("ImageCacheName", "c")]].concat()).await, ["c"]);
    assert_eq!(names(&place, &[&wanted[..], &[("Limit", "1")]].concat()).await, ["a"]);
    assert!(names(&place, &[("MatchImage.1", "mysql")]).await.is_empty());
}

#[tokio::test]
async fn a_cache_is_changed_only_where_its_state_allows_and_there_is_something_to_change() {
    let place = Place::new().await;
    let id = create(&place, "a", &[]).await;
    let update = |pairs: &[(&str, &str)]| {
        Call::new("UpdateImageCache", &[&[("ImageCacheId", id.as_str())], pairs].concat()).acs3(&place.key)
    };
    let wrong = (400, "ImageCache.IncorrectStatus".to_owned());
    assert_eq!(place.refused(update(&[("ImageCacheName", "b")])).await, wrong);
    for state in [CacheState::Creating, CacheState::Updating, CacheState::Failed] {
        place.harness.double.set_state(id.parse().unwrap(), state, 50);
        assert_eq!(place.refused(update(&[("RetentionDays", "3")])).await, wrong, "{state}");
    }
    place.harness.double.set_state(id.parse().unwrap(), CacheState::Ready, 100);
    let nothing = (400, "NoNeedUpdate".to_owned());
    assert_eq!(place.refused(update(&[])).await, nothing);
    assert_eq!(place.refused(update(&[("ImageCacheName", "a"), ("ImageCacheSize", "20")])).await, nothing);
    assert_eq!(place.alibaba(update(&[("Image.1", IMAGE)])).await.0, 200, "the same images are built anew");
    assert_eq!(place.alibaba(update(&[("VSwitchId", "vsw-9")])).await.0, 200);
    assert_eq!(place.alibaba(update(&[("ResourceGroupId", "rg-9")])).await.0, 200);
    assert_eq!(names(&place, &[("ResourceGroupId", "rg-9")]).await, ["a"]);
}

#[tokio::test]
async fn tags_are_put_on_listed_and_taken_off() {
    let place = Place::new().await;
    let (one, two) = (create(&place, "a", &[("Tag.1.Key", "old")]).await, create(&place, "b", &[]).await);
    let both =
        [("ResourceType", "ImageCache"), ("ResourceId.1", one.as_str()), ("ResourceId.2", two.as_str())];
    place.done("TagResources", &[&both[..], &[("Tag.1.Key", "k"), ("Tag.1.Value", "v")]].concat()).await;
    let list = |document: &Value| {
        let tags = document["TagResources"].as_array().unwrap().iter();
        let text = |tag: &Value, name: &str| tag[name].as_str().unwrap().to_owned();
        let mut tags: Vec<_> =
            tags.map(|tag| (text(tag, "ResourceId"), text(tag, "TagKey"), text(tag, "TagValue"))).collect();
        tags.sort();
        tags
    };
    let pair = |id: &str, key: &str, value: &str| (id.to_owned(), key.to_owned(), value.to_owned());
    let mut all = vec![pair(&one, "old", ""), pair(&one, "k", "v"), pair(&two, "k", "v")];
    all.sort();
    assert_eq!(list(&place.done("ListTagResources", &[("ResourceType", "ImageCache")]).await), all);
    assert_eq!(names(&place, &[("Tag.1.Key", "k"), ("Tag.1.Value", "v")]).await, ["b", "a"]);

    let unknown = [("ResourceType", "ImageCache"), ("ResourceId.1", &one), ("ResourceId.2", "imc-none")];
    let call = Call::new("TagResources", &[&unknown[..], &[("Tag.1.Key", "x")]].concat());
    assert_eq!(place.refused(call.acs3(&place.key)).await, (404, "InvalidParameter.NotFound".to_owned()));
    assert!(names(&place, &[("Tag.1.Key", "x")]).await.is_empty(), "none was tagged");

    place.done("UntagResources", &[&both[..2], &[("TagKey.1", "old")]].concat()).await;
    assert!(names(&place, &[("Tag.1.Key", "old")]).await.is_empty());
    place.done("UntagResources", &[&both[..], &[("All", "true")]].concat()).await;
    assert!(names(&place, &[("Tag.1.Key", "k")]).await.is_empty());
}

/// As many calls at once as a resource has tags: none is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_calls_at_once_that_change_tags_none_is_lost() {
    let place = Place::new().await;
    let cache = create(&place, "a", &[]).await;
    let group = [
        ("ContainerGroupName", "web"),
        ("Container.1.Name", "main"),
        ("Container.1.Image", "nginx:1"),
        ("Tag.1.Key", "old"),
    ];
    let group =
        place.done("CreateContainerGroup", &group).await["ContainerGroupId"].as_str().unwrap().to_owned();
    place.harness.edge.finish_actions().await;
    for (kind, id) in [("ImageCache", &cache), ("ContainerGroup", &group)] {
        let on = [("ResourceType", kind), ("ResourceId.1", id.as_str())];
        let keys: Vec<String> = (0..18).map(|number| format!("k{number:02}")).collect();
        let put = keys.iter().map(|key| {
            let pairs = [&on[..], &[("Tag.1.Key", key.as_str()), ("Tag.1.Value", "v")]].concat();
            let place = &place;
            async move { place.done("TagResources", &pairs).await }
        });
        futures::future::join_all(put).await;
        let tags = async || {
            let listed = place.done("ListTagResources", &on).await;
            let tags = listed["TagResources"].as_array().unwrap().clone();
            let keys = tags.iter().map(|tag| tag["TagKey"].as_str().unwrap().to_owned());
            keys.filter(|key| key.starts_with('k')).collect::<Vec<String>>()
        };
        assert_eq!(tags().await, keys, "{kind}");
        let take = keys[..9].iter().map(|key| {
            let pairs = [&on[..], &[("TagKey.1", key.as_str())]].concat();
            let place = &place;
            async move { place.done("UntagResources", &pairs).await }
        });
        futures::future::join_all(take).await;
        assert_eq!(tags().await, keys[9..], "{kind}");
        let many: Vec<String> = (1..=20).map(|number| format!("Tag.{number}.Key")).collect();
        let names: Vec<String> = (1..=20).map(|number| format!("more{number}")).collect();
        let more = many.iter().zip(&names).map(|(parameter, name)| (parameter.as_str(), name.as_str()));
        let call = Call::new("TagResources", &[&on[..], &more.collect::<Vec<_>>()].concat());
        let refused = place.refused(call.acs3(&place.key)).await;
        assert_eq!(refused, (400, "NumberExceed.Tags".to_owned()), "{kind}");
    }
    let shown = place.done("DescribeContainerGroups", &[("Tag.1.Key", "k10")]).await;
    assert_eq!(shown["TotalCount"], 1);
    let absent = [("ResourceType", "ContainerGroup"), ("ResourceId.1", "eci-none"), ("Tag.1.Key", "x")];
    let call = Call::new("TagResources", &absent).acs3(&place.key);
    assert_eq!(place.refused(call).await, (404, "InvalidParameter.NotFound".to_owned()));
}

#[tokio::test]
async fn quotas_and_regions() {
    let place = Place::new().await;
    create(&place, "a", &[]).await;
    let usage = place.done("ListUsage", &[]).await;
    assert!(usage["Attributes"]["MaxImageCacheCount"].is_u64(), "{usage}");
    let regions =
        place.alibaba(Call::new("DescribeRegions", &[]).without("RegionId").acs3(&place.key)).await.1;
    assert_eq!(regions["Regions"][0]["RegionId"], "cn-hangzhou");
}

#[tokio::test]
async fn every_way_to_be_refused_before_an_operation() {
    let place = Place::new().await;
    let key = &place.key;
    let call = || Call::new("DescribeImageCaches", &[]);
    let seconds = |by: i64| Call { at: now().plus_micros(by * 1_000_000), ..call() };
    let other = |key: Key| call().acs3(&key);
    let unsigned =
        Request::get("/?Action=DescribeImageCaches&Version=2018-08-08&Format=JSON&RegionId=cn-hangzhou");
    let replayed = call();
    assert_eq!(place.alibaba(replayed.acs3(key)).await.0, 200);
    let in_other_scheme = Call { at: now(), ..replayed.clone() }.rpc(key, Some("JSON"));
    for (what, request, status, code) in [
        ("unsigned", unsigned.body(Body::empty()).unwrap(), 400, "MissingParameter"),
        (
            "unknown key",
            other(Key { id: "LTAI99999999999999999999".to_owned(), ..key.clone() }),
            404,
            "InvalidAccessKeyId.NotFound",
        ),
        (
            "no key at all",
            other(Key { id: "x".to_owned(), ..key.clone() }),
            404,
            "InvalidAccessKeyId.NotFound",
        ),
        ("wrong secret", other(Key { secret: "x".to_owned(), ..key.clone() }), 400, "SignatureDoesNotMatch"),
        ("too old", seconds(-901).acs3(key), 400, "InvalidTimeStamp.Expired"),
        ("too new", seconds(905).rpc(key, Some("JSON")), 400, "InvalidTimeStamp.Expired"),
        ("replayed", replayed.acs3(key), 400, "SignatureNonceUsed"),
        ("its nonce in the other scheme", in_other_scheme, 400, "SignatureNonceUsed"),
        ("action", Call { action: "Describe".to_owned(), ..call() }.acs3(key), 404, "InvalidAction.NotFound"),
        ("version", Call { version: "2018-08-09".to_owned(), ..call() }.acs3(key), 400, "InvalidVersion"),
        ("method", Call { method: "PUT".to_owned(), ..call() }.acs3(key), 400, "UnsupportedHTTPMethod"),
        ("format", call().rpc(key, Some("YAML")), 400, "InvalidParameter.Format"),
        (
            "region",
            Call::new("DescribeImageCaches", &[("RegionId", "cn-nowhere")]).acs3(key),
            400,
            "InvalidParameter",
        ),
        ("no region", call().without("RegionId").acs3(key), 400, "MissingParameter"),
    ] {
        assert_eq!(place.refused(request).await, (status, code.to_owned()), "{what}");
    }
    let wrong = Key { secret: "x".to_owned(), ..key.clone() };
    let (_, document) = place.alibaba(call().rpc(&wrong, Some("JSON"))).await;
    let message = document["Message"].as_str().unwrap();
    // What the legacy SDK takes apart at the colon.
    assert!(message.split(':').nth(1).unwrap().starts_with("POST&%2F&AccessKeyId%3D"), "{message}");
}

#[tokio::test]
async fn every_way_to_be_refused_by_an_operation() {
    let place = Place::new().await;
    let named = |name: &'static str| vec![("ImageCacheName", name), ("Image.1", IMAGE)];
    let missing = |code| (400, code);
    for (action, pairs, (status, code)) in [
        ("CreateImageCache", vec![("Image.1", IMAGE)], missing("MissingParameter")),
        ("CreateImageCache", vec![("ImageCacheName", "a")], missing("MissingParameter")),
        ("CreateImageCache", [named("a"), vec![("ImageCacheSize", "0")]].concat(), (400, "InvalidParameter")),
        ("CreateImageCache", [named("a"), vec![("RetentionDays", "x")]].concat(), (400, "InvalidParameter")),
        ("CreateImageCache", vec![("ImageCacheName", "a"), ("Image.1", "a b")], (400, "InvalidParameter")),
        ("CreateImageCache", named("a\nb"), (400, "InvalidParameter")),
        ("CreateImageCache", named(" a"), (400, "InvalidParameter")),
        ("CreateImageCache", named("full"), (403, "QuotaExceeded")),
        ("CreateImageCache", named(FAILS), (500, "InternalError")),
        ("CreateImageCache", named(PANICS), (500, "InternalError")),
        (
            "CreateImageCache",
            [named("a"), vec![("AcrRegistryInfo.1.InstanceId", "cri-1")]].concat(),
            (404, "InvalidParameter.NotFound"),
        ),
        ("UpdateImageCache", vec![("ImageCacheId", "imc-1")], (404, "InvalidParameter.NotFound")),
        ("UpdateImageCache", vec![], missing("MissingParameter")),
        (
            "DeleteImageCache",
            vec![("ImageCacheId", "imc-00000000000000000000000000000000")],
            (404, "InvalidParameter.NotFound"),
        ),
        (
            "DeleteImageCache",
            vec![("ImageCacheId", "imc-00000000000000000000000000000000"), ("ClientToken", "t")],
            (404, "InvalidParameter.NotFound"),
        ),
        ("DescribeImageCaches", vec![("Limit", "0")], (400, "InvalidParameter")),
        ("DescribeImageCaches", vec![("NextToken", "x")], (400, "InvalidParameter")),
        ("TagResources", vec![("ResourceType", "ImageCache")], missing("MissingParameter")),
        (
            "TagResources",
            vec![("ResourceType", "DataCache"), ("ResourceId.1", "dc-1"), ("Tag.1.Key", "k")],
            (400, "NoPermission.Tag"),
        ),
        (
            "UntagResources",
            vec![("ResourceType", "ImageCache"), ("ResourceId.1", "imc-1")],
            missing("MissingParameter"),
        ),
        ("ListTagResources", vec![], missing("MissingParameter")),
    ] {
        let refused = place.refused(Call::new(action, &pairs).acs3(&place.key)).await;
        assert_eq!(refused, (status, code.to_owned()), "{action} {pairs:?}");
    }
    assert!(place.harness.double.names().is_empty());
    let (_, failed) = place.alibaba(Call::new("CreateImageCache", &named(FAILS)).acs3(&place.key)).await;
    assert!(!failed.to_string().contains("secret"), "{failed}");
}

#[tokio::test]
async fn every_operation_is_answered() {
    let place = Place::new().await;
    for name in OperationName::ALL {
        let call = Call::new(name.as_str(), &[("RegionId", "cn-hangzhou")]);
        let (_, document) = place.alibaba(call.acs3(&place.key)).await;
        assert_ne!(document["Code"], "InvalidAction.NotFound", "{name}");
        assert_ne!(document["Code"], "InternalError", "{name}");
    }
}

#[tokio::test]
async fn a_deleted_cache_is_gone_though_an_instance_uses_it() {
    let place = Place::new().await;
    let id = create(&place, "a", &[("Tag.1.Key", "k")]).await;
    create(&place, "b", &[]).await;
    place.harness.double.set_state(id.parse().unwrap(), CacheState::Ready, 100);
    let new =
        wire::CreateInstance { cache: wire::PickCache::Only(id.clone()), ..wire::CreateInstance::default() };
    place.harness.client().create_instance(&new).await.unwrap();
    place.done("DeleteImageCache", &[("ImageCacheId", &id)]).await;
    assert_eq!(names(&place, &[("ImageCacheId", &id)]).await, [] as [&str; 0]);
    assert_eq!(describe(&place, &[]).await["TotalCount"], 1);
    let tags = place.done("ListTagResources", &[("ResourceType", "ImageCache")]).await;
    assert_eq!(tags["TagResources"], json!([]));
    let seen = place.tencent(&TencentCall::new("DescribeImageCaches", &json!({}))).await;
    assert_eq!(seen["TotalCount"], 1);
}

#[tokio::test]
async fn an_automatic_cache_of_a_group_is_named_and_found_in_the_clouds_words() {
    let place = Place::new().await;
    let digits = "01890000000070008000000000000000";
    let ours = format!("auto-create-for-grp-{digits}");
    let theirs = format!("auto-create-for-eci-{digits}");
    let id = create(&place, &ours, &[]).await;
    create(&place, "other", &[]).await;
    assert_eq!(names(&place, &[("ImageCacheId", &id)]).await, [theirs.as_str()]);
    assert_eq!(names(&place, &[("ImageCacheName", &theirs)]).await, [theirs.as_str()]);
    let groups = place.done("DescribeContainerGroups", &[("ContainerGroupName", &theirs)]).await;
    assert_eq!(groups["TotalCount"], 1, "the transit instance of its build too");
}
