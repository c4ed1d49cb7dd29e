//! What is signed verifies, wherever its parameters are and whatever is in them; what is changed afterwards does not.

use clouds::alibaba::{Call, ErrorCode};
use proptest::prelude::*;

use crate::support::{KEY, Pairs, Place, SECRET, Sent, WHEN, acs3, acs3_with, at, pairs, rpc};

fn parameters() -> impl Strategy<Value = Pairs> {
    let name = "[A-Z][A-Za-z]{0,8}(\\.[1-9]\\.[A-Z][a-z]{0,4})?";
    let value = prop_oneof![
        any::<String>(),
        Just(String::new()),
        Just("demo *~/x".to_owned()),
        Just("p&=+ %".to_owned()),
        "[ -~]{0,12}"
    ];
    let reserved = [
        "Action",
        "Version",
        "Format",
        "AccessKeyId",
        "Signature",
        "SignatureMethod",
        "SignatureType",
        "SignatureVersion",
        "SignatureNonce",
        "Timestamp",
    ];
    let all = proptest::collection::btree_map(name, value, 0..8);
    all.prop_map(move |map| map.into_iter().filter(|(name, _)| !reserved.contains(&name.as_str())).collect())
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![Just(Place::Query), Just(Place::Form)]
}

fn method() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("GET"), Just("POST")]
}

fn signed() -> impl Strategy<Value = Sent> {
    let form = || (place(), method(), parameters());
    prop_oneof![
        (any::<bool>(), form()).prop_map(|(sha256, (place, method, more))| {
            rpc("DescribeImageCaches", method, sha256, place, &more)
        }),
        form().prop_map(|(place, method, more)| acs3("DescribeImageCaches", method, place, &more)),
    ]
}

/// Every text of a request that the signature covers, as bytes.
fn parts(sent: &Sent) -> usize {
    sent.query.len() + sent.body.len() + sent.headers.iter().map(|(_, value)| value.len()).sum::<usize>()
}

/// Changes one byte to another that means another thing.
fn mutate(sent: &mut Sent, mut at: usize) {
    let flip = |text: &mut String, at: usize| {
        let mut bytes = std::mem::take(text).into_bytes();
        bytes[at] = if bytes[at] == b'q' { b'r' } else { b'q' };
        *text = String::from_utf8_lossy(&bytes).into_owned();
    };
    if at < sent.query.len() {
        return flip(&mut sent.query, at);
    }
    at -= sent.query.len();
    if at < sent.body.len() {
        sent.body[at] = if sent.body[at] == b'q' { b'r' } else { b'q' };
        return;
    }
    at -= sent.body.len();
    for (_, value) in &mut sent.headers {
        if at < value.len() {
            return flip(value, at);
        }
        at -= value.len();
    }
}

proptest! {
    #[test]
    fn what_is_signed_verifies(sent in signed()) {
        prop_assert_eq!(sent.verify(at(WHEN.time)).map(|signed| signed.nonce), Ok(WHEN.nonce.to_owned()));
    }

    #[test]
    fn what_is_changed_does_not(sent in signed(), index: prop::sample::Index) {
        let mut changed = sent.clone();
        mutate(&mut changed, index.index(parts(&sent)));
        // The key's id is not signed by itself: with another id goes another secret.
        let other_key = changed.with(|request| Call::read(request).is_ok_and(|call| call.access_key_id() != KEY));
        prop_assert!(other_key || changed.verify(at(WHEN.time)).is_err());
    }

    #[test]
    fn another_secret_is_another_signature(sent in signed(), secret: Vec<u8>) {
        prop_assume!(secret != SECRET);
        sent.with(|request| {
            let call = Call::read(request).unwrap();
            let refusal = call.verify(&secret, at(WHEN.time), 900).unwrap_err();
            assert_eq!(refusal.code(), ErrorCode::SignatureDoesNotMatch);
        });
    }
}

fn codes(sent: &Sent) -> &'static str {
    sent.verify(at(WHEN.time)).unwrap_err().0.as_str()
}

