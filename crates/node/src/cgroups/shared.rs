//! The control group above those of a container group's instances: what they may take together.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use model::{ByteSize, GroupId};

use super::{ABOVE, ROOT, are_unified};
use crate::MilliCpus;
use crate::config::{CPU_PERIOD_US, cpu_quota_us, has_swap};

/// What the instances of a container group may take together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SharedLimits {
    /// Upper limit of memory, swap included.
    pub(crate) memory: Option<ByteSize>,
    /// Upper limit of processor time.
    pub(crate) cpus: Option<MilliCpus>,
}

impl SharedLimits {
    /// Sets them, and makes the group where it is missing; a sentence where swap is not limited with memory. Without limits
    /// nothing is made: the runtime makes it on its way to an instance's.
    pub(crate) fn set(self, id: GroupId) -> io::Result<Option<String>> {
        let root = Path::new(ROOT);
        let is_swap_limited = if are_unified() { self.set_unified(root, id) } else { self.set_v1(root, id) }?;
        Ok((!is_swap_limited && has_swap()).then(|| {
            "this kernel does not account for swap, so the container group's limit of memory does not hold for it"
                .to_owned()
        }))
    }

    /// Whether swap is limited as far as memory is.
    fn set_unified(self, root: &Path, id: GroupId) -> io::Result<bool> {
        let above = root.join(ABOVE);
        let group = above.join(id.to_string());
        let wanted = [self.memory.map(|_| "+memory"), self.cpus.map(|_| "+cpu")];
        if wanted.iter().all(Option::is_none) {
            return Ok(true);
        }
        fs::create_dir_all(&group)?;
        for controller in wanted.into_iter().flatten() {
            for giver in [root, &above] {
                // Where it is not given, the group does not show the limit, and that is what is said.
                let _ = fs::write(giver.join("cgroup.subtree_control"), controller);
            }
        }
        if let Some(cpus) = self.cpus {
            write(&group, "cpu.max", &format!("{} {CPU_PERIOD_US}", cpu_quota_us(cpus)))?;
        }
        let Some(memory) = self.memory else { return Ok(true) };
        write(&group, "memory.max", &memory.as_u64().to_string())?;
        write_where_shown(&group, "memory.swap.max", "0")
    }

    /// The same.
    fn set_v1(self, root: &Path, id: GroupId) -> io::Result<bool> {
        if let Some(cpus) = self.cpus {
            let group = made_v1(root, "cpu", id)?;
            write(&group, "cpu.cfs_period_us", &CPU_PERIOD_US.to_string())?;
            write(&group, "cpu.cfs_quota_us", &cpu_quota_us(cpus).to_string())?;
        }
        let Some(memory) = self.memory else { return Ok(true) };
        let group = made_v1(root, "memory", id)?;
        let limit = memory.as_u64().to_string();
        // Kernels before 5.11 count what is below only where they are told, and cannot be told once something is.
        if fs::read_to_string(group.join("memory.use_hierarchy")).is_ok_and(|told| told.trim() == "0") {
            write(&group, "memory.use_hierarchy", "1")?;
        }
        // Never above the one with swap, which is unlimited or the same.
        write(&group, "memory.limit_in_bytes", &limit)?;
        write_where_shown(&group, "memory.memsw.limit_in_bytes", &limit)
    }
}

fn made_v1(root: &Path, hierarchy: &str, id: GroupId) -> io::Result<PathBuf> {
    let hierarchy = root.join(hierarchy);
    // In what is no hierarchy an ordinary directory would come to be.
    if !hierarchy.join("cgroup.procs").exists() {
        return Err(not_there(io::ErrorKind::Unsupported, &hierarchy));
    }
    let group = hierarchy.join(ABOVE).join(id.to_string());
    fs::create_dir_all(&group)?;
    Ok(group)
}

/// The kernel makes the files: one that is not there is a limit that cannot be set.
fn write(group: &Path, file: &str, text: &str) -> io::Result<()> {
    let path = group.join(file);
    let open = File::options().write(true).open(&path);
    let written = open.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        kind @ io::ErrorKind::NotFound => not_there(kind, &path),
        kind => io::Error::new(kind, format!("{}: {error}", path.display())),
    })
}

