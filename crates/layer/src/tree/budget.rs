//! What a layer has used of the limits that hold for all of it.

use crate::tar::{Entry, Kind};
use crate::{ConvertError, Limit, Limits};

#[derive(Debug, Default)]
pub(super) struct Budget {
    entries: u64,
    names: u64,
    xattrs: u64,
    segments: u64,
    leans: u64,
}

/// What a path in the leans takes beside its bytes.
const LEAN_OVERHEAD: u64 = 16;

impl Budget {
    /// Counts an entry, its name and its target.
    pub(super) fn entry(&mut self, entry: &Entry, name: &[u8], limits: &Limits) -> Result<(), ConvertError> {
        self.directory(entry, name, limits)?;
        if matches!(entry.kind, Kind::Symlink | Kind::HardLink) {
            self.names += entry.link.len() as u64;
        }
        check(self.names, limits.names_total, Limit::NamesTotal, entry)?;
        self.segments += entry.sparse.as_ref().map_or(0, Vec::len) as u64;
        check(self.segments, limits.sparse_segments as u64, Limit::SparseSegments, entry)
    }

    /// Counts a directory that an entry implies.
    pub(super) fn directory(
        &mut self,
        entry: &Entry,
        name: &[u8],
        limits: &Limits,
    ) -> Result<(), ConvertError> {
        self.entries += 1;
        self.names += name.len() as u64;
        check(self.entries, limits.entries, Limit::Entries, entry)?;
        check(self.names, limits.names_total, Limit::NamesTotal, entry)
    }

    /// Counts a path of the leans; the bound where it passes that.
    pub(super) fn lean(&mut self, bytes: usize, limits: &Limits) -> Result<(), u64> {
        self.leans += LEAN_OVERHEAD + bytes as u64;
        if self.leans > limits.leans_total { Err(limits.leans_total) } else { Ok(()) }
    }

    /// Counts extended attributes.
    pub(super) fn xattrs(
        &mut self,
        bytes: usize,
        entry: &Entry,
        limits: &Limits,
    ) -> Result<(), ConvertError> {
        self.xattrs += bytes as u64;
        check(self.xattrs, limits.xattrs_total, Limit::XattrsTotal, entry)
    }
}

fn check(used: u64, bound: u64, limit: Limit, entry: &Entry) -> Result<(), ConvertError> {
    if used > bound {
        return Err(ConvertError::LimitExceeded { limit, bound, path: entry.display() });
    }
    Ok(())
}
