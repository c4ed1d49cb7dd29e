//! Control groups of instances: where they lie, and how they go.
//!
//! They are found by the instance's id alone and never by what a runtime noted, so that they go after a restart of the
//! machine or a death in the middle of a start as well. Those of a container group's instances lie below one of that
//! group's, which holds what they may take together.

mod shared;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::{GroupId, InstanceId};
use rustix::fs::statfs;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::mount_table::{self, MountEntry};

pub(crate) use shared::SharedLimits;

/// Where Linux keeps the hierarchies.
const ROOT: &str = "/sys/fs/cgroup";
/// After how long a group is tried again whose killed processes have not gone yet.
const PAUSE: Duration = Duration::from_millis(20);

/// Source: the kernel's include/uapi/linux/magic.h.
const CGROUP2_MAGIC: u64 = 0x6367_7270;

/// The group above those of all instances.
pub(crate) const ABOVE: &str = "imc";

/// The group of an instance in every hierarchy, as runtimes take it.
pub(crate) fn path_of(id: InstanceId, group: Option<GroupId>) -> String {
    match group {
        Some(group) => format!("/{ABOVE}/{group}/{id}"),
        None => format!("/{ABOVE}/{id}"),
    }
}

/// Whether cgroup v2 is the only hierarchy.
pub(crate) fn are_unified() -> bool {
    statfs(ROOT).is_ok_and(|found| u64::try_from(found.f_type) == Ok(CGROUP2_MAGIC))
}

/// The directories of the hierarchies of cgroups v1, by name; those that are links to others are left out.
pub(crate) fn v1_hierarchies() -> Vec<String> {
    let entries = fs::read_dir(ROOT).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Ends whatever runs in an instance's groups and removes them, with all that was made below them. Done where they are
/// gone; what has been killed and does not go is waited for no longer than `patience`.
pub(crate) fn remove(id: InstanceId, patience: Duration) -> io::Result<()> {
    remove_all(&groups_of(id)?, patience)
}

/// The same for the groups above those of a container group's instances.
pub(crate) fn remove_shared(id: GroupId, patience: Duration) -> io::Result<()> {
    let groups: Vec<PathBuf> = above()?.into_iter().map(|above| above.join(id.to_string())).collect();
    remove_all(&groups, patience)
}

fn remove_all(groups: &[PathBuf], patience: Duration) -> io::Result<()> {
    let until = Instant::now() + patience;
    groups.iter().for_each(|group| thaw_all(group));
    groups.iter().try_for_each(|group| remove_group(group, until))
}

/// Lets an instance's processes run again where somebody has frozen them: one that is frozen by cgroups v1 does not hear of
/// its end. What stays frozen is seen by who waits for that end.
pub(crate) fn thaw(id: InstanceId) {
    groups_of(id).into_iter().flatten().for_each(|group| thaw_all(&group));
}

/// Where the groups of an instance are, or would be; below one of a container group only where they are.
fn groups_of(id: InstanceId) -> io::Result<Vec<PathBuf>> {
    let name = id.to_string();
    let mut groups = Vec::new();
    for above in above()? {
        let shared = below(&above).into_iter().filter(|group| is_shared(group));
        groups.extend(shared.map(|group| group.join(&name)).filter(|group| group.exists()));
        groups.push(above.join(&name));
    }
    Ok(groups)
}

fn is_shared(group: &Path) -> bool {
    let name = group.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.parse::<GroupId>().is_ok())
}

/// Where the groups above those of all instances are, or would be.
fn above() -> io::Result<Vec<PathBuf>> {
    let table = mount_table::read()?;
    Ok(hierarchies(&table).into_iter().map(|point| point.join(ABOVE)).collect())
}

/// The writable mount points of all hierarchies.
fn hierarchies(table: &str) -> Vec<PathBuf> {
    let is_cgroup = |mount: &MountEntry| matches!(mount.kind.as_str(), "cgroup" | "cgroup2");
    // Where one cannot write one could not have made a group: what there is was made by another mount of the same.
    mount_table::entries(table)
        .filter(|mount| is_cgroup(mount) && !mount.read_only)
        .map(|mount| mount.point)
        .collect()
}

fn remove_group(group: &Path, until: Instant) -> io::Result<()> {
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", group.display()));
    loop {
        match remove_tree(group) {
            Err(error) if is(Errno::BUSY, &error) => {
                end_all(group);
                if Instant::now() >= until {
                    return Err(failed(error));
                }
                std::thread::sleep(PAUSE);
            }
            other => return other.map_err(failed),
        }
    }
}

