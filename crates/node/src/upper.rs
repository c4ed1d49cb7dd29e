//! How much an instance may write: a limit by the file system, where it can.

use std::path::Path;

use model::ByteSize;

use crate::layout::InstanceDir;
use crate::{UpperLimit, mount_table, quota};

/// Limits what the instance may write: its upper and work directories, which must be empty still. The lock of the
/// instances must be held.
pub(crate) fn limit(dir: &InstanceDir, size: Option<ByteSize>) -> UpperLimit {
    let Some(size) = size else { return UpperLimit::NotAsked };
    match quota::limit([&dir.upper(), &dir.work()], size) {
        Ok(()) => UpperLimit::Enforced,
        Err(error) => {
            let why = explain(dir.path(), &error);
            UpperLimit::NotEnforced(format!("{why}, so the instance may write more than {size}"))
        }
    }
}

/// Whether a limit would hold in that directory, and if not, why.
pub(crate) fn probe(directory: &Path) -> Result<(), String> {
    quota::probe(directory).map_err(|error| explain(directory, &error))
}

fn explain(directory: &Path, error: &quota::QuotaError) -> String {
    let table = mount_table::read().unwrap_or_default();
    let place = mount_table::mount_of(&table, directory).map_or_else(
        || "the file system of the data directory".to_owned(),
        |mount| format!("{} at {}", mount.kind, mount.point.display()),
    );
    let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
    format!("{place}: {error}{cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_quotas_is_named() {
        let reason = probe(Path::new("/proc")).unwrap_err();
        assert!(reason.starts_with("proc at /proc: it has no quotas"), "{reason}");
    }
}
