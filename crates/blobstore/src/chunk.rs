//! Checking a blob against its chunk table.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use model::Digest;

use crate::{BlobInfo, ChunkTable, Error, Result, Verified};

/// The largest chunk that a table may have: one is in memory at a time.
const LARGEST_CHUNK: u32 = 16 << 20;

impl ChunkTable {
    /// Why the table cannot be that of a blob of this length, if it cannot.
    fn objection(&self, blob_size: u64) -> Option<String> {
        let size = self.chunk_size;
        if !size.is_power_of_two() || !(4096..=LARGEST_CHUNK).contains(&size) {
            return Some(format!("its chunk size {size} is not a power of two from 4096 to {LARGEST_CHUNK}"));
        }
        let expected = blob_size.div_ceil(u64::from(size));
        let found = self.digests.len() as u64;
        (found != expected).then(|| format!("its table has {found} chunks, {expected} were expected"))
    }
}

/// Reads the blob through and compares.
pub(crate) fn verify(file: &File, info: &BlobInfo, path: &Path) -> Result<Verified> {
    let Some(table) = &info.sidecar.chunks else { return Ok(Verified::Length) };
    let blob_size = info.size.as_u64();
    if let Some(why) = table.objection(blob_size) {
        return Err(Error::Contradiction { object: "sidecar", path: path.to_owned(), why });
    }
    let mut buffer = vec![0; table.chunk_size as usize];
    let mut offset = 0;
    for expected in &table.digests {
        let length = (blob_size - offset).min(u64::from(table.chunk_size));
        let length = usize::try_from(length).expect("not longer than a chunk");
        let chunk = &mut buffer[..length];
        file.read_exact_at(chunk, offset).map_err(|source| Error::File {
            action: "read",
            object: "blob",
            path: path.to_owned(),
            source,
        })?;
        if Digest::of(expected.algorithm(), chunk) != *expected {
            return Err(Error::WrongChunk { key: info.key, offset });
        }
        offset += length as u64;
    }
    Ok(Verified::Chunks)
}