fn is(errno: Errno, error: &io::Error) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

/// Deepest first, and only directories: a group's files go with it and cannot be removed.
fn remove_tree(group: &Path) -> io::Result<()> {
    match remove_directory(group) {
        // It has groups below it, or processes in it.
        Err(error) if is(Errno::BUSY, &error) => {}
        other => return other,
    }
    below(group).iter().try_for_each(|inner| remove_tree(inner))?;
    remove_directory(group)
}

fn remove_directory(group: &Path) -> io::Result<()> {
    match fs::remove_dir(group) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Said of what is missing as well.
        Err(error) if is(Errno::ROFS, &error) && !group.exists() => Ok(()),
        other => other,
    }
}

fn below(group: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories.map(|entry| entry.path()).collect()
}

fn thaw_all(group: &Path) {
    for (file, word) in [("freezer.state", "THAWED"), ("cgroup.freeze", "0")] {
        let file = group.join(file);
        if file.exists() {
            let _ = fs::write(file, word);
        }
    }
    below(group).iter().for_each(|inner| thaw_all(inner));
}

/// Kills what is in a group and below it. What cannot be killed is seen by the group that does not go.
fn end_all(group: &Path) {
    let members = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    for pid in members.lines().filter_map(|line| line.parse().ok()).filter_map(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
    below(group).iter().for_each(|inner| end_all(inner));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writable_hierarchies_of_both_versions_are_found() {
        let table = "30 22 0:30 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
            31 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu\n\
            32 30 0:32 / /mnt/two rw - cgroup2 none rw\n\
            33 30 0:31 / /mnt/second ro,relatime - cgroup cgroup rw,cpu\n";
        assert_eq!(hierarchies(table), ["/sys/fs/cgroup/cpu,cpuacct", "/mnt/two"].map(PathBuf::from));
    }

    #[test]
    fn a_missing_group_of_a_read_only_hierarchy_is_gone() {
        if !testkit::privileged() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let flags = rustix::mount::MountFlags::RDONLY;
        rustix::mount::mount("tmpfs", folder.path(), "tmpfs", flags, None).unwrap();
        let answer = remove_group(&folder.path().join("imc/absent"), Instant::now());
        let answer = answer.and_then(|()| remove_group(&folder.path().join("absent"), Instant::now()));
        rustix::mount::unmount(folder.path(), rustix::mount::UnmountFlags::empty()).unwrap();
        answer.unwrap();
    }

    /// A group of a fresh instance with a process in a group below it.
    fn occupied(group: Option<GroupId>) -> Option<(InstanceId, PathBuf, std::process::Child)> {
        if !testkit::privileged() {
            return None;
        }
        let table = mount_table::read().unwrap();
        // The cpuset hierarchy wants a set before it takes a process; any other will do.
        let usable = |point: &PathBuf| point.join("tasks").exists() && !point.ends_with("cpuset");
        let hierarchies = hierarchies(&table);
        let point = hierarchies.iter().find(|point| usable(point)).or(hierarchies.first())?;
        let id = InstanceId::generate();
        let group = point.join(path_of(id, group).trim_start_matches('/'));
        let inner = group.join("a/b");
        fs::create_dir_all(&inner).unwrap();
        let child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        fs::write(inner.join("cgroup.procs"), child.id().to_string()).unwrap();
        Some((id, group, child))
    }

    #[test]
    fn groups_below_groups_with_processes_in_them_go() {
        for shared in [None, Some(GroupId::generate())] {
            let Some((id, group, mut child)) = occupied(shared) else { return };
            // The child is this test's to wait for, and the group goes only then.
            std::thread::scope(|scope| {
                let removal = scope.spawn(|| remove(id, Duration::from_secs(30)));
                let status = child.wait().unwrap();
                assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
                removal.join().unwrap().unwrap();
            });
            assert!(!group.exists());
            remove(id, Duration::ZERO).unwrap();
            let Some(shared) = shared else { continue };
            assert!(group.parent().unwrap().exists());
            remove_shared(shared, Duration::ZERO).unwrap();
            assert!(!group.parent().unwrap().exists());
            remove_shared(shared, Duration::ZERO).unwrap();
        }
    }

    #[test]
    fn a_group_that_does_not_go_is_named_when_patience_ends() {
        let Some((id, group, mut child)) = occupied(None) else { return };
        let error = remove(id, Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains(&group.display().to_string()), "{error}");
        child.wait().unwrap();
        remove(id, Duration::from_secs(30)).unwrap();
    }
}
