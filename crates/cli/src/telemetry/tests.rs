use std::io::Write;
use std::sync::{Arc, Mutex};

use settings::{Machine, Sources, load};

use super::*;

/// What was written, for everybody who has it.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn loaded(variables: &[(&str, &str)]) -> Loaded {
    let environment = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    load(&Sources { environment, ..Sources::none(Machine { processors: 1 }) }).unwrap()
}

/// What is logged of an event in a span under these settings.
fn logged(variables: &[(&str, &str)]) -> String {
    let (loaded, written) = (loaded(variables), Written::default());
    let writer = written.clone();
    let layer = lines(loaded.settings.logging.format, false, move || writer.clone());
    let subscriber = Registry::default().with(layer.with_filter(filter(&loaded).unwrap()));
    tracing::subscriber::with_default(subscriber, || {
        let _in = tracing::info_span!("request", request.id = "r1").entered();
        tracing::info!("not asked for");
        tracing::warn!(cache.id = "imc-1", error = "two\nlines", "the cache is late");
    });
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_line_of_text_reads_alone_and_is_one_line() {
    let text = logged(&[]);
    assert_eq!(text.lines().count(), 1, "{text}");
    for word in ["WARN", "the cache is late", "cache.id=\"imc-1\"", r"two\nlines"] {
        assert!(text.contains(word), "`{word}` is not in {text}");
    }
}

#[test]
fn a_line_of_json_has_the_fields_and_the_spans() {
    let text = logged(&[("IMC_LOG_FORMAT", "json"), ("IMC_LOG", "info")]);
    assert_eq!(text.lines().count(), 2, "{text}");
    let line: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["message"], "the cache is late");
    assert_eq!(line["cache.id"], "imc-1");
    assert_eq!(line["error"], "two\nlines");
    assert!(line["timestamp"].is_string() && line["target"].is_string(), "{line}");
}

#[test]
fn a_filter_that_is_none_is_refused_with_where_it_was_said() {
    let failure = filter(&loaded(&[("IMC_LOG", "registry=loud")])).unwrap_err();
    assert_eq!(failure.kind, "configuration");
    assert!(failure.message.contains("`logging.filter` (IMC_LOG)"), "{failure:?}");
}

/// The one test that takes the whole program's log.
#[cfg(not(feature = "otel"))]
#[test]
fn an_endpoint_for_traces_is_refused_by_a_program_without_them() {
    let refused = of_server(&loaded(&[("IMC_OTLP_ENDPOINT", "http://127.0.0.1:4318")]));
    let Err(failure) = refused else { panic!("was taken") };
    assert!(failure.message.contains("(IMC_OTLP_ENDPOINT)"), "{failure:?}");
    of_server(&loaded(&[])).unwrap().shut_down();
    assert!(of_server(&loaded(&[])).is_err());
}
