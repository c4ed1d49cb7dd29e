//! Requests, connections and streams.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use ::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::describe::{Description, Kind};

pub(super) const ALL: &[Description] = &[REQUESTS, DURATION, IN_FLIGHT, PANICS, CONNECTIONS, STREAMS];

const REQUESTS: Description = Description {
    kind: Kind::Counter,
    name: "http_requests",
    labels: &["method", "route", "status"],
    help: "Requests that were answered",
};
const DURATION: Description = Description {
    kind: Kind::Histogram,
    name: "http_request_duration_seconds",
    labels: &["method", "route"],
    help: "Time from a request's head to its answer's head",
};
const IN_FLIGHT: Description = Description {
    kind: Kind::Gauge,
    name: "http_requests_in_flight",
    labels: &[],
    help: "Requests that wait for their answer's head",
};
const PANICS: Description = Description {
    kind: Kind::Counter,
    name: "http_panics",
    labels: &[],
    help: "Requests whose handler panicked; each is a bug",
};
const CONNECTIONS: Description =
    Description { kind: Kind::Gauge, name: "http_connections", labels: &[], help: "Open connections" };
const STREAMS: Description =
    Description { kind: Kind::Gauge, name: "http_streams", labels: &[], help: "Open streams of events" };

/// Upper ends of the histogram's buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: &'static str,
    route: String,
    status: u16,
}

/// Requests, connections and streams.
#[derive(Clone, Debug)]
pub(crate) struct HttpMetrics {
    requests: Family<Answer, Counter>,
    duration: Family<Route, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    panics: Counter<u64, AtomicU64>,
    connections: Gauge,
    streams: Gauge,
}

/// Counted while it lives.
#[must_use]
pub(crate) struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl HttpMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let new_histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let metrics = Self {
            requests: Family::default(),
            duration: Family::new_with_constructor(new_histogram),
            in_flight: Gauge::default(),
            panics: Counter::default(),
            connections: Gauge::default(),
            streams: Gauge::default(),
        };
        REQUESTS.register(registry, metrics.requests.clone());
        DURATION.register(registry, metrics.duration.clone());
        IN_FLIGHT.register(registry, metrics.in_flight.clone());
        PANICS.register(registry, metrics.panics.clone());
        CONNECTIONS.register(registry, metrics.connections.clone());
        STREAMS.register(registry, metrics.streams.clone());
        metrics
    }

    pub(crate) fn begin(&self) -> Counted {
        Counted::new(&self.in_flight)
    }

    pub(crate) fn connection(&self) -> Counted {
        Counted::new(&self.connections)
    }

    pub(crate) fn stream(&self) -> Counted {
        Counted::new(&self.streams)
    }

    pub(crate) fn panicked(&self) {
        self.panics.inc();
    }

    pub(crate) fn ended(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let method = known(method);
        let route = route.to_owned();
        self.duration.get_or_create(&Route { method, route: route.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Answer { method, route, status }).inc();
    }
}

/// A word for a method: strangers must not make series of their own.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::PUT => "PUT",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
