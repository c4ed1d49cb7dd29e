//! The sidecar: what is known of a blob beside its bytes. The file `<hex>.json` next to `<hex>.erofs`.

use model::{BlobDigest, ByteSize, Digest};
use serde::{Deserialize, Serialize};

/// What is known of a blob beside its bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    /// Version of this document's form: [`Sidecar::VERSION`].
    pub version: u32,
    /// Length of the blob in bytes.
    pub blob_size: ByteSize,
    /// Length of the uncompressed tar that it was made from; 0 for a merged metadata image.
    pub tar_size: ByteSize,
    /// Where in the blob the metadata region (inodes, directories, xattrs) begins, in bytes.
    pub metadata_offset: u64,
    /// Length of the metadata region in bytes.
    pub metadata_len: u64,
    /// How many entries (inodes) the blob has.
    pub entries: u64,
    /// Digests under which registries serve this layer, as far as known when it was committed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compressed: Vec<BlobDigest>,
    /// What the layer implies or links below itself. The `layer` crate's own document, opaque here; null for nothing.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub leans: serde_json::Value,
    /// Digests of the blob's chunks, once somebody computed them (ADR 0004).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<ChunkTable>,
}

impl Sidecar {
    /// The version that this code writes and reads.
    pub const VERSION: u32 = 1;

    /// A sidecar of the current version that knows nothing but the blob's length.
    #[must_use]
    pub fn of_size(blob_size: ByteSize) -> Self {
        Self {
            version: Self::VERSION,
            blob_size,
            tar_size: ByteSize::ZERO,
            metadata_offset: 0,
            metadata_len: 0,
            entries: 0,
            compressed: Vec::new(),
            leans: serde_json::Value::Null,
            chunks: None,
        }
    }
}

/// Digests of a blob's fixed-size chunks, in order; the last chunk may be shorter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkTable {
    /// Length of a chunk in bytes, a power of two of at least 4096.
    pub chunk_size: u32,
    /// One digest for each chunk.
    pub digests: Vec<Digest>,
}
