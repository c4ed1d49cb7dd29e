//! The layers that a build wants, and what it says when one cannot be had.

use std::sync::Arc;

use layer::SharedBudget;
use model::{DiffId, LayerDescriptor};
use registry::ResolvedImage;

use super::layer_job::{LayerFailure, LayerMade};
use crate::BuildError;

/// A layer that an image of this build wants, with the first image that wants it.
pub(super) struct Wanted {
    pub(super) image: Arc<ResolvedImage>,
    pub(super) descriptor: LayerDescriptor,
    pub(super) diff_id: DiffId,
}

/// Every layer of the images once, in order.
pub(super) fn wanted_layers(images: &[Arc<ResolvedImage>]) -> Vec<Wanted> {
    let mut seen = std::collections::HashSet::new();
    let layers =
        images.iter().flat_map(|image| {
            image.manifest.layers.iter().zip(&image.config.diff_ids).map(move |(descriptor, diff_id)| {
                Wanted { image: Arc::clone(image), descriptor: descriptor.clone(), diff_id: *diff_id }
            })
        });
    layers.filter(|layer| seen.insert(layer.diff_id)).collect()
}

pub(super) fn take(budget: &SharedBudget, layer: &Wanted, made: &LayerMade) -> Result<(), BuildError> {
    if budget.take(made.counted()) { Ok(()) } else { Err(layer.too_large(budget)) }
}

impl Wanted {
    pub(super) fn failed(&self, failure: LayerFailure) -> BuildError {
        BuildError::Layer {
            image: self.image.source.clone(),
            digest: self.descriptor.digest,
            source: Arc::new(failure),
        }
    }

    pub(super) fn failed_by(&self, failure: Arc<LayerFailure>, budget: &SharedBudget) -> BuildError {
        match &*failure {
            LayerFailure::Cancelled => BuildError::Cancelled,
            LayerFailure::Convert(error)
                if error.limit().is_some_and(|(limit, _)| limit == layer::Limit::Expanded) =>
            {
                self.too_large(budget)
            }
            _ => BuildError::Layer {
                image: self.image.source.clone(),
                digest: self.descriptor.digest,
                source: failure,
            },
        }
    }

    pub(super) fn too_large(&self, budget: &SharedBudget) -> BuildError {
        BuildError::SizeExceeded {
            image: self.image.source.clone(),
            digest: self.descriptor.digest,
            limit: budget.bound(),
        }
    }
}
