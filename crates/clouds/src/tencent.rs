//! Tencent Cloud TKE, version 2018-05-25: the image caches of its serverless nodes.
//!
//! One call goes through here like this; the edge does what stands between:
//!
//! 1. [`speaks`] says whether a request is for this dialect. [`Language::of`] it is the language for what is refused.
//! 2. [`Call::read`] takes method and headers. The edge looks [`Call::secret_id`] up; an unknown or disabled key is
//!    [`Code::SecretIdNotFound`].
//! 3. [`Call::verify`] compares time and signature and gives a [`Signed`] call. TC3 has no nonce: [`Signed::signature`] and
//!    [`Signed::covers_action`] say what can be known again.
//! 4. [`Signed::operation`] reads an [`Operation`], every parameter parsed.
//! 5. The edge asks for the right ([`OperationName::cam_action`], [`cam::resource`]; else [`cam::denied`]) and for the deed.
//! 6. An [`Answer`] or an [`Error`] is printed; always with [`STATUS`] and [`CONTENT_TYPE`].
//!
//! Between 5 and 6, [`translate`] has the cloud's words for states, events and caches, and ours for what is asked for.
//!
//! The order of the faults is the order of these steps. [`PARAMETERS`] says what becomes of every parameter.

mod answer;
mod call;
pub mod cam;
mod error;
mod parameters;
mod password;
mod request;
mod signature;
pub mod translate;

pub use answer::{
    Answer, CONTENT_TYPE, EventType, ImageCache, ImageCacheEvent, ImageCacheType, RequestId, STATUS,
    ShownCredential, Snapshotter, Status, Tag, Time,
};
pub use call::{Call, MOST_BODY_BYTES, SKEW_SECONDS, Signed, VERSION, speaks};
pub use error::{Code, Error, Language};
pub use parameters::{Fate, PARAMETERS};
pub use password::Password;
pub use request::{
    CreateImageCache, DeleteImageCaches, DeletePolicy, DescribeImageCaches, EipAttribute, Filter,
    GetMostSuitableImageCache, GivenImage, ImageRegistryCredential, InternetServiceProvider, NamedCache,
    Operation, OperationName, Retention, UpdateImageCache,
};
pub use signature::authorize;
