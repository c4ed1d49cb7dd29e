//! What is mounted in an instance.

use std::path::Path;

use serde_json::{Value, json};

use crate::Volume;

/// The instance's own copies of files that the host decides.
#[derive(Clone, Copy)]
pub(crate) struct BoundFiles<'a> {
    pub(crate) directory: &'a Path,
}

impl BoundFiles<'_> {
    /// Name in the instance's directory, and path inside.
    pub(crate) const ALL: [(&'static str, &'static str); 3] =
        [("resolv.conf", "/etc/resolv.conf"), ("hostname", "/etc/hostname"), ("hosts", "/etc/hosts")];
}

fn mount(destination: &str, kind: &str, options: &[&str]) -> Value {
    let source = if kind == "tmpfs" && destination == "/dev/shm" { "shm" } else { kind };
    json!({ "destination": destination, "type": kind, "source": source, "options": options })
}

/// All mounts, in the order in which they are made.
pub(super) fn mounts(files: &BoundFiles<'_>, volumes: &[Volume]) -> Vec<Value> {
    let mut all = vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount(
            "/dev/pts",
            "devpts",
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
        mount("/sys/fs/cgroup", "cgroup", &["nosuid", "noexec", "nodev", "relatime", "ro"]),
        mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
    ];
    for (name, inside) in BoundFiles::ALL {
        all.push(bind(&files.directory.join(name), Path::new(inside), false));
    }
    // After the defaults, so that a user may cover them.
    let volumes = in_order(volumes).into_iter();
    all.extend(volumes.map(|volume| bind(&volume.host, &volume.container, volume.read_only)));
    all
}

/// Volumes as they are mounted, the outer before the inner.
pub(crate) fn in_order(volumes: &[Volume]) -> Vec<&Volume> {
    let mut volumes: Vec<&Volume> = volumes.iter().collect();
    volumes.sort_by_key(|volume| volume.container.components().count());
    volumes
}

fn bind(source: &Path, destination: &Path, read_only: bool) -> Value {
    let mode = if read_only { "ro" } else { "rw" };
    json!({
        "destination": destination,
        "type": "bind",
        "source": source,
        "options": ["rbind", "rprivate", mode],
    })
}
