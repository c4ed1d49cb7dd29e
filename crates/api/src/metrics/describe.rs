//! Names and meanings of metrics, each said once: for the registry and for the documentation.

use prometheus_client::registry::{Metric, Registry};

/// Which kind of metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct Description {
    pub(super) kind: Kind,
    /// Without `imc_`, and of counters without `_total`.
    pub(super) name: &'static str,
    pub(super) labels: &'static [&'static str],
    pub(super) help: &'static str,
}

impl Description {
    pub(super) fn register<M: Metric>(&self, registry: &mut Registry, metric: M) {
        registry.register(format!("imc_{}", self.name), self.help, metric);
    }

    pub(super) fn row(&self) -> String {
        let (kind, suffix) = match self.kind {
            Kind::Counter => ("counter", "_total"),
            Kind::Gauge => ("gauge", ""),
            Kind::Histogram => ("histogram", ""),
        };
        let labels: Vec<String> = self.labels.iter().map(|label| format!("`{label}`")).collect();
        format!("| `imc_{}{suffix}` | {kind} | {} | {} |\n", self.name, labels.join(", "), self.help)
    }
}