fn not_there(kind: io::ErrorKind, path: &Path) -> io::Error {
    let path = path.display();
    let advice = "enable that controller, or start the container group without the limit";
    io::Error::new(kind, format!("this machine has no `{path}`: {advice}"))
}

fn write_where_shown(group: &Path, file: &str, text: &str) -> io::Result<bool> {
    match write(group, file, text) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        written => written.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> SharedLimits {
        SharedLimits { memory: Some(ByteSize::mib(64)), cpus: Some(MilliCpus::of(MilliCpus::LEAST)) }
    }

    /// A plain directory stands for a hierarchy: the files that the kernel makes are made by hand.
    fn shown(group: &Path, files: &[&str]) {
        fs::create_dir_all(group).unwrap();
        files.iter().for_each(|file| fs::write(group.join(file), "").unwrap());
    }

    fn read(group: &Path, file: &str) -> String {
        fs::read_to_string(group.join(file)).unwrap()
    }

    #[test]
    fn limits_of_the_unified_hierarchy_stand_in_the_group_above_the_instances() {
        let root = tempfile::tempdir().unwrap();
        let id = GroupId::generate();
        let above = root.path().join(ABOVE);
        let group = above.join(id.to_string());
        let error = limits().set_unified(root.path(), id).unwrap_err();
        assert!(error.to_string().contains("cpu.max"), "{error}");
        shown(&group, &["cpu.max", "memory.max"]);
        assert!(!limits().set_unified(root.path(), id).unwrap(), "swap is not accounted for");
        shown(&group, &["cpu.max", "memory.max", "memory.swap.max"]);
        assert!(limits().set_unified(root.path(), id).unwrap());
        for (file, text) in [("cpu.max", "1000 100000"), ("memory.max", "67108864"), ("memory.swap.max", "0")]
        {
            assert_eq!(read(&group, file), text, "{file}");
        }
        for giver in [root.path(), &above] {
            assert_eq!(read(giver, "cgroup.subtree_control"), "+cpu", "the last that was asked for");
        }
    }

    #[test]
    fn limits_of_v1_stand_in_the_group_of_each_hierarchy() {
        let root = tempfile::tempdir().unwrap();
        let id = GroupId::generate();
        let error = limits().set_v1(root.path(), id).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}");
        assert!(!root.path().join("cpu").exists());
        let group = |hierarchy: &str| root.path().join(hierarchy).join(ABOVE).join(id.to_string());
        for hierarchy in ["cpu", "memory"] {
            shown(&root.path().join(hierarchy), &["cgroup.procs"]);
        }
        let (cpu, memory) = (group("cpu"), group("memory"));
        shown(&cpu, &["cpu.cfs_period_us", "cpu.cfs_quota_us"]);
        shown(&memory, &["memory.limit_in_bytes"]);
        fs::write(memory.join("memory.use_hierarchy"), "0\n").unwrap();
        assert!(!limits().set_v1(root.path(), id).unwrap(), "swap is not accounted for");
        assert!(read(&memory, "memory.use_hierarchy").starts_with('1'));
        shown(&memory, &["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]);
        shown(&cpu, &["cpu.cfs_period_us", "cpu.cfs_quota_us"]);
        assert!(limits().set_v1(root.path(), id).unwrap());
        assert_eq!(read(&cpu, "cpu.cfs_period_us"), "100000");
        assert_eq!(read(&cpu, "cpu.cfs_quota_us"), "1000");
        for file in ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"] {
            assert_eq!(read(&memory, file), "67108864", "{file}");
        }
    }

    #[test]
    fn without_limits_nothing_is_made() {
        let root = tempfile::tempdir().unwrap();
        assert!(SharedLimits::default().set_unified(root.path(), GroupId::generate()).unwrap());
        assert!(SharedLimits::default().set_v1(root.path(), GroupId::generate()).unwrap());
        assert!(fs::read_dir(root.path()).unwrap().next().is_none());
    }
}
