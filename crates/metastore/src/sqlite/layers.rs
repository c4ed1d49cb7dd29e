//! Layers: what was learned of served digests.

use model::{BlobDigest, DiffId};
use sqlx::SqliteConnection;

use crate::error::failed;
use crate::rows::{self, signed};
use crate::{LayerRecord, OTHERS_LIMIT, Result, rules};

const RECORD: &str = "INSERT INTO layers (blob, diff_id, compressed_size, tar_size, blob_size, recorded) \
     VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (blob) DO UPDATE SET compressed_size = excluded.compressed_size, \
     tar_size = excluded.tar_size, blob_size = excluded.blob_size, recorded = excluded.recorded";

pub(super) async fn record(connection: &mut SqliteConnection, layer: &LayerRecord) -> Result<()> {
    if let Some(known) = by_blob(connection, &layer.blob).await? {
        rules::check_layer(&known, layer)?;
    }
    sqlx::query(RECORD)
        .bind(layer.blob.to_string())
        .bind(layer.diff_id.to_string())
        .bind(signed("compressed size", layer.compressed_size.as_u64())?)
        .bind(signed("tar size", layer.tar_size.as_u64())?)
        .bind(signed("blob size", layer.blob_size.as_u64())?)
        .bind(layer.recorded.as_micros())
        .execute(connection)
        .await
        .map_err(failed("record the layer"))?;
    Ok(())
}

pub(super) async fn by_blob(
    connection: &mut SqliteConnection,
    blob: &BlobDigest,
) -> Result<Option<LayerRecord>> {
    let row = sqlx::query("SELECT * FROM layers WHERE blob = ?")
        .bind(blob.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed("find the layer"))?;
    row.as_ref().map(rows::layer).transpose()
}

pub(super) async fn by_diff_id(
    connection: &mut SqliteConnection,
    diff_id: &DiffId,
) -> Result<Vec<LayerRecord>> {
    let rows = sqlx::query("SELECT * FROM layers WHERE diff_id = ? ORDER BY blob LIMIT ?")
        .bind(diff_id.to_string())
        .bind(i64::from(OTHERS_LIMIT))
        .fetch_all(connection)
        .await
        .map_err(failed("find the layer's served forms"))?;
    rows.iter().map(rows::layer).collect()
}
