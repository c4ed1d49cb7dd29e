//! Which layers of the store an account may take without fetching them.
//!
//! The store keeps equal layers once, whoever brought them, and a config alone says what an image's diff ids are: who may push an
//! image somewhere may name any layer in it. So a layer is taken from the store only for whoever has shown before that it may
//! have it: by a cache, an earlier image snapshot or an instance of its own. For everybody else it is fetched and verified as if it
//! were missing, and nothing tells whether it was there. The account `local` owns the data directory, and with it all of it.

use std::collections::HashSet;
use std::sync::Arc;

use model::{AccountId, DiffId};
use registry::ResolvedImage;

use crate::build::Workshop;
use crate::chain;

/// The layers that an account may take from the store, of those that it was asked for.
#[derive(Clone, Debug)]
pub(crate) enum OwnLayers {
    /// Whatever is there: the account owns the data directory.
    All,
    /// These: the account has them.
    These(HashSet<DiffId>),
}

impl OwnLayers {
    /// None of them.
    pub(crate) fn none() -> Self {
        Self::These(HashSet::new())
    }

    /// Whether it may take that layer.
    pub(crate) fn has(&self, layer: &DiffId) -> bool {
        match self {
            Self::All => true,
            Self::These(layers) => layers.contains(layer),
        }
    }
}

impl Workshop {
    /// Which layers of these images the account may take from the store.
    pub(crate) async fn own_layers(&self, account: &AccountId, images: &[Arc<ResolvedImage>]) -> OwnLayers {
        if *account == AccountId::local() {
            return OwnLayers::All;
        }
        if let Err(error) = self.indexes.update(self).await {
            // A layer too many is fetched, and none too few.
            tracing::warn!(%account, error = chain(&error), "failed to tell which layers an account has");
            return OwnLayers::none();
        }
        let wanted = images.iter().flat_map(|image| image.config.diff_ids.iter().copied());
        OwnLayers::These(self.indexes.layers_had(account, wanted))
    }
}
