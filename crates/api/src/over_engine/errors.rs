//! The engine's failures as the port's.

use engine::{Bounded, FailureKind, HostErrorKind, HostOption, VaultError, chain};
use metastore::ErrorKind as RecordsKind;
use wire::IdempotencyKey;

use crate::service::{ServiceError, ServiceErrorKind as Kind};

impl From<metastore::Error> for ServiceError {
    fn from(error: metastore::Error) -> Self {
        use metastore::Error as E;
        let kind = match &error {
            E::CacheInUse { .. } | E::GroupInUse(_) => Kind::InUse,
            E::Conflict { object: "container group", .. } => Kind::NameTaken,
            E::CacheBuilding { .. } => Kind::Building,
            E::CacheDeleting(_) => Kind::Deleting,
            E::QuotaReached { .. } => Kind::QuotaReached,
            E::TokenMismatch { .. } => Kind::KeyReused,
            E::Tags { .. } => Kind::InvalidField,
            E::SizeTooSmall { .. } => Kind::SizeTooSmall,
            E::NameTaken { .. } => Kind::NameTaken,
            E::AccountTaken(_) => Kind::NameTaken,
            E::Transition { .. } | E::InstanceState { .. } | E::NoSnapshot(_) => Kind::WrongState,
            other => match other.kind() {
                RecordsKind::NotFound => Kind::NotFound,
                RecordsKind::Busy => Kind::RecordsUnavailable,
                RecordsKind::NoSpace => Kind::NoSpace,
                _ => Kind::Internal,
            },
        };
        let field = match kind {
            _ if matches!(error, E::NoAccount(_)) => Some("account"),
            _ if matches!(error, E::Tags { .. }) => Some("tags"),
            _ if matches!(error, E::AccountTaken(_)) => Some("id"),
            Kind::SizeTooSmall => Some("size_gib"),
            Kind::KeyReused => Some(IdempotencyKey::HEADER),
            Kind::NameTaken => Some("name"),
            _ => None,
        };
        let error = engine::Error::from(error);
        let (reason, message) = (
            reason(&error),
            match kind {
                // Which step its life does not have.
                Kind::WrongState => chain(&error),
                Kind::RecordsUnavailable => format!("{error}: the records do not answer"),
                _ => error.to_string(),
            },
        );
        let told = told_as(kind, field, message, error);
        match kind {
            // Nothing is busy: the type says it all.
            Kind::KeyReused | Kind::NameTaken | Kind::QuotaReached | Kind::RecordsUnavailable => told,
            _ => told.with_reason(reason),
        }
    }
}

/// What failed in one word. A file's permissions are no failure of the machine.
fn reason(error: &engine::Error) -> &'static str {
    use engine::Error as E;
    match error {
        E::Host { source, .. } | E::LookAround { source } => match source.kind() {
            HostErrorKind::System if is_denied(error) => return HostErrorKind::Privilege.as_str(),
            kind => return kind.as_str(),
        },
        _ => {}
    }
    match error.kind() {
        FailureKind::Internal if is_denied(error) => "not-permitted",
        kind => kind.as_str(),
    }
}

fn is_denied(error: &(dyn std::error::Error + 'static)) -> bool {
    let here = error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied);
    here || error.source().is_some_and(is_denied)
}

impl From<engine::Error> for ServiceError {
    fn from(error: engine::Error) -> Self {
        use engine::Error as E;
        let error = match error {
            E::Records(error) => return error.into(),
            other => other,
        };
        let (kind, field) = match &error {
            E::UnknownCache { .. }
            | E::UnknownInstance { .. }
            | E::UnknownGroup { .. }
            | E::NoGeneration { .. } => (Kind::NotFound, None),
            E::GroupSpec(_) => (Kind::InvalidField, None),
            E::TooManyGroups { .. } => (Kind::QuotaReached, None),
            E::AmbiguousCache { .. } => (Kind::Ambiguous, None),
            E::BadRequest { .. } => (Kind::InvalidField, Some("images")),
            E::OutOfBounds { what, .. } => (Kind::InvalidField, Some(field_of(*what))),
            E::NoImage | E::WhichImage { .. } | E::ForeignFile { .. } => (Kind::InvalidField, Some("image")),
            E::NotUsable { .. } | E::SnapshotMissing { .. } => (Kind::WrongState, None),
            E::OtherSystem { .. } => (Kind::BadImage, Some("image")),
            E::Host { source, .. } => match source.kind() {
                HostErrorKind::Input => (Kind::InvalidField, source.option().map(field_of_option)),
                HostErrorKind::CommandNotFound | HostErrorKind::CommandNotExecutable => {
                    (Kind::InvalidField, Some("command"))
                }
                HostErrorKind::NotFound => (Kind::NotFound, None),
                HostErrorKind::State => (Kind::WrongState, None),
                HostErrorKind::Privilege | HostErrorKind::System => (Kind::Internal, None),
            },
            E::Vault(VaultError::NoKey { .. }) => (Kind::Unsupported, Some("credentials")),
            E::Vault(
                VaultError::NoKeyForSecret { .. }
                | VaultError::NoKeyForAnswer
                | VaultError::NoKeyForGroup { .. },
            ) => (Kind::Unsupported, None),
            other => (of_failure(other.kind()), None),
        };
        let allowed = match &error {
            E::OutOfBounds { least, most, .. } => Some(format!("{least} to {most}")),
            _ => None,
        };
        // What the registry or the host said is the half of it.
        let (reason, message) = (reason(&error), chain(&error));
        told_as(kind, field, message, error).with_reason(reason).allowing(allowed)
    }
}

