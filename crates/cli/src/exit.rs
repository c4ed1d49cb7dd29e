//! Failures as the user meets them: a message, what to do next, and an exit status.
//!
//! The numbers follow sysexits.h. `run` and `exec` use 125 to 127 as Docker does, since below lie the container's own.

pub(crate) mod advice;
mod opening;
mod problem;

use engine::{FailureKind, HostErrorKind, chain};

pub(crate) use opening::opening;

use crate::host::kind_of;

/// Wrong usage.
pub(crate) const USAGE: u8 = 64;
/// The image is damaged, hostile or not supported.
const DATA: u8 = 65;
/// No such image, cache or instance.
const NO_INPUT: u8 = 66;
/// The registry cannot be reached or trusted.
const UNAVAILABLE: u8 = 69;
/// imc or the system failed.
const SOFTWARE: u8 = 70;
/// No space, or the size is too small.
const CANNOT_CREATE: u8 = 73;
/// Busy or in use.
const TEMPORARY: u8 = 75;
/// Root or other credentials are needed.
const NOT_PERMITTED: u8 = 77;
/// The machine lacks a feature, or the configuration is wrong.
pub(crate) const CONFIG: u8 = 78;
/// `run` and `exec`: imc failed before the container's command could.
pub(crate) const RUN_FAILED: u8 = 125;
/// `run` and `exec`: the command cannot be executed.
const RUN_NOT_EXECUTABLE: u8 = 126;
/// `run` and `exec`: the command was not found.
const RUN_NOT_FOUND: u8 = 127;
/// As shells have it for SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// What the user is told.
#[derive(Debug)]
pub(crate) struct Failure {
    /// A stable word.
    pub(crate) kind: &'static str,
    /// What failed, on what, with its causes.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) advice: Option<String>,
    /// The exit status.
    pub(crate) code: u8,
}

impl Failure {
    /// A failure of this machine or of imc itself.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { kind: "internal", message: message.into(), advice: None, code: SOFTWARE }
    }

    /// A request that makes no sense as it is.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        let advice = Some(advice::INPUT.to_owned());
        Self { kind: "input", message: message.into(), advice, code: USAGE }
    }

    /// A request for what is not there.
    pub(crate) fn not_found(message: impl Into<String>, advice: &str) -> Self {
        Self { kind: "not-found", message: message.into(), advice: Some(advice.to_owned()), code: NO_INPUT }
    }

    /// Something that another process has.
    pub(crate) fn busy(message: impl Into<String>, advice: &str) -> Self {
        Self { kind: "busy", message: message.into(), advice: Some(advice.to_owned()), code: TEMPORARY }
    }

    /// A configuration that is wrong.
    pub(crate) fn configuration(message: impl Into<String>, advice: &str) -> Self {
        let advice = Some(advice.to_owned());
        Self { kind: "configuration", message: message.into(), advice, code: CONFIG }
    }

    /// Somebody ended it.
    pub(crate) fn cancelled(message: impl Into<String>) -> Self {
        Self { kind: "cancelled", message: message.into(), advice: None, code: INTERRUPTED }
    }

    /// An action on a local file or terminal that the system refused.
    pub(crate) fn system(action: impl std::fmt::Display, error: &std::io::Error) -> Self {
        Self::internal(format!("failed to {action}: {error}"))
    }

    /// A result that could not be written to standard output.
    pub(crate) fn output(error: &std::io::Error) -> Self {
        let failure = Self::system("write the result to standard output", error);
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self {
                kind: "no-space",
                code: CANNOT_CREATE,
                advice: Some("what was asked for is done; free some space where the output goes".to_owned()),
                ..failure
            },
            _ => failure,
        }
    }

    /// The same as a failure of `run` or `exec`, whose status must not be taken for the container's.
    pub(crate) fn of_run(self) -> Self {
        let code = match self.kind {
            "command-not-found" => RUN_NOT_FOUND,
            "command-not-executable" => RUN_NOT_EXECUTABLE,
            // Nothing failed: whoever sent the signal knows it by this status.
            "cancelled" => INTERRUPTED,
            _ => RUN_FAILED,
        };
        Self { code, ..self }
    }
}

