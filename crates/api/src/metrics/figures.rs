//! Numbers of the whole server, asked for when somebody looks.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::describe::{Description, Kind};
use crate::service::Figures;

pub(super) const ALL: &[Description] = &[CACHES, WAITING, RUNNING, ENDED, INSTANCES];

const CACHES: Description = Description {
    kind: Kind::Gauge,
    name: "caches",
    labels: &["state"],
    help: "Image caches of all accounts, by state",
};
const WAITING: Description = Description {
    kind: Kind::Gauge,
    name: "builds_waiting",
    labels: &[],
    help: "Caches whose first build waits for its turn",
};
const RUNNING: Description = Description {
    kind: Kind::Gauge,
    name: "builds_running",
    labels: &[],
    help: "Builds that run, on all servers of these records",
};
const ENDED: Description = Description {
    kind: Kind::Counter,
    name: "builds",
    labels: &["result"],
    help: "Builds of this server that ended: `succeeded`, `failed`, `cancelled`",
};
const INSTANCES: Description = Description {
    kind: Kind::Gauge,
    name: "instances_running",
    labels: &[],
    help: "Instances that have not ended",
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    result: &'static str,
}

/// Numbers of the whole server.
#[derive(Clone, Debug, Default)]
pub(crate) struct FigureMetrics {
    caches: Family<State, Gauge>,
    waiting: Gauge,
    running: Gauge,
    ended: Family<Ended, Counter>,
    instances: Gauge,
    setting: Arc<Mutex<()>>,
}

impl FigureMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        CACHES.register(registry, metrics.caches.clone());
        WAITING.register(registry, metrics.waiting.clone());
        RUNNING.register(registry, metrics.running.clone());
        ENDED.register(registry, metrics.ended.clone());
        INSTANCES.register(registry, metrics.instances.clone());
        metrics
    }

    pub(crate) fn set(&self, figures: &Figures) {
        // Two looks at once must not both add what is missing of a counter.
        let _one_at_a_time = self.setting.lock().unwrap_or_else(PoisonError::into_inner);
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for (state, number) in &figures.caches {
            self.caches.get_or_create(&State { state }).set(gauge(*number));
        }
        self.waiting.set(gauge(figures.builds_waiting));
        self.running.set(gauge(figures.builds_running));
        self.instances.set(gauge(figures.instances_running));
        for (result, number) in &figures.builds_ended {
            let counter = self.ended.get_or_create(&Ended { result });
            counter.inc_by(number.saturating_sub(counter.get()));
        }
    }
}
