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

/// All caches of a page.
pub(crate) fn outlines(row: &impl Columns) -> Result<Vec<CacheOutline>> {
    let mut lines = Lines::of(row)?;
    std::iter::from_fn(|| lines.next_outline().transpose()).collect()
}

/// The same, each with the summary of the snapshot that the cache serves, where it serves one.
pub(crate) fn outlines_and_summaries(row: &impl Columns) -> Result<Vec<OutlineAndSummary>> {
    const COLUMN: &str = "summaries";
    let mut lines = Lines::of(row)?;
    let bytes = row.optional_bytes(COLUMN)?.unwrap_or_default();
    let mut rest = bytes;
    let mut found = Vec::new();
    while let Some(outline) = lines.next_outline()? {
        let summary = match lines.line("length")? {
            "" => None,
            length => {
                let length = parse("length", length)?;
                let (summary, others) =
                    rest.split_at_checked(length).ok_or_else(|| too_short(COLUMN, bytes))?;
                rest = others;
                Some(PackedSummary::of_column(summary.to_vec()))
            }
        };
        found.push((outline, summary));
    }
    Ok(found)
}

fn too_short(column: &'static str, bytes: &[u8]) -> Error {
    Error::Column { column, value: format!("{} bytes", bytes.len()) }
}

/// The lines of a page's caches, so many for each.
struct Lines<'r>(Option<std::str::Split<'r, char>>);

impl<'r> Lines<'r> {
    fn of(row: &'r impl Columns) -> Result<Self> {
        Ok(Self(row.optional_text("outlines")?.map(|text| text.split('\n'))))
    }

    fn line(&mut self, column: &'static str) -> Result<&'r str> {
        let line = self.0.as_mut().and_then(Iterator::next);
        line.ok_or_else(|| unknown(column, "nothing"))
    }

    /// `None` behind the last one.
    fn next_outline(&mut self) -> Result<Option<CacheOutline>> {
        let Some(id) = self.0.as_mut().and_then(Iterator::next) else { return Ok(None) };
        Ok(Some(CacheOutline {
            id: parse("id", id)?,
            account: parse("account", self.line("account")?)?,
            state: parse("state", self.line("state")?)?,
            created: Timestamp::from_micros(parse("created", self.line("created")?)?),
            size_limit: ByteSize::bytes(parse("size_limit", self.line("size_limit")?)?),
            platform: from_json("platform", self.line("platform")?)?,
            snapshot: match self.line("snapshot")? {
                "" => None,
                id => Some(parse("snapshot", id)?),
            },
            generations: generations(self.line("generations")?)?,
            is_deleting: !self.line("deleting")?.is_empty(),
        }))
    }
}

fn generations(text: &str) -> Result<Vec<ImageSnapshotId>> {
    let all: Vec<Generation> = from_json("generations", text)?;
    Ok(all.into_iter().map(|generation| generation.snapshot).collect())
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
