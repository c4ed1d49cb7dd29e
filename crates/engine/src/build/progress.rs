//! How far a build is, for whoever watches. Written by the build, read at any time; nothing waits for the reader.

use std::sync::{Arc, Mutex, PoisonError};

use layer::Control;
use model::{BlobDigest, ByteSize, DiffId, ImageSource};

use crate::copies::CopyProgress;

/// What a layer of a build is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerPhase {
    /// Waits for its turn, or for another process that makes it.
    Waiting,
    /// Is fetched, verified, unpacked and committed.
    Unpacking,
    /// Is in the store.
    Done,
    /// Was in the store already; nothing was fetched.
    Reused,
}

/// One layer of a build.
#[derive(Clone, Debug)]
pub struct LayerProgress {
    /// The layer.
    pub diff_id: DiffId,
    /// Its digest as served, for people.
    pub digest: BlobDigest,
    /// Its length as served.
    pub size: ByteSize,
    /// Bytes of it that were fetched.
    pub fetched: ByteSize,
    /// Bytes of tar that were unpacked.
    pub unpacked: ByteSize,
    /// What it is doing.
    pub phase: LayerPhase,
}

struct LayerEntry {
    seen: LayerProgress,
    control: Arc<Control>,
}

#[derive(Default)]
struct State {
    resolved: Vec<ImageSource>,
    layers: Vec<LayerEntry>,
    /// The standard copies that belong to the build, where it makes some.
    copies: Option<CopyProgress>,
}

/// The progress of one build, shared by the build and its watchers.
#[derive(Clone, Default)]
pub struct BuildProgress(Arc<Mutex<State>>);

impl std::fmt::Debug for BuildProgress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.layers()).finish()
    }
}

impl BuildProgress {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Images whose manifests are known so far.
    #[must_use]
    pub fn resolved_images(&self) -> usize {
        self.with(|state| state.resolved.len())
    }

    /// The layers as they are now, in the order of the images, each once.
    #[must_use]
    pub fn layers(&self) -> Vec<LayerProgress> {
        self.with(|state| {
            let now = |entry: &LayerEntry| {
                let mut seen = entry.seen.clone();
                if seen.phase != LayerPhase::Reused {
                    seen.fetched = ByteSize::bytes(entry.control.compressed_bytes());
                    seen.unpacked = ByteSize::bytes(entry.control.tar_bytes());
                }
                seen
            };
            state.layers.iter().map(now).collect()
        })
    }

    /// Bytes as served that were fetched.
    #[must_use]
    pub fn fetched(&self) -> ByteSize {
        self.layers().iter().fold(ByteSize::ZERO, |sum, layer| sum.plus(layer.fetched))
    }

    /// Progress in percent by bytes as served; 100 only when every layer is in the store. Where standard copies belong to the
    /// build, they are the second half of it.
    #[must_use]
    pub fn percent(&self) -> u8 {
        let layers = self.percent_of_layers();
        match self.with(|state| state.copies.clone()) {
            Some(copies) => u8::midpoint(layers, copies.percent().get()),
            None => layers,
        }
    }

    fn percent_of_layers(&self) -> u8 {
        let layers = self.layers();
        let finished = |layer: &LayerProgress| matches!(layer.phase, LayerPhase::Done | LayerPhase::Reused);
        if layers.is_empty() || self.resolved_images() == 0 {
            return 0;
        }
        if layers.iter().all(finished) {
            return 100;
        }
        let total: u128 = layers.iter().map(|layer| u128::from(layer.size.as_u64())).sum();
        let have = |layer: &LayerProgress| match finished(layer) {
            true => u128::from(layer.size.as_u64()),
            false => u128::from(layer.fetched.as_u64().min(layer.size.as_u64())),
        };
        let fetched: u128 = layers.iter().map(have).sum();
        u8::try_from(fetched * 100 / total.max(1)).unwrap_or(99).min(99)
    }

    /// Standard copies belong to the build.
    pub(super) fn copies_belong(&self, copies: &CopyProgress) {
        self.with(|state| state.copies = Some(copies.clone()));
    }

    pub(super) fn image_resolved(&self, image: ImageSource) {
        self.with(|state| state.resolved.push(image));
    }

    pub(super) fn layer_known(&self, diff_id: DiffId, digest: BlobDigest, size: ByteSize) {
        self.with(|state| {
            let seen = LayerProgress {
                diff_id,
                digest,
                size,
                fetched: ByteSize::ZERO,
                unpacked: ByteSize::ZERO,
                phase: LayerPhase::Waiting,
            };
            state.layers.push(LayerEntry { seen, control: Arc::new(Control::new()) });
        });
    }

    pub(super) fn layer_is(&self, diff_id: DiffId, phase: LayerPhase) {
        self.with(|state| {
            for entry in state.layers.iter_mut().filter(|entry| entry.seen.diff_id == diff_id) {
                entry.seen.phase = phase;
            }
        });
    }

    /// From now on the layer's bytes are counted by that conversion.
    pub(super) fn layer_follows(&self, diff_id: DiffId, control: &Arc<Control>) {
        self.with(|state| {
            for entry in state.layers.iter_mut().filter(|entry| entry.seen.diff_id == diff_id) {
                entry.control = Arc::clone(control);
            }
        });
    }
}
