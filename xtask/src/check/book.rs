//! The book in `docs/`: whole, with links that lead somewhere, and true to the program where it quotes it.

mod links;
mod messages;
mod quick_start;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const SUMMARY: &str = "docs/SUMMARY.md";

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = summary(root, files)?;
    findings.extend(links::check(root, files)?);
    findings.extend(messages::check(root, files)?);
    findings.extend(quick_start::check(root)?);
    Ok(findings)
}

/// Every page is in the summary: mdBook leaves the others out.
fn summary(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let summary = read(root, Path::new(SUMMARY))?;
    let named: Vec<PathBuf> = links::targets(&summary)
        .into_iter()
        .filter_map(|target| links::resolve(Path::new(SUMMARY), target))
        .collect();
    let pages = files.iter().filter(|path| is_page(path) && **path != Path::new(SUMMARY));
    let missing = pages.filter(|path| !named.contains(path));
    Ok(missing.map(|path| format!("book: {SUMMARY} does not have {}", path.display())).collect())
}

/// Whether it is text of the book.
fn is_page(path: &Path) -> bool {
    path.starts_with("docs") && path.extension().is_some_and(|extension| extension == "md")
}

fn read(root: &Path, path: &Path) -> Result<String> {
    std::fs::read_to_string(root.join(path)).with_context(|| format!("failed to read {}", path.display()))
}
