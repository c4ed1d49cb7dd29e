//! A layer's bytes in order.

use bytes::Bytes;

use crate::Error;

/// A layer's bytes in order, as the manifest's descriptor means them (compressed as they are).
///
/// Ends only after exactly as many bytes as the descriptor says; anything else is an error. The digest is left to the
/// reader. Dropping it ends every request.
#[derive(Debug)]
pub struct LayerStream {
    size: u64,
    position: u64,
}

impl LayerStream {
    /// The next bytes; `None` after the last one. Pieces are never empty and usually 64 KiB to 4 MiB.
    ///
    /// Cancel-safe: a dropped call loses no byte. Nothing is fetched ahead beyond socket buffers and the part window.
    ///
    /// # Errors
    /// What could not be mended by retries. The stream must not be read further then.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        Ok(None)
    }

    /// Length of the whole layer in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes given so far.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }
}
