//! What to do next, where the kind of a failure does not tell enough.

use std::error::Error as StdError;
use std::io::ErrorKind;

use node::{InstanceError, InstanceErrorKind};

use super::{Failure, NOT_PERMITTED, SOFTWARE};

/// For requests that make no sense as they are.
pub(super) const INPUT: &str = "`imc COMMAND --help` has examples";
/// For images that are kept and cannot run here.
pub(super) const OTHER_SYSTEM: &str =
    "start an image for linux; where the index has one, `imc create` takes it with `--platform linux/ARCH`";

/// What to do about an instance's failure.
pub(super) fn of_instance(error: &InstanceError) -> Option<&'static str> {
    match error {
        InstanceError::Option { option: "runtime", .. } => {
            return Some("name an installed one (runc, crun, a path), or leave the option out");
        }
        InstanceError::Volume { .. } => return Some("make it first, or name one that is there"),
        InstanceError::Account { .. } => {
            return Some("name one that the image has, or give ids, as `--user 1000:1000`");
        }
        InstanceError::NoCommand(_) => {
            return Some("give one behind the image, as `imc run --rm IMAGE -- /bin/sh`");
        }
        _ => {}
    }
    match error.kind() {
        InstanceErrorKind::Input => Some(INPUT),
        InstanceErrorKind::CommandNotFound => Some("name the program by its path inside the image"),
        InstanceErrorKind::CommandNotExecutable => {
            Some("name a program; a script may need its interpreter before it")
        }
        InstanceErrorKind::NotFound => Some("`imc ps -a` lists the instances"),
        InstanceErrorKind::State => Some("`imc ps -a` shows the states"),
        // The message says what to do.
        InstanceErrorKind::Privilege => None,
        InstanceErrorKind::System => Some("`imc doctor` finds out what this machine lacks"),
    }
}

impl Failure {
    /// The same where an image's documents were asked for.
    pub(super) fn resolving(self, error: &registry::Error) -> Self {
        match error.kind() {
            registry::ErrorKind::Ambiguous => Self {
                advice: Some("name one of them: `oci:DIR:REF` or `docker-archive:FILE:REF`".to_owned()),
                ..self
            },
            _ => self.unless_denied(error),
        }
    }

    /// The same; where a file's permissions are all that failed, not as a failure of the machine.
    pub(super) fn unless_denied(self, error: &(dyn StdError + 'static)) -> Self {
        let denied = is_denied(error);
        if self.code != SOFTWARE || !denied {
            return self;
        }
        let advice = "run it with sudo, or as the user whose files these are";
        Self { kind: "not-permitted", advice: Some(advice.to_owned()), code: NOT_PERMITTED, ..self }
    }
}

/// Whether the system refused for want of permission.
fn is_denied(error: &(dyn StdError + 'static)) -> bool {
    let here =
        error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::PermissionDenied);
    here || error.source().is_some_and(is_denied)
}
