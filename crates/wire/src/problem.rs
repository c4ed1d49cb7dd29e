//! What went wrong, as RFC 9457 has it, with types that stay the same.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A request that was refused or failed: `application/problem+json`, RFC 9457.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:imc:problem:invalid-field", "title": "A field has a value that is not possible", "status": 400,
    "detail": "failed to take 0 as retention days: expected 1 to 65536", "field": "retention_days",
    "allowed": ["1 to 65536"], "request_id": "0b2d7c9e5f1a4c55"
}))]
pub struct Problem {
    /// Which problem: `urn:imc:problem:` and a word that never changes its meaning.
    #[serde(rename = "type")]
    #[schema(example = "urn:imc:problem:not-found")]
    pub kind: String,
    /// The same for people; equal for all problems of a type.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong with this request, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What failed in one stable word, finer than the type, where there is one: as failed builds have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "certificate-not-trusted")]
    pub reason: Option<String>,
    /// The field of the body (`images[0]`), the query parameter or the header that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is possible there: words, names of fields, or one range in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
    /// The id of the request, as in the log and the header `x-request-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:literal, $title:literal;)*) => {
        /// The types of problems.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProblemKind {
            $($(#[$doc])* $name,)*
        }

        impl ProblemKind {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word behind `urn:imc:problem:`.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The HTTP status that it comes with.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The type in words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

kinds! {
    /// The body is not JSON, or has the wrong shape where no field can be named.
    InvalidBody = "invalid-body", 400, "The body is not the JSON document that is expected";
    /// A field has a value that it cannot have.
    InvalidField = "invalid-field", 400, "A field has a value that is not possible";
    /// A field that must be there is not.
    MissingField = "missing-field", 400, "A field is missing";
    /// A field that is none.
    UnknownField = "unknown-field", 400, "There is no such field";
    /// A query parameter has a value that it cannot have.
    InvalidParameter = "invalid-parameter", 400, "A query parameter has a value that is not possible";
    /// A query parameter that is none.
    UnknownParameter = "unknown-parameter", 400, "There is no such query parameter";
    /// A header has a value that it cannot have.
    InvalidHeader = "invalid-header", 400, "A header has a value that is not possible";
    /// A page token that this server did not make, or of another query.
    PageToken = "page-token", 400, "The page token is not of this query";
    /// The request is no HTTP that is understood here.
    BadRequest = "bad-request", 400, "The request is not understood";
    /// No token, or one that opens nothing.
    Unauthorized = "unauthorized", 401, "A valid bearer token is needed";
    /// The token does not allow it.
    Forbidden = "forbidden", 403, "The token does not allow this";
    /// No such cache, instance, token or snapshot, or not this account's.
    NotFound = "not-found", 404, "There is no such object";
    /// No such path.
    NoSuchPath = "no-such-path", 404, "There is nothing at this path";
    /// The path does not know the method.
    MethodNotAllowed = "method-not-allowed", 405, "The path does not know this method";
    /// The request took too long to come or to be answered.
    Timeout = "timeout", 408, "The request took too long";
    /// Instances use it.
    InUse = "in-use", 409, "It is in use";
    /// A build of it waits or runs.
    Building = "building", 409, "A build of it is running";
    /// It is being deleted.
    Deleting = "deleting", 409, "It is being deleted";
    /// Another has the name.
    NameTaken = "name-taken", 409, "The name is taken";
    /// Several have the name.
    Ambiguous = "ambiguous", 409, "Several have this name; say the id";
    /// Its state does not allow it.
    WrongState = "wrong-state", 409, "Its state does not allow this";
    /// The account may have no more of these.
    QuotaReached = "quota-reached", 409, "The quota is reached";
    /// The idempotency key came before with another request.
    KeyReused = "idempotency-key-reused", 422, "The idempotency key was used for another request";
    /// The body is over the limit.
    BodyTooLarge = "body-too-large", 413, "The body is too large";
    /// The body is not said to be JSON.
    UnsupportedMediaType = "unsupported-media-type", 415, "The body must be application/json";
    /// The images do not fit into the size.
    SizeTooSmall = "size-too-small", 422, "The size is too small";
    /// An image cannot be used: not there, damaged, or of a kind that is not supported.
    BadImage = "bad-image", 422, "The image cannot be used";
    /// The registry wants other credentials.
    RegistryUnauthorized = "registry-unauthorized", 422, "The registry refuses the credentials";
    /// The registry does not answer as it should.
    RegistryUnavailable = "registry-unavailable", 502, "The registry cannot be reached";
    /// This server cannot do that.
    Unsupported = "unsupported", 501, "This server cannot do that";
    /// Something failed here; the log knows more.
    Internal = "internal", 500, "The server failed";
    /// Too much at once, or the server is about to end.
    Busy = "busy", 503, "The server is busy; try again";
    /// The database does not answer, or others hold it for too long.
    RecordsUnavailable = "records-unavailable", 503, "The records do not answer; try again";
    /// No space left here.
    NoSpace = "no-space", 507, "The server has no space left";
}

impl ProblemKind {
    /// What stands before the word.
    pub const PREFIX: &'static str = "urn:imc:problem:";

    /// The type as the document has it.
    #[must_use]
    pub fn uri(self) -> String {
        format!("{}{}", Self::PREFIX, self.word())
    }

    /// The type of that URI; `None` where it is none that this version knows.
    #[must_use]
    pub fn of_uri(uri: &str) -> Option<Self> {
        let word = uri.strip_prefix(Self::PREFIX)?;
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

impl Problem {
    /// The media type of this document.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// A problem with no more said than its type.
    #[must_use]
    pub fn of(kind: ProblemKind) -> Self {
        Self {
            kind: kind.uri(),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: None,
            reason: None,
            field: None,
            allowed: Vec::new(),
            request_id: None,
        }
    }

    /// With what went wrong here.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With the field that it is about.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// With what is possible.
    #[must_use]
    pub fn allowed<T: Into<String>>(mut self, allowed: impl IntoIterator<Item = T>) -> Self {
        self.allowed = allowed.into_iter().map(Into::into).collect();
        self
    }

    /// Its type; `None` where this version does not know it.
    #[must_use]
    pub fn known_kind(&self) -> Option<ProblemKind> {
        ProblemKind::of_uri(&self.kind)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.detail, &self.field) {
            (Some(detail), Some(field)) => write!(f, "{field}: {detail}"),
            (Some(detail), None) => f.write_str(detail),
            (None, _) => f.write_str(&self.title),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_there_and_back_each_with_a_word_of_its_own() {
        let words: std::collections::BTreeSet<_> = ProblemKind::ALL.iter().map(|kind| kind.word()).collect();
        assert_eq!(words.len(), ProblemKind::ALL.len());
        for kind in ProblemKind::ALL {
            assert_eq!(ProblemKind::of_uri(&kind.uri()), Some(*kind));
            assert!((400..600).contains(&kind.status()));
        }
    }
}
