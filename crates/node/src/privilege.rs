//! What needs root, and why.

/// The process lacks what mounting and starting containers need.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MissingPrivilege {
    /// Not root.
    #[error(
        "failed to get the right to {action}: it needs root, since the kernel lets nobody else mount EROFS blobs from \
         files, stack them by overlayfs with device files and whiteouts, or make a container's namespaces and cgroups; \
         run it with sudo"
    )]
    NotRoot {
        /// What was wanted.
        action: &'static str,
    },
    /// Root without CAP_SYS_ADMIN, as in a container.
    #[error(
        "failed to get the right to {action}: this root lacks CAP_SYS_ADMIN (a container's root does), so it may not mount; \
         run it on the host, or in a privileged container"
    )]
    NoSysAdmin {
        /// What was wanted.
        action: &'static str,
    },
}

/// Says whether this process may mount and start instances. `action` completes "the right to ...".
///
/// # Errors
///
/// Where it is not root, or a root without CAP_SYS_ADMIN.
pub fn require_root(action: &'static str) -> Result<(), MissingPrivilege> {
    if !rustix::process::geteuid().is_root() {
        return Err(MissingPrivilege::NotRoot { action });
    }
    let capable = rustix::thread::capabilities(None)
        .is_ok_and(|sets| sets.effective.contains(rustix::thread::CapabilitySet::SYS_ADMIN));
    if capable { Ok(()) } else { Err(MissingPrivilege::NoSysAdmin { action }) }
}
