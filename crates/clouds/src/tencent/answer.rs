//! Answers, printed as `{"Response": {..., "RequestId": "..."}}`.
//!
//! The HTTP status is always [`STATUS`] and the content type exactly [`CONTENT_TYPE`]: with any other one the Python SDK takes an
//! error for an answer without fields.

mod cache;
mod request_id;
mod time;

use serde::Serialize;

use super::{Error, Language};

pub use cache::{
    EventType, ImageCache, ImageCacheEvent, ImageCacheType, ShownCredential, Snapshotter, Status, Tag,
};
pub use request_id::RequestId;
pub use time::Time;

/// The HTTP status of every answer, errors too.
pub const STATUS: u16 = 200;
/// The content type of every answer.
pub const CONTENT_TYPE: &str = "application/json";

/// What is answered.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To `CreateImageCache`.
    #[serde(rename_all = "PascalCase")]
    CreateImageCache {
        /// The cache, which is `Pending`.
        image_cache_id: String,
    },
    /// To `DescribeImageCaches`.
    #[serde(rename_all = "PascalCase")]
    DescribeImageCaches {
        /// How many there are in all.
        total_count: u64,
        /// Those of the page, newest first.
        image_caches: Vec<ImageCache>,
    },
    /// To `UpdateImageCache`.
    UpdateImageCache {},
    /// To `DeleteImageCaches`.
    DeleteImageCaches {},
    /// To `GetMostSuitableImageCache`.
    #[serde(rename_all = "PascalCase")]
    GetMostSuitableImageCache {
        /// Whether there is one.
        found: bool,
        /// It; `null` where there is none.
        image_cache: Option<Box<ImageCache>>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope<T> {
    response: Response<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response<T> {
    request_id: String,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Refused<'a> {
    error: Reason<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reason<'a> {
    code: &'static str,
    message: &'a str,
}

fn print(body: impl Serialize, request_id: RequestId) -> Vec<u8> {
    let envelope = Envelope { response: Response { request_id: request_id.to_string(), body } };
    serde_json::to_vec(&envelope).expect("texts, numbers and lists alone")
}

impl Answer {
    /// To `GetMostSuitableImageCache`.
    #[must_use]
    pub fn most_suitable(cache: Option<ImageCache>) -> Self {
        Self::GetMostSuitableImageCache { found: cache.is_some(), image_cache: cache.map(Box::new) }
    }

    /// The body.
    #[must_use]
    pub fn print(&self, request_id: RequestId) -> Vec<u8> {
        print(self, request_id)
    }
}

impl Error {
    /// The body.
    #[must_use]
    pub fn print(&self, language: Language, request_id: RequestId) -> Vec<u8> {
        let error = Reason { code: self.code().as_str(), message: self.message(language) };
        print(Refused { error }, request_id)
    }
}
