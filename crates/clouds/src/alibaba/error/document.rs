//! The document of a refused call.

use serde::Serialize;

use super::{Denial, Refusal};
use crate::alibaba::reply::{Caller, Reply};

/// The name of the document's outermost element in XML.
const ROOT: &str = "Error";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorDocument<'a> {
    request_id: String,
    host_id: &'a str,
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recommend: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_denied_detail: Option<AccessDeniedDetail<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessDeniedDetail<'a> {
    auth_action: &'a str,
    no_permission_type: &'a str,
}

impl<'a> From<&'a Denial> for AccessDeniedDetail<'a> {
    fn from(denial: &'a Denial) -> Self {
        let no_permission_type = if denial.is_explicit { "ExplicitDeny" } else { "ImplicitDeny" };
        Self { auth_action: &denial.action, no_permission_type }
    }
}

impl Refusal {
    /// The answer that tells the caller.
    #[must_use]
    pub fn reply(&self, caller: &Caller<'_>) -> Reply {
        let document = ErrorDocument {
            request_id: caller.request_id.to_string(),
            host_id: caller.host,
            code: self.code.as_str(),
            message: &self.message(),
            recommend: caller
                .troubleshooting
                .map(|page| format!("{page}?q={}", self.code.as_str().replace(' ', "%20"))),
            access_denied_detail: self.denial.as_ref().map(AccessDeniedDetail::from),
        };
        let mut reply = Reply::print(self.status(), ROOT, &document, caller);
        if let Some(milliseconds) = self.retry_after_milliseconds {
            reply.headers.push(("x-acs-retry-after", milliseconds.to_string()));
        }
        reply
    }
}
