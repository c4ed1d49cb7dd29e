use model::{ByteSize, Generation, ImageCache, PackedSummary, Percent, Savings, SnapshotSummary};

use super::Columns;
use crate::rules::RememberedRequest;
use crate::{CacheOutline, Error, Result, SealedCredential, SnapshotRecord};

pub(crate) fn cache(row: &impl Columns) -> Result<ImageCache> {
    Ok(ImageCache {
        id: row.parsed("id")?,
        name: row.parsed("name")?,
        state: row.parsed("state")?,
        images: row.json("images")?,
        platform: row.json("platform")?,
        size_limit: row.size("size_limit")?,
        snapshot: row.optional_parsed("snapshot")?,
        unpacked_size: row.optional_unsigned("unpacked_size")?.map(ByteSize::bytes),
        failure: row.failure()?,
        created: row.time("created")?,
        updated: row.time("updated")?,
        last_used: row.optional_time("last_used")?,
        account: row.parsed("account")?,
        origin: row.parsed("origin")?,
        policy: row.json("policy")?,
        access: row.json("access")?,
        generations: row.json("generations")?,
        progress: Percent::new(row.unsigned("progress")?),
        copies: row.json("copies")?,
        savings: Savings {
            starts: row.unsigned("starts")?,
            fetched_bytes: row.size("spared_bytes")?,
            milliseconds: row.unsigned("spared_milliseconds")?,
        },
        checked: row.optional_time("checked")?,
        deleting: row.optional_time("deleting")?,
        notes: row.optional_json("notes")?,
    })
}

pub(crate) fn outline(row: &impl Columns) -> Result<CacheOutline> {
    let generations: Vec<Generation> = row.json("generations")?;
    Ok(CacheOutline {
        id: row.parsed("id")?,
        account: row.parsed("account")?,
        state: row.parsed("state")?,
        created: row.time("created")?,
        size_limit: row.size("size_limit")?,
        platform: row.json("platform")?,
        snapshot: row.optional_parsed("snapshot")?,
        generations: generations.into_iter().map(|generation| generation.snapshot).collect(),
        is_deleting: row.optional_integer("deleting")?.is_some(),
    })
}

/// The summary of the snapshot that a cache serves, where it serves one.
pub(crate) fn summary_if_any(row: &impl Columns) -> Result<Option<PackedSummary>> {
    let is_serving = row.optional_text("snapshot")?.is_some();
    is_serving.then(|| Ok(PackedSummary::of_column(row.bytes("summary")?))).transpose()
}

fn summary(row: &impl Columns) -> Result<SnapshotSummary> {
    let bytes = row.bytes("summary")?;
    // Records from before there were summaries have none.
    let summary = match bytes.is_empty() {
        true => Ok(SnapshotSummary::default()),
        false => SnapshotSummary::from_bytes(&bytes),
    };
    summary.map_err(|_| Error::Column { column: "summary", value: format!("{} bytes", bytes.len()) })
}

pub(crate) fn snapshot(row: &impl Columns) -> Result<SnapshotRecord> {
    Ok(SnapshotRecord {
        id: row.parsed("id")?,
        created: row.time("created")?,
        size: row.size("size")?,
        summary: summary(row)?,
    })
}

pub(crate) fn credential(row: &impl Columns) -> Result<SealedCredential> {
    Ok(SealedCredential { registry: row.parsed("registry")?, sealed: row.bytes("sealed")? })
}

pub(crate) fn remembered_request(row: &impl Columns) -> Result<RememberedRequest> {
    Ok(RememberedRequest {
        fingerprint: row.digest("fingerprint")?,
        kept_until: row.time("kept_until")?,
        then: row.json("cache")?,
    })
}
