//! The bridge from the download, which is async, to the conversion, which runs on plain threads.

use bytes::Bytes;
use layer::SourceError;
use registry::LayerStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Pieces that may wait between download and conversion. A piece has at most a few MiB.
const PIECES_AHEAD: usize = 4;

/// The conversion's end: a blocking iterator.
pub(super) struct Feed(mpsc::Receiver<Result<Bytes, SourceError>>);

impl Iterator for Feed {
    type Item = Result<Bytes, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.blocking_recv()
    }
}

/// The download's end.
pub(super) struct Pump(mpsc::Sender<Result<Bytes, SourceError>>);

/// A bridge, empty.
pub(super) fn bridge() -> (Pump, Feed) {
    let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
    (Pump(sender), Feed(receiver))
}

impl Pump {
    /// Moves the stream over, to its end or its first error; stops where the conversion has stopped or on `cancel`.
    pub(super) async fn run(self, mut stream: LayerStream, cancel: CancellationToken) {
        loop {
            let piece = tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                piece = stream.chunk() => piece,
            };
            let (item, last) = match piece {
                Ok(Some(bytes)) => (Ok(bytes), false),
                Ok(None) => return,
                Err(error) => (Err(SourceError::from(error)), true),
            };
            if self.0.send(item).await.is_err() || last {
                return;
            }
        }
    }
}
