//! The threads of a conversion and the bounded channels between them.
//!
//! ```text
//! source ── hash ──> decompress ──┬──> hash (diff id)
//!                                 └──> parse, build the tree, write   (the calling thread)
//! ```
//!
//! Inflating is the longest step, so everything else runs beside it. Buffers are shared, not copied.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use bytes::Bytes;
use model::{Algorithm, Compression, Digest, Hasher};

use crate::decompress::{self, Outlet, Stop};
use crate::{Control, ConvertError, ConvertOptions, SourceError};

mod verdict;

pub(crate) use verdict::{Finished, Outcomes};

/// Chunks of the stream between the source and the decoder.
const CHUNKS: usize = 4;
/// Buffers of the tar between the decoder and each of its readers.
const BUFFERS: usize = 6;

/// What became of the source.
#[derive(Debug)]
pub(crate) struct Read {
    /// Digest of the stream, where it was read to its end and one is wanted.
    pub(crate) digest: Option<Digest>,
    /// Bytes read.
    pub(crate) size: u64,
    /// Whether the source's end was reached.
    pub(crate) whole: bool,
    /// Why reading failed.
    pub(crate) error: Option<ConvertError>,
}

/// Runs `write` on the calling thread with the tar's buffers, everything before it on threads of their own.
pub(crate) fn run<I, T>(
    source: I,
    options: &ConvertOptions,
    control: &Control,
    write: impl FnOnce(&Receiver<Bytes>) -> Result<T, ConvertError>,
) -> Result<Outcomes<T>, ConvertError>
where
    I: Iterator<Item = Result<Bytes, SourceError>> + Send,
{
    let (chunk_sender, chunks) = sync_channel(CHUNKS);
    let (hash_sender, to_hash) = sync_channel(BUFFERS);
    let (write_sender, to_write) = sync_channel(BUFFERS);
    std::thread::scope(|scope| {
        let reader = start(scope, "layer-read", move || read(source, options, control, &chunk_sender))?;
        let algorithm = options.diff_id.digest().algorithm();
        let hasher = start(scope, "layer-hash", move || hash(algorithm, &to_hash))?;
        let outlet = Outlet::new(control, write_sender, hash_sender);
        let decoder = start(scope, "layer-inflate", move || decode(chunks, options, outlet))?;
        let written = write(&to_write);
        if written.as_ref().is_err_and(is_final) {
            control.give_up();
        }
        if written.is_err() {
            control.want_no_more();
        }
        drop(to_write);
        let decoded = join(decoder);
        if matches!(&decoded, Err(Stop::Failed(ConvertError::LimitExceeded { .. } | ConvertError::Cancelled)))
        {
            control.give_up();
        }
        Ok(Outcomes { read: join(reader), decoded, diff_id: join(hasher), written })
    })
}

/// Whether a failure of the writing step is what it is: damage, on the contrary, may be the transfer's, and the reader goes
/// on to find out.
fn is_final(error: &ConvertError) -> bool {
    !matches!(error, ConvertError::Malformed { .. } | ConvertError::Truncated { .. })
}

/// Whether the digest of the stream, once it is known, is that of the tar too.
fn is_hashed_once(options: &ConvertOptions, compression: Compression) -> bool {
    let algorithm = options.diff_id.digest().algorithm();
    compression == Compression::None
        && options.digest.is_some_and(|digest| digest.digest().algorithm() == algorithm)
}

fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, ConvertError> {
    Builder::new().name(name.to_owned()).spawn_scoped(scope, work).map_err(ConvertError::Thread)
}

fn join<T>(handle: ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Reads the source, counts and hashes it, and hands it on. When the decoder has given up on damaged content, it
/// reads on to know whether the transfer or the layer is to blame.
fn read<I: Iterator<Item = Result<Bytes, SourceError>>>(
    source: I,
    options: &ConvertOptions,
    control: &Control,
    decoder: &SyncSender<Bytes>,
) -> Read {
    let mut hasher = options.digest.map(|digest| Hasher::new(digest.digest().algorithm()));
    let mut result = Read { digest: None, size: 0, whole: false, error: None };
    let mut decoder = Some(decoder);
    for chunk in source {
        if control.is_cancelled() {
            result.error = Some(ConvertError::Cancelled);
            return result;
        }
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                result.error = Some(ConvertError::Source(error));
                return result;
            }
        };
        result.size += chunk.len() as u64;
        control.add_compressed(chunk.len());
        if let Some(expected) = options.size.map(model::ByteSize::as_u64)
            && result.size > expected
        {
            result.error = Some(ConvertError::WrongSize { expected, actual: result.size });
            return result;
        }
        // First hand it on, then hash it: the decoder is what everything waits for.
        decoder = decoder.filter(|to| to.send(chunk.clone()).is_ok());
        if let Some(hasher) = &mut hasher {
            hasher.update(&chunk);
        }
        if decoder.is_none() && (hasher.is_none() || control.has_given_up()) {
            return result;
        }
    }
    if control.has_given_up() {
        // The source ended because of that, not because it was over.
        return result;
    }
    result.whole = true;
    result.digest = hasher.map(Hasher::finish);
    result
}

/// Decompresses the stream and sends the tar to the outlet; how the stream was compressed.
fn decode(
    chunks: Receiver<Bytes>,
    options: &ConvertOptions,
    mut outlet: Outlet,
) -> Result<Compression, Stop> {
    let mut chunks = chunks.into_iter();
    let first = first_chunk(&mut chunks);
    let compression = decompress::sniff(&first);
    if is_hashed_once(options, compression) {
        outlet.spare_hasher();
    }
    let mut decoder = decompress::decoder(&first, options.compression, &options.limits)?;
    decoder.chunk(first, &mut outlet)?;
    for chunk in chunks {
        decoder.chunk(chunk, &mut outlet)?;
    }
    decoder.finish(&mut outlet)?;
    Ok(compression)
}

/// The first chunk, joined with the next ones while it is too short to tell the compression.
fn first_chunk(chunks: &mut impl Iterator<Item = Bytes>) -> Bytes {
    let mut first = chunks.next().unwrap_or_default();
    while first.len() < decompress::SNIFFED {
        let Some(next) = chunks.next() else { break };
        first = [first, next].concat().into();
    }
    first
}

fn hash(algorithm: Algorithm, buffers: &Receiver<Bytes>) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    for buffer in buffers {
        hasher.update(&buffer);
    }
    hasher.finish()
}
