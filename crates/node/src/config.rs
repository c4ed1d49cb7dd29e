//! The OCI runtime configuration (`config.json`) of an instance.
//!
//! Source: the OCI runtime-spec 1.0, `config.md` and `config-linux.md`. Defaults are those that containers usually have:
//! Docker's fourteen capabilities, masked paths, default mounts and a list of allowed system calls.

mod command;
mod mounts;
mod resources;
mod seccomp;

use std::path::Path;

use model::{ImageConfig, InstanceId};
use serde_json::{Value, json};

pub(crate) use command::{Surroundings, arguments, environment, no_zero, overlay, value_of};
pub(crate) use mounts::{BoundFiles, in_order};
pub(crate) use resources::{CPU_PERIOD_US, SwapLimit, cpu_quota_us, has_swap};

use crate::account::Account;
use crate::{InstanceError, Network, RunOptions};

/// What the host and the runtime can do, where the configuration depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HostTraits {
    /// cgroup v2 is the only hierarchy.
    pub(crate) unified_cgroups: bool,
    /// Whether the runtime enforces the device rules. Where it does not, no device node may be made or used.
    pub(crate) device_rules: bool,
    /// Whether the runtime takes the mask of a system call's argument where the specification has it.
    pub(crate) seccomp_mask_first: bool,
}

/// Everything that the configuration is made of.
pub(crate) struct ConfigInput<'a> {
    pub(crate) id: InstanceId,
    pub(crate) options: &'a RunOptions,
    pub(crate) process: ProcessInput<'a>,
    pub(crate) hostname: &'a str,
    pub(crate) files: BoundFiles<'a>,
    pub(crate) host: HostTraits,
    /// The network namespace of its group, which it joins.
    pub(crate) network: Option<&'a Path>,
    /// How a limit of memory limits swap.
    pub(crate) swap: SwapLimit,
    /// Names of the cgroup hierarchies that the runtime mounts writable, whatever it is told.
    pub(crate) writable_hierarchies: &'a [String],
}

/// The process part, which a command in a running instance has as well.
#[derive(Clone)]
pub(crate) struct ProcessInput<'a> {
    pub(crate) arguments: &'a [String],
    pub(crate) environment: &'a [String],
    pub(crate) working_dir: &'a str,
    pub(crate) account: &'a Account,
    /// The terminal that it gets, with the rows and columns to begin with.
    pub(crate) terminal: Option<(u16, u16)>,
    pub(crate) device_rules: bool,
}

/// Docker's default capabilities. Source: its documentation, "Runtime privilege and Linux capabilities".
const CAPABILITIES: [&str; 14] = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

/// The usual one, whatever the caller's is.
pub(crate) const UMASK: u32 = 0o022;

const MASKED_PATHS: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

const READ_ONLY_PATHS: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// The whole `config.json`. The root is the directory `merged` of the bundle.
pub(crate) fn build(input: &ConfigInput<'_>) -> Value {
    json!({
        "ociVersion": "1.0.2",
        "process": process(&input.process),
        "root": { "path": "merged", "readonly": false },
        "hostname": input.hostname,
        "mounts": mounts::mounts(&input.files, &input.options.volumes),
        "linux": {
            "cgroupsPath": crate::cgroups::path_of(input.id, input.options.group.as_ref().map(|group| group.id)),
            "namespaces": namespaces(input),
            "resources": resources::resources(input.options, input.swap),
            "seccomp": seccomp::profile(input.host.seccomp_mask_first),
            "maskedPaths": MASKED_PATHS,
            "readonlyPaths": read_only_paths(input.writable_hierarchies),
        },
    })
}

/// A container that may write to its groups lifts its own limits and leaves groups that nobody expects.
fn read_only_paths(hierarchies: &[String]) -> Vec<String> {
    let hierarchies = hierarchies.iter().map(|name| format!("/sys/fs/cgroup/{name}"));
    READ_ONLY_PATHS.into_iter().map(str::to_owned).chain(hierarchies).collect()
}

/// The `process` object, also the `process.json` of a command in a running instance.
pub(crate) fn process(input: &ProcessInput<'_>) -> Value {
    let user = input.account;
    let mut process = json!({
        "terminal": input.terminal.is_some(),
        "user": { "uid": user.uid, "gid": user.gid, "additionalGids": user.groups, "umask": UMASK },
        "args": input.arguments,
        "env": input.environment,
        "cwd": input.working_dir,
        "capabilities": capabilities(user.uid, input.device_rules),
        // `noNewPrivileges` is left out: setuid programs work as usual, and libcontainer would take even a `false` as a
        // reason to load the system call filter only when the right to do so has been given up.
    });
    if let Some((rows, columns)) = input.terminal.filter(|size| *size != (0, 0)) {
        process["consoleSize"] = json!({ "height": rows, "width": columns });
    }
    process
}

/// Root has them; another user can only gain them by a setuid program, as execve(2) has it. None is inheritable.
fn capabilities(uid: u32, device_rules: bool) -> Value {
    let all: Vec<&str> =
        CAPABILITIES.into_iter().filter(|name| device_rules || *name != "CAP_MKNOD").collect();
    let own: &[&str] = if uid == 0 { &all } else { &[] };
    json!({ "bounding": all, "effective": own, "permitted": own, "inheritable": [], "ambient": [] })
}

fn namespaces(input: &ConfigInput<'_>) -> Value {
    let mut kinds = vec!["pid", "ipc", "uts", "mount"];
    if input.options.network == Network::None && input.network.is_none() {
        kinds.push("network");
    }
    if input.host.unified_cgroups {
        kinds.push("cgroup");
    }
    let joined = input.network.map(|path| json!({ "type": "network", "path": path }));
    kinds.into_iter().map(|kind| json!({ "type": kind })).chain(joined).collect()
}

/// The working directory: the user's, else the image's, else the root.
pub(crate) fn working_dir(image: &ImageConfig, wanted: Option<&str>) -> Result<String, InstanceError> {
    let path = match (wanted, image.working_dir.as_deref()) {
        (Some(path), _) => path.to_owned(),
        (None, Some(path)) if path.starts_with('/') => path.to_owned(),
        // Docker takes an image's relative one as from the root.
        (None, Some(path)) => format!("/{path}"),
        (None, None) => "/".to_owned(),
    };
    if !path.starts_with('/') {
        return Err(InstanceError::Option {
            option: "workdir",
            value: path,
            expected: "expected an absolute path",
        });
    }
    no_zero("workdir", &path).map(|()| path)
}

/// A host name as sethostname(2) and resolvers take it.
pub(crate) fn hostname(wanted: &str) -> Result<&str, InstanceError> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if wanted.is_empty() || wanted.len() > 63 || !wanted.bytes().all(good) || wanted.starts_with(['-', '.']) {
        return Err(InstanceError::Option {
            option: "hostname",
            value: wanted.to_owned(),
            expected: "expected 1 to 63 letters, digits, `-`, `_` and `.`",
        });
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests;