/// The field of a document that says it.
fn field_of(what: Bounded) -> &'static str {
    match what {
        Bounded::Size => "size_gib",
        Bounded::Images => "images",
        Bounded::Refresh => "staleness",
    }
}

fn field_of_option(option: HostOption) -> &'static str {
    match option {
        HostOption::Command => "command",
        HostOption::User => "user",
        HostOption::Volumes => "volumes",
        HostOption::Runtime => "runtime",
        HostOption::WorkingDir => "working_dir",
    }
}

fn of_failure(kind: FailureKind) -> Kind {
    match kind {
        FailureKind::NotFound | FailureKind::BadImage | FailureKind::Unsupported | FailureKind::Platform => {
            Kind::BadImage
        }
        FailureKind::Unauthorized | FailureKind::ClientCertificate => Kind::RegistryUnauthorized,
        FailureKind::Unavailable
        | FailureKind::Certificate
        | FailureKind::PlainHttp
        | FailureKind::TlsExpected
        | FailureKind::RateLimited => Kind::RegistryUnavailable,
        FailureKind::SizeTooSmall => Kind::SizeTooSmall,
        FailureKind::NoSpace => Kind::NoSpace,
        FailureKind::Busy | FailureKind::Cancelled => Kind::Busy,
        FailureKind::NotUsable => Kind::WrongState,
        // Settings of the server, and its keys, are not the caller's.
        FailureKind::Input | FailureKind::Sealed | FailureKind::Internal => Kind::Internal,
    }
}

fn told_as(
    kind: Kind,
    field: Option<&str>,
    message: String,
    error: impl std::error::Error + Send + Sync + 'static,
) -> ServiceError {
    let told = ServiceError::new(kind, message).because(error);
    match field {
        Some(field) => told.about(field),
        None => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_records_refuse_is_told_and_what_fails_in_them_is_not() {
        let kind = |error: metastore::Error| ServiceError::from(engine::Error::from(error)).kind;
        let id = model::CacheId::generate();
        assert_eq!(kind(metastore::Error::NoCache(id)), Kind::NotFound);
        assert_eq!(kind(metastore::Error::CacheDeleting(id)), Kind::Deleting);
        let conflict = metastore::Error::Conflict { object: "cache", why: "twice".to_owned() };
        assert_eq!(kind(conflict), Kind::Internal);
        let busy = metastore::Error::Injected { action: "look", kind: RecordsKind::Busy };
        assert_eq!(kind(busy), Kind::RecordsUnavailable);
    }

    #[test]
    fn what_repeating_does_not_help_against_is_not_called_busy() {
        let token = "once".to_owned();
        let reused =
            ServiceError::from(metastore::Error::TokenMismatch { token, operation: "create a cache" });
        assert_eq!((reused.kind, reused.reason), (Kind::KeyReused, None));
        let cache = model::CacheId::generate();
        let used = ServiceError::from(metastore::Error::CacheInUse { cache, instances: Vec::new() });
        assert_eq!((used.kind, used.reason), (Kind::InUse, Some("busy")));
    }

    #[test]
    fn the_servers_own_settings_are_nobody_elses_business() {
        assert_eq!(of_failure(FailureKind::Input), Kind::Internal);
        assert_eq!(of_failure(FailureKind::Sealed), Kind::Internal);
    }
}
