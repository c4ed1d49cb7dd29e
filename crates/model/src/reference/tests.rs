use super::*;
use proptest::prelude::*;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn parsed(text: &str) -> String {
    text.parse::<ImageReference>().unwrap().to_string()
}

#[test]
fn dockers_defaults() {
    assert_eq!(parsed("debian"), "docker.io/library/debian:latest");
    assert_eq!(parsed("index.docker.io/debian:12"), "docker.io/library/debian:12");
    assert_eq!(parsed("user/app"), "docker.io/user/app:latest");
    assert_eq!(parsed("localhost/app"), "localhost/app:latest");
    assert_eq!(parsed("localhost:5000/a/b__c:v1"), "localhost:5000/a/b__c:v1");
    assert_eq!(parsed("[::1]:5000/app"), "[::1]:5000/app:latest");
    assert_eq!(parsed("Registry.Example/app"), "registry.example/app:latest");
}

#[test]
fn a_digest_needs_no_tag() {
    assert_eq!(parsed(&format!("r.io/a@sha256:{HEX}")), format!("r.io/a@sha256:{HEX}"));
    assert_eq!(parsed(&format!("r.io/a:t@sha256:{HEX}")), format!("r.io/a:t@sha256:{HEX}"));
}

#[test]
fn refusals_name_the_part() {
    type Expected = fn(&ReferenceError) -> bool;
    let cases: [(&str, Expected); 9] = [
        ("", |e| matches!(e, ReferenceError::Empty)),
        ("UPPER", |e| matches!(e, ReferenceError::Repository(..))),
        ("a//b", |e| matches!(e, ReferenceError::Repository(..))),
        ("a/../b", |e| matches!(e, ReferenceError::Repository(..))),
        ("a:", |e| matches!(e, ReferenceError::Tag(..))),
        ("a:-t", |e| matches!(e, ReferenceError::Tag(..))),
        ("h:99999/a", |e| matches!(e, ReferenceError::Host(..))),
        ("a@sha256:00", |e| matches!(e, ReferenceError::Digest(..))),
        ("-bad-.io/a", |e| matches!(e, ReferenceError::Host(..))),
    ];
    for (text, expected) in cases {
        let error = text.parse::<ImageReference>().unwrap_err();
        assert!(expected(&error), "{text}: {error:?}");
    }
    let long = format!("r.io/{}", "a".repeat(251));
    assert!(matches!(long.parse::<ImageReference>(), Err(ReferenceError::TooLong(_))));
}

#[test]
fn loopback_hosts() {
    for host in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.3.2.1", "[::1]:80", "[::1]"] {
        assert!(host.parse::<RegistryHost>().unwrap().is_loopback(), "{host}");
    }
    for host in ["docker.io", "10.0.0.1:5000", "localhost.example"] {
        assert!(!host.parse::<RegistryHost>().unwrap().is_loopback(), "{host}");
    }
}

proptest! {
    #[test]
    fn whatever_parses_prints_to_itself(text in "([a-z0-9.:-]{1,12}/)?[a-z0-9._/-]{1,20}(:[A-Za-z0-9_.-]{1,8})?") {
        if let Ok(reference) = text.parse::<ImageReference>() {
            let printed = reference.to_string();
            prop_assert_eq!(printed.parse::<ImageReference>().unwrap(), reference);
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = text.parse::<ImageReference>();
    }
}
