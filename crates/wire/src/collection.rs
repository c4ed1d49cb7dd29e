//! Collection: giving back the space of blobs that nothing names.

use model::{BlobKey, ByteSize, ImageSnapshotId};
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Collection {
    /// Whether nothing was deleted.
    pub dry_run: bool,
    /// What went of the server's own store.
    pub store: Swept,
    /// What went of all standard copies together, where there are some.
    pub standard: Option<Swept>,
    /// Image snapshots that went.
    #[schema(value_type = Vec<String>)]
    pub snapshots: Vec<ImageSnapshotId>,
    /// Bytes that may be written to the server's own store now.
    #[schema(value_type = u64)]
    pub free_bytes: ByteSize,
    /// Bytes that the file system of the server's own store has in all.
    #[schema(value_type = u64)]
    pub total_bytes: ByteSize,
}

/// What went of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Swept {
    /// Blobs that nothing named.
    #[schema(value_type = Vec<DeletedBlob>)]
    pub deleted: Vec<BlobKey>,
    /// Bytes that they took.
    #[schema(value_type = u64)]
    pub freed_bytes: ByteSize,
    /// How many blobs something names.
    pub kept: u64,
    /// Leases that had ended.
    pub ended_leases: u64,
    /// What dead processes had left.
    pub swept: u64,
}

/// A blob: `kind` is `layer` or `merged`.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes how model::BlobKey looks on the wire")]
struct DeletedBlob {
    /// What it is.
    #[schema(example = "layer")]
    kind: String,
    /// The layer's diff id, or the chain id of merged metadata.
    #[schema(example = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")]
    digest: String,
}
