//! Traces to an OpenTelemetry collector, by OTLP over HTTP.
//!
//! A thread of the exporter sends them in batches; where the collector does not answer, they are dropped and the server goes
//! on.

use std::time::Duration;

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use crate::exit::Failure;

/// How long the collector may take for a batch, and for the last one.
const PATIENCE: Duration = Duration::from_secs(5);

/// What sends the traces.
pub(super) struct Traces(SdkTracerProvider);

impl Traces {
    /// Nothing where none are asked for. The collector is not asked yet.
    pub(super) fn of(settings: &settings::Telemetry) -> Result<Option<Self>, Failure> {
        let Some(endpoint) = &settings.otlp_endpoint else { return Ok(None) };
        let base = endpoint.as_str().trim_end_matches('/');
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/traces"))
            .with_timeout(PATIENCE)
            .build();
        let exporter = exporter.map_err(|error| {
            Failure::configuration(
                format!("failed to prepare traces for {endpoint}: {error}"),
                "check telemetry.otlp_endpoint, or unset it",
            )
        })?;
        let resource = Resource::builder()
            .with_service_name(settings.service_name.clone())
            .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Ok(Some(Self(provider)))
    }

    /// Turns spans into traces. Not those of the exporter and of what it is made of, which would never end.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let own = [
            "opentelemetry",
            "opentelemetry_sdk",
            "opentelemetry_otlp",
            "hyper",
            "hyper_util",
            "reqwest",
            "h2",
        ];
        let filter = Targets::new()
            .with_default(LevelFilter::INFO)
            .with_targets(own.map(|target| (target, LevelFilter::OFF)));
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("imc")).with_filter(filter)
    }

    /// Sends what is left.
    pub(super) fn shut_down(self) {
        if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "failed to send the last traces");
        }
    }
}

/// The headers of a request, as the propagator reads them.
struct Headers<'a>(&'a http::HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// Makes the span part of the trace that the headers `traceparent` and `tracestate` name (W3C Trace Context). Others are as if
/// they were not there.
pub(super) fn join(span: &tracing::Span, headers: &http::HeaderMap) {
    if headers.contains_key("traceparent") {
        let context = TraceContextPropagator::new().extract(&Headers(headers));
        // It fails where no traces are kept.
        let _ = span.set_parent(context);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;

    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// Answers one request; its first line and its body.
    fn collector(listener: &TcpListener) -> (String, Vec<u8>) {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut first = String::new();
        reader.read_line(&mut first).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        (first, body)
    }

    #[test]
    fn a_span_reaches_the_collector_when_the_server_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}/base/", listener.local_addr().unwrap());
        let collecting = std::thread::spawn(move || collector(&listener));
        let settings = settings::Telemetry {
            otlp_endpoint: Some(endpoint.parse().unwrap()),
            service_name: "imc-of-a-test".to_owned(),
        };
        let traces = Traces::of(&settings).unwrap().unwrap();
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let mut headers = http::HeaderMap::new();
        headers.insert("traceparent", format!("00-{trace}-00f067aa0ba902b7-01").parse().unwrap());
        tracing::subscriber::with_default(Registry::default().with(traces.layer()), || {
            let span = tracing::info_span!("create-cache", cache.id = "imc-1");
            join(&span, &headers);
            span.in_scope(|| {});
        });
        traces.shut_down();
        let (first, body) = collecting.join().unwrap();
        assert_eq!(first, "POST /base/v1/traces HTTP/1.1\r\n");
        for word in ["create-cache", "cache.id", "imc-of-a-test"] {
            assert!(body.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
        }
        let trace = u128::from_str_radix(trace, 16).unwrap().to_be_bytes();
        assert!(body.windows(trace.len()).any(|window| window == trace), "the trace is not the caller's");
    }

    #[test]
    fn without_an_endpoint_there_are_none() {
        assert!(Traces::of(&settings::Telemetry::default()).unwrap().is_none());
    }
}
