//! Which caches would serve some images, and why.

use std::num::NonZeroU32;

use model::{ByteSize, CacheId, ImageSource, Platform, RegistryHost};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CacheState, Login, MatchPolicy};

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
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub match_count: Option<NonZeroU32>,
    /// Take only caches of at most that size, 32 TiB at most: the instance's limit on temporary storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, maximum = 35_184_372_088_832_u64)]
    pub space_bytes: Option<ByteSize>,
    /// The most caches taken, and the most left, in the answer: 1 to 100; 20 where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// Ask no registry: images are known by name alone, and not by their layers.
    #[serde(default)]
    pub by_name_only: bool,
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

impl FindMatches {
    /// Asks for these images, with nothing else said.
    #[must_use]
    pub fn of(images: Vec<ImageSource>) -> Self {
        Self {
            images,
            platform: None,
            policy: MatchPolicy::default(),
            perfect_match: false,
            match_count: None,
            space_bytes: None,
            limit: None,
            by_name_only: false,
            plain_http: Vec::new(),
            insecure: Vec::new(),
            credentials: Vec::new(),
        }
    }

    /// How the registries are spoken to.
    #[must_use]
    pub fn access(&self) -> model::RegistryAccess {
        crate::new_cache::access(&self.plain_http, &self.insecure)
    }
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
    /// Images whose layers are not known, and why: they are matched by name alone.
    pub by_name_only: Vec<Unasked>,
}

/// An image whose registry could not tell its layers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unasked {
    /// The image.
    #[schema(value_type = String)]
    pub image: ImageSource,
    /// Why.
    pub reason: String,
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
    /// How well it matches.
    pub grade: Grade,
    /// What decides between equals: its unpacked bytes beyond the images, or for `tencent` its size.
    #[schema(value_type = u64)]
    pub compared_bytes: ByteSize,
}

/// How well a cache matches, by the policy; the greater one goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase", tag = "policy")]
pub enum Grade {
    /// By the policy `alibaba`.
    Alibaba {
        /// Images that are there whole.
        whole: u64,
        /// Images that are there in another version.
        other_tag: u64,
    },
    /// By the policy `tencent`.
    Tencent {
        /// Names that are there.
        names: u64,
    },
    /// By the policy `content`.
    Content {
        /// Whether every image is there whole.
        perfect: bool,
        /// Bytes that need not be fetched.
        #[schema(value_type = u64)]
        saved_bytes: ByteSize,
    },
}

/// How a cache serves one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageMatch {
    /// The image.
    #[schema(value_type = String)]
    pub image: ImageSource,
    /// Whether all of it is there.
    pub is_whole: bool,
    /// What is there of it.
    pub found: Found,
    /// Bytes of it that need not be fetched, where it is `layers`.
    #[schema(value_type = Option<u64>)]
    pub here_bytes: Option<ByteSize>,
    /// Bytes of all its layers, where it is `layers`.
    #[schema(value_type = Option<u64>)]
    pub of_bytes: Option<ByteSize>,
}

/// What a cache has of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// The image by the same word.
    Exact,
    /// The image by the digest that the cache's tag is pinned to.
    SamePinned,
    /// All its layers, under another name.
    AllLayers,
    /// Another version of it.
    OtherTag,
    /// Some of its layers.
    Layers,
    /// Nothing.
    Missing,
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
    /// Why not.
    pub because: LeftBecause,
}

/// Why a cache may not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum LeftBecause {
    /// It has nothing that the policy looks at.
    NothingInCommon,
    /// Its state does not let the policy take it.
    State,
    /// It is for another platform.
    Platform {
        /// For which.
        #[serde(with = "crate::text")]
        #[schema(value_type = String)]
        platform: Platform,
    },
    /// It is larger than the instance's space.
    LargerThanSpace {
        /// The cache's size.
        #[schema(value_type = u64)]
        size_bytes: ByteSize,
        /// The instance's space.
        #[schema(value_type = u64)]
        space_bytes: ByteSize,
    },
    /// Every image was to be there whole.
    NotPerfect {
        /// How many are.
        have: u64,
        /// How many are wanted.
        wanted: u64,
    },
    /// So many images were to be there whole.
    TooFewImages {
        /// How many are.
        have: u64,
        /// How many were asked for.
        at_least: u64,
    },
}
