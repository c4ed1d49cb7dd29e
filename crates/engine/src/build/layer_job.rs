//! One layer: fetched, converted and committed, unless the store has it and whoever wants it may take it from there.

use std::sync::Arc;
use std::time::Duration;

use blobstore::{BlobInfo, BlobStore, BlobWriter, Claim, ClaimBeat, Committed, Lease, Sidecar};
use layer::{Control, ConvertError, ConvertOptions, Converted, DirectWriter, EarlyWriter, Leans, Limits};
use metastore::LayerRecord;
use model::{BlobKey, ByteSize, DiffId, LayerDescriptor};
use registry::{Registry, ResolvedImage};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{BuildProgress, LayerPhase, Workshop, feed};
use crate::copies::CopyProgress;

/// How often a conversion is looked at while the server is silent.
const WATCH: Duration = Duration::from_millis(50);

/// How often a layer that another process makes is looked for.
const CLAIM_WATCH: Duration = Duration::from_millis(50);

/// How often whoever waits for a claim of ours is shown that we live.
const BEAT: Duration = Duration::from_secs(5);

/// Why a layer is not in the store.
#[derive(Debug, thiserror::Error)]
pub enum LayerFailure {
    /// The source of its bytes could not be opened.
    #[error(transparent)]
    Open(registry::Error),
    /// Its bytes did not come, are not those promised, or are no layer.
    #[error(transparent)]
    Convert(ConvertError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] blobstore::Error),
    /// What the blob's sidecar says of its leanings cannot be read or written.
    #[error("failed to read what the layer takes for granted below it")]
    Sidecar(#[source] serde_json::Error),
    /// Every build that wanted it was cancelled.
    #[error("the layer was cancelled")]
    Cancelled,
    /// The thread that converted it panicked.
    #[error("the conversion of the layer ended without a result")]
    Aborted,
}

/// A layer that is in the store.
#[derive(Clone, Debug)]
pub(super) struct LayerMade {
    pub(super) diff_id: DiffId,
    pub(super) blob_size: ByteSize,
    pub(super) tar_size: ByteSize,
    pub(super) leans: Leans,
    /// Bytes fetched for it; `None` where the store had it.
    pub(super) fetched: Option<ByteSize>,
    /// What was left out of it, for people.
    pub(super) warnings: Vec<String>,
}

impl LayerMade {
    /// What it counts against a cache's size: the same as if it were converted now.
    pub(super) fn counted(&self) -> u64 {
        self.blob_size.max(self.tar_size).as_u64()
    }
}

/// A layer to make.
pub(super) struct LayerOrder {
    /// Speaks for the cache that ordered it.
    pub(super) registry: Registry,
    pub(super) image: Arc<ResolvedImage>,
    pub(super) descriptor: LayerDescriptor,
    pub(super) diff_id: DiffId,
    /// Whether it may be taken from the store, or from another process that makes it; else it is made here, whatever is there.
    pub(super) is_own: bool,
    /// Whether an instance waits for it, which then finds it in memory; else it is written past the page cache.
    pub(super) starts_at_once: bool,
    /// Keeps its blob from collection.
    pub(super) lease: Arc<dyn Lease>,
    pub(super) control: Arc<Control>,
    /// The build that ordered it is told when another process is at it.
    pub(super) progress: BuildProgress,
}

/// Asks the store for a blob that is about to be made or used: one whose files are broken is deleted, to be made again.
/// Whether one was, the flag says.
pub(crate) async fn stat_whole(
    store: &dyn BlobStore,
    key: &BlobKey,
) -> blobstore::Result<(Option<BlobInfo>, bool)> {
    match store.stat(key).await {
        Err(error) if error.kind() == blobstore::ErrorKind::Corrupt => {
            let discarded = store.discard_broken(key).await?;
            tracing::warn!(%key, error = crate::chain(&error), "discarded a broken blob");
            Ok((store.stat(key).await?, discarded))
        }
        found => Ok((found?, false)),
    }
}

