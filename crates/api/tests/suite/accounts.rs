//! Who may what, in whose name.

use std::collections::BTreeSet;

use api::new_token;
use axum::body::Body;
use client::{Client, ListCaches};
use http::Request;
use model::{AccountId, Clock as _, SystemClock, Timestamp};
use secrecy::SecretString;
use wire::{CreateAccessKey, CreateToken, KeyStatus, PolicyPreset, ProblemKind, Scope};

use crate::harness::{Harness, ask, cache, problem_of};

fn with_token(harness: &Harness, account: &str, scopes: &[Scope], expires: Option<Timestamp>) -> Client {
    let scopes: BTreeSet<Scope> = scopes.iter().copied().collect();
    let account: AccountId = account.parse().unwrap();
    let made = new_token(account, "test".to_owned(), scopes, SystemClock.now(), expires);
    let (secret, record) = made.unwrap();
    harness.double.add_token(record);
    harness.stranger().with_token(SecretString::from(secret.expose().to_owned()))
}

fn kind<T: std::fmt::Debug>(result: client::Result<T>) -> Option<ProblemKind> {
    result.unwrap_err().problem_kind()
}

#[tokio::test]
async fn strangers_may_look_at_what_is_open_and_at_nothing_else() {
    let harness = Harness::new();
    let stranger = harness.stranger();
    stranger.health().await.unwrap();
    stranger.readiness().await.unwrap();
    stranger.openapi().await.unwrap();
    assert_eq!(kind(stranger.usage().await), Some(ProblemKind::Unauthorized));
    assert_eq!(kind(stranger.metrics().await), Some(ProblemKind::Unauthorized));
    let request = Request::get("/v1/usage").body(Body::empty()).unwrap();
    let response = ask(harness.strangers(), request).await;
    problem_of(&response);
    assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
}

#[tokio::test]
async fn whatever_is_no_valid_token_is_refused_alike() {
    let harness = Harness::new();
    let now = SystemClock.now();
    let ended = with_token(&harness, "a", &[Scope::Admin], Some(now.plus_micros(-1)));
    let revoked = with_token(&harness, "a", &[Scope::Admin], None);
    let id = harness.client().list_tokens(true).await.unwrap().items[1].id.clone();
    harness.client().revoke_token(&id).await.unwrap();
    let unknown = harness.stranger().with_token(format!("imct_{}", "A".repeat(43)).into());
    let broken = harness.stranger().with_token("imct_x".into());
    let mut said = BTreeSet::new();
    for client in [ended, revoked, unknown, broken] {
        let client::Error::Refused(problem) = client.usage().await.unwrap_err() else { panic!("no refusal") };
        assert_eq!(problem.known_kind(), Some(ProblemKind::Unauthorized));
        said.insert(problem.detail);
    }
    assert_eq!(said.len(), 1);
    for value in ["Basic YTpi", "Bearer", "", "Bearer  ", "imct_a"] {
        let request = Request::get("/v1/usage").header("authorization", value).body(Body::empty()).unwrap();
        // Also the owner of the data: who says a token means it.
        let problem = problem_of(&ask(harness.owner(), request).await);
        assert_eq!(problem.known_kind(), Some(ProblemKind::Unauthorized), "{value}");
    }
}

#[tokio::test]
async fn a_scope_allows_what_it_says() {
    let harness = Harness::new();
    let reader = with_token(&harness, "a", &[Scope::CachesRead], None);
    reader.usage().await.unwrap();
    assert_eq!(kind(reader.create_cache(&cache("web")).await), Some(ProblemKind::Forbidden));
    assert_eq!(kind(reader.instance("x").await), Some(ProblemKind::Forbidden));
    assert_eq!(kind(reader.list_tokens(true).await), Some(ProblemKind::Forbidden));
    assert_eq!(kind(reader.collect(true).await), Some(ProblemKind::Forbidden));
    assert_eq!(kind(reader.list_accounts().await), Some(ProblemKind::Forbidden));
    assert_eq!(kind(reader.list_access_keys(None).await), Some(ProblemKind::Forbidden));
    let key = CreateAccessKey::default();
    assert_eq!(kind(reader.create_access_key(&key).await), Some(ProblemKind::Forbidden));
    let writer = with_token(&harness, "a", &[Scope::CachesWrite], None);
    writer.create_cache(&cache("web")).await.unwrap();
    assert_eq!(writer.usage().await.unwrap().manual_caches, 1);
    let new = CreateToken {
        label: "more".to_owned(),
        scopes: [Scope::Admin].into(),
        account: None,
        expires_in_seconds: None,
    };
    assert_eq!(kind(writer.create_token(&new).await), Some(ProblemKind::Forbidden));
}

