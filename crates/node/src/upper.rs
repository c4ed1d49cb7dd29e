//! How much an instance may write: a limit by the file system, where it can.

use std::fs;
use std::path::{Path, PathBuf};

use model::ByteSize;

use crate::layout::InstanceDir;
use crate::{UpperLimit, quota};

/// Limits what the instance may write: its upper and work directories, which must be empty still. The lock of the
/// instances must be held.
pub(crate) fn limit(dir: &InstanceDir, size: Option<ByteSize>) -> UpperLimit {
    let Some(size) = size else { return UpperLimit::NotAsked };
    match quota::limit([&dir.upper(), &dir.work()], size) {
        Ok(()) => UpperLimit::Enforced,
        Err(error) => {
            let why = explain(dir.path(), &error);
            UpperLimit::NotEnforced(format!("{why}, so the instance may write more than {size}"))
        }
    }
}

/// Whether a limit would hold in that directory, and if not, why.
pub(crate) fn probe(directory: &Path) -> Result<(), String> {
    quota::probe(directory).map_err(|error| explain(directory, &error))
}

fn explain(directory: &Path, error: &quota::QuotaError) -> String {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let place = mount_of(&table, directory).map_or_else(
        || "the file system of the data directory".to_owned(),
        |mount| format!("{} at {}", mount.kind, mount.point.display()),
    );
    let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
    format!("{place}: {error}{cause}")
}

/// A file system as the mount table has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MountEntry {
    pub(crate) point: PathBuf,
    pub(crate) kind: String,
}

/// The mount that a path lies on. Source: proc_pid_mountinfo(5).
pub(crate) fn mount_of(table: &str, path: &Path) -> Option<MountEntry> {
    let entries = table.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let point = PathBuf::from(left.split(' ').nth(4)?.replace("\\040", " "));
        let kind = right.split(' ').next()?.to_owned();
        path.starts_with(&point).then_some(MountEntry { point, kind })
    });
    // Of two at the same point the later one covers the earlier.
    entries.max_by_key(|entry| entry.point.components().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n\
        30 22 0:30 / /var/lib rw - tmpfs tmpfs rw\n\
        31 22 254:1 / /var/lib rw - xfs /dev/vdb rw,prjquota\n\
        32 22 254:2 / /mnt/a\\040b rw - ext4 /dev/vdc rw\n";

    #[test]
    fn the_innermost_and_latest_mount_counts() {
        let mount = mount_of(TABLE, Path::new("/var/lib/imc")).unwrap();
        assert_eq!(mount.kind, "xfs");
        let root = mount_of(TABLE, Path::new("/var/library")).unwrap();
        assert_eq!((root.kind.as_str(), root.point.as_path()), ("ext4", Path::new("/")));
        assert_eq!(mount_of(TABLE, Path::new("/mnt/a b/c")).unwrap().point, Path::new("/mnt/a b"));
    }

    #[test]
    fn a_file_system_without_quotas_is_named() {
        let reason = probe(Path::new("/proc")).unwrap_err();
        assert!(reason.starts_with("proc at /proc: it has no quotas"), "{reason}");
    }
}
