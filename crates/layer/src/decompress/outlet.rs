//! Where a decoder's output goes: buffers shared by the hasher and the converter, used again when both are done.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use bytes::Bytes;

use crate::{Control, ConvertError};

/// Bytes of one output buffer: small enough that what was just inflated is still in the processor's cache when it is
/// hashed and written, large enough that handing over costs nothing.
pub(crate) const BUFFER: usize = 256 << 10;
/// Buffers kept for another use.
const SPARE: usize = 16;

/// Why a decoder stops early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nobody wants the output any more; they know why.
    Unwanted,
    /// The stream is bad, or the conversion was cancelled.
    Failed(ConvertError),
}

impl From<ConvertError> for Stop {
    fn from(error: ConvertError) -> Self {
        Self::Failed(error)
    }
}

/// Buffers that come back when their last reader is done.
pub(crate) struct Pool<B> {
    spare: Receiver<B>,
    give_back: SyncSender<B>,
}

/// A buffer of a pool, on its way.
struct Lent<B> {
    buffer: Option<B>,
    give_back: SyncSender<B>,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Lent<B> {
    fn as_ref(&self) -> &[u8] {
        self.buffer.as_ref().map_or(&[], AsRef::as_ref)
    }
}

impl<B> Drop for Lent<B> {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            match self.give_back.try_send(buffer) {
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
            }
        }
    }
}

impl<B: AsRef<[u8]> + Send + 'static> Pool<B> {
    pub(crate) fn new() -> Self {
        let (give_back, spare) = sync_channel(SPARE);
        Self { spare, give_back }
    }

    /// A buffer that was used before, if one is back.
    pub(crate) fn take(&self) -> Option<B> {
        self.spare.try_recv().ok()
    }

    /// Lets readers share a buffer.
    pub(crate) fn lend(&self, buffer: B) -> Bytes {
        Bytes::from_owner(Lent { buffer: Some(buffer), give_back: self.give_back.clone() })
    }
}

/// Sends output to those who want it.
pub(crate) struct Outlet<'c> {
    control: &'c Control,
    writer: SyncSender<Bytes>,
    hasher: Option<SyncSender<Bytes>>,
    sent: u64,
}

impl<'c> Outlet<'c> {
    pub(crate) fn new(control: &'c Control, writer: SyncSender<Bytes>, hasher: SyncSender<Bytes>) -> Self {
        Self { control, writer, hasher: Some(hasher), sent: 0 }
    }

    /// From now on nothing is sent to the hasher.
    pub(crate) fn spare_hasher(&mut self) {
        self.hasher = None;
    }

    /// The conversion's.
    pub(crate) fn control(&self) -> &Control {
        self.control
    }

    /// Bytes sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Sends bytes; waits while the receivers are behind.
    pub(crate) fn send(&mut self, bytes: &Bytes) -> Result<(), Stop> {
        if self.control.is_cancelled() {
            return Err(Stop::Failed(ConvertError::Cancelled));
        }
        if bytes.is_empty() {
            return Ok(());
        }
        self.sent += bytes.len() as u64;
        if let Some(hasher) = &self.hasher {
            hasher.send(bytes.clone()).map_err(|_| Stop::Unwanted)?;
        }
        self.writer.send(bytes.clone()).map_err(|_| Stop::Unwanted)
    }
}
