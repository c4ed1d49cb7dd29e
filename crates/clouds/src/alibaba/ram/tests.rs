use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::alibaba::parameters::{Fields, Tree};
use crate::alibaba::request::{Operation, OperationName};

fn tags(pairs: &[(&str, &str)]) -> Tags {
    let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    pairs.collect::<BTreeMap<_, _>>().try_into().unwrap()
}

fn statement(effect: Effect, action: &str, resource: &str) -> Statement {
    Statement {
        effect,
        actions: vec![Pattern::new(action)],
        resources: vec![Pattern::new(resource)],
        tags: Vec::new(),
    }
}

const ONE: &str = "acs:eci:cn-hangzhou:alice:imagecache/imc-1";

/// `Some(true)` for an explicit denial.
fn denied(policy: &Policy, action: &str, resource: &str, tags: &Tags) -> Option<bool> {
    policy.decide(action, resource, tags).err().map(|denial| denial.is_explicit)
}

#[test]
fn what_none_allows_is_denied_and_a_denial_wins() {
    let none = tags(&[]);
    assert_eq!(denied(&Policy::default(), "eci:DeleteImageCache", ONE, &none), Some(false));
    let mut policy =
        Policy { statements: vec![statement(Effect::Allow, "eci:*", "acs:eci:*:*:imagecache/*")] };
    assert_eq!(denied(&policy, "eci:DeleteImageCache", ONE, &none), None);
    assert_eq!(
        denied(&policy, "eci:DeleteContainerGroup", "acs:eci:r:a:containergroup/eci-1", &none),
        Some(false)
    );
    policy.statements.push(statement(Effect::Deny, "eci:deleteimagecache", "*"));
    assert_eq!(denied(&policy, "eci:DeleteImageCache", ONE, &none), Some(true));
    assert_eq!(denied(&policy, "eci:UpdateImageCache", ONE, &none), None);
}

#[test]
fn a_condition_holds_a_statement_to_tagged_resources() {
    let condition = |values: &[&str]| TagCondition {
        key: "team".to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let with = |condition| Policy {
        statements: vec![Statement { tags: vec![condition], ..statement(Effect::Allow, "*", "*") }],
    };
    let (web, other) = (tags(&[("team", "web"), ("x", "y")]), tags(&[("team", "db")]));
    for (policy, expected) in [
        (with(condition(&["web", "app"])), [None, Some(false), Some(false)]),
        (with(condition(&[])), [None, None, Some(false)]),
    ] {
        let decisions =
            [&web, &other, &tags(&[])].map(|tags| denied(&policy, "eci:DeleteImageCache", ONE, tags));
        assert_eq!(decisions, expected);
    }
}

#[test]
fn the_presets() {
    let none = tags(&[]);
    for name in OperationName::ALL {
        let action = format!("eci:{name}");
        assert_eq!(denied(&Policy::full_access(), &action, ONE, &none), None);
        let reads = name.as_str().starts_with("Describe") || name.as_str().starts_with("List");
        assert_eq!(denied(&Policy::read_only(), &action, ONE, &none), (!reads).then_some(false), "{name}");
    }
}

#[test]
fn the_names_of_requests() {
    for (operation, given, expected) in [
        (
            OperationName::CreateImageCache,
            &[("ImageCacheName", "web"), ("Image.1", "a")][..],
            &["acs:eci:r:alice:imagecache/*"][..],
        ),
        (OperationName::DescribeImageCaches, &[], &["acs:eci:r:alice:imagecache/*"]),
        (
            OperationName::DescribeImageCaches,
            &[("ImageCacheId", "imc-1")],
            &["acs:eci:r:alice:imagecache/imc-1"],
        ),
        (
            OperationName::DeleteImageCache,
            &[("ImageCacheId", "imc-1")],
            &["acs:eci:r:alice:imagecache/imc-1"],
        ),
        (
            OperationName::UpdateImageCache,
            &[("ImageCacheId", "imc-1")],
            &["acs:eci:r:alice:imagecache/imc-1"],
        ),
        (
            OperationName::DescribeContainerGroups,
            &[("ContainerGroupIds", "[\"eci-1\",\"eci-2\"]")],
            &["acs:eci:r:alice:containergroup/eci-1", "acs:eci:r:alice:containergroup/eci-2"],
        ),
        (OperationName::DescribeContainerGroupStatus, &[], &["acs:eci:r:alice:containergroup/*"]),
        (OperationName::ListUsage, &[], &["*"]),
        (OperationName::DescribeRegions, &[], &["*"]),
        (
            OperationName::TagResources,
            &[("ResourceType", "ImageCache"), ("ResourceId.1", "imc-1"), ("Tag.1.Key", "k")],
            &["acs:eci:r:alice:imagecache/imc-1"],
        ),
        (
            OperationName::ListTagResources,
            &[("ResourceType", "ContainerGroup")],
            &["acs:eci:r:alice:containergroup/*"],
        ),
    ] {
        let given = given.iter().copied().chain([("RegionId", "r")]);
        let operation = Operation::read(operation, &Fields::of(&Tree::of(given))).unwrap();
        let requests = access_requests(&operation, "alice");
        assert!(requests.iter().all(|request| request.action == format!("eci:{}", operation.name())));
        let resources: Vec<&str> = requests.iter().map(|request| request.resource.as_str()).collect();
        assert_eq!(resources, expected);
    }
}

/// The plain definition, in exponential time.
fn stands_for(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        (['*', pattern @ ..], text) => (0..=text.len()).any(|skipped| stands_for(pattern, &text[skipped..])),
        ([first, pattern @ ..], [same, text @ ..]) => first == same && stands_for(pattern, text),
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_pattern_matches_as_it_is_defined(pattern in "[ab*]{0,8}", text in "[ab]{0,8}") {
        let characters = |text: &str| text.chars().collect::<Vec<_>>();
        let expected = stands_for(&characters(&pattern), &characters(&text));
        prop_assert_eq!(Pattern::new(&pattern).matches(&text), expected);
    }
}

#[test]
fn a_pattern_of_many_stars_takes_no_time() {
    assert!(!Pattern::new(&"*a".repeat(10_000)).matches(&"ab".repeat(9_000)));
}
