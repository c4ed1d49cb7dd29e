//! What is counted, one struct for each concern, registered into a registry that is given.

mod describe;
mod figures;
mod http;
mod matches;

use prometheus_client::registry::Registry;

pub(crate) use figures::FigureMetrics;
pub(crate) use http::HttpMetrics;
pub(crate) use matches::MatchMetrics;

/// Everything that the edge counts. Clones are the same numbers.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub(crate) http: HttpMetrics,
    pub(crate) matches: MatchMetrics,
    pub(crate) figures: FigureMetrics,
}

impl Metrics {
    /// Registers all of them.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        Self {
            http: HttpMetrics::register(registry),
            matches: MatchMetrics::register(registry),
            figures: FigureMetrics::register(registry),
        }
    }
}

/// The page about these metrics: a table in Markdown.
#[must_use]
pub fn documentation() -> String {
    let mut text = String::from(
        "# Metrics\n\n`GET /metrics` gives these in the text form of OpenMetrics. Any valid token reads them.\n\n\
         | name | type | labels | meaning |\n| --- | --- | --- | --- |\n",
    );
    let all = [http::ALL, matches::ALL, figures::ALL];
    for description in all.into_iter().flatten() {
        text.push_str(&description.row());
    }
    text
}
