//! Matches and starts: how often a cache had what was wanted.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use wire::{MatchPolicy, Outcome, Ranking};

use super::describe::{Description, Kind};

pub(super) const ALL: &[Description] = &[MATCHES, STARTS];

const MATCHES: Description = Description {
    kind: Kind::Counter,
    name: "matches",
    labels: &["policy", "outcome"],
    help: "Matches that were asked for, by what the best cache had: `hit` (everything), `partial`, `miss`",
};
const STARTS: Description = Description {
    kind: Kind::Counter,
    name: "instance_starts",
    labels: &["outcome"],
    help: "Instances that were started, by what a cache had: `hit` (everything), `partial`, `miss`",
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Matched {
    policy: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Start {
    outcome: &'static str,
}

/// Matches and starts.
#[derive(Clone, Debug, Default)]
pub(crate) struct MatchMetrics {
    matches: Family<Matched, Counter>,
    starts: Family<Start, Counter>,
}

impl MatchMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        MATCHES.register(registry, metrics.matches.clone());
        STARTS.register(registry, metrics.starts.clone());
        metrics
    }

    pub(crate) fn ranked(&self, policy: MatchPolicy, ranking: &Ranking) {
        let outcome = match ranking.taken.first() {
            Some(best) if best.is_perfect => Outcome::Hit,
            Some(_) => Outcome::Partial,
            None => Outcome::Miss,
        };
        let matched = Matched { policy: policy.as_str(), outcome: outcome.as_str() };
        self.matches.get_or_create(&matched).inc();
    }

    pub(crate) fn started(&self, outcome: Outcome) {
        self.starts.get_or_create(&Start { outcome: outcome.as_str() }).inc();
    }
}
