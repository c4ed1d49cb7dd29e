//! What the port refuses, in the cloud's words.

use clouds::alibaba::{ErrorCode, OperationName, Refusal};

use crate::service::{ServiceError, ServiceErrorKind as Kind};

/// That a cache is not there, or another account's, or of another region.
pub(super) fn unknown_cache(id: &str) -> Refusal {
    let message = format!("The specified image cache {id} does not exist.");
    Refusal::new(ErrorCode::InvalidParameterNotFound).saying(&message)
}

/// What failed before it was known what is asked for.
pub(super) fn of_keys(error: &ServiceError) -> Refusal {
    tracing::error!(error = engine::chain(error), "a call could not be looked at");
    match error.kind {
        Kind::Busy | Kind::RecordsUnavailable | Kind::NoSpace => Refusal::new(ErrorCode::ServiceUnavailable),
        _ => Refusal::new(ErrorCode::InternalError),
    }
}

/// What an operation on caches is refused with. `id` is that of the cache, where it names one.
pub(super) fn of_caches(operation: OperationName, id: &str, error: &ServiceError) -> Refusal {
    let of = Of { operation, what: "ImageCache", in_wrong_state: ErrorCode::ImageCacheIncorrectStatus };
    match error.kind {
        Kind::NotFound => unknown_cache(id),
        Kind::InvalidField => match parameter(error.field.as_deref()) {
            Some(name) => Refusal::invalid(name),
            None => of.refusal(error),
        },
        Kind::SizeTooSmall => Refusal::invalid("ImageCacheSize"),
        _ => of.refusal(error),
    }
}

/// What an operation on container groups is refused with.
pub(super) fn of_groups(operation: OperationName, error: &ServiceError) -> Refusal {
    Of { operation, what: "ContainerGroup", in_wrong_state: ErrorCode::IncorrectStatus }.refusal(error)
}

/// What an operation is about.
struct Of {
    operation: OperationName,
    what: &'static str,
    in_wrong_state: ErrorCode,
}

impl Of {
    fn refusal(&self, error: &ServiceError) -> Refusal {
        let of = |code| Refusal::of(self.operation, code);
        match error.kind {
            Kind::NotFound => Refusal::new(ErrorCode::InvalidParameterNotFound).saying(&error.message),
            Kind::InUse | Kind::Building | Kind::Deleting | Kind::WrongState | Kind::Ambiguous => {
                of(self.in_wrong_state).saying(&error.message)
            }
            Kind::NameTaken => of(ErrorCode::OperationConflict),
            Kind::QuotaReached => of(ErrorCode::QuotaExceeded).about(self.what),
            Kind::KeyReused => Refusal::new(ErrorCode::IdempotentParameterMismatch),
            Kind::InvalidField
            | Kind::SizeTooSmall
            | Kind::BadImage
            | Kind::RegistryUnauthorized
            | Kind::RegistryUnavailable => Refusal::new(ErrorCode::InvalidParameter).saying(&error.message),
            Kind::Unsupported => of(ErrorCode::ServiceNotEnabled).saying(&error.message),
            Kind::Busy | Kind::RecordsUnavailable | Kind::NoSpace => {
                tracing::warn!(error = engine::chain(error), "a call could not be served");
                Refusal::new(ErrorCode::ServiceUnavailable)
            }
            Kind::Internal => {
                tracing::error!(error = engine::chain(error), "a call failed");
                Refusal::new(ErrorCode::InternalError)
            }
        }
    }
}

/// The cloud's name of a field of ours.
fn parameter(field: Option<&str>) -> Option<&'static str> {
    Some(match field? {
        "name" => "ImageCacheName",
        "size_gib" => "ImageCacheSize",
        "credentials" => "ImageRegistryCredential",
        "tags" => "Tag",
        field if field.starts_with("image") => "Image",
        _ => return None,
    })
}
