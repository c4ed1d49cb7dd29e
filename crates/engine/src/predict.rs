//! Use-case: how large a cache of some images will be, before it is built.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{StreamExt as _, TryStreamExt as _};
use model::prediction::{
    Evidence, Expected, GZIP_TRAILER_LEN, ImagePrediction, LayerPrediction, Prediction, ZSTD_HEADER_LEN,
};
use model::{
    AccountId, BlobKey, Compression, DiffId, ImageSource, LayerDescriptor, Platform, RegistryAccess,
    RegistryHost,
};
use registry::{Credentials, Peek, Registry, ResolvedImage};

use crate::own_layers::OwnLayers;
use crate::{BuildError, Engine, Error, chain};

/// Layers that are looked at at once, each with one small request.
const LOOKS: usize = 8;

/// Images whose size is to be told.
#[derive(Clone, Debug)]
pub struct PredictRequest {
    /// Who asks: what is known of layers that others brought is not told.
    pub account: AccountId,
    /// The images.
    pub images: Vec<ImageSource>,
    /// Which platform's images.
    pub platform: Platform,
    /// How their registries are spoken to.
    pub access: RegistryAccess,
    /// Credentials for their registries, beyond the server's own.
    pub credentials: BTreeMap<RegistryHost, Credentials>,
}

impl Engine {
    /// Tells what images will take, from their manifests, from what is known of their layers, and from a look at the ends of
    /// those that are not. Nothing is fetched or recorded.
    ///
    /// # Errors
    /// [`Error::Build`] where an image cannot be resolved; those of store and records.
    pub async fn predict(&self, request: PredictRequest) -> Result<Prediction, Error> {
        let registry = self.workshop.parts.registry.with(&request.access, request.credentials);
        let images = self.resolve_all(&registry, request.images, &request.platform).await?;
        self.predict_resolved(&request.account, &registry, &images).await
    }

    /// Resolves images, several at once.
    pub(crate) async fn resolve_all(
        &self,
        registry: &Registry,
        sources: Vec<ImageSource>,
        platform: &Platform,
    ) -> Result<Vec<Arc<ResolvedImage>>, BuildError> {
        let resolve = |source: ImageSource| async move {
            let resolved = registry.resolve(&source, platform).await;
            resolved.map(Arc::new).map_err(|error| BuildError::Resolve(Arc::new(error)))
        };
        let resolves: Vec<_> = sources.into_iter().map(resolve).collect();
        let at_once = self.workshop.parts.settings.resolves.max(1);
        futures::stream::iter(resolves).buffered(at_once).try_collect().await
    }

    /// The same of images that are resolved already.
    pub(crate) async fn predict_resolved(
        &self,
        account: &AccountId,
        registry: &Registry,
        images: &[Arc<ResolvedImage>],
    ) -> Result<Prediction, Error> {
        let own = &self.workshop.own_layers(account, images).await;
        let mut predictions = Vec::with_capacity(images.len());
        for image in images {
            let layers = image.manifest.layers.iter().zip(&image.config.diff_ids);
            let looks =
                layers.map(|(layer, diff_id)| self.predict_layer(own, registry, image, layer, *diff_id));
            let looks: Vec<_> = looks.collect();
            let layers = futures::stream::iter(looks).buffered(LOOKS).try_collect().await?;
            predictions.push(ImagePrediction::new(
                image.source.clone(),
                image.manifest.digest,
                image.platform.clone(),
                layers,
            ));
        }
        Ok(Prediction::new(predictions))
    }

    async fn predict_layer(
        &self,
        own: &OwnLayers,
        registry: &Registry,
        image: &ResolvedImage,
        layer: &LayerDescriptor,
        diff_id: DiffId,
    ) -> Result<LayerPrediction, Error> {
        let (known, is_here) = self.known_size(own, layer, diff_id).await?;
        let (unpacked, evidence) = match known {
            Some(known) => known,
            None => {
                let seen = look(registry, image, layer).await;
                Evidence::of_served(layer.compression, layer.size, seen.as_deref())
            }
        };
        Ok(LayerPrediction {
            diff_id,
            digest: layer.digest,
            compression: layer.compression,
            compressed: layer.size,
            unpacked,
            evidence,
            is_here,
        })
    }

    /// What is known of a layer that was unpacked before, and whether its blob is here. Of one that is not the account's own
    /// nothing is.
    pub(crate) async fn known_size(
        &self,
        own: &OwnLayers,
        layer: &LayerDescriptor,
        diff_id: DiffId,
    ) -> Result<(Option<(Expected, Evidence)>, bool), Error> {
        if !own.has(&diff_id) {
            return Ok((None, false));
        }
        let here = match self.store().stat(&BlobKey::Layer(diff_id)).await {
            // A broken one is made again by the build: as if it were not there.
            Err(error) if error.kind() == blobstore::ErrorKind::Corrupt => None,
            found => found.map_err(Error::store("look for a layer"))?,
        };
        if let Some(blob) = here {
            return Ok((Some(Evidence::of_unpacked(blob.sidecar.tar_size, blob.size)), true));
        }
        let recorded = match self.records().layer_by_blob(&layer.digest).await? {
            // The config may lie about its diff ids; then the record is of another layer.
            Some(record) if record.diff_id == diff_id => Some(record),
            _ => self.records().layers_by_diff_id(&diff_id).await?.into_iter().next(),
        };
        Ok((recorded.map(|record| Evidence::of_unpacked(record.tar_size, record.blob_size)), false))
    }
}

/// The bytes of a layer that tell its length, where they are to be had. A prediction does not fail for want of them.
async fn look(registry: &Registry, image: &ResolvedImage, layer: &LayerDescriptor) -> Option<bytes::Bytes> {
    let length = |length: usize| u16::try_from(length).expect("a few bytes");
    let peek = match layer.compression {
        Compression::None => return None,
        Compression::Gzip => Peek::Last(length(GZIP_TRAILER_LEN)),
        Compression::Zstd => Peek::First(length(ZSTD_HEADER_LEN)),
    };
    match registry.peek_layer(image, layer, peek).await {
        Ok(seen) => seen,
        Err(error) => {
            tracing::debug!(layer = %layer.digest, error = chain(&error), "no look at the layer's end");
            None
        }
    }
}
