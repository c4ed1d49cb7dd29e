//! Which blob files an image is mounted from.

use std::path::PathBuf;

use model::{BlobKey, SnapshotImage};
use serde::{Deserialize, Serialize};

/// One EROFS blob and where it lies on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalBlob {
    /// Its name in the store.
    pub key: BlobKey,
    /// The file.
    pub path: PathBuf,
    /// The files that a merged metadata image's chunks lie in, in the order of its device table; empty for a layer.
    pub devices: Vec<PathBuf>,
}

/// The blobs that become the lowers of an instance's overlay, the lowest first, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageBlobs {
    /// Lowest first.
    pub lowers: Vec<LocalBlob>,
}

impl ImageBlobs {
    /// The blobs of an image, with the place of each as the store gives it.
    ///
    /// An image with a merged metadata image is that one lower with all layers as its devices. Of a layer that the image
    /// has twice only the upper one counts: overlayfs refuses the same directory twice, and whatever the lower one brings
    /// the upper one brings again.
    #[must_use]
    pub fn of(image: &SnapshotImage, path_of: impl Fn(&BlobKey) -> PathBuf) -> Self {
        let layers = image.layers.iter().map(|layer| BlobKey::Layer(layer.diff_id));
        if let Some(chain) = image.merged {
            let key = BlobKey::Merged(chain);
            let devices = layers.map(|key| path_of(&key)).collect();
            return Self { lowers: vec![LocalBlob { path: path_of(&key), key, devices }] };
        }
        let mut lowers: Vec<LocalBlob> = Vec::new();
        for key in layers {
            lowers.retain(|lower| lower.key != key);
            lowers.push(LocalBlob { path: path_of(&key), key, devices: Vec::new() });
        }
        Self { lowers }
    }
}
