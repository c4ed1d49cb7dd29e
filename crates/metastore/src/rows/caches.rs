use model::{
    ByteSize, Generation, ImageCache, ImageSnapshotId, PackedSummary, Percent, Savings, SnapshotSummary,
    Timestamp,
};

use super::Columns;
use super::columns::{from_json, parse, unknown};
use crate::record::OutlineAndSummary;
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

/// Of one text, a line for each part.
pub(crate) fn outline(row: &impl Columns) -> Result<CacheOutline> {
    const COLUMN: &str = "outline";
    let text = row.text(COLUMN)?;
    let mut lines = text.split('\n');
    let mut line = || lines.next().ok_or_else(|| unknown(COLUMN, text));
    let outline = CacheOutline {
        id: parse("id", line()?)?,
        account: parse("account", line()?)?,
        state: parse("state", line()?)?,
        created: Timestamp::from_micros(parse("created", line()?)?),
        size_limit: ByteSize::bytes(parse("size_limit", line()?)?),
        platform: from_json("platform", line()?)?,
        snapshot: Some(line()?).filter(|id| !id.is_empty()).map(|id| parse("snapshot", id)).transpose()?,
        generations: generations(line()?)?,
        is_deleting: !line()?.is_empty(),
    };
    if lines.next().is_none() { Ok(outline) } else { Err(unknown(COLUMN, text)) }
}

fn generations(text: &str) -> Result<Vec<ImageSnapshotId>> {
    let all: Vec<Generation> = from_json("generations", text)?;
    Ok(all.into_iter().map(|generation| generation.snapshot).collect())
}

/// The same with the summary of the snapshot that the cache serves, where it serves one.
pub(crate) fn outline_and_summary(row: &impl Columns) -> Result<OutlineAndSummary> {
    let outline = outline(row)?;
    let summary = outline.snapshot.map(|_| row.bytes("summary")).transpose()?;
    Ok((outline, summary.map(PackedSummary::of_column)))
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
