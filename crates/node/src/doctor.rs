//! What works on this machine and what not, found out by trying.

mod host;
mod mounting;

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

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, result: CheckResult::Ok, found: found.into(), advice: String::new() }
    }

    fn warn(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, result: CheckResult::Warn, found: found.into(), advice: advice.into() }
    }

    fn fail(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, result: CheckResult::Fail, found: found.into(), advice: advice.into() }
    }
}

/// Finds out what works here. Tries real mounts in a directory of its own below `data_dir` where the process is root;
/// leaves nothing behind.
#[must_use]
pub fn probe(data_dir: &Path) -> Vec<Check> {
    let mut checks = vec![host::kernel(), host::privilege(), host::data_directory(data_dir)];
    checks.extend(mounting::checks(data_dir));
    checks.extend([
        host::cgroups(),
        host::seccomp(),
        host::lazy_fill(),
        host::descriptors(),
        host::runtimes(),
        host::writable_limit(data_dir),
    ]);
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_that_is_not_well_says_what_to_do() {
        let data = testkit::data_dir();
        let checks = probe(data.path());
        let mut names: Vec<&str> = checks.iter().map(|check| check.name).collect();
        for check in &checks {
            assert!(!check.found.is_empty(), "{check:?}");
            assert_eq!(check.advice.is_empty(), check.result == CheckResult::Ok, "{check:?}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), checks.len());
        assert!(std::fs::read_dir(data.path()).unwrap().next().is_none(), "something was left behind");
        testkit::assert_no_mounts_left(data.path());
    }

    #[test]
    fn where_tests_may_mount_the_mounts_work() {
        if !testkit::privileged() {
            return;
        }
        let data = testkit::data_dir();
        for check in probe(data.path()) {
            if matches!(check.name, "privilege" | "erofs-file-mount" | "overlayfs" | "loop-device") {
                assert_eq!(check.result, CheckResult::Ok, "{check:?}");
            }
        }
    }
}
