//! No request of any shape makes a 500 or a panic.

use axum::body::Body;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use tower::ServiceExt as _;

use crate::harness::{Harness, cache, problem_of};

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "v1",
            "caches",
            "web",
            "events",
            "rollback",
            "progress",
            "predictions",
            "matches",
            "usage",
            "instances",
            "web-1",
            "logs",
            "exec",
            "changes",
            "tokens",
            "accounts",
            "access-keys",
            "collections",
            "openapi.json",
            "healthz",
            "readyz",
            "metrics",
            "..",
            ".",
            "%2e%2e",
            "%ff",
            "%00",
            "",
            "imc-00000000000000000000000000000000",
        ])
        .prop_map(ToOwned::to_owned),
        "[a-z0-9%./~-]{0,12}",
    ]
}

fn paths() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "/v1/caches",
        "/v1/caches/web",
        "/v1/caches/web/events",
        "/v1/caches/web/rollback",
        "/v1/caches/web/progress",
        "/v1/predictions",
        "/v1/matches",
        "/v1/usage",
        "/v1/instances",
        "/v1/instances/web-1",
        "/v1/tokens",
        "/v1/accounts",
        "/v1/access-keys",
        "/v1/access-keys/LTAIAAAAAAAAAAAAAAAAAAAA",
        "/v1/instances/web-1/logs",
        "/v1/instances/web-1/exec",
        "/v1/collections",
        "/v1/changes",
    ]);
    prop_oneof![
        3 => known.prop_map(ToOwned::to_owned),
        1 => prop::collection::vec(words(), 0..6).prop_map(|words| format!("/{}", words.join("/"))),
    ]
}

fn queries() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "limit",
        "page",
        "order",
        "name",
        "id",
        "state",
        "origin",
        "snapshot",
        "image",
        "repository",
        "tag",
        "when",
        "force",
        "follow",
        "tail",
        "account",
        "unfinished",
        "x",
    ]);
    let value = prop_oneof!["[a-zA-Z0-9%=_.:/-]{0,12}", Just("true".to_owned()), Just("1".to_owned())];
    let pair = (key, value).prop_map(|(key, value)| format!("{key}={value}"));
    prop_oneof![
        2 => Just(String::new()),
        2 => prop::collection::vec(pair, 1..4).prop_map(|pairs| pairs.join("&")),
        1 => "[!-~&&[^#]]{0,40}",
    ]
}

fn values() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::{Value, json};
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        Just(json!("a/b:1")),
        Just(json!("web")),
        Just(json!("auto")),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(fields(), inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

fn fields() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "name",
            "images",
            "image",
            "platform",
            "size_gib",
            "retention_days",
            "eviction",
            "staleness",
            "rule",
            "interval_seconds",
            "flash",
            "flash_copies",
            "tags",
            "credentials",
            "registry",
            "username",
            "password",
            "plain_http",
            "policy",
            "perfect_match",
            "match_count",
            "limit",
            "cache",
            "command",
            "env",
            "volumes",
            "host",
            "container",
            "memory_bytes",
            "milli_cpus",
            "label",
            "scopes",
            "account",
            "expires_in_seconds",
            "dry_run",
            "to",
        ])
        .prop_map(ToOwned::to_owned),
        ".{0,8}",
    ]
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let object = prop::collection::btree_map(fields(), values(), 0..8);
    let good = serde_json::to_vec(&cache("new")).unwrap();
    prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(any::<u8>(), 0..64),
        values().prop_map(|value| serde_json::to_vec(&value).unwrap()),
        object.prop_map(|object| serde_json::to_vec(&object).unwrap()),
        // A good one with one byte broken.
        (0..good.len(), any::<u8>()).prop_map(move |(at, byte)| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            bytes
        }),
        Just(vec![b'['; 4000]),
    ]
}

fn headers() -> impl Strategy<Value = Vec<(HeaderName, HeaderValue)>> {
    let name = prop::sample::select(vec![
        "content-type",
        "authorization",
        "x-imc-account",
        "idempotency-key",
        "last-event-id",
        "x-request-id",
        "accept",
        "content-length",
        "expect",
        "transfer-encoding",
    ]);
    let value = prop_oneof![
        Just(b"application/json".to_vec()),
        "[ -~]{0,20}".prop_map(String::into_bytes),
        prop::collection::vec(0x80u8..=0xff, 0..8),
    ];
    let pair = (name, value)
        .prop_map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(&value).unwrap()));
    prop::collection::vec(pair, 0..3)
}

fn methods() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![
        Method::GET,
        Method::POST,
        Method::POST,
        Method::PATCH,
        Method::DELETE,
        Method::PUT,
        Method::HEAD,
        Method::OPTIONS,
        Method::from_bytes(b"BREW").unwrap(),
    ])
}

async fn throw(method: Method, uri: Uri, headers: Vec<(HeaderName, HeaderValue)>, body: Vec<u8>) {
    let harness = Harness::new();
    harness.client().create_cache(&cache("web")).await.unwrap();
    let new = wire::CreateInstance {
        name: Some("web-1".parse().unwrap()),
        image: Some("a".parse().unwrap()),
        ..wire::CreateInstance::default()
    };
    harness.client().create_instance(&new).await.unwrap();
    let said = format!("{method} {uri} {headers:?} {}", String::from_utf8_lossy(&body));
    let is_head = method == Method::HEAD;
    let mut request = Request::builder().method(method).uri(uri);
    if !headers.iter().any(|(name, _)| name == "content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = harness.owner().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    assert!(!response.status().is_server_error(), "{said}: {}", response.status());
    assert!(response.headers().contains_key("x-request-id"), "{said}");
    // Streams have no end before the server's.
    harness.stop.cancel();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    if !parts.status.is_success() && !is_head {
        problem_of(&http::Response::from_parts(parts, body));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_request_of_any_shape_makes_a_500_or_a_panic(
        method in methods(), path in paths(), query in queries(), headers in headers(), body in bodies(),
    ) {
        // What is there answers in the words of the clouds; the tests of those have its own strange requests.
        prop_assume!(path != "/");
        let uri = if query.is_empty() { path } else { format!("{path}?{query}") };
        // What is no URI never gets past the server loop.
        if let Ok(uri) = uri.parse::<Uri>() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(throw(method, uri, headers, body));
        }
    }
}
