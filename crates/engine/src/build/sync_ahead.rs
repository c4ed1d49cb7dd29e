//! Syncing a blob while it is still being written, so that its commit finds little left to sync.
//!
//! The kernel would begin to write back only after many seconds or gigabytes: without this the disk idles during the
//! conversion, and the commit waits for all of it.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use layer::Control;
use tokio::time::{MissedTickBehavior, interval};

/// Bytes of tar between two syncs: large enough that the journal's share is lost in it.
const STRETCH: u64 = 64 << 20;
/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Syncs `blob` after each stretch, on a thread that may block, until it is dropped. Never returns.
pub(super) async fn sync_ahead(blob: Arc<File>, control: &Control) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut synced = 0;
    loop {
        ticks.tick().await;
        let written = control.tar_bytes();
        if written.saturating_sub(synced) < STRETCH {
            continue;
        }
        synced = written;
        let blob = Arc::clone(&blob);
        // A failure shows again, and is reported, when the commit syncs.
        let _ = tokio::task::spawn_blocking(move || blob.sync_data()).await;
    }
}
