//! What holds of every call: what is signed arrives, what is changed does not, and nothing makes a panic.

use clouds::tencent::{Call, Code, Operation, OperationName, SKEW_SECONDS, speaks};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::client::{SECONDS, SECRET_KEY, Sent, at};

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'*');
    text.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            byte if plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// Names with everything that encodings trip over.
fn names() -> impl Strategy<Value = Vec<String>> {
    let tricky =
        prop::sample::select(vec!["+", "~", "*", "%41", "a&b=c", " ", "中文", "😀", "a.0.b", "\"", "\\"]);
    let any = "\\PC{1,20}";
    prop::collection::vec(prop_oneof![tricky.prop_map(ToOwned::to_owned), any], 1..20)
}

fn names_of(operation: Operation) -> Option<Vec<String>> {
    match operation {
        Operation::DescribeImageCaches(describe) => describe.image_cache_names,
        other => panic!("{other:?}"),
    }
}

/// Values of any type under the API's own names.
fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["nginx", "imc-x", "a.io:5000", "Never", "image-cache-name", "20"])
            .prop_map(Value::from),
    ];
    let fields = prop::sample::select(vec![
        "Images",
        "VpcId",
        "SubnetId",
        "ImageCacheName",
        "ImageCacheId",
        "ImageCacheIds",
        "ImageCacheNames",
        "Limit",
        "Offset",
        "Filters",
        "Name",
        "Values",
        "Tags",
        "Key",
        "Value",
        "Server",
        "Password",
        "RetentionDays",
        "ImageCacheSize",
        "ImageRegistryCredentials",
        "AutoCreateEipAttribute",
        "DeletePolicy",
        "Snapshotter",
        "SecurityGroupIds",
        "ResolveConfig",
        "RegistrySkipVerifyList",
        "AutoCreateEip",
        "ExistedEipId",
        "Colour",
    ]);
    let value = leaf.prop_recursive(3, 24, 4, {
        let fields = fields.clone();
        move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((fields.clone(), inner), 0..4).prop_map(|pairs| pairs
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()),
            ]
        }
    });
    prop::collection::vec((fields, value), 0..6)
        .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_arrives_in_both_forms(names in names()) {
        let body = json!({ "ImageCacheNames": names }).to_string();
        let by_post = Sent::post("DescribeImageCaches", body).arrives().unwrap();
        prop_assert_eq!(names_of(by_post), Some(names.clone()));
        let pairs = names.iter().enumerate();
        let pairs = pairs.map(|(index, name)| format!("ImageCacheNames.{index}={}", encoded(name)));
        let query = pairs.collect::<Vec<_>>().join("&");
        let by_get = Sent::get("DescribeImageCaches", &query).arrives().unwrap();
        prop_assert_eq!(names_of(by_get), Some(names));
    }

    #[test]
    fn no_byte_of_a_body_can_be_changed(names in names(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut sent = Sent::post("DescribeImageCaches", json!({ "ImageCacheNames": names }).to_string());
        let index = at.index(sent.body.len());
        sent.body[index] ^= 1 << bit;
        prop_assert_eq!(sent.arrives().unwrap_err().code(), Code::SignatureFailure);
    }

    #[test]
    fn no_byte_of_a_query_can_be_changed(names in names(), at in any::<prop::sample::Index>()) {
        let query = format!("ImageCacheNames.0={}", encoded(&names.concat()));
        let mut sent = Sent::get("DescribeImageCaches", &query);
        let index = at.index(query.len());
        let other = if query.as_bytes()[index] == b'0' { "1" } else { "0" };
        sent.query.replace_range(index..=index, other);
        prop_assert_eq!(sent.arrives().unwrap_err().code(), Code::SignatureFailure);
    }

    #[test]
    fn no_byte_of_what_is_signed_can_be_changed(at in any::<prop::sample::Index>(), bit in 0u8..7) {
        let sent = Sent::unsigned("POST", "DescribeImageCaches", "", b"{}".to_vec());
        let sent = sent.signed("content-type;host;x-tc-action;x-tc-region;x-tc-version;x-tc-timestamp");
        for header in 0..sent.headers.len() {
            let mut sent = sent.clone();
            let (name, value) = &mut sent.headers[header];
            let index = at.index(value.len());
            value[index] ^= 1 << bit;
            let same = match name.as_str() {
                // Signed in lower case.
                "x-tc-action" => bit == 5,
                _ => false,
            };
            let result = sent.arrives();
            if same {
                prop_assert!(matches!(result.unwrap_err().code(), Code::InvalidAction));
            } else {
                prop_assert!(result.is_err(), "{:?}", sent);
            }
        }
    }

    #[test]
    fn another_secret_fails(secret in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assume!(secret != SECRET_KEY);
        let sent = Sent::post("DescribeImageCaches", "{}");
        let code = sent.with(|request| {
            Call::read(request).unwrap().verify(&secret, at(SECONDS), SKEW_SECONDS).unwrap_err().code()
        });
        prop_assert_eq!(code, Code::SignatureFailure);
    }

    #[test]
    fn every_document_has_an_answer(document in documents()) {
        for name in OperationName::ALL {
            let _ = Sent::post(name.as_str(), document.to_string()).arrives();
        }
    }
}

#[test]
fn any_request_ends() {
    bolero::check!().with_max_len(600).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split('\n');
        let mut sent = Sent::unsigned("GET", lines.next().unwrap_or_default(), "", bytes.to_vec());
        sent.method = lines.next().filter(|line| !line.is_empty()).unwrap_or("POST").to_owned();
        sent.query = lines.next().unwrap_or_default().to_owned();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap_or(("authorization", line));
            sent.headers.insert(0, (name.to_owned(), value.as_bytes().to_vec()));
        }
        sent.with(|request| {
            let _ = speaks(request);
            if let Ok(call) = Call::read(request) {
                let _ = call.verify(SECRET_KEY, at(SECONDS), SKEW_SECONDS);
            }
        });
    });
}

#[test]
fn any_signed_parameters_end() {
    bolero::check!().with_max_len(600).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        for name in OperationName::ALL {
            let _ = Sent::post(name.as_str(), bytes).arrives();
            let _ = Sent::get(name.as_str(), &text).arrives();
        }
    });
}
