//! The word for a thing in a path.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use wire::ProblemKind;

use crate::edge::Edge;
use crate::refusal::Refusal;

/// The one variable part of a path: an id or a name.
pub(crate) struct Word(pub(crate) String);

impl FromRequestParts<Edge> for Word {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Refusal> {
        match Path::<String>::from_request_parts(parts, edge).await {
            Ok(Path(word)) => Ok(Self(word)),
            // Not UTF-8: nothing has that name.
            Err(_) => {
                Err(Refusal::new(ProblemKind::NotFound).detail("failed to find it: the path is not UTF-8"))
            }
        }
    }
}
