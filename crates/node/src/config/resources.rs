//! Limits of an instance, by cgroups v1 or v2 alike.

use serde_json::{Map, Value, json};

use crate::RunOptions;

/// The period over which processor time is counted, in microseconds: the kernel's default.
const CPU_PERIOD_US: u64 = 100_000;

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

/// The `resources` object.
pub(super) fn resources(options: &RunOptions) -> Value {
    let mut all = Map::new();
    all.insert("devices".to_owned(), devices());
    if let Some(memory) = options.memory {
        // No swap beyond it is said by `swap` where the kernel accounts for swap; many kernels do not, and refuse it.
        all.insert("memory".to_owned(), json!({ "limit": memory.as_u64() }));
    }
    if let Some(cpus) = options.cpus {
        let quota = u64::from(cpus.get()) * CPU_PERIOD_US / 1000;
        all.insert("cpu".to_owned(), json!({ "quota": quota, "period": CPU_PERIOD_US }));
    }
    Value::Object(all)
}
