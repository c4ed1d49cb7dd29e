//! A layer's bytes in order.

use bytes::{Bytes, BytesMut};
use model::{BlobDigest, Digest, ImageSource};

use crate::{Error, Fault};

mod body;
mod file;
mod gather;
mod pace;
mod parts;
mod peek;
mod ranged;
mod reader;
mod route;

pub(crate) use file::FileReader;
pub(crate) use peek::peek;
pub(crate) use ranged::RangedReader;
pub(crate) use route::{BlobRoute, Candidate};

/// A layer's bytes in order, as the manifest's descriptor means them (compressed as they are).
///
/// Ends only after exactly as many bytes as the descriptor says; anything else is an error. The digest is left to the
/// reader, or to [`LayerStream::into_verified`]. Dropping it ends every request.
#[derive(Debug)]
pub struct LayerStream {
    image: ImageSource,
    digest: BlobDigest,
    size: u64,
    position: u64,
    bytes: Source,
}

/// Where the bytes come from.
#[derive(Debug)]
pub(crate) enum Source {
    Remote(Box<RangedReader>),
    File(FileReader),
}

impl LayerStream {
    pub(crate) fn new(image: ImageSource, digest: BlobDigest, size: u64, bytes: Source) -> Self {
        Self { image, digest, size, position: 0, bytes }
    }

    fn error(&self, fault: Fault) -> Error {
        Error::FetchLayer { image: self.image.clone(), digest: self.digest, fault: Box::new(fault) }
    }

    /// The next bytes; `None` after the last one. Pieces are never empty and at most 4 MiB.
    ///
    /// Cancel-safe: a dropped call loses no byte. Nothing is fetched ahead beyond socket buffers and the part window.
    ///
    /// # Errors
    /// What could not be mended by retries. The stream must not be read further then.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = match &mut self.bytes {
            Source::Remote(reader) => reader.chunk().await,
            Source::File(reader) => reader.chunk().await,
        };
        let chunk = chunk.map_err(|fault| self.error(fault))?;
        self.position += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        Ok(chunk)
    }

    /// Reads a small blob whole and checks its digest too.
    ///
    /// # Errors
    /// As [`LayerStream::chunk`]; kind `Malformed` for a blob over `limit` bytes, before any of it is read, and
    /// `WrongDigest` for other bytes.
    pub async fn into_verified(mut self, limit: usize) -> Result<Bytes, Error> {
        let origin = self.image.to_string();
        if self.size > limit as u64 {
            return Err(self.error(Fault::TooLarge { origin, what: "blob", limit: limit as u64 }));
        }
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            whole.extend_from_slice(&chunk);
        }
        let expected = *self.digest.digest();
        let found = Digest::of(expected.algorithm(), &whole);
        match found == expected {
            true => Ok(whole.freeze()),
            false => Err(self.error(Fault::WrongDigest { origin, expected, found })),
        }
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
