//! Collection: deletes what no root names.

use std::collections::{BTreeMap, BTreeSet};

use model::{BlobKey, ImageSnapshotId, Timestamp};

use super::files;
use super::leases;
use super::{Inner, blobs, snapshots};
use crate::{CollectReport, Error, InUse, Result};

/// How many blobs are deleted under one lock. Builds wait meanwhile; unlinking a large file takes milliseconds.
const BATCH: usize = 32;

/// What every snapshot names. Snapshots never change, so each is read once in a collection.
#[derive(Debug, Default)]
struct SnapshotNames(BTreeMap<ImageSnapshotId, Vec<BlobKey>>);

impl SnapshotNames {
    /// Reads the snapshots that came and forgets those that went.
    fn refresh(&mut self, inner: &Inner) -> Result<()> {
        let ids = snapshots::ids(inner)?;
        self.0.retain(|id, _| ids.contains(id));
        for id in ids {
            if !self.0.contains_key(&id) {
                self.0.extend(snapshots::keys(inner, id)?.map(|keys| (id, keys)));
            }
        }
        Ok(())
    }

    fn keys(&self) -> impl Iterator<Item = BlobKey> + '_ {
        self.0.values().flatten().copied()
    }
}

/// What the first look, without a lock, found that might go.
#[derive(Debug, Default)]
struct Candidates {
    /// Blobs that no snapshot named.
    whole: Vec<BlobKey>,
    /// Keys with one file only.
    halves: Vec<BlobKey>,
    kept: u64,
}

fn mark(inner: &Inner, named: &SnapshotNames) -> Result<Candidates> {
    let named: BTreeSet<BlobKey> = named.keys().collect();
    let mut candidates = Candidates::default();
    for shelf in inner.layout.shelves() {
        let contents = blobs::shelf_contents(&shelf)?;
        candidates.halves.extend(contents.halves);
        for key in contents.whole {
            match named.contains(&key) {
                true => candidates.kept += 1,
                false => candidates.whole.push(key),
            }
        }
    }
    Ok(candidates)
}

pub(super) fn collect(inner: &Inner, in_use: &dyn InUse, now: Timestamp) -> Result<CollectReport> {
    let mut names = SnapshotNames::default();
    names.refresh(inner)?;
    let candidates = mark(inner, &names)?;
    inner.step("collect-marked")?;
    let mut report = CollectReport { kept: candidates.kept, ..CollectReport::default() };
    for batch in candidates.whole.chunks(BATCH) {
        let _lock = inner.lock_exclusive()?;
        inner.step("collect-locked")?;
        let roots = roots(inner, &mut names, in_use, now)?;
        for key in batch {
            sweep_blob(inner, &roots, key, &mut report)?;
        }
    }
    for batch in candidates.halves.chunks(BATCH) {
        let _lock = inner.lock_exclusive()?;
        let mounted = in_use.keys().map_err(Error::InUse)?;
        for key in batch {
            // Commits hold the lock: a half that is still one now will never be whole.
            if !blobs::is_there(inner, key) && !mounted.contains(key) {
                blobs::remove_both(inner, &inner.layout.blob(key))?;
                report.swept += 1;
            }
        }
    }
    for path in leases::census(inner, now)?.ended {
        // An id is never used again, and an ended lease never holds again.
        report.ended_leases += u64::from(files::remove("lease", &path)?);
        inner.step("collect-lease-removed")?;
    }
    report.swept += files::sweep(&inner.layout.tmp())?;
    inner.step("collect-swept")?;
    Ok(report)
}

/// Everything that is named now. The store must be locked, so that nobody names more before the lock is released.
fn roots(
    inner: &Inner,
    names: &mut SnapshotNames,
    in_use: &dyn InUse,
    now: Timestamp,
) -> Result<BTreeSet<BlobKey>> {
    names.refresh(inner)?;
    let mut roots: BTreeSet<BlobKey> = names.keys().collect();
    for lease in leases::census(inner, now)?.holding {
        roots.extend(lease.keys);
    }
    roots.extend(in_use.keys().map_err(Error::InUse)?);
    Ok(roots)
}

fn sweep_blob(
    inner: &Inner,
    roots: &BTreeSet<BlobKey>,
    key: &BlobKey,
    report: &mut CollectReport,
) -> Result<()> {
    let paths = inner.layout.blob(key);
    let Some(size) = blobs::length(&paths.blob)? else { return Ok(()) };
    if roots.contains(key) {
        report.kept += 1;
        return Ok(());
    }
    if blobs::remove_both(inner, &paths)? {
        report.deleted.push(*key);
        report.freed = report.freed.plus(size);
    }
    Ok(())
}
