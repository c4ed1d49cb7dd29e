//! What is logged, in which form, and where traces go. Commands log for people; the server as it is configured.

#[cfg(feature = "otel")]
mod traces;

use std::io::IsTerminal as _;

use settings::{Loaded, LogFormat};
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::exit::Failure;

/// What the edge of a server logs of its requests, a command tells its user.
const OF_EDGE: &str = "api=off";

/// Logs of a command go to standard error, warnings and worse unless `IMC_LOG` says otherwise (`IMC_LOG=info`,
/// `IMC_LOG=registry=debug`). No configuration has been read yet, and none decides what people see of their command.
pub(crate) fn of_command() {
    let filter = EnvFilter::try_from_env("IMC_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("{},{OF_EDGE}", settings::LOG_FILTER)));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .compact()
        .init();
}

/// What the server sends out besides its answers. To be kept until it ends.
#[must_use = "traces that are not yet sent are lost where it is dropped"]
pub(crate) struct Telemetry {
    #[cfg(feature = "otel")]
    traces: Option<traces::Traces>,
}

impl Telemetry {
    /// Sends what is left, for five seconds at most. To be called outside of the runtime.
    pub(crate) fn shut_down(self) {
        #[cfg(feature = "otel")]
        if let Some(traces) = self.traces {
            traces.shut_down();
        }
    }
}

/// How requests join the traces that they are part of.
pub(crate) fn join_trace() -> Option<api::JoinTrace> {
    #[cfg(feature = "otel")]
    return Some(traces::join);
    #[cfg(not(feature = "otel"))]
    None
}

/// Logs and traces as the server is configured, for the whole program from now on. To be called once, before the runtime is
/// there.
pub(crate) fn of_server(loaded: &Loaded) -> Result<Telemetry, Failure> {
    let colours = std::io::stderr().is_terminal();
    let logs = lines(loaded.settings.logging.format, colours, std::io::stderr).with_filter(filter(loaded)?);
    let subscriber = Registry::default().with(logs);
    #[cfg(feature = "otel")]
    let (subscriber, telemetry) = {
        let traces = traces::Traces::of(&loaded.settings.telemetry)?;
        (subscriber.with(traces.as_ref().map(traces::Traces::layer)), Telemetry { traces })
    };
    #[cfg(not(feature = "otel"))]
    let telemetry = without_traces(loaded)?;
    let twice = |error| Failure::internal(format!("failed to begin the log: {error}"));
    subscriber.try_init().map_err(twice)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    Ok(telemetry)
}

#[cfg(not(feature = "otel"))]
fn without_traces(loaded: &Loaded) -> Result<Telemetry, Failure> {
    match &loaded.settings.telemetry.otlp_endpoint {
        None => Ok(Telemetry {}),
        Some(endpoint) => Err(Failure::configuration(
            format!(
                "failed to send traces to {endpoint} ({}): this imc is built without them",
                loaded.origin("telemetry.otlp_endpoint")
            ),
            "unset telemetry.otlp_endpoint, or take an imc with the feature `otel`",
        )),
    }
}

/// What the server logs, as it is configured.
pub(crate) fn filter(loaded: &Loaded) -> Result<EnvFilter, Failure> {
    let text = &loaded.settings.logging.filter;
    EnvFilter::try_new(text).map_err(|error| {
        let origin = loaded.origin("logging.filter");
        Failure::configuration(
            format!("failed to take the value `{text}` of `logging.filter` ({origin}): {error}"),
            "name a level (off, error, warn, info, debug, trace), or levels by part, as `warn,registry=debug`",
        )
    })
}

/// Log lines in that form. A line of JSON has the event's fields beside `timestamp`, `level`, `target` and `message`, and the
/// spans that it is in.
fn lines<S, W>(format: LogFormat, colours: bool, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Text => layer.with_ansi(colours).compact().boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(false).boxed(),
    }
}

#[cfg(test)]
mod tests;