fn of_kind(kind: FailureKind, message: String) -> Failure {
    let (code, advice) = match kind {
        FailureKind::NotFound => {
            (NO_INPUT, Some("check the name and the tag, or the path; `imc list` shows the caches"))
        }
        FailureKind::Unauthorized => (
            NOT_PERMITTED,
            Some("log in with `imc login HOST` as a user who may pull the image, or check its name"),
        ),
        FailureKind::Unavailable => (
            UNAVAILABLE,
            Some("check the network and the registry's name; what was fetched whole is kept, so try again"),
        ),
        FailureKind::Certificate => (
            UNAVAILABLE,
            Some(
                "give the registry's CA with `--ca-file FILE`, or skip the check with `--insecure-registry HOST[:PORT]`",
            ),
        ),
        FailureKind::PlainHttp => {
            (UNAVAILABLE, Some("if the registry speaks plain HTTP, say so with `--plain-http HOST[:PORT]`"))
        }
        FailureKind::TlsExpected => (
            UNAVAILABLE,
            Some("take the registry off `--plain-http` (IMC_PLAIN_HTTP); it is asked over TLS then"),
        ),
        FailureKind::ClientCertificate => (
            NOT_PERMITTED,
            Some(
                "name the certificate and its key by `client` in the registry's hosts.toml (`--certs-d DIR`)",
            ),
        ),
        FailureKind::RateLimited => {
            (TEMPORARY, Some("wait and try again, log in, or use a mirror (`--certs-d DIR`)"))
        }
        FailureKind::BadImage => {
            (DATA, Some("nothing of it was kept; pull it elsewhere to compare, or push it again"))
        }
        FailureKind::Unsupported => (
            DATA,
            Some("name an image for containers, in the OCI form or Docker's schema 2, that is not encrypted"),
        ),
        FailureKind::Platform => (NO_INPUT, Some("choose one that the image has with `--platform OS/ARCH`")),
        FailureKind::SizeTooSmall => (CANNOT_CREATE, Some("say a larger `--size GIB`")),
        FailureKind::NoSpace => {
            (CANNOT_CREATE, Some("free some with `imc gc`, or use another file system with `--data-dir DIR`"))
        }
        FailureKind::Busy => (TEMPORARY, Some("`imc ps -a` and `imc list` show what uses it")),
        FailureKind::NotUsable => {
            (NO_INPUT, Some("`imc events CACHE` says what happened to it; create it again with `imc create`"))
        }
        FailureKind::Input => (USAGE, Some(advice::INPUT)),
        FailureKind::Sealed => (
            NOT_PERMITTED,
            Some(
                "set the key by secrets.key_file or IMC_SECRET_KEY: for what is sealed already, the one that it was sealed with; \
                 or give the credentials anew",
            ),
        ),
        FailureKind::Cancelled => {
            (INTERRUPTED, Some("layers that were finished are kept; the same command goes on from there"))
        }
        FailureKind::Internal => (SOFTWARE, None),
    };
    Failure { kind: kind.as_str(), message, advice: advice.map(ToOwned::to_owned), code }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        let message = chain(&error);
        if let engine::Error::Records(metastore::Error::NameTaken { .. }) = &error {
            let advice = Some(advice::NAME_TAKEN.to_owned());
            return Self { kind: "name-taken", message, advice, code: TEMPORARY };
        }
        if let engine::Error::Records(records) = &error
            && records.kind() == metastore::ErrorKind::Busy
        {
            let (kind, advice) = advice::RECORDS;
            return Self { kind, message, advice: Some(advice.to_owned()), code: TEMPORARY };
        }
        let of_instance = |source: &engine::HostError| source.downcast_ref().map(Self::of_instance);
        if let engine::Error::Host { source, .. } | engine::Error::LookAround { source } = &error
            && let Some(failure) = of_instance(source)
        {
            return failure;
        }
        let failure = of_kind(error.kind(), message);
        match &error {
            engine::Error::UnknownInstance { .. } => {
                Self { advice: Some(advice::INSTANCES.to_owned()), ..failure }
            }
            engine::Error::Records(metastore::Error::CacheBuilding { .. }) => {
                Self { advice: Some(advice::BUILDING.to_owned()), ..failure }
            }
            engine::Error::Records(metastore::Error::CacheInUse { .. }) => {
                Self { advice: Some(advice::IN_USE.to_owned()), ..failure }
            }
            engine::Error::OtherSystem { .. } => {
                Self { advice: Some(advice::OTHER_SYSTEM.to_owned()), ..failure }
            }
            engine::Error::WhichImage { .. } => {
                Self { advice: Some("say which with `--image IMAGE`".to_owned()), ..failure }
            }
            engine::Error::Build(engine::BuildError::Resolve(source)) => failure.resolving(source),
            _ => failure.unless_denied(&error),
        }
    }
}

impl From<engine::BuildError> for Failure {
    fn from(error: engine::BuildError) -> Self {
        let failure = of_kind(error.kind(), chain(&error));
        match &error {
            engine::BuildError::Resolve(source) => failure.resolving(source),
            _ => failure.unless_denied(&error),
        }
    }
}

impl From<metastore::Error> for Failure {
    fn from(error: metastore::Error) -> Self {
        engine::Error::from(error).into()
    }
}

impl From<registry::Error> for Failure {
    fn from(error: registry::Error) -> Self {
        let message = chain(&error);
        of_kind(engine::registry_failure_kind(&error), message).resolving(&error)
    }
}

impl From<node::InstanceError> for Failure {
    fn from(error: node::InstanceError) -> Self {
        Self::of_instance(&error)
    }
}

impl Failure {
    fn of_instance(error: &node::InstanceError) -> Self {
        let kind = kind_of(error.kind());
        // The message says what to do.
        let advice = advice::of_instance(error).filter(|_| kind != HostErrorKind::Privilege);
        Self::of_host(kind, chain(error), advice).unless_denied(error)
    }

    fn of_host(kind: HostErrorKind, message: String, advice: Option<&str>) -> Self {
        let code = match kind {
            HostErrorKind::Input => USAGE,
            HostErrorKind::CommandNotFound => RUN_NOT_FOUND,
            HostErrorKind::CommandNotExecutable => RUN_NOT_EXECUTABLE,
            HostErrorKind::NotFound => NO_INPUT,
            HostErrorKind::State => TEMPORARY,
            HostErrorKind::Privilege => NOT_PERMITTED,
            HostErrorKind::System => SOFTWARE,
        };
        Self { kind: kind.as_str(), message, advice: advice.map(ToOwned::to_owned), code }
    }
}

impl From<node::MissingPrivilege> for Failure {
    fn from(error: node::MissingPrivilege) -> Self {
        Self { kind: "not-permitted", message: error.to_string(), advice: None, code: NOT_PERMITTED }
    }
}
