//! The header `Idempotency-Key`.

use axum::extract::FromRequestParts;
use http::request::Parts;
use wire::{IdempotencyKey, KeyError, ProblemKind};

use crate::edge::Edge;
use crate::refusal::Refusal;

/// The idempotency key, where one is given.
pub(crate) struct Key(pub(crate) Option<IdempotencyKey>);

impl FromRequestParts<Edge> for Key {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Refusal> {
        let refused = |error: KeyError| {
            Refusal::new(ProblemKind::InvalidHeader)
                .detail(error.to_string())
                .field(IdempotencyKey::HEADER)
                .allowed(crate::document::expected(&error.to_string()))
        };
        let mut values = parts.headers.get_all(IdempotencyKey::HEADER).iter();
        let key = match (values.next(), values.next()) {
            (None, _) => None,
            (Some(value), None) => {
                let text = value.to_str().map_err(|_| refused(KeyError))?;
                Some(text.parse().map_err(refused)?)
            }
            (Some(_), Some(_)) => return Err(refused(KeyError)),
        };
        Ok(Self(key))
    }
}

/// No idempotency key: one that is given is refused. Taken and not kept, it would promise what does not hold.
pub(crate) struct NoKey;

impl FromRequestParts<Edge> for NoKey {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Refusal> {
        if !parts.headers.contains_key(IdempotencyKey::HEADER) {
            return Ok(Self);
        }
        Err(Refusal::new(ProblemKind::InvalidHeader)
            .detail("failed to take the idempotency key: a command is run each time that it is asked for")
            .field(IdempotencyKey::HEADER)
            .allowed(["no such header"]))
    }
}
