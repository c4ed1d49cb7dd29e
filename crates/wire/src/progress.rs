//! How far a cache's build is.

use model::{ByteSize, CacheId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CacheState, Copies, Failure};

/// How far a cache is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// The cache.
    #[schema(value_type = String)]
    pub id: CacheId,
    /// Where it is in its life.
    pub state: CacheState,
    /// How far its running build is; 100 where none runs and it is usable.
    #[schema(minimum = 0, maximum = 100)]
    pub progress_percent: u8,
    /// Why its last build failed, if it did.
    pub failure: Option<Failure>,
    /// Where the copies of its image snapshot are.
    pub copies: Copies,
    /// Whether nothing more will come: no build waits or runs, and what is usable has its standard copies.
    pub is_settled: bool,
    /// The layers of its running build, where this server runs it.
    pub layers: Vec<LayerProgress>,
}

/// What a layer of a build is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LayerPhase {
    /// Waits for its turn, or for another process that makes it.
    Waiting,
    /// Is fetched, verified, unpacked and committed.
    Unpacking,
    /// Is in the store.
    Done,
    /// Was in the store already; nothing was fetched.
    Reused,
}

/// A layer of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LayerProgress {
    /// Digest of its uncompressed tar.
    pub diff_id: String,
    /// Digest as served.
    pub digest: String,
    /// What it is doing.
    pub phase: LayerPhase,
    /// Length as served.
    #[schema(value_type = u64)]
    pub compressed_bytes: ByteSize,
    /// Bytes as served that were fetched.
    #[schema(value_type = u64)]
    pub fetched_bytes: ByteSize,
    /// Bytes of tar that were unpacked.
    #[schema(value_type = u64)]
    pub unpacked_bytes: ByteSize,
}
