//! A cache to create.

use model::{
    CacheName, CachePolicy, CopyCount, CopyPlan, ImageSource, Platform, RegistryAccess, RegistryHost,
    RetentionDays, Tags,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Eviction, Login, Staleness};

/// Asks for a cache. Answered at once: the build waits for its turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "web", "images": ["docker.io/library/nginx:1.29"], "size_gib": 20, "retention_days": 7,
    "tags": {"team": "shop"}
}))]
pub struct CreateCache {
    /// Its name: 1 to 128 characters of a-z, 0-9, `-`, `_` and `.`. Not unique.
    #[serde(deserialize_with = "crate::text::plain_name")]
    #[schema(value_type = String, min_length = 1, max_length = 128)]
    pub name: CacheName,
    /// Its images, 1 to 20, none twice.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 20)]
    pub images: Vec<ImageSource>,
    /// Which platform's images; `linux/amd64` where it is not said.
    #[serde(default, with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "linux/amd64")]
    pub platform: Option<Platform>,
    /// The most GiB that its unpacked images may take; the server's default where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 32_768)]
    pub size_gib: Option<u64>,
    /// How many days after its creation it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 65_536)]
    pub retention_days: Option<RetentionDays>,
    /// Whether it makes room under a quota; `keep` where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eviction: Option<Eviction>,
    /// What a start does about a tag that may have moved; `pinned` where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness: Option<Staleness>,
    /// Whether it is usable as soon as the flash snapshot is complete.
    #[serde(default)]
    pub flash: bool,
    /// How many nodes hold and serve the flash snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub flash_copies: Option<CopyCount>,
    /// How many times the standard snapshot is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub standard_copies: Option<CopyCount>,
    /// Whether its builds take layers from the store that are there, `true` where it is not said; else each fetches and converts all of
    /// them anew. Equal layers are stored once in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse_layers: Option<bool>,
    /// Its tags, at most 20.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub tags: Tags,
    /// Registries that are spoken to by plain HTTP.
    #[serde(default, with = "hosts", skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub plain_http: Vec<RegistryHost>,
    /// Registries whose certificates are not checked.
    #[serde(default, with = "hosts", skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub insecure: Vec<RegistryHost>,
    /// Credentials for its images' registries. They are kept encrypted, for this cache alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<Login>,
}

impl CreateCache {
    /// A cache of these images, with nothing else said.
    #[must_use]
    pub fn of(name: CacheName, images: Vec<ImageSource>) -> Self {
        Self {
            name,
            images,
            platform: None,
            size_gib: None,
            retention_days: None,
            eviction: None,
            staleness: None,
            flash: false,
            flash_copies: None,
            standard_copies: None,
            reuse_layers: None,
            tags: Tags::default(),
            plain_http: Vec::new(),
            insecure: Vec::new(),
            credentials: Vec::new(),
        }
    }

    /// What it says beside its images.
    #[must_use]
    pub fn policy(&self) -> CachePolicy {
        CachePolicy {
            retention: self.retention_days,
            elimination: self.eviction.map(Into::into).unwrap_or_default(),
            staleness: self.staleness.map(Into::into).unwrap_or_default(),
            copies: CopyPlan {
                flash: self.flash,
                flash_copies: self.flash_copies.unwrap_or_default(),
                standard_copies: self.standard_copies.unwrap_or_default(),
            },
            reuse_layers: self.reuse_layers.unwrap_or(true),
            tags: self.tags.clone(),
        }
    }

    /// How its images' registries are spoken to.
    #[must_use]
    pub fn access(&self) -> RegistryAccess {
        access(&self.plain_http, &self.insecure)
    }
}

pub(crate) fn access(plain_http: &[RegistryHost], insecure: &[RegistryHost]) -> RegistryAccess {
    RegistryAccess {
        plain_http: plain_http.iter().cloned().collect(),
        insecure: insecure.iter().cloned().collect(),
    }
}

/// Registries go by their text.
pub(crate) mod hosts {
    use model::RegistryHost;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(hosts: &[RegistryHost], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(hosts.iter().map(ToString::to_string))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<RegistryHost>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.into_iter().map(|text| text.parse().map_err(de::Error::custom)).collect()
    }
}
