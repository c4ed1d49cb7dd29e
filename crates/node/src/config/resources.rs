//! Limits of an instance, by cgroups v1 or v2 alike.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::{MilliCpus, RunOptions};

/// The period over which processor time is counted, in microseconds: the kernel's default.
pub(crate) const CPU_PERIOD_US: u64 = 100_000;

/// Everything is forbidden, then the harmless ones are allowed. Making any node is allowed: using it is what counts.
/// Source: runtime-spec, `config-linux.md`, "Default Devices", with the terminals of devpts.
fn devices() -> Value {
    let rule = |major: u32, minor: Option<u32>| {
        let mut rule = json!({ "allow": true, "type": "c", "major": major, "access": "rwm" });
        if let Some(minor) = minor {
            rule["minor"] = json!(minor);
        }
        rule
    };
    let mut rules = vec![
        json!({ "allow": false, "access": "rwm" }),
        json!({ "allow": true, "type": "c", "access": "m" }),
        json!({ "allow": true, "type": "b", "access": "m" }),
    ];
    // null, zero, full, random, urandom; tty, console, ptmx; pts.
    for (major, minor) in [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)] {
        rules.push(rule(major, Some(minor)));
    }
    rules.push(rule(136, None));
    Value::Array(rules)
}

/// How swap is limited here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SwapLimit {
    /// Not at all: the kernel does not account for it.
    #[default]
    None,
    /// Together with memory, by cgroups v1.
    WithMemory,
    /// By itself, by cgroups v2.
    Own,
}

impl SwapLimit {
    /// What this host can do.
    pub(crate) fn of_host(unified: bool) -> Self {
        Self::below(Path::new("/sys/fs/cgroup"), unified)
    }

    /// The root of the unified hierarchy has no limits: the group above those of all instances shows them, as soon as it is
    /// there and the root gives it the controller. Runtimes would make both, and too late to be looked at.
    fn below(root: &Path, unified: bool) -> Self {
        if !unified {
            let accounted = root.join("memory/memory.memsw.limit_in_bytes").exists();
            return if accounted { Self::WithMemory } else { Self::None };
        }
        let group = root.join(crate::cgroups::ABOVE);
        // Where either cannot be done, the group does not show the limit.
        let _ = fs::create_dir(&group);
        let _ = fs::write(root.join("cgroup.subtree_control"), "+memory");
        if group.join("memory.swap.max").exists() { Self::Own } else { Self::None }
    }
}

/// Whether this machine has any. Source: proc_swaps(5): a heading, then a line for each.
pub(crate) fn has_swap() -> bool {
    fs::read_to_string("/proc/swaps").is_ok_and(|table| table.lines().count() > 1)
}

/// How much processor time that is in each period, in microseconds.
pub(crate) fn cpu_quota_us(cpus: MilliCpus) -> u64 {
    u64::from(cpus.get()) * CPU_PERIOD_US / 1000
}

/// The `resources` object.
pub(super) fn resources(options: &RunOptions, swap: SwapLimit) -> Value {
    let mut all = Map::new();
    all.insert("devices".to_owned(), devices());
    if let Some(memory) = options.memory {
        let mut limits = json!({ "limit": memory.as_u64() });
        // None beyond it. A kernel that does not account for swap refuses either word.
        match swap {
            SwapLimit::WithMemory => limits["swap"] = json!(memory.as_u64()),
            SwapLimit::Own => drop(all.insert("unified".to_owned(), json!({ "memory.swap.max": "0" }))),
            SwapLimit::None => {}
        }
        all.insert("memory".to_owned(), limits);
    }
    if let Some(cpus) = options.cpus {
        all.insert("cpu".to_owned(), json!({ "quota": cpu_quota_us(cpus), "period": CPU_PERIOD_US }));
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel shows is a file that it makes by itself: a plain directory shows what was asked of it.
    #[test]
    fn on_the_unified_hierarchy_swap_is_looked_for_where_instances_will_be() {
        let root = tempfile::tempdir().unwrap();
        let other = root.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("memory.swap.max"), "max").unwrap();
        assert_eq!(SwapLimit::below(root.path(), true), SwapLimit::None);
        assert_eq!(fs::read_to_string(root.path().join("cgroup.subtree_control")).unwrap(), "+memory");
        fs::write(root.path().join("imc/memory.swap.max"), "max").unwrap();
        assert_eq!(SwapLimit::below(root.path(), true), SwapLimit::Own);
    }
}
