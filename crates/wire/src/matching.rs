//! Which caches would serve some images, and why.

use std::num::NonZeroU32;

use model::{ByteSize, CacheId, ImageSource, Platform};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CacheState, MatchPolicy};

/// Asks which of the account's caches would serve some images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"images": ["docker.io/library/nginx:1.29"], "policy": "content"}))]
pub struct FindMatches {
    /// The images, 1 to 100.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 100)]
    pub images: Vec<ImageSource>,
    /// Which platform's images; `linux/amd64` where it is not said.
    #[serde(default, with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "linux/amd64")]
    pub platform: Option<Platform>,
    /// Whose rules rank; `content` where it is not said.
    #[serde(default)]
    pub policy: MatchPolicy,
    /// Take only caches that have every image whole.
    #[serde(default)]
    pub perfect_match: bool,
    /// Take only caches that have at least so many images whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub match_count: Option<NonZeroU32>,
    /// Take only caches of at most that size: the instance's limit on temporary storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub space_bytes: Option<ByteSize>,
    /// The most caches taken, and the most left, in the answer: 1 to 100; 20 where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
}

/// The account's caches, ranked for some images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ranking {
    /// Caches that may be used, best first. None: a miss.
    pub taken: Vec<Taken>,
    /// Caches that have something in common with the images and may not be used.
    pub left: Vec<Left>,
    /// How many may be used in all.
    pub taken_total: u64,
    /// How many have something in common and may not be used, in all.
    pub left_total: u64,
    /// How many have nothing in common.
    pub nothing_in_common: u64,
}

/// A cache that may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Taken {
    /// The cache.
    #[schema(value_type = String)]
    pub id: CacheId,
    /// Its name.
    pub name: String,
    /// Where it is in its life.
    pub state: CacheState,
    /// Whether nothing remains to be fetched.
    pub is_perfect: bool,
    /// How it serves each image, in the order asked for.
    pub images: Vec<ImageMatch>,
    /// Why it stands where it stands, for people.
    #[schema(example = "has 2 of 2 images whole; 120.3 MiB beyond them")]
    pub reason: String,
}

/// How a cache serves one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageMatch {
    /// The image.
    #[schema(value_type = String)]
    pub image: ImageSource,
    /// Whether all of it is there.
    pub is_whole: bool,
    /// What is there of it, in one stable word.
    #[schema(example = "exact")]
    pub found: String,
    /// Bytes of it that need not be fetched, where its layers are known.
    #[schema(value_type = Option<u64>)]
    pub bytes_here: Option<ByteSize>,
}

/// A cache that may not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Left {
    /// The cache.
    #[schema(value_type = String)]
    pub id: CacheId,
    /// Its name.
    pub name: String,
    /// Where it is in its life.
    pub state: CacheState,
    /// Why not, in one stable word.
    #[schema(example = "not-perfect")]
    pub because: String,
    /// The same for people.
    pub reason: String,
}
