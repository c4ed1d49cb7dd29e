//! A cache as answers have it.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::Time;

/// Where a cache is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Status {
    /// It is being created.
    Pending,
    /// It is created; the only one that is matched.
    Ready,
    /// Its creation failed.
    Failed,
    /// It is being updated.
    Updating,
    /// Its update failed.
    UpdateFailed,
}

/// Who had a cache made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageCacheType {
    /// A user.
    Manual,
    /// A start that no cache matched.
    Auto,
}

/// What unpacks a cache's images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Snapshotter {
    /// The only one that the cloud has shown.
    #[default]
    Overlay,
}

/// Whether somebody should look at an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum EventType {
    /// As it should be.
    Normal,
    /// Something failed.
    Warning,
}

/// What happened to a cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageCacheEvent {
    /// The cache.
    pub image_cache_id: String,
    /// Whether somebody should look at it.
    pub r#type: EventType,
    /// What happened, in one word.
    pub reason: String,
    /// The particulars.
    pub message: String,
    /// When it first happened.
    pub first_timestamp: Time,
    /// When it last happened.
    pub last_timestamp: Time,
}

/// A login of a cache as answers have it: with a password that is always empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCredential {
    /// The registry.
    pub server: String,
    /// The user.
    pub username: String,
    /// The caller's name for the login.
    pub name: String,
}

impl Serialize for ShownCredential {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("ImageRegistryCredential", 4)?;
        fields.serialize_field("Server", &self.server)?;
        fields.serialize_field("Username", &self.username)?;
        fields.serialize_field("Password", "")?;
        fields.serialize_field("Name", &self.name)?;
        fields.end()
    }
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// A cache. Every field is in every answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageCache {
    /// Its id.
    pub image_cache_id: String,
    /// Its name; its id where none was given.
    pub image_cache_name: String,
    /// GiB.
    pub image_cache_size: u64,
    /// Its images in the words in which they were given.
    pub images: Vec<String>,
    /// When it was created.
    pub creation_time: Time,
    /// When it is deleted; none where it is kept for ever.
    pub expire_date_time: Time,
    /// What happened to it, newest first.
    pub events: Vec<ImageCacheEvent>,
    /// When it was last matched.
    pub last_matched_time: Time,
    /// Its snapshot; empty before there is one.
    pub snapshot_id: String,
    /// Where it is in its life.
    pub status: Status,
    /// Days from its creation to its deletion; 0 is for ever.
    pub retention_days: u64,
    /// Logins for its images' registries.
    pub image_registry_credentials: Vec<ShownCredential>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Who had it made.
    pub image_cache_type: ImageCacheType,
    /// What unpacks its images.
    pub snapshotter: Snapshotter,
}
