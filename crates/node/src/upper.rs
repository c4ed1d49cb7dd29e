//! How much an instance may write: a limit by the file system, where it can.

use std::fs;
use std::path::{Path, PathBuf};

use model::ByteSize;

use crate::UpperLimit;

/// Limits what may be written below an instance's directory.
pub(crate) fn limit(directory: &Path, size: Option<ByteSize>) -> UpperLimit {
    let Some(size) = size else { return UpperLimit::NotAsked };
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let reason = match mount_of(&table, directory) {
        Some(mount) if mount.has_project_quota() => {
            format!("project quotas of {} are not set by this version", mount.kind)
        }
        Some(mount) => format!(
            "{} at {} is mounted without project quotas (prjquota), so the instance may write more than {size}",
            mount.kind,
            mount.point.display()
        ),
        None => "the file system of the data directory was not found".to_owned(),
    };
    UpperLimit::NotEnforced(reason)
}

/// A file system as the mount table has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MountEntry {
    pub(crate) point: PathBuf,
    pub(crate) kind: String,
    options: String,
}

impl MountEntry {
    /// Source: ext4(5) and xfs(5), mount options.
    pub(crate) fn has_project_quota(&self) -> bool {
        self.options.split(',').any(|option| matches!(option, "prjquota" | "pquota"))
    }
}

/// The mount that a path lies on. Source: proc_pid_mountinfo(5).
pub(crate) fn mount_of(table: &str, path: &Path) -> Option<MountEntry> {
    let entries = table.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let point = PathBuf::from(left.split(' ').nth(4)?.replace("\\040", " "));
        let mut fields = right.split(' ');
        let kind = fields.next()?.to_owned();
        let options = fields.nth(1).unwrap_or_default().to_owned();
        path.starts_with(&point).then_some(MountEntry { point, kind, options })
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
        assert!(mount.has_project_quota());
        let root = mount_of(TABLE, Path::new("/var/library")).unwrap();
        assert_eq!((root.kind.as_str(), root.has_project_quota()), ("ext4", false));
        assert_eq!(mount_of(TABLE, Path::new("/mnt/a b/c")).unwrap().point, Path::new("/mnt/a b"));
    }

    #[test]
    fn no_limit_asked_is_not_a_limit_missed() {
        assert_eq!(limit(Path::new("/"), None), UpperLimit::NotAsked);
        assert!(matches!(limit(Path::new("/proc"), Some(ByteSize::gib(1))), UpperLimit::NotEnforced(_)));
    }
}
