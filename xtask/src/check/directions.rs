//! Arrows only downward: which crate may name which, and who must stay free of an async runtime.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Each crate and the crates of the house that it may name. `testkit` may be anybody's dev-dependency.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("erofs", &[]),
    ("inflate", &[]),
    ("settings", &["model"]),
    ("secrets", &["model"]),
    ("trust", &[]),
    ("layer", &["model", "erofs", "inflate"]),
    ("registry", &["model", "trust"]),
    ("blobstore", &["model"]),
    ("wire", &["model"]),
    ("clouds", &["model"]),
    ("metastore", &["model"]),
    ("engine", &["model", "layer", "registry", "blobstore", "metastore"]),
    ("node", &["model", "erofs", "blobstore"]),
    ("api", &["model", "wire", "clouds", "registry", "blobstore", "metastore", "engine"]),
    ("client", &["model", "wire", "trust"]),
    (
        "cli",
        &[
            "model",
            "erofs",
            "layer",
            "registry",
            "blobstore",
            "metastore",
            "engine",
            "node",
            "settings",
            "secrets",
            "wire",
            "api",
            "client",
        ],
    ),
    ("testkit", &["model"]),
    ("xtask", &[]),
];

/// What tests may lean on beyond that: the two ends of one wire are tried against each other.
const TESTS_MAY_NAME: &[(&str, &str)] = &[("api", "client")];

/// Crates that no async runtime may reach, not even through others.
const WITHOUT_TOKIO: &[&str] =
    &["model", "erofs", "inflate", "layer", "clouds", "settings", "secrets", "trust"];

/// Crates of the registry that belong to one room alone.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sqlx", &["metastore"]),
    ("libcontainer", &["node"]),
    ("kube", &["kube-operator"]),
    ("opentelemetry", &["cli"]),
    ("opentelemetry_sdk", &["cli"]),
    ("opentelemetry-otlp", &["cli"]),
    ("tracing-opentelemetry", &["cli"]),
    ("reqwest", &["registry", "client"]),
    ("axum", &["api"]),
    ("utoipa", &["wire", "api"]),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
    workspace_members: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let metadata = metadata(root)?;
    let members: Vec<&Package> =
        metadata.packages.iter().filter(|package| metadata.workspace_members.contains(&package.id)).collect();
    let mut findings = Vec::new();
    for package in &members {
        findings.extend(upward_arrows(package, &members));
        findings.extend(strangers(package));
    }
    findings.extend(tokio_below(&metadata, &members));
    Ok(findings)
}

fn metadata(root: &Path) -> Result<Metadata> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()
        .context("failed to run cargo metadata")?;
    anyhow::ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("failed to read what cargo metadata says")
}

fn upward_arrows(package: &Package, members: &[&Package]) -> Vec<String> {
    let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == package.name) else {
        return vec![format!(
            "directions: the crate `{}` stands in no row of the table in xtask/src/check/directions.rs",
            package.name
        )];
    };
    let own: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let named = package.dependencies.iter().filter(|dependency| own.contains(dependency.name.as_str()));
    named
        .filter(|dependency| !allowed.contains(&dependency.name.as_str()))
        // Tests may lean on the parts made for tests, and a crate's on itself with a feature.
        .filter(|dependency| {
            let for_tests = dependency.kind.as_deref() == Some("dev");
            let pair = (package.name.as_str(), dependency.name.as_str());
            let is_for_all = dependency.name == "testkit" || dependency.name == package.name;
            !(for_tests && (is_for_all || TESTS_MAY_NAME.contains(&pair)))
        })
        .map(|dependency| format!("directions: `{}` must not name `{}`", package.name, dependency.name))
        .collect()
}

fn strangers(package: &Package) -> Vec<String> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind.is_none());
    normal
        .filter_map(|dependency| {
            let (_, rooms) = ONLY_IN.iter().find(|(name, _)| *name == dependency.name)?;
            (!rooms.contains(&package.name.as_str()) && package.name != "testkit").then(|| {
                format!(
                    "directions: `{}` belongs to {} alone, `{}` names it",
                    dependency.name,
                    rooms.join(", "),
                    package.name
                )
            })
        })
        .collect()
}

fn tokio_below(metadata: &Metadata, members: &[&Package]) -> Vec<String> {
    let names: BTreeMap<&str, &str> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package.name.as_str())).collect();
    let edges: BTreeMap<&str, &Vec<Edge>> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), &node.deps)).collect();
    let reaches_tokio = |start: &str| {
        let mut seen = BTreeSet::new();
        let mut queue = vec![start];
        while let Some(id) = queue.pop() {
            if names.get(id) == Some(&"tokio") {
                return true;
            }
            if !seen.insert(id) {
                continue;
            }
            let normal = edges.get(id).into_iter().flat_map(|deps| deps.iter());
            queue.extend(
                normal
                    .filter(|edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none()))
                    .map(|edge| edge.pkg.as_str()),
            );
        }
        false
    };
    members
        .iter()
        .filter(|package| WITHOUT_TOKIO.contains(&package.name.as_str()))
        .filter(|package| reaches_tokio(&package.id))
        .map(|package| format!("directions: `{}` reaches tokio; it must stay synchronous", package.name))
        .collect()
}
