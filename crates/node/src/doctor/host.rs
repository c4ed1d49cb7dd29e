//! Facts that are read off.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

use super::Check;
use crate::runtime::find_program;
use crate::{mount_table, require_root};

/// Kernels from this one on mount EROFS from a file, and from that one on tell us of reads.
const FILE_MOUNTS: (u32, u32) = (6, 12);
const PRE_CONTENT: (u32, u32) = (6, 14);
/// Descriptors that hundreds of mounts and a build want.
const ENOUGH_DESCRIPTORS: u64 = 4096;

fn release() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

/// Major and minor of a kernel's release.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

pub(super) fn kernel() -> Check {
    let release = release();
    match version(&release) {
        Some(found) if found >= FILE_MOUNTS => Check::ok("kernel", release),
        _ => Check::warn(
            "kernel",
            release,
            "before Linux 6.12 every layer in use needs a loop device; it works, a little slower",
        ),
    }
}

pub(super) fn privilege() -> Check {
    match require_root("start instances") {
        Ok(()) => Check::ok("privilege", "root with CAP_SYS_ADMIN"),
        Err(error) => Check::fail("privilege", "no right to mount", error.to_string()),
    }
}

pub(super) fn data_directory(data_dir: &Path) -> Check {
    let there = data_dir.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let there = there.canonicalize().unwrap_or_else(|_| there.to_owned());
    if !there.is_dir() {
        let found = format!("{} cannot be made: {} is no directory", data_dir.display(), there.display());
        return Check::fail("data-dir", found, "name another with `--data-dir DIR` or IMC_DATA_DIR");
    }
    let table = mount_table::read().unwrap_or_default();
    let kind = mount_table::mount_of(&table, &there).map_or_else(|| "unknown".to_owned(), |mount| mount.kind);
    let found = format!("{} on {kind}", data_dir.display());
    match kind.as_str() {
        "tmpfs" | "ramfs" => {
            Check::warn("data-dir", found, "it is in memory: caches are gone after a restart")
        }
        "overlay" => Check::fail(
            "data-dir",
            found,
            "overlayfs cannot have its writable layer on overlayfs: put the data directory on a disk or a volume",
        ),
        "nfs" | "nfs4" | "cifs" | "9p" => Check::warn(
            "data-dir",
            found,
            "overlayfs refuses a writable layer on most network file systems: put the data directory on a local disk",
        ),
        _ => Check::ok("data-dir", found),
    }
}

pub(super) fn cgroups() -> Check {
    let root = Path::new("/sys/fs/cgroup");
    let unified = root.join("cgroup.controllers").exists();
    let v1 = root.join("memory").is_dir() || root.join("cpu").is_dir();
    let place: PathBuf = if unified { root.to_owned() } else { root.join("memory") };
    let writable = rustix::fs::access(&place, rustix::fs::Access::WRITE_OK).is_ok();
    match (unified, v1, writable) {
        (true, _, true) => Check::warn(
            "cgroups",
            "v2, writable",
            "limits work; the embedded runtime cannot enforce device rules under v2, so its instances may make no device \
             nodes: `--runtime runc` allows them",
        ),
        (false, true, true) => Check::ok("cgroups", "v1, writable"),
        (false, false, _) => {
            Check::fail("cgroups", "none", "mount the cgroup file systems below /sys/fs/cgroup")
        }
        _ => Check::fail(
            "cgroups",
            "not writable",
            "containers need a cgroup of their own: run as root on the host",
        ),
    }
}

pub(super) fn seccomp() -> Check {
    let actions = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    if actions.split_whitespace().any(|action| action == "errno") {
        Check::ok("seccomp", "filters are available")
    } else {
        Check::fail(
            "seccomp",
            "no filters",
            "the kernel lacks CONFIG_SECCOMP_FILTER, and no instance starts without",
        )
    }
}

pub(super) fn lazy_fill() -> Check {
    let release = release();
    match version(&release) {
        Some(found) if found >= PRE_CONTENT => {
            Check::ok("fanotify-pre-content", "the kernel's version has it; not used by this version")
        }
        _ => Check::warn(
            "fanotify-pre-content",
            format!("not in Linux {release}"),
            "starting before all data is there will need Linux 6.14; nothing of this version does",
        ),
    }
}

pub(super) fn descriptors() -> Check {
    let limit = getrlimit(Resource::Nofile).current;
    let found = limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    if limit.is_none_or(|limit| limit >= ENOUGH_DESCRIPTORS) {
        Check::ok("open-files", found)
    } else {
        Check::warn(
            "open-files",
            found,
            "builds of many layers may run out of descriptors: `ulimit -n 4096` or more",
        )
    }
}

pub(super) fn runtimes() -> Check {
    let installed = ["runc", "crun"].iter().filter_map(|name| find_program(Path::new(name)));
    let mut found = "embedded".to_owned();
    for program in installed {
        found.push_str(&format!(", {}", program.display()));
    }
    Check::ok("runtimes", found)
}

pub(super) fn writable_limit(data_dir: &Path) -> Check {
    let there = data_dir.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let there = there.canonicalize().unwrap_or_else(|_| there.to_owned());
    match crate::upper::probe(&there) {
        Err(reason) => Check::warn(
            "writable-limit",
            reason,
            "an instance's writable layer is not limited to its cache's size",
        ),
        Ok(()) => Check::ok("writable-limit", "project quotas are enforced"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_compared_by_number() {
        assert_eq!(version("6.18.44-fc-v669"), Some((6, 18)));
        assert_eq!(version("6.1.0-37-amd64"), Some((6, 1)));
        assert!(version("6.9.1") < Some(FILE_MOUNTS));
        assert_eq!(version("weird"), None);
    }
}
