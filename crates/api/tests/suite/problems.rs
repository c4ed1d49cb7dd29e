//! What is refused, with the field and what is possible there.

use axum::body::Body;
use http::Request;
use wire::ProblemKind;

use crate::double::{FAILS, PANICS};
use crate::harness::{Harness, ask, get, json, problem_of, refused};

const IMAGE: &str = r#""images":["a/b:1"]"#;

#[tokio::test]
async fn every_wrong_document_is_a_problem_that_names_the_field() {
    let harness = Harness::new();
    let twenty_one = format!("[{}]", (0..21).map(|n| format!("\"a/b:{n}\"")).collect::<Vec<_>>().join(","));
    for (path, body, kind, field) in [
        ("/v1/caches", "{", ProblemKind::InvalidBody, None),
        ("/v1/caches", r#"{"name":"a","images":[]}"#, ProblemKind::InvalidField, Some("images")),
        (
            "/v1/caches",
            &format!(r#"{{"name":"a","images":{twenty_one}}}"#),
            ProblemKind::InvalidField,
            Some("images"),
        ),
        (
            "/v1/caches",
            r#"{"name":"a","images":["a/b","a/b"]}"#,
            ProblemKind::InvalidField,
            Some("images[1]"),
        ),
        ("/v1/caches", r#"{"name":"a","images":["oci:dir"]}"#, ProblemKind::InvalidField, Some("images[0]")),
        (
            "/v1/caches",
            &format!(r#"{{"name":"a",{IMAGE},"size_gib":0}}"#),
            ProblemKind::InvalidField,
            Some("size_gib"),
        ),
        (
            "/v1/caches",
            &format!(r#"{{"name":"a",{IMAGE},"size_gib":32769}}"#),
            ProblemKind::InvalidField,
            Some("size_gib"),
        ),
        ("/v1/caches", &format!(r#"{{"name":"a",{IMAGE},"x":1}}"#), ProblemKind::UnknownField, Some("x")),
        ("/v1/caches", &format!(r#"{{"name":"full",{IMAGE}}}"#), ProblemKind::QuotaReached, None),
        (
            "/v1/caches",
            &format!(r#"{{"name":"a",{IMAGE},"staleness":{{"rule":"refresh","interval_seconds":59}}}}"#),
            ProblemKind::InvalidField,
            Some("staleness"),
        ),
        ("/v1/matches", r#"{"images":["a"],"limit":101}"#, ProblemKind::InvalidField, Some("limit")),
        (
            "/v1/matches",
            r#"{"images":["a"],"match_count":0}"#,
            ProblemKind::InvalidField,
            Some("match_count"),
        ),
        (
            "/v1/matches",
            r#"{"images":["a"],"space_bytes":35184372088833}"#,
            ProblemKind::InvalidField,
            Some("space_bytes"),
        ),
        (
            "/v1/matches",
            r#"{"images":["a"],"match_count":101}"#,
            ProblemKind::InvalidField,
            Some("match_count"),
        ),
        ("/v1/matches", r#"{"images":["a"],"policy":"best"}"#, ProblemKind::InvalidField, Some("policy")),
        ("/v1/predictions", r#"{}"#, ProblemKind::MissingField, Some("images")),
        ("/v1/instances", r#"{}"#, ProblemKind::MissingField, Some("image")),
        ("/v1/instances", r#"{"cache":" mine"}"#, ProblemKind::InvalidField, Some("cache")),
        ("/v1/instances", r#"{"image":"a","milli_cpus":9}"#, ProblemKind::InvalidField, Some("milli_cpus")),
        ("/v1/instances", r#"{"image":"a","env":{"a=b":""}}"#, ProblemKind::InvalidField, Some("env")),
        (
            "/v1/instances",
            r#"{"image":"a","volumes":[{"host":"/a/../b","container":"/c"}]}"#,
            ProblemKind::InvalidField,
            Some("volumes[0]"),
        ),
        ("/v1/tokens", r#"{"label":"","scopes":["admin"]}"#, ProblemKind::InvalidField, Some("label")),
        ("/v1/tokens", r#"{"label":"a","scopes":[]}"#, ProblemKind::InvalidField, Some("scopes")),
        (
            "/v1/tokens",
            r#"{"label":"a","scopes":["admin"],"expires_in_seconds":59}"#,
            ProblemKind::InvalidField,
            Some("expires_in_seconds"),
        ),
        ("/v1/collections", r#"{"dry":true}"#, ProblemKind::UnknownField, Some("dry")),
    ] {
        let problem = refused(harness.owner(), json("POST", path, body.to_owned())).await;
        assert_eq!(problem.known_kind(), Some(kind), "{path} {body}: {problem:?}");
        assert_eq!(problem.field.as_deref(), field, "{path} {body}: {problem:?}");
        let needs_allowed =
            kind == ProblemKind::UnknownField || field.is_some_and(|f| f == "size_gib" || f == "policy");
        assert!(!needs_allowed || !problem.allowed.is_empty(), "{path} {body}: {problem:?}");
    }
    assert!(harness.double.names().is_empty());
}

#[tokio::test]
async fn every_wrong_request_is_a_problem() {
    let harness = Harness::new();
    let key = "k".repeat(65);
    let with = |method: &str, path: &str, header: &str, value: &str, body: &str| {
        let request = Request::builder().method(method).uri(path).header(header, value);
        request.body(Body::from(body.to_owned())).unwrap()
    };
    let word = format!(r#"{{"name":"a",{IMAGE}}}"#);
    for (request, kind, field) in [
        (get("/v1/nothing"), ProblemKind::NoSuchPath, None),
        (get("/v1/caches?colour=red"), ProblemKind::UnknownParameter, Some("colour")),
        (get("/v1/caches?limit=0"), ProblemKind::InvalidParameter, Some("limit")),
        (get("/v1/caches?limit=1&limit=2"), ProblemKind::InvalidParameter, Some("limit")),
        (get("/v1/caches?state=Broken"), ProblemKind::InvalidParameter, Some("state")),
        (get("/v1/caches?id=imc-1"), ProblemKind::InvalidParameter, Some("id")),
        (get("/v1/caches?tag=%00"), ProblemKind::InvalidParameter, Some("tag")),
        (get("/v1/caches?tag=k%3D%00"), ProblemKind::InvalidParameter, Some("tag")),
        (get(&format!("/v1/caches?tag={}", "k".repeat(129))), ProblemKind::InvalidParameter, Some("tag")),
        (get("/v1/caches?image=oci%3A%2Fa%00b"), ProblemKind::InvalidParameter, Some("image")),
        (get("/v1/caches?page=AAAA"), ProblemKind::PageToken, Some("page")),
        (get("/v1/caches/nothing"), ProblemKind::NotFound, None),
        (get("/v1/caches/%ff"), ProblemKind::NotFound, None),
        (get("/v1/caches/nothing/progress"), ProblemKind::NotFound, None),
        (get("/healthz?deep=true"), ProblemKind::UnknownParameter, Some("deep")),
        (json("PUT", "/v1/caches", "{}"), ProblemKind::MethodNotAllowed, Some("method")),
        (json("DELETE", "/v1/caches/x?when=later", ""), ProblemKind::InvalidParameter, Some("when")),
        (
            with("POST", "/v1/caches", "content-type", "text/plain", &word),
            ProblemKind::UnsupportedMediaType,
            Some("content-type"),
        ),
        (
            with("POST", "/v1/caches", "x-a", "b", &word),
            ProblemKind::UnsupportedMediaType,
            Some("content-type"),
        ),
        (
            with("POST", "/v1/collections", "x-a", "b", "{}"),
            ProblemKind::UnsupportedMediaType,
            Some("content-type"),
        ),
        (
            with("GET", "/v1/changes", "last-event-id", "x", ""),
            ProblemKind::InvalidHeader,
            Some("last-event-id"),
        ),
        (
            with("GET", "/v1/usage", "x-imc-account", "A B", ""),
            ProblemKind::InvalidHeader,
            Some("x-imc-account"),
        ),
        (
            with("POST", "/v1/instances/x/exec", "idempotency-key", "once", r#"{"command":["a"]}"#),
            ProblemKind::InvalidHeader,
            Some("idempotency-key"),
        ),
        (
            with("DELETE", "/v1/caches/x", "idempotency-key", &key, ""),
            ProblemKind::InvalidHeader,
            Some("idempotency-key"),
        ),
    ] {
        let said = format!("{} {}", request.method(), request.uri());
        let problem = refused(harness.owner(), request).await;
        assert_eq!(
            (problem.known_kind(), problem.field.as_deref()),
            (Some(kind), field),
            "{said}: {problem:?}"
        );
    }
}

#[tokio::test]
async fn a_wrong_method_tells_the_right_ones() {
    let response = ask(Harness::new().owner(), json("PUT", "/v1/caches", "{}")).await;
    let problem = problem_of(&response);
    let allow = response.headers()["allow"].to_str().unwrap();
    assert_eq!(problem.allowed, ["GET", "HEAD", "POST"]);
    assert!(problem.allowed.iter().all(|method| allow.contains(method)), "{allow}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_came_and_while_it_comes() {
    let limits = api::Limits { max_body_bytes: 100, ..api::Limits::default() };
    let harness = Harness::with(limits);
    let said = Request::post("/v1/caches")
        .header("content-type", "application/json")
        .header("content-length", "101");
    let problem = refused(harness.owner(), said.body(Body::empty()).unwrap()).await;
    assert_eq!(problem.known_kind(), Some(ProblemKind::BodyTooLarge));
    let chunks = futures::stream::iter((0..50).map(|_| Ok::<_, std::io::Error>("[[[[")));
    let problem = refused(harness.owner(), json("POST", "/v1/caches", Body::from_stream(chunks))).await;
    assert_eq!(problem.known_kind(), Some(ProblemKind::BodyTooLarge));
    assert_eq!(problem.allowed, ["at most 100 bytes"]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_too_slowly_is_given_up() {
    let chunks = futures::stream::pending::<Result<&'static str, std::io::Error>>();
    let problem =
        refused(Harness::new().owner(), json("POST", "/v1/instances", Body::from_stream(chunks))).await;
    assert_eq!(problem.known_kind(), Some(ProblemKind::Timeout));
}

#[tokio::test]
async fn what_fails_inside_stays_inside() {
    let harness = Harness::new();
    let new = wire::CreateToken {
        label: "all".to_owned(),
        scopes: [wire::Scope::Admin].into(),
        account: None,
        expires_in_seconds: None,
    };
    let bearer = format!("Bearer {}", harness.client().create_token(&new).await.unwrap().secret);
    let failed = async |router, name: &str, by_token: bool| {
        let body = format!(r#"{{"name":"{name}",{IMAGE}}}"#);
        let mut request = json("POST", "/v1/caches", body);
        if by_token {
            request.headers_mut().insert("authorization", bearer.parse().unwrap());
        }
        let response = ask(router, request).await;
        assert_eq!(problem_of(&response).known_kind(), Some(ProblemKind::Internal));
        String::from_utf8_lossy(response.body()).into_owned()
    };
    for name in [FAILS, PANICS] {
        let text = failed(harness.strangers(), name, true).await;
        assert!(!text.contains("secret") && !text.contains("test wants"), "{text}");
    }
    // The owner of the data has the log as well. Where it is a token that opens, it may be anybody.
    assert!(failed(harness.owner(), FAILS, false).await.contains("secret inside"));
    assert!(!failed(harness.owner(), FAILS, true).await.contains("secret inside"));
    assert!(harness.client().metrics().await.unwrap().contains("imc_http_panics_total 1"));
}

#[tokio::test]
async fn a_request_keeps_its_id() {
    let harness = Harness::new();
    let request = Request::get("/healthz").header("x-request-id", "mine-1").body(Body::empty()).unwrap();
    assert_eq!(ask(harness.owner(), request).await.headers()["x-request-id"], "mine-1");
    let request = Request::get("/v1/nothing").header("x-request-id", "not mine").body(Body::empty()).unwrap();
    assert_ne!(refused(harness.owner(), request).await.request_id.as_deref(), Some("not mine"));
}
