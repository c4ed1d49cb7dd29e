//! Every parameter that the cloud's own SDK can send has a row in the table: none is ignored in silence.
//!
//! The list is written by `scripts/interop/parameters.py` of the SDK that is pinned there, and `scripts/e2e/60-clouds.sh` holds it against
//! that SDK.

use std::collections::BTreeSet;

use clouds::alibaba::PARAMETERS;

const LIST: &str = include_str!("sdk/parameters.txt");

/// Of the gateway, in every request: the reference has them ignored.
const COMMON: [&str; 4] = ["OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId"];

#[test]
fn every_parameter_of_the_sdk_has_a_row() {
    let rows: BTreeSet<(String, &str)> =
        PARAMETERS.iter().map(|(operation, name, _)| (operation.to_string(), *name)).collect();
    let (mut operation, mut missing, mut known) = (String::new(), Vec::new(), 0);
    for line in LIST.lines() {
        match line.strip_prefix("## ") {
            Some(name) => name.clone_into(&mut operation),
            None if COMMON.contains(&line) => {}
            None if rows.contains(&(operation.clone(), line)) => known += 1,
            None => missing.push(format!("{operation} {line}")),
        }
    }
    assert_eq!(missing, [""; 0]);
    assert!(known > 300, "{known}");
}
