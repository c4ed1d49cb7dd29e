//! Golden documents: the OpenAPI description and the page about metrics.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn golden(name: &str, text: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == text,
        "docs/{name} is not what the program says; run the test with UPDATE_GOLDEN=1 and look at the change"
    );
}

#[test]
fn the_openapi_document_is_the_golden_one() {
    let mut text = api::openapi().to_pretty_json().unwrap();
    text.push('\n');
    golden("openapi.json", &text);
}

#[test]
fn the_page_about_metrics_is_the_golden_one() {
    golden("metrics.md", &api::documentation());
}

#[test]
fn every_operation_says_what_it_takes_what_it_gives_and_how_it_refuses() {
    let document: Value = serde_json::to_value(api::openapi()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id}");
            assert!(operation["summary"].is_string() && operation["description"].is_string(), "{id}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
            for status in ["400", "500"] {
                let content = &responses[status]["content"]["application/problem+json"];
                assert!(content["examples"].is_object(), "{id} {status}");
            }
            let is_open = matches!(id, "describe_api" | "health" | "readiness");
            assert_eq!(responses.contains_key("401"), !is_open, "{id}");
        }
    }
    assert_eq!(ids.len(), 34, "{ids:?}");
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| match (key.as_str(), value) {
                ("$ref", Value::String(text)) => {
                    found.insert(text.clone());
                }
                _ => walk(value, found),
            }),
            Value::Array(values) => values.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let document = serde_json::to_value(api::openapi()).unwrap();
    let mut references = BTreeSet::new();
    walk(&document, &mut references);
    assert!(references.contains("#/components/schemas/Problem"));
    for reference in references {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
    }
}
