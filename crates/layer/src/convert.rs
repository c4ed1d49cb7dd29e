//! From a layer's stream to its blob.

use bytes::Bytes;
use erofs::BlockSink;
use model::{BlobDigest, ByteSize, Compression, DiffId};

use crate::pipeline::{self, Finished};
use crate::write::{WrittenLayer, write};
use crate::{Control, ConvertError, Leans, Limits, SourceError, Warnings};

/// What is known about a layer before its bytes come, and how far it may go.
#[derive(Clone, Debug)]
pub struct ConvertOptions {
    /// How the manifest says that the tar is compressed. The stream's first bytes decide where they disagree.
    pub compression: Compression,
    /// Digest of the stream, verified; `None` where no one states it (then the diff id alone verifies the layer).
    pub digest: Option<BlobDigest>,
    /// Length of the stream, verified; `None` where no one states it.
    pub size: Option<ByteSize>,
    /// Digest of the tar, verified.
    pub diff_id: DiffId,
    /// Bounds of what the layer may ask for.
    pub limits: Limits,
}

/// A finished, verified blob, not yet visible to anyone.
#[derive(Clone, Debug)]
pub struct Converted {
    /// Digest of the tar: the expected one.
    pub diff_id: DiffId,
    /// Digest of the stream, if one was expected; that one.
    pub digest: Option<BlobDigest>,
    /// Bytes of the stream.
    pub compressed_size: ByteSize,
    /// Bytes of the tar.
    pub tar_size: ByteSize,
    /// Bytes of the blob.
    pub blob_size: ByteSize,
    /// Where the metadata region starts in the blob, in bytes.
    pub metadata_offset: u64,
    /// Bytes of the metadata region.
    pub metadata_length: u64,
    /// Names in the tree, the root not counted.
    pub entries: u64,
    /// What the layer takes for granted about the layers below.
    pub leans: Leans,
    /// What was left out.
    pub warnings: Warnings,
}

/// Converts one layer: reads `source` to its end and writes the blob to `blob` (usually an empty `&File`; not synced).
///
/// Blocks until done, on threads of its own beside the calling one. `source` yields chunks of any size, best 64 KiB to
/// 1 MiB; it is called from another thread and may block.
///
/// # Errors
/// [`ConvertError`]; what was written to `blob` is then useless and the caller removes it.
pub fn convert<I, S>(
    source: I,
    options: &ConvertOptions,
    blob: S,
    control: &Control,
) -> Result<Converted, ConvertError>
where
    I: IntoIterator<Item = Result<Bytes, SourceError>>,
    I::IntoIter: Send,
    S: BlockSink,
{
    let outcomes = pipeline::run(source.into_iter(), options, control, |buffers| {
        write(buffers, &options.limits, control, blob)
    })?;
    let Finished { compressed_size, written } = outcomes.judge(options, control.is_cancelled())?;
    let WrittenLayer { written, tar_size, entries, leans, warnings } = written;
    Ok(Converted {
        diff_id: options.diff_id,
        digest: options.digest,
        compressed_size: ByteSize::bytes(compressed_size),
        tar_size: ByteSize::bytes(tar_size),
        blob_size: ByteSize::bytes(written.size),
        metadata_offset: written.metadata.start,
        metadata_length: written.metadata.end - written.metadata.start,
        entries,
        leans,
        warnings,
    })
}
