//! Changes of a cache.

use model::{CacheName, CopyCount, ImageSnapshotId, ImageSource, RetentionDays, Tags};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Eviction, Login, Staleness};

/// Changes a cache; what is left out stays. Images and size are built beside what it serves, and take its place when they are
/// complete; the rest changes at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"retention_days": null, "images": ["docker.io/library/nginx:1.30"]}))]
pub struct UpdateCache {
    /// Its name.
    #[serde(
        default,
        deserialize_with = "crate::text::optional_plain_name",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    pub name: Option<CacheName>,
    /// Its images, whole: 1 to 20, none twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 20)]
    pub images: Option<Vec<ImageSource>>,
    /// The most GiB that its unpacked images may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 32_768)]
    pub size_gib: Option<u64>,
    /// How many days after its creation it is deleted; null: when somebody deletes it.
    #[serde(default, with = "crate::text::nullable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 65_536)]
    #[allow(clippy::option_option, reason = "left out, null and a value are three things")]
    pub retention_days: Option<Option<RetentionDays>>,
    /// Whether it makes room under a quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eviction: Option<Eviction>,
    /// What a start does about a tag that may have moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness: Option<Staleness>,
    /// Whether it is usable as soon as the flash snapshot is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash: Option<bool>,
    /// How many nodes hold and serve the flash snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub flash_copies: Option<CopyCount>,
    /// How many times the standard snapshot is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub standard_copies: Option<CopyCount>,
    /// Whether its builds take layers from the store that are there; else each fetches and converts all of them anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse_layers: Option<bool>,
    /// Its tags, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub tags: Option<Tags>,
    /// Credentials for its images' registries, in place of those that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<Login>>,
}

/// Makes a cache serve an earlier image snapshot again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct RollBack {
    /// Which of its generations; the newest where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "isn-0192f0c1e0f07d3a8b1c2d3e4f506172")]
    pub to: Option<ImageSnapshotId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn left_out_null_and_a_value_are_three_things() {
        let read = |text: &str| serde_json::from_str::<UpdateCache>(text).unwrap();
        assert_eq!(read("{}").retention_days, None);
        assert_eq!(read(r#"{"retention_days":null}"#).retention_days, Some(None));
        let days = read(r#"{"retention_days":7}"#);
        assert_eq!(days.retention_days.flatten().map(RetentionDays::get), Some(7));
        for text in ["{}", r#"{"retention_days":null}"#, r#"{"retention_days":7}"#] {
            assert_eq!(serde_json::to_string(&read(text)).unwrap(), text);
        }
    }
}
