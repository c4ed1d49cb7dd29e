//! Calls that belong to one place: mounting, SQL, HTTP status.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{crate_of_source, is_rust};

struct Rule {
    /// Texts that give the call away.
    words: &'static [&'static str],
    /// Folders (below `crates/`) where it may stand.
    only_below: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        words: &["rustix::mount", "fsopen(", "fsmount(", "move_mount(", "libc::mount", "fanotify_init"],
        only_below: &["node/src"],
        why: "mount and fanotify calls live in `node`",
    },
    Rule {
        words: &["SELECT ", "INSERT INTO", "DELETE FROM"],
        only_below: &["metastore/src"],
        why: "SQL lives in `metastore`",
    },
    Rule {
        words: &["StatusCode"],
        only_below: &["api/src", "registry/src", "client/src", "testkit/src"],
        why: "no HTTP status below the edges that speak HTTP",
    },
    Rule {
        words: &["kube::", "k8s_openapi::"],
        only_below: &["kube-operator/src"],
        why: "Kubernetes lives in `kube-operator`",
    },
];

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in files.iter().filter(|path| is_rust(path) && crate_of_source(path).is_some()) {
        let text = std::fs::read_to_string(root.join(path))
            .with_context(|| format!("failed to read {}", path.display()))?;
        let below_crates = path.strip_prefix("crates").unwrap_or(path);
        for rule in
            RULES.iter().filter(|rule| !rule.only_below.iter().any(|place| below_crates.starts_with(place)))
        {
            let hits = text.lines().enumerate().filter(|(_, line)| {
                let code = line.trim_start();
                !code.starts_with("//") && rule.words.iter().any(|word| code.contains(word))
            });
            findings.extend(
                hits.map(|(index, _)| format!("words: {}:{}: {}", path.display(), index + 1, rule.why)),
            );
        }
    }
    Ok(findings)
}