#[test]
fn a_body_that_is_not_the_signed_one_is_refused() {
    let mut sent = acs3("ListUsage", "POST", Place::Form, &pairs(&[("RegionId", "cn-a")]));
    sent.body = b"RegionId=cn-b".to_vec();
    assert_eq!(codes(&sent), "SignatureDoesNotMatch");
    let mut sent = acs3("ListUsage", "POST", Place::Query, &pairs(&[("RegionId", "cn-a")]));
    sent.body = b"Image.1=x".to_vec();
    assert_eq!(codes(&sent), "SignatureDoesNotMatch");
}

/// The digest in the header is signed, and yet it must be the body's.
#[test]
fn a_signed_digest_of_another_body_is_refused() {
    let more = pairs(&[("RegionId", "cn-a")]);
    let digest = |value: &'static str| {
        acs3_with("ListUsage", "POST", Place::Form, &more, |headers| {
            let (_, digest) = headers.iter_mut().find(|(name, _)| name == "x-acs-content-sha256").unwrap();
            *digest = value.to_owned();
        })
    };
    assert_eq!(
        codes(&digest("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")),
        "SignatureDoesNotMatch"
    );
    assert_eq!(codes(&digest("UNSIGNED-PAYLOAD")), "SignatureDoesNotMatch");
}

#[test]
fn more_headers_may_be_signed_and_spaces_around_them_do_not_matter() {
    let more = pairs(&[("RegionId", "cn-a")]);
    let mut sent = acs3_with("ListUsage", "POST", Place::Query, &more, |headers| {
        headers.insert(0, ("accept".to_owned(), "application/json".to_owned()));
    });
    assert!(sent.verify(at(WHEN.time)).is_ok());
    *sent.header_mut("accept") = "  application/json ".to_owned();
    assert!(sent.verify(at(WHEN.time)).is_ok());
    *sent.header_mut("accept") = "application/xml".to_owned();
    assert_eq!(codes(&sent), "SignatureDoesNotMatch");
}

#[test]
fn what_is_read_of_the_headers_must_be_signed() {
    let whole = acs3("ListUsage", "POST", Place::Query, &pairs(&[("RegionId", "cn-a")]));
    for name in [
        "host",
        "x-acs-action",
        "x-acs-version",
        "x-acs-date",
        "x-acs-signature-nonce",
        "x-acs-content-sha256",
    ] {
        let mut sent = whole.clone();
        let listed = sent.header_mut("authorization");
        *listed = listed.replace(&format!("{name};"), "").replace(&format!(";{name},"), ",");
        assert_eq!(codes(&sent), "IncompleteSignature", "{name}");
        let mut sent = whole.clone();
        sent.headers.retain(|(known, _)| known != name);
        assert_eq!(codes(&sent), "MissingParameter", "{name}");
        let mut sent = whole.clone();
        let value = sent.header_mut(name).clone();
        sent.headers.push((name.to_owned(), value));
        assert_eq!(codes(&sent), "IncompleteSignature", "{name} twice");
    }
}

#[test]
fn a_signature_in_another_spelling_is_none() {
    let mut sent = acs3("ListUsage", "POST", Place::Query, &pairs(&[("RegionId", "cn-a")]));
    let header = sent.header_mut("authorization");
    let (front, signature) = header.rsplit_once('=').map(|(a, b)| (a.to_owned(), b.to_uppercase())).unwrap();
    *header = format!("{front}={signature}");
    assert_eq!(codes(&sent), "SignatureDoesNotMatch");
    let mut sent = rpc("ListUsage", "GET", false, Place::Query, &pairs(&[("RegionId", "cn-a")]));
    sent.query.truncate(sent.query.len() - "%3D".len());
    assert_eq!(codes(&sent), "SignatureDoesNotMatch");
}

#[test]
fn an_old_request_is_expired_with_either_scheme() {
    let more = pairs(&[("RegionId", "cn-a")]);
    for sent in
        [rpc("ListUsage", "GET", true, Place::Query, &more), acs3("ListUsage", "POST", Place::Query, &more)]
    {
        let late = at("2026-11-21T17:18:25Z");
        assert_eq!(sent.verify(late).unwrap_err().0.as_str(), "InvalidTimeStamp.Expired");
        let early = at("2026-11-21T16:48:23Z");
        assert_eq!(sent.verify(early).unwrap_err().0.as_str(), "InvalidTimeStamp.Expired");
    }
}
