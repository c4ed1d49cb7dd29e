use super::Columns;
use crate::{LayerRecord, Result};

pub(crate) fn layer(row: &impl Columns) -> Result<LayerRecord> {
    Ok(LayerRecord {
        diff_id: row.parsed("diff_id")?,
        blob: row.parsed("blob")?,
        compressed_size: row.size("compressed_size")?,
        tar_size: row.size("tar_size")?,
        blob_size: row.size("blob_size")?,
        recorded: row.time("recorded")?,
    })
}
