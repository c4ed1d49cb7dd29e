//! Where PostgreSQL has locks: here there is one writer at a time from a verb's beginning to its end, and nothing to wait for.

#![allow(clippy::unused_async, reason = "the other backend waits here")]

use model::{AccountId, ImageSnapshotId};
use sqlx::SqliteConnection;

use crate::Result;

pub(super) async fn turns(_: &mut SqliteConnection) -> Result<()> {
    Ok(())
}

pub(super) async fn account(_: &mut SqliteConnection, _: &AccountId) -> Result<()> {
    Ok(())
}

pub(super) async fn snapshots(_: &mut SqliteConnection, _: &[ImageSnapshotId]) -> Result<()> {
    Ok(())
}

pub(super) async fn changes(_: &mut SqliteConnection) -> Result<()> {
    Ok(())
}
