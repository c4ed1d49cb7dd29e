//! Which images need a merged metadata image.

use erofs::{Image, ReadAt};

use super::{MergeError, MergeLayer};
use crate::Leans;

/// Whether an image of these layers (lowest first) must be mounted through a merged metadata image, as far as
/// their leans alone tell; [`needs_merge_exactly`] looks into the blobs.
///
/// The first layer has nothing below, so what it implies is simply created. Its links below itself are an error that
/// [`merge`](super::merge) reports, and its deletions would show as names under overlayfs. Deletions in the other layers nearly
/// always have something below and do not count here.
#[must_use]
pub fn needs_merge(layers: &[&Leans]) -> bool {
    let Some((first, above)) = layers.split_first() else { return false };
    !first.lower_links.is_empty()
        || !first.whiteout_directories.is_empty()
        || above.iter().any(|leans| !leans.is_empty())
}

/// The same with the blobs at hand, by looking up what the layers take for granted: a directory that is implied and that no
/// layer below has is no reason to merge; a deletion from a directory that no layer below has is one. So is a root that hides
/// all that is below, since overlayfs obeys no mark on the root of a layer.
///
/// # Errors
/// [`MergeError::Read`] when a blob cannot be read.
pub fn needs_merge_exactly<R: ReadAt>(layers: &[MergeLayer<'_, R>]) -> Result<bool, MergeError> {
    if layers.iter().all(|layer| layer.leans.is_empty() && layer.leans.whiteout_directories.is_empty()) {
        return Ok(false);
    }
    let mut below = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let leans = layer.leans;
        let hides_all = leans.root_is_opaque && !below.is_empty();
        if hides_all || !leans.lower_links.is_empty() {
            return Ok(true);
        }
        for path in &leans.implied_directories {
            if is_anywhere(&below, path)? {
                return Ok(true);
            }
        }
        for path in &leans.whiteout_directories {
            if !is_directory_somewhere(&below, path)? {
                return Ok(true);
            }
        }
        let blob = Image::open(layer.blob).map_err(|source| MergeError::Read { index, source })?;
        below.push(blob);
    }
    Ok(false)
}

fn is_anywhere<R: ReadAt>(below: &[Image<R>], path: &[u8]) -> Result<bool, MergeError> {
    for (index, blob) in below.iter().enumerate() {
        if blob.lookup_path(path).map_err(|source| MergeError::Read { index, source })?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_directory_somewhere<R: ReadAt>(below: &[Image<R>], path: &[u8]) -> Result<bool, MergeError> {
    for (index, blob) in below.iter().enumerate() {
        let found = blob.lookup_path(path).map_err(|source| MergeError::Read { index, source })?;
        if found.is_some_and(|inode| inode.is_directory()) {
            return Ok(true);
        }
    }
    Ok(false)
}
