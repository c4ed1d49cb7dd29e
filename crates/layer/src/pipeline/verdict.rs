//! From what became of each thread to one answer.

use model::{BlobDigest, DiffId, Digest};

use super::Read;
use crate::decompress::Stop;
use crate::{ConvertError, ConvertOptions};

/// What became of each step.
#[derive(Debug)]
pub(crate) struct Outcomes<T> {
    /// The source.
    pub(crate) read: Read,
    /// The decoder.
    pub(crate) decoded: Result<model::Compression, Stop>,
    /// Digest of the tar, or of what was decoded of it.
    pub(crate) diff_id: Digest,
    /// What the writing step gave.
    pub(crate) written: Result<T, ConvertError>,
}

/// A verified conversion.
#[derive(Debug)]
pub(crate) struct Finished<T> {
    /// Bytes of the stream.
    pub(crate) compressed_size: u64,
    /// What the writing step gave.
    pub(crate) written: T,
}

impl<T> Outcomes<T> {
    /// The first thing that is wrong, in the order of who is to blame: the caller, the transfer, the layer.
    pub(crate) fn judge(
        self,
        options: &ConvertOptions,
        cancelled: bool,
    ) -> Result<Finished<T>, ConvertError> {
        if cancelled {
            return Err(ConvertError::Cancelled);
        }
        let Self { read, decoded, diff_id, written } = self;
        let (compressed_size, stream_digest) = (read.size, read.digest);
        check_transfer(read, options)?;
        if let Err(error) = &written
            && super::is_final(error)
        {
            // What comes behind it was not waited for.
            return written.map(|written| Finished { compressed_size, written });
        }
        let diff_id = match decoded {
            Err(Stop::Failed(error)) => return Err(error),
            Ok(compression) if super::is_hashed_once(options, compression) => {
                stream_digest.unwrap_or(diff_id)
            }
            // Where the decoder was stopped the writing step has the reason.
            Err(Stop::Unwanted) | Ok(_) => diff_id,
        };
        let written = written?;
        let actual = DiffId::new(diff_id);
        if actual != options.diff_id {
            let expected = Box::new(options.diff_id);
            return Err(ConvertError::WrongDiffId { expected, actual: Box::new(actual) });
        }
        Ok(Finished { compressed_size, written })
    }
}

fn check_transfer(read: Read, options: &ConvertOptions) -> Result<(), ConvertError> {
    if let Some(error) = read.error {
        return Err(error);
    }
    if !read.whole {
        return Ok(());
    }
    if let Some(expected) = options.size.map(model::ByteSize::as_u64)
        && read.size != expected
    {
        return Err(ConvertError::WrongSize { expected, actual: read.size });
    }
    if let Some((expected, actual)) = options.digest.zip(read.digest.map(BlobDigest::new))
        && expected != actual
    {
        return Err(ConvertError::WrongDigest { expected: Box::new(expected), actual: Box::new(actual) });
    }
    Ok(())
}
