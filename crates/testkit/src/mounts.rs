//! What is mounted below a folder.

use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::{ffi::OsString, fs};

/// The mount points at or below `folder`, in the order of mounting.
#[must_use]
pub fn mounts_below(folder: &Path) -> Vec<PathBuf> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let table = fs::read("/proc/self/mountinfo").expect("/proc is mounted");
    mount_points(&table).filter(|point| point.starts_with(&folder)).collect()
}

/// Fails the test where anything is still mounted at or below `folder`.
///
/// # Panics
///
/// Names the mount points that were left.
pub fn assert_no_mounts_left(folder: &Path) {
    let left = mounts_below(folder);
    assert!(left.is_empty(), "mounts left below {}: {left:?}", folder.display());
}

/// Source: proc_pid_mountinfo(5): the fifth field, with blanks and the like as three octal digits.
fn mount_points(table: &[u8]) -> impl Iterator<Item = PathBuf> {
    table
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b' ').nth(4))
        .map(|field| PathBuf::from(OsString::from_vec(unescape(field))))
}

fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        let octal = tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(value) if byte == b'\\' => {
                plain.push(value);
                rest = &tail[3..];
            }
            _ => {
                plain.push(byte);
                rest = tail;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_in_a_mount_point_is_read_back() {
        let table =
            b"36 35 98:0 / /mnt/a\\040b rw - ext3 /dev/root rw\n37 35 0:5 / /proc rw - proc proc rw\n";
        let points: Vec<_> = mount_points(table).collect();
        assert_eq!(points, [PathBuf::from("/mnt/a b"), PathBuf::from("/proc")]);
    }

    #[test]
    fn the_root_holds_mounts_and_a_new_folder_none() {
        assert!(!mounts_below(Path::new("/")).is_empty());
        assert_no_mounts_left(crate::data_dir().path());
    }
}
