//! Every operation, by the client: in this process and over a real unix socket.

use std::collections::BTreeMap;
use std::time::Duration;

use client::{Client, HttpTransport, ListCaches, ListInstances};
use model::{CacheState, ImageSnapshotId};
use wire::{
    CreateAccessKey, CreateAccount, CreateInstance, CreateToken, Exec, ExecEvent, FindMatches, KeyStatus,
    MatchPolicy, Order, PickCache, PolicyPreset, PredictSize, ProblemKind, Scope, UpdateCache,
};

use crate::harness::{Harness, cache};

async fn every_operation(client: &Client, harness: &Harness) {
    caches(client, harness).await;
    questions(client).await;
    instances(client).await;
    tokens(client).await;
    access_keys(client).await;
    server(client).await;
}

async fn caches(client: &Client, harness: &Harness) {
    let mut new = cache("web");
    new.size_gib = Some(7);
    new.tags = BTreeMap::from([("team".to_owned(), "shop".to_owned())]).try_into().unwrap();
    let key: wire::IdempotencyKey = "key-1".parse().unwrap();
    let made = client.clone().once(key.clone()).create_cache(&new).await.unwrap();
    assert_eq!((made.size_limit_gib, made.state), (7, CacheState::Preparing.into()));
    assert_eq!(client.clone().once(key.clone()).create_cache(&new).await.unwrap().id, made.id);
    let error = client.clone().once(key.clone()).create_cache(&cache("other")).await.unwrap_err();
    assert_eq!(error.problem_kind(), Some(ProblemKind::KeyReused));
    let id = made.id.to_string();

    let mut watch = client.watch_cache("web");
    assert_eq!(watch.next().await.unwrap().unwrap().progress_percent, 0);
    harness.double.set_state(made.id, CacheState::Ready, 100);
    assert_eq!(watch.next().await.unwrap().unwrap().progress_percent, 100);
    assert_eq!(watch.next().await.unwrap(), None);

    assert_eq!(client.cache("web").await.unwrap().cache.id, made.id);
    assert_eq!(client.cache_events(&id).await.unwrap().items[0].reason, "Created");
    let list = ListCaches {
        names: vec!["web".parse().unwrap()],
        states: vec![CacheState::Ready],
        tags: BTreeMap::from([("team".to_owned(), Some("shop".to_owned()))]),
        order: Order::NewestFirst,
        ..ListCaches::default()
    };
    assert_eq!(client.list_caches(&list).await.unwrap().total, 1);
    assert_eq!(client.all_caches(&ListCaches::default()).await.unwrap().len(), 1);

    let days = Some(Some(7.try_into().unwrap()));
    let update = UpdateCache { retention_days: days, ..UpdateCache::default() };
    assert_eq!(client.update_cache(&id, &update).await.unwrap().retention_days, Some(7));
    let update = UpdateCache { retention_days: Some(None), ..UpdateCache::default() };
    assert_eq!(client.update_cache(&id, &update).await.unwrap().retention_days, None);
    let snapshot = ImageSnapshotId::generate();
    assert_eq!(client.roll_back_cache(&id, Some(snapshot)).await.unwrap().snapshot, Some(snapshot));
    let error = client.roll_back_cache(&id, None).await.unwrap_err();
    assert_eq!(error.problem_kind(), Some(ProblemKind::NotFound));
}

async fn questions(client: &Client) {
    let images = vec!["docker.io/library/nginx:1.29".parse().unwrap()];
    let request = PredictSize {
        images: images.clone(),
        platform: None,
        plain_http: Vec::new(),
        insecure: Vec::new(),
        credentials: Vec::new(),
    };
    assert_eq!(client.predict_size(&request).await.unwrap().suggested_size_gib, 1);
    let request = FindMatches {
        policy: MatchPolicy::Alibaba,
        perfect_match: true,
        limit: Some(3),
        ..FindMatches::of(images)
    };
    assert!(client.match_images(&request).await.unwrap().taken[0].is_perfect);
    assert_eq!(client.usage().await.unwrap().manual_caches, 1);
}

async fn instances(client: &Client) {
    let used = client.cache("web").await.unwrap().cache.id;
    let new = CreateInstance {
        name: Some("web-1".parse().unwrap()),
        cache: PickCache::Only(used.to_string()),
        ..CreateInstance::default()
    };
    let made = client.create_instance(&new).await.unwrap();
    assert_eq!(made.choice.cache, Some(used));
    assert_eq!(client.instance("web-1").await.unwrap(), made.instance);
    assert_eq!(client.instance_events("web-1").await.unwrap().items[0].reason, "Started");
    let unfinished = ListInstances { unfinished: true, ..ListInstances::default() };
    assert_eq!(client.list_instances(&unfinished).await.unwrap().items.len(), 1);

    let mut log = client.instance_logs("web-1", true, None).await.unwrap();
    let mut lines = Vec::new();
    while let Some(line) = log.next().await.unwrap() {
        lines.push(line.output.bytes().unwrap());
    }
    assert_eq!(lines, [&b"line 0"[..], b"line 1", &[0xff, 0]]);
    let mut log = client.instance_logs("web-1", false, Some(1)).await.unwrap();
    assert!(log.next().await.unwrap().is_some() && log.next().await.unwrap().is_none());

    let exec = |word: &str| Exec { command: vec![word.to_owned(), "a".to_owned()], ..Exec::default() };
    let mut feed = client.exec("web-1", &exec("echo")).await.unwrap();
    let ExecEvent::Output(output) = feed.next().await.unwrap() else { panic!("no output") };
    assert_eq!(output.text.as_deref(), Some("echo a"));
    assert!(matches!(feed.next().await.unwrap(), ExecEvent::Ended(ended) if ended.ended.code == Some(3)));
    let mut feed = client.exec("web-1", &exec("broken")).await.unwrap();
    feed.next().await.unwrap();
    assert_eq!(feed.next().await.unwrap_err().problem_kind(), Some(ProblemKind::WrongState));

    let error = client.delete_cache("web", false).await.unwrap_err();
    assert_eq!(error.problem_kind(), Some(ProblemKind::InUse));
    assert!(!client.delete_cache("web", true).await.unwrap().gone);
    let error = client.delete_instance("web-1", false).await.unwrap_err();
    assert_eq!(error.problem_kind(), Some(ProblemKind::WrongState));
    let stopped = client.stop_instance("web-1", Some(Duration::from_secs(3))).await.unwrap();
    assert_eq!(stopped.ended.unwrap().code, Some(0));
    assert!(client.list_instances(&unfinished).await.unwrap().items.is_empty());
    client.delete_instance("web-1", false).await.unwrap();
    assert!(client.delete_cache("web", false).await.unwrap().gone);
}