/// Asks the store for a layer. The answer holds while the lease names its key.
async fn in_store(workshop: &Workshop, diff_id: DiffId) -> Result<Option<LayerMade>, LayerFailure> {
    Ok(look(workshop, diff_id).await?.0)
}

/// The same, and whether a broken one was deleted.
pub(super) async fn look(
    workshop: &Workshop,
    diff_id: DiffId,
) -> Result<(Option<LayerMade>, bool), LayerFailure> {
    let (info, discarded) = stat_whole(&*workshop.parts.store, &BlobKey::Layer(diff_id)).await?;
    let Some(info) = info else { return Ok((None, discarded)) };
    let made = LayerMade {
        diff_id,
        blob_size: info.size,
        tar_size: info.sidecar.tar_size,
        leans: read_leans(info.sidecar.leans)?,
        fetched: None,
        warnings: Vec::new(),
    };
    Ok((Some(made), discarded))
}

fn read_leans(document: serde_json::Value) -> Result<Leans, LayerFailure> {
    if document.is_null() {
        return Ok(Leans::default());
    }
    serde_json::from_value(document).map_err(LayerFailure::Sidecar)
}

/// What a layer is made under.
struct Licence {
    /// Spares other processes the same work. `None` where its owner is stopped, or stuck, and where the layer is not the
    /// account's own: then the first commit wins.
    claim: Option<Box<dyn Claim>>,
    /// One of this process' conversions.
    turn: OwnedSemaphorePermit,
}

enum Way {
    /// Another process made it.
    There(LayerMade),
    /// It is to be made here.
    Make(Licence),
}

/// Tells an owner that works from one that is stopped.
struct ClaimWatch {
    patience: Duration,
    last: Option<ClaimBeat>,
    since: Instant,
}

impl ClaimWatch {
    fn new(patience: Duration) -> Self {
        Self { patience, last: None, since: Instant::now() }
    }

    fn is_stuck(&mut self, beat: Option<ClaimBeat>) -> bool {
        if beat != self.last {
            (self.last, self.since) = (beat, Instant::now());
        }
        self.since.elapsed() >= self.patience
    }
}

async fn turn(workshop: &Workshop) -> Result<OwnedSemaphorePermit, LayerFailure> {
    // The semaphore is never closed.
    Arc::clone(&workshop.conversions).acquire_owned().await.map_err(|_| LayerFailure::Aborted)
}

/// Waits for a turn and for the claim, or until another process has made the layer.
///
/// A claim is asked for once with a turn in hand, so that processes which want the same image share its layers out. It is
/// waited for without one: who has a turn waits for nobody's claim, so whoever waits for a turn gets it in the end.
///
/// A layer that is not the account's own needs a turn alone: who waits for another's claim learns that the layer is made, and who
/// has one holds up others by a registry of its own choice.
async fn find_way(workshop: &Workshop, order: &LayerOrder) -> Result<Way, LayerFailure> {
    let (store, key) = (&workshop.parts.store, BlobKey::Layer(order.diff_id));
    if !order.is_own {
        let turn = turn(workshop).await?;
        // A broken one would be in the way of ours. What else is there is not told.
        stat_whole(&**store, &key).await?;
        return Ok(Way::Make(Licence { claim: None, turn }));
    }
    let early = turn(workshop).await?;
    let (claim, early) = match store.claim(&key).await? {
        Some(claim) => (Some(claim), Some(early)),
        None => {
            drop(early);
            let mut owner = ClaimWatch::new(workshop.parts.settings.claim_patience);
            loop {
                order.progress.layer_is(order.diff_id, LayerPhase::Waiting);
                tokio::time::sleep(CLAIM_WATCH).await;
                if let Some(claim) = store.claim(&key).await? {
                    break (Some(claim), None);
                }
                if let Some(made) = in_store(workshop, order.diff_id).await? {
                    return Ok(Way::There(made));
                }
                if owner.is_stuck(store.claim_beat(&key).await?) {
                    break (None, None);
                }
            }
        }
    };
    // Whoever had the claim may have committed it.
    if let Some(made) = in_store(workshop, order.diff_id).await? {
        return Ok(Way::There(made));
    }
    let turn = match early {
        Some(turn) => turn,
        None => with_beats(claim.as_deref(), turn(workshop)).await?,
    };
    order.progress.layer_is(order.diff_id, LayerPhase::Unpacking);
    Ok(Way::Make(Licence { claim, turn }))
}

