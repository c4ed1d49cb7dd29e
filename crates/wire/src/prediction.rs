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

/// A size as far as it is known: three equal numbers where it is known exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Expected {
    /// It is hardly less.
    #[schema(value_type = u64)]
    pub low_bytes: ByteSize,
    /// The best guess.
    #[schema(value_type = u64)]
    pub likely_bytes: ByteSize,
    /// It is hardly more.
    #[schema(value_type = u64)]
    pub high_bytes: ByteSize,
}

impl Expected {
    /// Whether it is known exactly.
    #[must_use]
    pub fn is_exact(self) -> bool {
        self.low_bytes == self.high_bytes
    }
}

/// Sums over layers, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    /// Bytes as served.
    #[schema(value_type = u64)]
    pub compressed_bytes: ByteSize,
    /// Those of them that are here already.
    #[schema(value_type = u64)]
    pub here_bytes: ByteSize,
    /// Those of them that must be fetched.
    #[schema(value_type = u64)]
    pub to_fetch_bytes: ByteSize,
    /// What counts against a cache's size.
    pub unpacked: Expected,
}

/// How large a cache would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Prediction {
    /// The images, in the order asked for.
    pub images: Vec<PredictedImage>,
    /// All together; what images share is counted once.
    pub totals: Totals,
    /// The smallest size of a cache that is enough for the likely sum, in GiB.
    pub smallest_size_gib: u64,
    /// The size to give: enough for the high end of the sum, in GiB.
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
    /// What it was built for.
    #[serde(with = "crate::text")]
    #[schema(value_type = String)]
    pub platform: Platform,
    /// Its layers, lowest first.
    pub layers: Vec<PredictedLayer>,
    /// The sums.
    pub totals: Totals,
}

/// A layer of a prediction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PredictedLayer {
    /// Digest of its uncompressed tar.
    pub diff_id: String,
    /// Digest as served.
    pub digest: String,
    /// Length as served.
    #[schema(value_type = u64)]
    pub compressed_bytes: ByteSize,
    /// What it counts against a cache's size.
    pub unpacked: Expected,
    /// What that is known by: `unpacked` (it was unpacked before), `plain`, `gzip-trailer`, `zstd-header`, or `ratio`.
    #[schema(example = "gzip-trailer")]
    pub evidence: String,
    /// Whether it is here already and need not be fetched.
    pub is_here: bool,
}
