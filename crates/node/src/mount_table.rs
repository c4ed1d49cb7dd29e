//! What is mounted where, as this process sees it. Source: proc_pid_mountinfo(5).

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A file system as the mount table has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MountEntry {
    pub(crate) point: PathBuf,
    pub(crate) kind: String,
    /// Whether nothing can be written by this mount of it.
    pub(crate) read_only: bool,
}

/// The table of now.
pub(crate) fn read() -> io::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read("/proc/self/mountinfo")?).into_owned())
}

/// The mounts of a table, in the order in which they were made.
pub(crate) fn entries(table: &str) -> impl Iterator<Item = MountEntry> {
    table.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut fields = left.split(' ').skip(4);
        let (point, options) = fields.next().zip(fields.next())?;
        let kind = right.split(' ').next()?.to_owned();
        let read_only = options.split(',').any(|option| option == "ro");
        Some(MountEntry { point: unescaped(point), kind, read_only })
    })
}

/// The mount that a path lies on.
pub(crate) fn mount_of(table: &str, path: &Path) -> Option<MountEntry> {
    // Of two at the same point the later one covers the earlier.
    entries(table)
        .filter(|entry| path.starts_with(&entry.point))
        .max_by_key(|entry| entry.point.components().count())
}

/// The kernel writes blanks, tabs, line ends and backslashes as three octal digits.
fn unescaped(path: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                bytes.push(byte);
                rest = &behind[3..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n\
        30 22 0:30 / /var/lib rw - tmpfs tmpfs rw\n\
        31 22 254:1 / /var/lib rw shared:9 - xfs /dev/vdb rw,prjquota\n\
        32 22 254:2 / /mnt/a\\040b\\134 ro,nosuid - ext4 /dev/vdc rw\n";

    #[test]
    fn the_innermost_and_latest_mount_counts() {
        let mount = mount_of(TABLE, Path::new("/var/lib/imc")).unwrap();
        assert_eq!(mount.kind, "xfs");
        let root = mount_of(TABLE, Path::new("/var/library")).unwrap();
        assert_eq!((root.kind.as_str(), root.point.as_path()), ("ext4", Path::new("/")));
        let escaped = mount_of(TABLE, Path::new("/mnt/a b\\/c")).unwrap();
        assert_eq!((escaped.point.as_path(), escaped.read_only), (Path::new("/mnt/a b\\"), true));
        assert!(!root.read_only);
    }
}
