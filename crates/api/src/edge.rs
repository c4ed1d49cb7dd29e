//! What the routes share.

use std::sync::Arc;
use std::time::Duration;

use model::Clock;
use prometheus_client::registry::Registry;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::clouds::{CloudSettings, CloudState};
use crate::metrics::Metrics;
use crate::page_token::PageKey;
use crate::service::Service;

/// What an edge is made of.
pub struct Parts {
    /// The use-cases.
    pub service: Arc<dyn Service>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Signs page tokens; all servers of one database have the same.
    pub page_key: PageKey,
    /// What the edge counts.
    pub metrics: Metrics,
    /// Everything that is counted, the edge's numbers among it.
    pub registry: Arc<Registry>,
    /// Bounds.
    pub limits: Limits,
    /// What the operator says of the clouds' APIs.
    pub clouds: CloudSettings,
    /// Ends the streams when the server is about to end.
    pub stopping: CancellationToken,
    /// Makes the span of a request part of the trace that its headers name, where traces are kept.
    pub join_trace: Option<JoinTrace>,
}

/// Makes a span part of the trace that a request's headers name.
pub type JoinTrace = fn(&tracing::Span, &http::HeaderMap);

/// Bounds of the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest body.
    pub max_body_bytes: usize,
    /// The longest that a request may take to come and to be answered; streams count until they begin.
    pub request_timeout: Duration,
    /// Streams of events at once.
    pub max_streams: usize,
    /// How often a stream says that it still lives.
    pub keep_alive: Duration,
    /// How often a stream of progress looks.
    pub progress_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 1 << 20,
            request_timeout: Duration::from_secs(30),
            max_streams: 256,
            keep_alive: Duration::from_secs(15),
            progress_interval: Duration::from_millis(250),
        }
    }
}

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct Edge(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) parts: Parts,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) own_uid: u32,
    clouds: CloudState,
    actions: TaskTracker,
    answered: Notify,
}

impl Edge {
    /// Joins the parts. No I/O.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let streams = Arc::new(Semaphore::new(parts.limits.max_streams.min(Semaphore::MAX_PERMITS)));
        let own_uid = rustix::process::geteuid().as_raw();
        Self(Arc::new(Shared {
            parts,
            streams,
            own_uid,
            clouds: CloudState::default(),
            actions: TaskTracker::new(),
            answered: Notify::new(),
        }))
    }

    /// Carries an action out to its end, also where whoever asked for it has gone or waited too long.
    pub(crate) async fn carry_out<T: Send + 'static>(
        &self,
        action: impl Future<Output = T> + Send + 'static,
    ) -> T {
        match self.0.actions.spawn(action.in_current_span()).await {
            Ok(done) => done,
            // Caught where the panics of handlers are.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Waits until every action is at its end. New ones are waited for as well.
    pub async fn finish_actions(&self) {
        self.0.actions.close();
        self.0.actions.wait().await;
    }

    /// Rings where an action that a key names has come to its end.
    pub(crate) fn answered(&self) -> &Notify {
        &self.0.answered
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.0.parts.registry
    }

    pub(crate) fn service(&self) -> &dyn Service {
        &*self.0.parts.service
    }

    pub(crate) fn service_arc(&self) -> Arc<dyn Service> {
        self.0.parts.service.clone()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.parts.clock
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.parts.metrics
    }

    /// Its bounds.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.parts.limits
    }

    pub(crate) fn join_trace(&self, span: &tracing::Span, headers: &http::HeaderMap) {
        if let Some(join) = self.0.parts.join_trace {
            join(span, headers);
        }
    }

    pub(crate) fn page_key(&self) -> &PageKey {
        &self.0.parts.page_key
    }

    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.parts.stopping
    }

    pub(crate) fn streams(&self) -> &Arc<Semaphore> {
        &self.0.streams
    }

    pub(crate) fn clouds(&self) -> &CloudSettings {
        &self.0.parts.clouds
    }

    pub(crate) fn cloud_state(&self) -> &CloudState {
        &self.0.clouds
    }

    pub(crate) fn own_uid(&self) -> u32 {
        self.0.own_uid
    }
}
