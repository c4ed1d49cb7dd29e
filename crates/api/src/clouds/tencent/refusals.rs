//! What the port refuses, in the cloud's words.

use clouds::tencent::{Code, Error, translate};

use crate::service::{ServiceError, ServiceErrorKind as Kind};

/// What failed before it was known what is asked for.
pub(super) fn of_keys(error: &ServiceError) -> Error {
    tracing::error!(error = engine::chain(error), "a call could not be looked at");
    match error.kind {
        Kind::Busy | Kind::RecordsUnavailable | Kind::NoSpace => Error::of(Code::ServiceUnavailable),
        _ => Error::of(Code::InternalError),
    }
}

/// What an operation on caches is refused with. `id` is that of the cache, where it names one.
pub(super) fn of_caches(id: &str, error: &ServiceError) -> Error {
    let code = match error.kind {
        Kind::NotFound => return translate::unknown_cache(id),
        Kind::InvalidField | Kind::SizeTooSmall => Code::InvalidParameterValue,
        Kind::InUse => Code::ResourceInUse,
        Kind::Building | Kind::Deleting | Kind::WrongState | Kind::Ambiguous | Kind::NameTaken => {
            Code::UnsupportedOperation
        }
        Kind::KeyReused | Kind::Unsupported => Code::UnsupportedOperation,
        Kind::QuotaReached => Code::LimitExceeded,
        Kind::BadImage | Kind::RegistryUnauthorized | Kind::RegistryUnavailable => Code::FailedOperation,
        Kind::Busy | Kind::RecordsUnavailable => {
            tracing::warn!(error = engine::chain(error), "a call could not be served");
            return Error::of(Code::ServiceUnavailable);
        }
        Kind::NoSpace => {
            tracing::warn!(error = engine::chain(error), "a call could not be served");
            return Error::of(Code::ResourceInsufficient);
        }
        Kind::Internal => {
            tracing::error!(error = engine::chain(error), "a call failed");
            return Error::of(Code::InternalError);
        }
    };
    Error::saying(code, error.message.clone())
}
