//! The table and the parsers know the same parameters.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::alibaba::parameters::{Fields, Tree, asked};
use crate::alibaba::request::Operation;

/// One of these fits any parameter.
const VALUES: [&str; 16] = [
    "web",
    "1",
    "60",
    "true",
    "Linux",
    "AMD64",
    "Always",
    "TCP",
    "Default",
    "Memory",
    "EciService",
    "Running",
    "imc",
    "10.0.0.1",
    "/data",
    "status.podIP",
];

const MORE_VALUES: [&str; 5] = ["[\"eci-1\"]", "ImageCache", "EmptyDirVolume", "2026-11-21T17:03:24Z", "LRU"];

fn numbered(name: &str) -> String {
    let parts = name.split('.').map(|part| if matches!(part, "N" | "M" | "O") { "1" } else { part });
    parts.collect::<Vec<_>>().join(".")
}

fn rows(operation: OperationName) -> impl Iterator<Item = &'static str> {
    PARAMETERS.iter().filter(move |row| row.0 == operation).map(|row| row.1)
}

fn read(operation: OperationName, given: &BTreeMap<String, String>) -> Result<Operation, String> {
    let tree = Tree::of(given.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Operation::read(operation, &Fields::of(&tree)).map_err(|refusal| refusal.message().into_owned())
}

/// Gives every parameter of the table a value that is taken, where one excludes another in turn, and says which were asked for.
fn everything(operation: OperationName) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let volumes =
        ["EmptyDirVolume", "NFSVolume", "ConfigFileVolume", "DiskVolume", "FlexVolume", "HostPathVolume"];
    let probes = ["HttpGet", "Exec", "TcpSocket"];
    for (at, volume) in volumes.into_iter().enumerate() {
        let probe = probes[at % probes.len()];
        let other = |name: &str| {
            volumes.iter().any(|known| name.contains(known) && *known != volume)
                || name.contains("Probe.")
                    && probes.iter().any(|known| name.contains(known) && *known != probe)
                || name.contains("EnvironmentVar.M.Value")
        };
        let mut given: BTreeMap<String, String> = rows(operation)
            .filter(|name| !other(name))
            .map(|name| (numbered(name), if name == "Volume.N.Type" { volume } else { "web" }.to_owned()))
            .collect();
        if let Some(name) = given.get_mut("InitContainer.1.Name") {
            *name = "init".to_owned();
        }
        while let Err(message) = read(operation, &given) {
            let name =
                message.split('"').nth(1).unwrap_or_else(|| panic!("{operation}: {message}")).to_owned();
            let value = given.get_mut(&name).unwrap_or_else(|| panic!("{operation}: {message}"));
            let mut values = VALUES.iter().chain(&MORE_VALUES).skip_while(|known| **known != value.as_str());
            *value =
                (*values.nth(1).unwrap_or_else(|| panic!("no value for {name} of {operation}"))).to_owned();
        }
        all.extend(asked::take());
    }
    all
}

#[test]
fn every_row_is_read_and_everything_read_has_a_row() {
    for operation in OperationName::ALL.iter().copied() {
        let table: BTreeSet<String> = rows(operation).map(ToOwned::to_owned).collect();
        assert_eq!(everything(operation), table, "{operation}");
        assert_eq!(rows(operation).count(), table.len(), "{operation} has a row twice");
    }
}
