//! An edge over the double, and ways to ask it.

use std::sync::Arc;
use std::time::Duration;

use api::{CloudSettings, Edge, Limits, Metrics, PageKey, Parts};
use axum::Router;
use axum::body::Body;
use client::{Client, InProcess};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use model::{Clock, SystemClock};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use wire::{CreateCache, Problem};

use crate::double::Double;

pub(crate) struct Harness {
    pub(crate) double: Arc<Double>,
    pub(crate) edge: Edge,
    pub(crate) stop: CancellationToken,
}

impl Harness {
    pub(crate) fn new() -> Self {
        Self::with(Limits { progress_interval: Duration::from_millis(1), ..Limits::default() })
    }

    pub(crate) fn with(limits: Limits) -> Self {
        Self::made_of(limits, CloudSettings::default(), Arc::new(SystemClock))
    }

    pub(crate) fn with_clouds(clouds: CloudSettings) -> Self {
        Self::made_of(Limits::default(), clouds, Arc::new(SystemClock))
    }

    pub(crate) fn at(clock: Arc<dyn Clock>) -> Self {
        Self::made_of(Limits::default(), CloudSettings::default(), clock)
    }

    fn made_of(limits: Limits, clouds: CloudSettings, clock: Arc<dyn Clock>) -> Self {
        let double = Arc::new(Double::default());
        let stop = CancellationToken::new();
        let mut registry = prometheus_client::registry::Registry::default();
        let metrics = Metrics::register(&mut registry);
        let edge = Edge::new(Parts {
            service: double.clone(),
            clock,
            page_key: PageKey::derived_from(b"test"),
            metrics,
            registry: Arc::new(registry),
            limits,
            clouds,
            stopping: stop.clone(),
            join_trace: None,
        });
        Self { double, edge, stop }
    }

    /// The routes for the owner of the data.
    pub(crate) fn owner(&self) -> Router {
        api::in_process(self.edge.clone())
    }

    /// The routes for strangers.
    pub(crate) fn strangers(&self) -> Router {
        api::router(self.edge.clone())
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(InProcess::<_, Body>::new(self.owner()))
    }

    /// A client of a stranger.
    pub(crate) fn stranger(&self) -> Client {
        Client::new(InProcess::<_, Body>::new(self.strangers()))
    }
}

pub(crate) fn cache(name: &str) -> CreateCache {
    CreateCache::of(name.parse().unwrap(), vec!["docker.io/library/nginx:1.29".parse().unwrap()])
}

pub(crate) async fn ask(router: Router, request: Request<Body>) -> Response<Vec<u8>> {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes().to_vec())
}

/// The problem that a request ends with; what must hold of every problem is asserted here.
pub(crate) async fn refused(router: Router, request: Request<Body>) -> Problem {
    problem_of(&ask(router, request).await)
}

pub(crate) fn problem_of(response: &Response<Vec<u8>>) -> Problem {
    let text = String::from_utf8_lossy(response.body());
    assert!(!response.status().is_success(), "{text}");
    assert_eq!(response.headers()["content-type"], Problem::MEDIA_TYPE, "{text}");
    let problem: Problem = serde_json::from_slice(response.body()).expect(&text);
    let kind = problem.known_kind().expect(&text);
    assert_eq!((kind.status(), kind.title()), (problem.status, problem.title.as_str()), "{text}");
    assert_eq!(problem.status, response.status().as_u16(), "{text}");
    let id = response.headers()["x-request-id"].to_str().unwrap();
    assert_eq!(problem.request_id.as_deref(), Some(id), "{text}");
    problem
}

pub(crate) fn json(method: &str, path: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    request.body(body.into()).unwrap()
}

pub(crate) fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}
