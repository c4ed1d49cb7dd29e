//! The rules, one file for each concern. Each gives findings, a line each, and never stops at the first.

mod book;
mod directions;
mod golden;
mod records;
mod sizes;
mod words;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// Runs every rule over the checkout that this program was built from.
pub(crate) fn run() -> Result<Vec<String>> {
    let root = root()?;
    let files = tracked_files(&root)?;
    let mut findings = directions::check(&root)?;
    findings.extend(words::check(&root, &files)?);
    findings.extend(sizes::check(&root, &files)?);
    findings.extend(golden::check(&files));
    findings.extend(records::check(&root, &files)?);
    findings.extend(book::check(&root, &files)?);
    Ok(findings)
}

fn root() -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map(Path::to_path_buf).context("failed to find the workspace above xtask")
}

/// Paths that git tracks or would track, relative to the root.
fn tracked_files(root: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("failed to run git ls-files")?;
    anyhow::ensure!(
        output.status.success(),
        "git ls-files failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let listing = String::from_utf8(output.stdout).context("failed to read the names that git lists")?;
    Ok(listing.lines().map(PathBuf::from).filter(|path| root.join(path).is_file()).collect())
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

/// The crate's folder name where the path is source of a crate: `crates/NAME/src/...`.
fn crate_of_source(path: &Path) -> Option<String> {
    let mut parts = path.components().map(|part| part.as_os_str().to_string_lossy());
    match (parts.next().as_deref(), parts.next(), parts.next().as_deref()) {
        (Some("crates"), Some(name), Some("src")) => Some(name.into_owned()),
        _ => None,
    }
}
