//! What to do next, where the kind of a failure does not tell enough.

use std::error::Error as StdError;
use std::io::ErrorKind;

use engine::{FailureKind, HostErrorKind};
use node::InstanceError;

use super::{Failure, NOT_PERMITTED, SOFTWARE};
use crate::host::kind_of;

/// For requests that make no sense as they are.
pub(super) const INPUT: &str = "`imc COMMAND --help` has examples";
/// Where permissions are all that failed.
const DENIED: &str = "run it with sudo, or as the user whose files these are";
/// For records that do not answer: the word, and what to do.
pub(super) const RECORDS: (&str, &str) =
    ("records-unavailable", "check that the database runs and lets imc in (database.url), then try again");
/// For images that are kept and cannot run here.
pub(super) const OTHER_SYSTEM: &str =
    "start an image for linux; where the index has one, `imc create` takes it with `--platform linux/ARCH`";

/// For builds that others wait for.
pub(super) const BUILDING: &str = "wait for the build to end, or cancel it with Ctrl-C where it runs";
/// For caches that instances use.
pub(super) const IN_USE: &str = "stop these instances with `imc stop` and remove them with `imc rm`";
/// For names of instances that are taken.
pub(super) const NAME_TAKEN: &str = "choose another `--name`, or remove that instance with `imc rm`";
/// For caches that are not there.
pub(super) const CACHES: &str = "`imc list` shows the caches";
/// For instances that are not there.
pub(crate) const INSTANCES: &str = "`imc ps -a` lists the instances";

/// What to do about an instance's failure.
pub(super) fn of_instance(error: &InstanceError) -> Option<&'static str> {
    let field = match error {
        InstanceError::Option { option: "runtime", .. } => Some("runtime"),
        InstanceError::Volume { .. } => Some("volumes"),
        InstanceError::Account { .. } => Some("user"),
        InstanceError::NoCommand(_) => Some("command"),
        _ => None,
    };
    of_host(kind_of(error.kind()), field)
}

/// What to do about a failure of the host of instances, which may be about a field of what was asked for.
pub(super) fn of_host(kind: HostErrorKind, field: Option<&str>) -> Option<&'static str> {
    match (kind, field) {
        (HostErrorKind::Input, Some("runtime")) => {
            Some("name an installed one (runc, crun, a path), or leave the option out")
        }
        (_, Some("volumes")) => Some("make it first, or name one that is there"),
        (_, Some("user")) => Some("name one that the image has, or give ids, as `--user 1000:1000`"),
        (HostErrorKind::Input, Some("command")) => {
            Some("give one behind the image, as `imc run --rm IMAGE -- /bin/sh`")
        }
        (HostErrorKind::Input, _) => Some(INPUT),
        (HostErrorKind::CommandNotFound, _) => Some("name the program by its path inside the image"),
        (HostErrorKind::CommandNotExecutable, _) => {
            Some("name a program; a script may need its interpreter before it")
        }
        (HostErrorKind::NotFound, _) => Some(INSTANCES),
        (HostErrorKind::State, _) => Some("`imc ps -a` shows the states"),
        (HostErrorKind::Privilege, _) => Some(DENIED),
        (HostErrorKind::System, _) => Some("`imc doctor` finds out what this machine lacks"),
    }
}

impl Failure {
    /// The same where a server did the work: what it is to trust stands in its configuration.
    pub(crate) fn of_server(self) -> Self {
        let advice = if self.kind == FailureKind::Certificate.as_str() {
            "name the registry's CA in registries.ca_files of the server's configuration, or skip the check with \
             `--insecure-registry HOST[:PORT]`"
        } else if self.kind == FailureKind::ClientCertificate.as_str() {
            "name the certificate and its key by `client` in the registry's hosts.toml, in registries.certs_dirs of the \
             server's configuration"
        } else {
            return self;
        };
        Self { advice: Some(advice.to_owned()), ..self }
    }

    /// The same where an image's documents were asked for.
    pub(super) fn resolving(self, error: &registry::Error) -> Self {
        use registry::ErrorKind as Kind;
        let advice = match error.kind() {
            Kind::Ambiguous => "name one of them: `oci:DIR:REF` or `docker-archive:FILE:REF`",
            Kind::CredentialHelper => {
                "try the helper by hand (`docker-credential-NAME list`), or take it out of Docker's config.json"
            }
            Kind::Settings => "correct that file, or name another one",
            _ => return self.unless_denied(error),
        };
        Self { advice: Some(advice.to_owned()), ..self }
    }

    /// The same; where a file's permissions are all that failed, not as a failure of the machine.
    pub(super) fn unless_denied(self, error: &(dyn StdError + 'static)) -> Self {
        let denied = is_denied(error);
        if self.code != SOFTWARE || !denied {
            return self;
        }
        Self { kind: "not-permitted", advice: Some(DENIED.to_owned()), code: NOT_PERMITTED, ..self }
    }
}

/// Whether the system refused for want of permission.
fn is_denied(error: &(dyn StdError + 'static)) -> bool {
    let here =
        error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::PermissionDenied);
    here || error.source().is_some_and(is_denied)
}
