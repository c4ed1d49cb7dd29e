//! What a use-case refuses, as a problem.

use wire::ProblemKind;

use super::Refusal;
use crate::service::{ServiceError, ServiceErrorKind};

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        let kind = kind_of(error.kind);
        let refusal = Self::new(kind).reason(error.reason);
        if kind == ProblemKind::Internal {
            // The one place that handles it: what failed inside is for the log alone.
            tracing::error!(error = engine::chain(&error), "a request failed");
            let hidden = refusal.detail("failed here; the server's log has more under the request's id");
            let inside = match &error.source {
                Some(source) => engine::chain(&**source),
                None => error.message,
            };
            return hidden.inside(inside);
        }
        if matches!(kind, ProblemKind::Busy | ProblemKind::NoSpace | ProblemKind::RecordsUnavailable) {
            tracing::warn!(error = engine::chain(&error), "a request could not be served");
        }
        let refusal = refusal.detail(error.message).allowed(error.allowed);
        match error.field {
            Some(field) => refusal.field(field),
            None => refusal,
        }
    }
}

fn kind_of(kind: ServiceErrorKind) -> ProblemKind {
    match kind {
        ServiceErrorKind::NotFound => ProblemKind::NotFound,
        ServiceErrorKind::InvalidField => ProblemKind::InvalidField,
        ServiceErrorKind::InUse => ProblemKind::InUse,
        ServiceErrorKind::Building => ProblemKind::Building,
        ServiceErrorKind::Deleting => ProblemKind::Deleting,
        ServiceErrorKind::NameTaken => ProblemKind::NameTaken,
        ServiceErrorKind::Ambiguous => ProblemKind::Ambiguous,
        ServiceErrorKind::WrongState => ProblemKind::WrongState,
        ServiceErrorKind::QuotaReached => ProblemKind::QuotaReached,
        ServiceErrorKind::KeyReused => ProblemKind::KeyReused,
        ServiceErrorKind::SizeTooSmall => ProblemKind::SizeTooSmall,
        ServiceErrorKind::BadImage => ProblemKind::BadImage,
        ServiceErrorKind::RegistryUnauthorized => ProblemKind::RegistryUnauthorized,
        ServiceErrorKind::RegistryUnavailable => ProblemKind::RegistryUnavailable,
        ServiceErrorKind::Unsupported => ProblemKind::Unsupported,
        ServiceErrorKind::RecordsUnavailable => ProblemKind::RecordsUnavailable,
        ServiceErrorKind::Busy => ProblemKind::Busy,
        ServiceErrorKind::NoSpace => ProblemKind::NoSpace,
        ServiceErrorKind::Internal => ProblemKind::Internal,
    }
}
