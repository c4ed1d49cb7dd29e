//! The words of the document are those that go over the wire.

use std::collections::BTreeSet;

use model::ByteSize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wire::{CopyState, Grade, LeftBecause, Staleness};

/// Every word is read, and written the same again.
fn are_sent<T: DeserializeOwned + Serialize>(words: &[Value]) -> bool {
    words.iter().all(|word| {
        serde_json::from_value::<T>(word.clone())
            .is_ok_and(|value| serde_json::to_value(value).unwrap() == *word)
    })
}

/// Enumerations of words.
type Check = fn(&[Value]) -> bool;

const WORDS: &[(&str, Check)] = &[
    ("CacheState", are_sent::<wire::CacheState>),
    ("Eviction", are_sent::<wire::Eviction>),
    ("Found", are_sent::<wire::Found>),
    ("InstanceState", are_sent::<wire::InstanceState>),
    ("KeyStatus", are_sent::<wire::KeyStatus>),
    ("LayerPhase", are_sent::<wire::LayerPhase>),
    ("MatchPolicy", are_sent::<wire::MatchPolicy>),
    ("Network", are_sent::<wire::Network>),
    ("Origin", are_sent::<wire::Origin>),
    ("Outcome", are_sent::<wire::Outcome>),
    ("OutputStream", are_sent::<wire::OutputStream>),
    ("PolicyPreset", are_sent::<wire::PolicyPreset>),
    ("Scope", are_sent::<wire::Scope>),
];

fn sent<T: Serialize>(values: &[T]) -> Vec<Value> {
    values.iter().map(|value| serde_json::to_value(value).unwrap()).collect()
}

/// Documents of several forms, told apart by the word of one field: which, and one of each form as it is sent.
fn forms() -> [(&'static str, &'static str, Vec<Value>); 4] {
    let platform = "linux/amd64".parse().unwrap();
    let (size_bytes, space_bytes) = (ByteSize::mib(2), ByteSize::mib(1));
    let interval_seconds = 60.try_into().unwrap();
    let copies = [CopyState::Absent, CopyState::Copying { progress_percent: 1 }, CopyState::Complete];
    let grades = [
        Grade::Alibaba { whole: 1, other_tag: 0 },
        Grade::Tencent { names: 1 },
        Grade::Content { perfect: true, saved_bytes: size_bytes },
    ];
    let left = [
        LeftBecause::NothingInCommon,
        LeftBecause::State,
        LeftBecause::Platform { platform },
        LeftBecause::LargerThanSpace { size_bytes, space_bytes },
        LeftBecause::NotPerfect { have: 1, wanted: 2 },
        LeftBecause::TooFewImages { have: 1, at_least: 2 },
    ];
    let rules = [Staleness::Pinned, Staleness::Refresh { interval_seconds }, Staleness::Strict];
    [
        ("CopyState", "state", sent(&copies)),
        ("Grade", "policy", sent(&grades)),
        ("LeftBecause", "reason", sent(&left)),
        ("Staleness", "rule", sent(&rules)),
    ]
}

#[test]
fn the_words_of_the_document_are_those_that_are_sent() {
    let document: Value = serde_json::to_value(api::openapi()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut known = BTreeSet::new();
    for (name, are_sent) in WORDS {
        let words = schemas[*name]["enum"].as_array().unwrap();
        assert!(are_sent(words), "{name}: {words:?}");
        known.insert((*name).to_owned());
    }
    for (name, field, sent) in forms() {
        let described: Vec<&Value> = schemas[name]["oneOf"]
            .as_array()
            .unwrap()
            .iter()
            .map(|form| &form["properties"][field]["enum"][0])
            .collect();
        let sent: Vec<&Value> = sent.iter().map(|form| &form[field]).collect();
        assert_eq!(described, sent, "{name}");
        known.insert(name.to_owned());
    }
    let told = |schema: &Value| schema.to_string().contains("\"enum\":[");
    let all: BTreeSet<String> =
        schemas.iter().filter(|(_, schema)| told(schema)).map(|(name, _)| name.clone()).collect();
    assert_eq!(all, known, "an enumeration that this test does not know");
}
