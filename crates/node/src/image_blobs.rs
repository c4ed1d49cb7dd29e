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
    /// Which of them has the attributes of the instance's root directory; none where no layer says any.
    #[serde(default)]
    pub root: Option<usize>,
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
            return Self { lowers: vec![LocalBlob { path: path_of(&key), key, devices }], root: Some(0) };
        }
        let mut lowers: Vec<LocalBlob> = Vec::new();
        for key in layers {
            lowers.retain(|lower| lower.key != key);
            lowers.push(LocalBlob { path: path_of(&key), key, devices: Vec::new() });
        }
        let giver = image.layers.iter().rev().find(|layer| layer.root_is_given);
        let giver = giver.map(|layer| BlobKey::Layer(layer.diff_id));
        let root = lowers.iter().position(|lower| Some(lower.key) == giver);
        Self { lowers, root }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ChainId, DiffId, Digest};

    fn image(layers: &[&[u8]], merged: bool) -> SnapshotImage {
        let diff_ids: Vec<DiffId> = layers.iter().map(|layer| DiffId::new(Digest::sha256(layer))).collect();
        let digest = Digest::sha256(b"x").to_string();
        let layers: Vec<_> = diff_ids
            .iter()
            .map(|diff_id| {
                serde_json::json!({
                    "diff_id": diff_id, "blob_size": 1,
                    "descriptor": { "compression": "none", "digest": digest, "size": 1 },
                })
            })
            .collect();
        let chain = merged.then(|| ChainId::of(&diff_ids).unwrap());
        serde_json::from_value(serde_json::json!({
            "source": "oci:/somewhere", "manifest_digest": digest, "index_digest": null, "image_id": digest,
            "platform": { "os": "linux", "architecture": "amd64" }, "manifest": "", "config_document": "",
            "config": { "platform": { "os": "linux", "architecture": "amd64" }, "diff_ids": diff_ids },
            "layers": layers, "merged": chain,
        }))
        .unwrap()
    }

    fn path_of(key: &BlobKey) -> PathBuf {
        PathBuf::from(key.to_string())
    }

    #[test]
    fn of_a_layer_twice_the_upper_one_counts() {
        let blobs = ImageBlobs::of(&image(&[b"a", b"b", b"a", b"c"], false), path_of);
        let names: Vec<DiffId> =
            [b"b", b"a", b"c"].iter().map(|layer| DiffId::new(Digest::sha256(*layer))).collect();
        let expected: Vec<BlobKey> = names.into_iter().map(BlobKey::Layer).collect();
        assert_eq!(blobs.lowers.iter().map(|lower| lower.key).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_topmost_layer_that_says_the_roots_attributes_has_them() {
        let mut image = image(&[b"a", b"b", b"a", b"c"], false);
        assert_eq!(ImageBlobs::of(&image, path_of).root, None);
        image.layers[1].root_is_given = true;
        assert_eq!(ImageBlobs::of(&image, path_of).root, Some(0), "b is the lowest of those that are left");
        for layer in [0, 2] {
            image.layers[layer].root_is_given = true;
        }
        assert_eq!(ImageBlobs::of(&image, path_of).root, Some(1));
    }

    #[test]
    fn a_merged_image_is_one_lower_with_every_layer_as_a_device_in_order() {
        let image = image(&[b"a", b"b", b"a"], true);
        let blobs = ImageBlobs::of(&image, path_of);
        assert_eq!(blobs.lowers.len(), 1);
        assert_eq!(blobs.lowers[0].key, BlobKey::Merged(image.merged.unwrap()));
        assert_eq!(blobs.lowers[0].devices.len(), 3);
        assert_eq!(blobs.root, Some(0));
    }
}
