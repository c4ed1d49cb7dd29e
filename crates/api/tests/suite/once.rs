//! Keys: what they name is carried out once, and answered as the first time.

use std::collections::BTreeMap;

use axum::body::Body;
use http::{Request, Response};
use model::CacheState;
use serde_json::{Value, json as document};
use wire::{CreateInstance, ProblemKind};

use crate::double::{NEVER_STARTS, WAITS_TO_START};
use crate::harness::{Harness, ask, cache, json, problem_of};

const REPLAYED: &str = "idempotency-replayed";

fn keyed(method: &str, path: &str, body: &Value, key: &str) -> Request<Body> {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let mut request = json(method, path, body);
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

async fn told(harness: &Harness, request: Request<Body>) -> Response<Vec<u8>> {
    let response = ask(harness.owner(), request).await;
    assert!(response.status().is_success(), "{}", String::from_utf8_lossy(response.body()));
    response
}

fn read(response: &Response<Vec<u8>>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test]
async fn an_instance_is_started_once() {
    let harness = Harness::new();
    let new = document!({"image": "docker.io/library/a:1"});
    let first = told(&harness, keyed("POST", "/v1/instances", &new, "one")).await;
    assert_eq!((first.status(), first.headers().get(REPLAYED)), (http::StatusCode::CREATED, None));
    let again = told(&harness, keyed("POST", "/v1/instances", &new, "one")).await;
    assert_eq!((again.status(), again.headers()[REPLAYED].to_str().unwrap()), (first.status(), "true"));
    assert_eq!((again.body(), &again.headers()["location"]), (first.body(), &first.headers()["location"]));
    let further = told(&harness, keyed("POST", "/v1/instances", &new, "two")).await;
    assert_ne!(read(&further)["id"], read(&first)["id"]);
    let other = document!({"image": "docker.io/library/b:1"});
    let problem = problem_of(&ask(harness.owner(), keyed("POST", "/v1/instances", &other, "one")).await);
    assert_eq!(problem.known_kind(), Some(ProblemKind::KeyReused));
    // A key is its account's own.
    let mut theirs = keyed("POST", "/v1/instances", &other, "one");
    theirs.headers_mut().insert("x-imc-account", "shop".parse().unwrap());
    assert!(told(&harness, theirs).await.headers().get(REPLAYED).is_none());
    let all = harness.client().list_instances(&client::ListInstances::default()).await.unwrap();
    assert_eq!(all.items.len(), 2);
}

#[tokio::test]
async fn what_is_refused_leaves_its_key() {
    let harness = Harness::new();
    let never = document!({"image": "a/b:1", "command": [NEVER_STARTS]});
    let problem = problem_of(&ask(harness.owner(), keyed("POST", "/v1/instances", &never, "one")).await);
    assert_eq!(problem.known_kind(), Some(ProblemKind::RegistryUnavailable));
    told(&harness, keyed("POST", "/v1/instances", &document!({"image": "a/b:1"}), "one")).await;
}

#[tokio::test]
async fn a_password_says_nothing_of_a_request() {
    let harness = Harness::new();
    let with = |password: &str| {
        let login = document!({"registry": "r.example", "username": "u", "password": password});
        document!({"image": "r.example/a:1", "credentials": [login]})
    };
    let first = told(&harness, keyed("POST", "/v1/instances", &with("old"), "one")).await;
    let again = told(&harness, keyed("POST", "/v1/instances", &with("new"), "one")).await;
    assert_eq!(read(&again)["id"], read(&first)["id"]);
}

#[tokio::test]
async fn of_those_that_ask_at_once_one_starts_and_the_others_wait_for_it() {
    let harness = Harness::new();
    let new = document!({"image": "a/b:1", "command": [WAITS_TO_START]});
    let asking = (0..5).map(|_| told(&harness, keyed("POST", "/v1/instances", &new, "one")));
    let asking = futures::future::join_all(asking);
    let going = async {
        // The one that starts is let go as soon as it is there; the permit is kept until then.
        harness.double.go_on.notify_one();
    };
    let (answers, ()) = tokio::join!(asking, going);
    let ids: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| read(answer)["id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let replayed = answers.iter().filter(|answer| answer.headers().contains_key(REPLAYED)).count();
    assert_eq!(replayed, 4);
}

#[tokio::test]
async fn a_server_that_ends_lets_those_that_wait_go() {
    let harness = Harness::new();
    let new = document!({"image": "a/b:1", "command": [WAITS_TO_START]});
    let starting = told(&harness, keyed("POST", "/v1/instances", &new, "one"));
    let waiting = async {
        harness.stop.cancel();
        let refused = ask(harness.owner(), keyed("POST", "/v1/instances", &new, "one")).await;
        harness.double.go_on.notify_one();
        problem_of(&refused)
    };
    let (_, problem) = tokio::join!(biased; starting, waiting);
    assert_eq!(problem.known_kind(), Some(ProblemKind::Busy));
}

#[tokio::test]
async fn what_was_begun_and_not_answered_is_taken_up() {
    let harness = Harness::new();
    let new = document!({"image": "a/b:1"});
    let first = read(&told(&harness, keyed("POST", "/v1/instances", &new, "one")).await);
    harness.double.lose_answers();
    // It was started: it is told, and not started once more.
    let again = told(&harness, keyed("POST", "/v1/instances", &new, "one")).await;
    assert_eq!(
        (read(&again)["id"].clone(), again.status()),
        (first["id"].clone(), http::StatusCode::CREATED)
    );
    let path = format!("/v1/instances/{}?force=true", first["id"].as_str().unwrap());
    let gone = read(&told(&harness, keyed("DELETE", &path, &Value::Null, "one")).await);
    harness.double.lose_answers();
    let again = read(&told(&harness, keyed("DELETE", &path, &Value::Null, "one")).await);
    assert_eq!((&again["id"], &again["name"]), (&gone["id"], &gone["name"]));
    // An instance of a key that was started and is gone is not started once more.
    harness.double.lose_answers();
    let problem = problem_of(&ask(harness.owner(), keyed("POST", "/v1/instances", &new, "one")).await);
    assert_eq!(problem.known_kind(), Some(ProblemKind::NotFound));

    let made = harness.client().create_cache(&cache("web")).await.unwrap();
    harness.double.set_state(made.id, CacheState::Ready, 100);
    let gone = read(&told(&harness, keyed("DELETE", "/v1/caches/web", &Value::Null, "one")).await);
    harness.double.lose_answers();
    let another = harness.client().create_cache(&cache("web")).await.unwrap();
    let again = read(&told(&harness, keyed("DELETE", "/v1/caches/web", &Value::Null, "one")).await);
    assert_eq!(
        (again["cache"]["id"].clone(), gone["cache"]["id"].clone()),
        (document!(made.id), document!(made.id))
    );
    assert_eq!(harness.client().cache("web").await.unwrap().cache.id, another.id, "and no other of its name");

    let token = document!({"label": "ci", "scopes": ["admin"]});
    let first = read(&told(&harness, keyed("POST", "/v1/tokens", &token, "one")).await);
    harness.double.lose_answers();
    let again = read(&told(&harness, keyed("POST", "/v1/tokens", &token, "one")).await);
    assert_eq!(first, again);
    assert_eq!(harness.client().list_tokens(true).await.unwrap().items.len(), 1);

    let account = document!({"id": "shop"});
    told(&harness, keyed("POST", "/v1/accounts", &account, "one")).await;
    harness.double.lose_answers();
    told(&harness, keyed("POST", "/v1/accounts", &account, "one")).await;
    let key = document!({"account": "shop"});
    let first = read(&told(&harness, keyed("POST", "/v1/access-keys", &key, "one")).await);
    harness.double.lose_answers();
    let again = read(&told(&harness, keyed("POST", "/v1/access-keys", &key, "one")).await);
    assert_eq!(first, again);
    let path = format!("/v1/access-keys/{}", first["id"].as_str().unwrap());
    let gone = read(&told(&harness, keyed("DELETE", &path, &Value::Null, "one")).await);
    harness.double.lose_answers();
    assert_eq!(read(&told(&harness, keyed("DELETE", &path, &Value::Null, "one")).await), gone);
}

/// Asks for it twice, and holds both answers together.
async fn twice(harness: &Harness, method: &str, path: &str, body: Value) -> Value {
    let first = told(harness, keyed(method, path, &body, "twice")).await;
    let again = told(harness, keyed(method, path, &body, "twice")).await;
    assert_eq!(again.headers().get(REPLAYED).map(|value| value.to_str().unwrap()), Some("true"), "{path}");
    assert_eq!((first.body(), first.status()), (again.body(), again.status()), "{path}");
    assert_eq!(first.headers().get("cache-control"), again.headers().get("cache-control"), "{path}");
    read(&first)
}

#[tokio::test]
async fn every_action_is_carried_out_once() {
    let harness = Harness::new();
    let client = harness.client();
    let made = client.create_cache(&cache("web")).await.unwrap();
    harness.double.set_state(made.id, CacheState::Ready, 100);
    let to = model::ImageSnapshotId::generate().to_string();
    twice(&harness, "POST", "/v1/caches/web/rollback", document!({"to": to})).await;
    twice(&harness, "DELETE", "/v1/caches/web", Value::Null).await;
    let new = CreateInstance { name: Some("one".parse().unwrap()), ..CreateInstance::default() };
    let new = CreateInstance { image: Some("a/b:1".parse().unwrap()), ..new };
    client.create_instance(&new).await.unwrap();
    twice(&harness, "POST", "/v1/instances/one/stop", Value::Null).await;
    twice(&harness, "DELETE", "/v1/instances/one", Value::Null).await;
    let token = document!({"label": "ci", "scopes": ["admin"]});
    let token = twice(&harness, "POST", "/v1/tokens", token).await;
    twice(&harness, "DELETE", &format!("/v1/tokens/{}", token["id"].as_str().unwrap()), Value::Null).await;
    twice(&harness, "POST", "/v1/accounts", document!({"id": "shop"})).await;
    let key = twice(&harness, "POST", "/v1/access-keys", document!({"account": "shop"})).await;
    let path = format!("/v1/access-keys/{}", key["id"].as_str().unwrap());
    twice(&harness, "PATCH", &path, document!({"status": "disabled"})).await;
    twice(&harness, "DELETE", &path, Value::Null).await;
    twice(&harness, "POST", "/v1/collections", document!({"dry_run": true})).await;
}

/// Questions, which change nothing, and a command, which is run each time, are the only ones that take none.
#[test]
fn every_operation_that_changes_anything_takes_a_key() {
    let openapi: Value = serde_json::to_value(api::openapi()).unwrap();
    let mut without = Vec::new();
    for (path, operations) in openapi["paths"].as_object().unwrap() {
        let operations: BTreeMap<String, Value> = serde_json::from_value(operations.clone()).unwrap();
        for (method, operation) in operations.into_iter().filter(|(method, _)| method != "get") {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            if !parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key") {
                without.push(format!("{method} {path}"));
                continue;
            }
            let said = operation["responses"]["422"].to_string();
            assert!(said.contains("idempotency-key-reused"), "{method} {path} says what a used key is");
        }
    }
    let expected = ["post /v1/instances/{instance}/exec", "post /v1/matches", "post /v1/predictions"];
    assert_eq!(without, expected);
}