/// Makes a layer: waits for its turn and its claim, fetches and converts it, commits the blob.
pub(super) async fn make(
    workshop: Arc<Workshop>,
    order: LayerOrder,
    cancel: CancellationToken,
) -> Result<LayerMade, LayerFailure> {
    let way = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(LayerFailure::Cancelled),
        way = find_way(&workshop, &order) => way?,
    };
    let Licence { claim, turn } = match way {
        Way::There(made) => return Ok(made),
        Way::Make(licence) => licence,
    };
    let copied = with_beats(claim.as_deref(), from_standard(&workshop, &order, &cancel)).await?;
    if let Some(made) = copied {
        return Ok(made);
    }
    let work = make_under(&workshop, &order, turn, &cancel);
    let (committed, converted) = with_beats(claim.as_deref(), work).await?;
    let mut warnings: Vec<String> = converted.warnings.iter().map(sentence).collect();
    if claim.is_none() && order.is_own {
        warnings.push(
            "another process had begun to make it and gave no sign of life: it was made here as well".into(),
        );
    }
    drop(claim);
    remember(&workshop, &order, &converted).await;
    Ok(LayerMade {
        diff_id: order.diff_id,
        blob_size: committed.info().size,
        tar_size: converted.tar_size,
        leans: converted.leans,
        fetched: Some(converted.compressed_size),
        warnings,
    })
}

/// Takes the layer from a standard copy, where one has it: that spares the registry, and the conversion. One that cannot be
/// read is no reason to fail.
async fn from_standard(
    workshop: &Workshop,
    order: &LayerOrder,
    cancel: &CancellationToken,
) -> Result<Option<LayerMade>, LayerFailure> {
    if workshop.parts.standard.is_none() || !order.is_own {
        return Ok(None);
    }
    let key = BlobKey::Layer(order.diff_id);
    let (target, progress) = (&*workshop.parts.store, CopyProgress::default());
    match workshop.copy_blob(target, &*order.lease, &key, &progress, cancel).await {
        Ok(()) => in_store(workshop, order.diff_id).await,
        Err(_) if cancel.is_cancelled() => Err(LayerFailure::Cancelled),
        Err(error) => {
            tracing::debug!(layer = %order.diff_id, error = crate::chain(&error), "no standard copy has a layer");
            Ok(None)
        }
    }
}

async fn make_under(
    workshop: &Workshop,
    order: &LayerOrder,
    turn: OwnedSemaphorePermit,
    cancel: &CancellationToken,
) -> Result<(Committed, Converted), LayerFailure> {
    let writer = workshop.parts.store.begin(&*order.lease, &BlobKey::Layer(order.diff_id)).await?;
    let converted = fetch_and_convert(order, &*writer, cancel).await?;
    // The next layer may be converted while this one is synced.
    drop(turn);
    if cancel.is_cancelled() {
        return Err(LayerFailure::Cancelled);
    }
    let sidecar = sidecar_of(&converted, &order.descriptor)?;
    Ok((writer.commit(sidecar).await?, converted))
}

/// Does the work and shows meanwhile that this process lives. What the work waits for has bounds of its own: a turn, a
/// download, memory, the disk.
async fn with_beats<T>(claim: Option<&dyn Claim>, work: impl Future<Output = T>) -> T {
    let mut tick = tokio::time::interval(BEAT);
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = tick.tick() => {
                claim.inspect(|claim| claim.beat());
            }
        }
    }
}

