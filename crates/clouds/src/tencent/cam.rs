//! Access management's words: actions, resources, and the answer to who lacks a right.
//!
//! Source: actions are `<service>:<operation>`; resources have six parts, `qcs::<service>:<region>:uin/<account>:<resource>`.
//! No page names the resource of an image cache: `imagecache/<id>` is ours.

use model::{AccountId, CacheId};

use super::{Code, Error, OperationName, RequestId};

/// What a right to read has: the operations that change nothing.
pub const READ_ONLY: [OperationName; 2] =
    [OperationName::DescribeImageCaches, OperationName::GetMostSuitableImageCache];

impl OperationName {
    /// The action's name in policies, `tke:CreateImageCache`.
    #[must_use]
    pub fn cam_action(self) -> String {
        format!("tke:{}", self.as_str())
    }
}

/// A cache's name in policies, or that of all of an account and region.
#[must_use]
pub fn resource(region: &str, account: &AccountId, cache: Option<CacheId>) -> String {
    let id = cache.map_or_else(|| "*".to_owned(), |id| id.to_string());
    format!("qcs::tke:{region}:uin/{account}:imagecache/{id}")
}

/// The answer to a call for which the caller has no right.
#[must_use]
pub fn denied(operation: OperationName, resource: &str, request_id: RequestId) -> Error {
    let message = format!(
        "[request id:{request_id}]you are not authorized to perform operation ({})\nresource ({resource}) has no permission\n",
        operation.cam_action()
    );
    Error::saying(Code::UnauthorizedOperation, message)
}
