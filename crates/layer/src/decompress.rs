//! From the layer's stream to its tar: a decoder per compression behind one small trait.

use bytes::Bytes;
use model::Compression;

use crate::{ConvertError, Limits};

mod frame;
mod gzip;
mod outlet;
mod plain;
mod zstd;

pub(crate) use outlet::{Outlet, Stop};

/// A decoder that is fed chunks and hands what comes of them to an outlet.
pub(crate) trait Decompress {
    /// Takes the next chunk.
    fn chunk(&mut self, chunk: Bytes, outlet: &mut Outlet) -> Result<(), Stop>;
    /// The stream is over.
    fn finish(&mut self, outlet: &mut Outlet) -> Result<(), Stop>;
}

/// Bytes that [`sniff`] wants to see, if the stream has that many.
pub(crate) const SNIFFED: usize = 4;

/// How the stream is compressed by its first bytes: manifests are sometimes wrong, streams are not.
pub(crate) fn sniff(start: &[u8]) -> Compression {
    match start {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        // A frame, or a skippable frame before it.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

/// The decoder for a stream that begins with `start`.
pub(crate) fn decoder(
    start: &[u8],
    declared: Compression,
    limits: &Limits,
) -> Result<Box<dyn Decompress>, ConvertError> {
    if start.is_empty() && declared != Compression::None {
        // The empty tar is a valid plain layer, but no compression gives an empty stream.
        return Err(ConvertError::Truncated { what: "the compressed stream", offset: 0 });
    }
    Ok(match sniff(start) {
        Compression::None => Box::new(plain::Plain),
        Compression::Gzip => Box::new(gzip::Gzip::new()),
        Compression::Zstd => Box::new(zstd::Zstd::new(limits.zstd_window)?),
    })
}
