//! The written record: decisions are numbered once, and the documents that must exist do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const MUST_EXIST: &[&str] =
    &["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "deny.toml", ".ci/run"];

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings: Vec<String> = MUST_EXIST
        .iter()
        .filter(|path| !root.join(path).is_file())
        .map(|path| format!("records: {path} is missing"))
        .collect();
    findings.extend(decisions(root, files)?);
    findings.extend(commands(root)?);
    Ok(findings)
}

fn decisions(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut by_number: BTreeMap<String, &Path> = BTreeMap::new();
    for path in files
        .iter()
        .filter(|path| path.starts_with("docs/adr") && path.extension().is_some_and(|e| e == "md"))
    {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number: String = name.chars().take(4).collect();
        if !number.bytes().all(|b| b.is_ascii_digit()) || number.len() != 4 {
            findings.push(format!("records: {} does not begin with a number of four digits", path.display()));
        } else if let Some(other) = by_number.insert(number, path) {
            findings.push(format!("records: {} has the number of {}", path.display(), other.display()));
        }
        let text = std::fs::read_to_string(root.join(path))
            .with_context(|| format!("failed to read {}", path.display()))?;
        if !text.contains("Status:") {
            findings.push(format!("records: {} does not state its status", path.display()));
        }
    }
    Ok(findings)
}

/// The README's two commands, and that what lands is tested by the second.
fn commands(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for (path, words) in [("README.md", ["make run", "make test"].as_slice()), (".ci/run", &["make test"])] {
        let text =
            std::fs::read_to_string(root.join(path)).with_context(|| format!("failed to read {path}"))?;
        let missing = words.iter().filter(|word| !text.contains(**word));
        findings.extend(missing.map(|word| format!("records: {path} does not name `{word}`")));
    }
    Ok(findings)
}
