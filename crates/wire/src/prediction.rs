//! How large a cache will be, before it is built.

use model::{ByteSize, ImageSource, Platform, RegistryHost};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Login;

/// Asks how large a cache of these images would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"images": ["docker.io/library/nginx:1.29"]}))]
pub struct PredictSize {
    /// The images, 1 to 20, none twice.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 20)]
    pub images: Vec<ImageSource>,
    /// Which platform's images; `linux/amd64` where it is not said.
    #[serde(default, with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "linux/amd64")]
    pub platform: Option<Platform>,
    /// Registries that are spoken to by plain HTTP.
    #[serde(default, with = "crate::new_cache::hosts", skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub plain_http: Vec<RegistryHost>,
    /// Registries whose certificates are not checked.
    #[serde(default, with = "crate::new_cache::hosts", skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub insecure: Vec<RegistryHost>,
    /// Credentials for the images' registries; they are not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<Login>,
}

impl PredictSize {
    /// How the registries are spoken to.
    #[must_use]
    pub fn access(&self) -> model::RegistryAccess {
        crate::new_cache::access(&self.plain_http, &self.insecure)
    }
}

/// A number of bytes between two; both are equal where it is known exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Range {
    /// At least.
    #[schema(value_type = u64)]
    pub low_bytes: ByteSize,
    /// At most.
    #[schema(value_type = u64)]
    pub high_bytes: ByteSize,
}

/// How large a cache would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Prediction {
    /// The images, in the order asked for.
    pub images: Vec<PredictedImage>,
    /// Bytes as served of all layers, each counted once.
    #[schema(value_type = u64)]
    pub compressed_bytes: ByteSize,
    /// Those of them that are not here and must be fetched.
    #[schema(value_type = u64)]
    pub to_fetch_bytes: ByteSize,
    /// Bytes of all layers unpacked, each counted once.
    pub unpacked: Range,
    /// The smallest size of a cache that holds them for certain, in GiB.
    pub suggested_size_gib: u64,
}

/// An image of a prediction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PredictedImage {
    /// The image as it was asked for.
    #[schema(value_type = String)]
    pub source: ImageSource,
    /// What its tag means now.
    pub manifest_digest: String,
    /// Its layers, lowest first.
    pub layers: Vec<PredictedLayer>,
}

/// A layer of a prediction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PredictedLayer {
    /// Digest as served.
    pub digest: String,
    /// Length as served.
    #[schema(value_type = u64)]
    pub compressed_bytes: ByteSize,
    /// Length unpacked.
    pub unpacked: Range,
    /// Whether it is here already and need not be fetched.
    pub is_here: bool,
}