async fn tokens(client: &Client) {
    let new = CreateToken {
        label: "ci".to_owned(),
        scopes: [Scope::CachesRead].into(),
        account: Some("other".parse().unwrap()),
        expires_in_seconds: Some(60),
    };
    let made = client.create_token(&new).await.unwrap();
    assert!(made.secret.starts_with("imct_"));
    let listed = client.clone().for_account("other".parse().unwrap()).list_tokens(false).await.unwrap();
    assert_eq!(listed.items, std::slice::from_ref(&made.token));
    assert!(
        client
            .clone()
            .for_account("third".parse().unwrap())
            .list_tokens(false)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(client.revoke_token(&made.token.id).await.unwrap().revoked.is_some());
}

async fn access_keys(client: &Client) {
    let new = CreateAccount { id: "shop".parse().unwrap(), label: "the shop".to_owned() };
    let made = client.create_account(&new).await.unwrap();
    assert_eq!((made.id.as_str(), made.label.as_str()), ("shop", "the shop"));
    let taken = client.create_account(&new).await.unwrap_err();
    assert_eq!(taken.problem_kind(), Some(ProblemKind::NameTaken));
    let accounts = client.list_accounts().await.unwrap().items;
    assert_eq!(accounts.iter().map(|account| account.id.as_str()).collect::<Vec<_>>(), ["local", "shop"]);

    let new = CreateAccessKey { account: Some("shop".parse().unwrap()), ..CreateAccessKey::default() };
    let made = client.create_access_key(&new).await.unwrap();
    assert_eq!((made.key.account.as_str(), made.key.status), ("shop", KeyStatus::Enabled));
    assert_eq!((made.key.preset, made.secret.len()), (Some(PolicyPreset::Full), 30));
    assert!(made.key.policy["Statement"].is_array());
    let policy = serde_json::json!({"Version": "1", "Statement": [
        {"Effect": "Allow", "Action": "eci:*", "Resource": "*",
         "Condition": {"StringEquals": {"eci:tag/team": "shop"}}}]});
    let new = CreateAccessKey { policy: Some(policy.clone()), ..CreateAccessKey::default() };
    let other = client.create_access_key(&new).await.unwrap().key;
    assert_eq!((other.account.as_str(), other.preset, &other.policy), ("local", None, &policy));
    let listed = client.list_access_keys(Some(&"shop".parse().unwrap())).await.unwrap();
    assert_eq!(listed.items, std::slice::from_ref(&made.key));
    assert_eq!(client.list_access_keys(None).await.unwrap().items, [made.key.clone(), other.clone()]);
    let disabled = client.set_access_key_status(made.key.id.as_str(), KeyStatus::Disabled).await.unwrap();
    assert_eq!(disabled.status, KeyStatus::Disabled);
    assert_eq!(client.delete_access_key(made.key.id.as_str()).await.unwrap(), disabled);
    let gone = client.delete_access_key(made.key.id.as_str()).await.unwrap_err();
    assert_eq!(gone.problem_kind(), Some(ProblemKind::NotFound));
}

async fn server(client: &Client) {
    assert_eq!(client.collect(true).await.unwrap().store.kept, 1);
    assert_eq!(client.health().await.unwrap().status, "ok");
    assert_eq!(client.readiness().await.unwrap().status, "ok");
    let metrics = client.metrics().await.unwrap();
    for line in [
        r#"imc_caches{state="Ready"} 0"#,
        r#"imc_builds_total{result="succeeded"} 5"#,
        r#"imc_matches_total{policy="alibaba",outcome="hit"} 1"#,
        r#"imc_instance_starts_total{outcome="hit"} 1"#,
        r#"imc_http_requests_total{method="GET",route="/v1/usage",status="200"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert_eq!(client.openapi().await.unwrap()["openapi"], "3.1.0");
}

#[tokio::test]
async fn in_this_process() {
    let harness = Harness::new();
    every_operation(&harness.client(), &harness).await;
}

#[tokio::test]
async fn over_a_unix_socket() {
    let harness = Harness::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("imc.sock");
    let listener = api::serve::Listener::unix(&path).unwrap();
    let limits = api::serve::ServeLimits::default();
    let serving = api::serve::serve(harness.strangers(), &harness.edge, vec![listener], limits);
    let asking = async {
        let client = Client::new(HttpTransport::unix(&path).unwrap());
        every_operation(&client, &harness).await;
        harness.stop.cancel();
    };
    let (drained, ()) = tokio::join!(serving, asking);
    assert!(drained.in_time && !path.exists());
}
