//! Control groups of instances: where they lie, and how they go.
//!
//! They are found by the instance's id alone and never by what a runtime noted, so that they go after a restart of the
//! machine or a death in the middle of a start as well.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::InstanceId;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::mount_table::{self, MountEntry};

/// Where Linux keeps the hierarchies.
const ROOT: &str = "/sys/fs/cgroup";
/// After how long a group is tried again whose killed processes have not gone yet.
const PAUSE: Duration = Duration::from_millis(20);

/// The group above those of all instances.
pub(crate) const ABOVE: &str = "imc";

/// The group of an instance in every hierarchy, as runtimes take it.
pub(crate) fn path_of(id: InstanceId) -> String {
    format!("/{ABOVE}/{id}")
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
    let until = Instant::now() + patience;
    let groups = groups_of(id)?;
    groups.iter().for_each(|group| thaw_all(group));
    groups.iter().try_for_each(|group| remove_group(group, until))
}

/// Lets an instance's processes run again where somebody has frozen them: one that is frozen by cgroups v1 does not hear of
/// its end. What stays frozen is seen by who waits for that end.
pub(crate) fn thaw(id: InstanceId) {
    groups_of(id).into_iter().flatten().for_each(|group| thaw_all(&group));
}

/// Where the groups of an instance are, or would be.
fn groups_of(id: InstanceId) -> io::Result<Vec<PathBuf>> {
    let table = mount_table::read()?;
    let group = path_of(id);
    let points = hierarchies(&table).into_iter();
    Ok(points.map(|point| point.join(group.trim_start_matches('/'))).collect())
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
    fn occupied() -> Option<(InstanceId, PathBuf, std::process::Child)> {
        if !testkit::privileged() {
            return None;
        }
        let table = mount_table::read().unwrap();
        // The cpuset hierarchy wants a set before it takes a process; any other will do.
        let usable = |point: &PathBuf| point.join("tasks").exists() && !point.ends_with("cpuset");
        let hierarchies = hierarchies(&table);
        let point = hierarchies.iter().find(|point| usable(point)).or(hierarchies.first())?;
        let id = InstanceId::generate();
        let group = point.join(path_of(id).trim_start_matches('/'));
        let inner = group.join("a/b");
        fs::create_dir_all(&inner).unwrap();
        let child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        fs::write(inner.join("cgroup.procs"), child.id().to_string()).unwrap();
        Some((id, group, child))
    }

    #[test]
    fn groups_below_groups_with_processes_in_them_go() {
        let Some((id, group, mut child)) = occupied() else { return };
        // The child is this test's to wait for, and the group goes only then.
        std::thread::scope(|scope| {
            let removal = scope.spawn(|| remove(id, Duration::from_secs(30)));
            let status = child.wait().unwrap();
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
            removal.join().unwrap().unwrap();
        });
        assert!(!group.exists());
        remove(id, Duration::ZERO).unwrap();
    }

    #[test]
    fn a_group_that_does_not_go_is_named_when_patience_ends() {
        let Some((id, group, mut child)) = occupied() else { return };
        let error = remove(id, Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains(&group.display().to_string()), "{error}");
        child.wait().unwrap();
        remove(id, Duration::from_secs(30)).unwrap();
    }
}
