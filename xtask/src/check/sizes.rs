//! Small files: a cap for each, and the median and ninth decile of all.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::is_rust;

const CAP: usize = 600;
const P90: usize = 350;
const MEDIAN: usize = 180;

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut sizes = Vec::new();
    for path in files.iter().filter(|path| is_rust(path)) {
        let text = std::fs::read_to_string(root.join(path))
            .with_context(|| format!("failed to read {}", path.display()))?;
        let lines = text.lines().count();
        sizes.push(lines);
        if lines > CAP {
            findings.push(format!("sizes: {} has {lines} lines; the cap is {CAP}", path.display()));
        }
    }
    sizes.sort_unstable();
    let at = |percent: usize| sizes.get(sizes.len() * percent / 100).copied().unwrap_or(0);
    for (percent, most) in [(50, MEDIAN), (90, P90)] {
        if at(percent) > most {
            findings.push(format!(
                "sizes: {percent} % of the files have up to {} lines; {most} is wanted",
                at(percent)
            ));
        }
    }
    Ok(findings)
}
