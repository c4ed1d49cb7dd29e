//! Collection: giving back the space of blobs that nothing names.

use model::ByteSize;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Asks for a collection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"dry_run": true}))]
pub struct Collect {
    /// Only say what would go.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a collection did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Collection {
    /// Whether nothing was deleted.
    pub dry_run: bool,
    /// Blobs that went.
    pub blobs: u64,
    /// Image snapshots that went.
    pub snapshots: u64,
    /// Bytes that this freed.
    #[schema(value_type = u64)]
    pub freed_bytes: ByteSize,
}