#[tokio::test]
async fn only_an_administrator_reads_the_servers_files() {
    let harness = Harness::new();
    let writer = with_token(&harness, "a", &[Scope::CachesWrite, Scope::InstancesWrite], None);
    let mut new = cache("web");
    new.images = vec!["docker-archive:/srv/images/a.tar".parse().unwrap()];
    assert_eq!(kind(writer.create_cache(&new).await), Some(ProblemKind::Forbidden));
    harness.client().create_cache(&new).await.unwrap();
    let instance = wire::CreateInstance {
        image: Some("a".parse().unwrap()),
        volumes: vec![wire::Mount { host: "/".into(), container: "/host".into(), read_only: true }],
        ..wire::CreateInstance::default()
    };
    assert_eq!(kind(writer.create_instance(&instance).await), Some(ProblemKind::Forbidden));
    harness.client().create_instance(&instance).await.unwrap();
}

#[tokio::test]
async fn no_account_sees_anothers() {
    let harness = Harness::new();
    let ours = with_token(&harness, "ours", &[Scope::CachesWrite], None);
    let theirs = with_token(&harness, "theirs", &[Scope::CachesWrite], None);
    let made = ours.create_cache(&cache("web")).await.unwrap();
    let id = made.id.to_string();
    assert_eq!(kind(theirs.cache(&id).await), Some(ProblemKind::NotFound));
    assert_eq!(kind(theirs.delete_cache(&id, true).await), Some(ProblemKind::NotFound));
    assert_eq!(kind(theirs.cache_events(&id).await), Some(ProblemKind::NotFound));
    assert!(theirs.all_caches(&ListCaches::default()).await.unwrap().is_empty());
    // What is said of theirs is said of what is not there.
    let other = model::CacheId::generate().to_string();
    let detail = |error: client::Error| error.to_string();
    let (of_ours, of_none) = (theirs.cache(&id).await.unwrap_err(), theirs.cache(&other).await.unwrap_err());
    assert_eq!(detail(of_ours).replace(&id, "X"), detail(of_none).replace(&other, "X"));
    let as_other = theirs.clone().for_account("ours".parse().unwrap());
    assert_eq!(kind(as_other.cache(&id).await), Some(ProblemKind::Forbidden));
    let admin = with_token(&harness, "admin", &[Scope::Admin], None).for_account("ours".parse().unwrap());
    assert_eq!(admin.cache(&id).await.unwrap().cache.account, "ours");
}

#[tokio::test]
async fn the_use_of_a_token_is_noted() {
    let harness = Harness::new();
    with_token(&harness, "a", &[Scope::CachesRead], None).usage().await.unwrap();
    assert!(harness.client().list_tokens(true).await.unwrap().items[0].last_used.is_some());
}

#[tokio::test]
async fn an_access_key_is_of_an_account_that_is_there_and_of_a_policy_that_can_be_kept_to() {
    let harness = Harness::new();
    let refused = async |new: CreateAccessKey| {
        let client::Error::Refused(problem) = harness.client().create_access_key(&new).await.unwrap_err()
        else {
            panic!("no refusal")
        };
        (problem.known_kind().unwrap(), problem.field.unwrap_or_default())
    };
    let none = CreateAccessKey { account: Some("none".parse().unwrap()), ..CreateAccessKey::default() };
    assert_eq!(refused(none).await, (ProblemKind::NotFound, "account".to_owned()));
    let label = CreateAccessKey { label: "a\nb".to_owned(), ..CreateAccessKey::default() };
    assert_eq!(refused(label).await, (ProblemKind::InvalidField, "label".to_owned()));
    let policy =
        |preset, policy| CreateAccessKey { preset, policy: Some(policy), ..CreateAccessKey::default() };
    let empty = serde_json::json!({"Version": "1", "Statement": []});
    for new in [policy(None, empty.clone()), policy(Some(PolicyPreset::Full), empty)] {
        assert_eq!(refused(new).await, (ProblemKind::InvalidField, "policy".to_owned()));
    }
    assert!(harness.client().list_access_keys(None).await.unwrap().items.is_empty());
    let unknown = harness.client().set_access_key_status(&"A".repeat(24), KeyStatus::Disabled).await;
    assert_eq!(kind(unknown), Some(ProblemKind::NotFound));
}