async fn fetch_and_convert(
    order: &LayerOrder,
    writer: &dyn BlobWriter,
    cancel: &CancellationToken,
) -> Result<Converted, LayerFailure> {
    let blob = writer.file().try_clone().map_err(|error| LayerFailure::Convert(ConvertError::Sink(error)))?;
    let stream = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(LayerFailure::Cancelled),
        stream = order.registry.fetch_layer(&order.image, &order.descriptor) => {
            stream.map_err(LayerFailure::Open)?
        }
    };
    let options = ConvertOptions {
        compression: order.descriptor.compression,
        digest: Some(order.descriptor.digest),
        size: Some(order.descriptor.size),
        diff_id: order.diff_id,
        // The expanded size is bounded by the build's budget, which the control carries.
        limits: Limits::default(),
    };
    let (pump, feed) = feed::bridge();
    let control = Arc::clone(&order.control);
    let starts_at_once = order.starts_at_once;
    let conversion = tokio::task::spawn_blocking(move || match starts_at_once {
        true => layer::convert(feed, &options, EarlyWriter::new(&blob), &control),
        false => layer::convert(feed, &options, DirectWriter::new(&blob), &control),
    });
    let watch = async {
        cancel.cancelled().await;
        order.control.cancel();
        std::future::pending::<()>().await;
    };
    // Where the conversion has given up, the download ends, however long the server would be silent.
    let useful = cancel.child_token();
    let download = async {
        tokio::select! {
            () = pump.run(stream, useful.clone()) => {}
            () = gives_up(&order.control) => useful.cancel(),
        }
    };
    let work = async { tokio::join!(download, conversion).1 };
    let converted = tokio::select! {
        converted = work => converted,
        () = watch => return Err(LayerFailure::Cancelled),
    };
    match converted {
        Ok(Ok(converted)) => Ok(converted),
        Ok(Err(_)) if cancel.is_cancelled() => Err(LayerFailure::Cancelled),
        Ok(Err(error)) => Err(LayerFailure::Convert(error)),
        Err(_) => Err(LayerFailure::Aborted),
    }
}

/// Comes back when the conversion has failed for good.
async fn gives_up(control: &Control) {
    let mut tick = tokio::time::interval(WATCH);
    while !control.has_given_up() {
        tick.tick().await;
    }
}

fn sentence(warning: &layer::Warning) -> String {
    format!("{} ({} times, first at `{}`)", warning.kind, warning.count, warning.first)
}

fn sidecar_of(converted: &Converted, descriptor: &LayerDescriptor) -> Result<Sidecar, LayerFailure> {
    let leans = if converted.leans == Leans::default() {
        serde_json::Value::Null
    } else {
        serde_json::to_value(&converted.leans).map_err(LayerFailure::Sidecar)?
    };
    Ok(Sidecar {
        tar_size: converted.tar_size,
        metadata_offset: converted.metadata_offset,
        metadata_len: converted.metadata_length,
        entries: converted.entries,
        compressed: vec![descriptor.digest],
        leans,
        ..Sidecar::of_size(converted.blob_size)
    })
}

/// Records what the served bytes are. The layer is in the store all the same where that fails.
async fn remember(workshop: &Workshop, order: &LayerOrder, converted: &Converted) {
    let record = LayerRecord {
        diff_id: order.diff_id,
        blob: order.descriptor.digest,
        compressed_size: converted.compressed_size,
        tar_size: converted.tar_size,
        blob_size: converted.blob_size,
        recorded: workshop.parts.clock.now(),
    };
    if let Err(error) = workshop.parts.records.record_layer(&record).await {
        tracing::warn!(layer = %order.diff_id, error = crate::chain(&error), "failed to record a layer");
    }
}
