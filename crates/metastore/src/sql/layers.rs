//! Layers: facts about bytes.

use model::{BlobDigest, DiffId};

use super::Connection;
use crate::error::failed;
use crate::rows::{self, signed};
use crate::{LayerRecord, OTHERS_LIMIT, Result, rules};

/// Where the blob is recorded with another diff id, nothing is written.
const RECORD: &str = "INSERT INTO layers (blob, diff_id, compressed_size, tar_size, blob_size, recorded) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (blob) DO UPDATE SET \
     compressed_size = excluded.compressed_size, tar_size = excluded.tar_size, \
     blob_size = excluded.blob_size, recorded = excluded.recorded WHERE layers.diff_id = excluded.diff_id";

pub(super) async fn record(connection: &mut Connection, layer: &LayerRecord) -> Result<()> {
    let done = sqlx::query(RECORD)
        .bind(layer.blob.to_string())
        .bind(layer.diff_id.to_string())
        .bind(signed("compressed size", layer.compressed_size.as_u64())?)
        .bind(signed("tar size", layer.tar_size.as_u64())?)
        .bind(signed("blob size", layer.blob_size.as_u64())?)
        .bind(layer.recorded.as_micros())
        .execute(&mut *connection)
        .await
        .map_err(failed("record the layer"))?;
    if done.rows_affected() == 0
        && let Some(known) = by_blob(connection, &layer.blob).await?
    {
        rules::check_layer(&known, layer)?;
    }
    Ok(())
}

pub(super) async fn by_blob(connection: &mut Connection, blob: &BlobDigest) -> Result<Option<LayerRecord>> {
    let query = sqlx::query("SELECT * FROM layers WHERE blob = $1").bind(blob.to_string());
    let row = query.fetch_optional(connection).await.map_err(failed("find the layer"))?;
    row.as_ref().map(rows::layer).transpose()
}

pub(super) async fn by_diff_id(connection: &mut Connection, diff_id: &DiffId) -> Result<Vec<LayerRecord>> {
    let rows = sqlx::query("SELECT * FROM layers WHERE diff_id = $1 ORDER BY blob LIMIT $2")
        .bind(diff_id.to_string())
        .bind(i64::from(OTHERS_LIMIT))
        .fetch_all(connection)
        .await
        .map_err(failed("find the layer's served forms"))?;
    rows.iter().map(rows::layer).collect()
}
