//! What a server refused, or the same code in this process, as the user meets it.

use engine::{FailureKind, HostErrorKind, chain};
use wire::{Problem, ProblemKind};

use super::{
    CANNOT_CREATE, DATA, Failure, NO_INPUT, NOT_PERMITTED, SOFTWARE, TEMPORARY, UNAVAILABLE, USAGE, advice,
    of_kind,
};

impl Failure {
    /// Why a build failed, by the word and the message of its record.
    pub(crate) fn of_build(failure: &wire::Failure) -> Self {
        match of_word(&failure.reason, &failure.message) {
            Some(failure) => failure,
            None => Self::internal(&failure.message),
        }
    }
}

/// A failure by its stable word; `None` where this version does not know it.
fn of_word(word: &str, message: &str) -> Option<Failure> {
    let kind = FailureKind::ALL.iter().find(|kind| kind.as_str() == word)?;
    Some(of_kind(*kind, message.to_owned()))
}

/// A failure of the host of instances by its stable word, where it is not said alike of other things.
fn of_host(problem: &Problem, message: &str) -> Option<Failure> {
    let word = problem.reason.as_deref()?;
    let kind = HostErrorKind::ALL.iter().find(|kind| kind.as_str() == word)?;
    match kind {
        HostErrorKind::NotFound => None,
        HostErrorKind::Input if problem.field.is_none() => None,
        kind => {
            let advice = advice::of_host(*kind, problem.field.as_deref());
            Some(Failure::of_host(*kind, message.to_owned(), advice))
        }
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        let message = chain(&error);
        let told = |kind, code, advice: &str| Self { kind, message, advice: Some(advice.to_owned()), code };
        match &error {
            client::Error::Refused(problem) => of_problem(problem),
            client::Error::Unreachable { .. } | client::Error::BrokenOff { .. } => told(
                "server-unreachable",
                UNAVAILABLE,
                "check that `imc serve` runs there, and `--server URL` (IMC_SERVER)",
            ),
            client::Error::Untrusted { .. } => told(
                "server-not-trusted",
                UNAVAILABLE,
                "name its CA in IMC_CA_FILE, or by `--ca-file FILE` where the command has it; check the name in `--server URL`",
            ),
            client::Error::Transport { .. } => {
                told("input", USAGE, "give the server as `--server https://HOST:PORT` (IMC_SERVER)")
            }
            client::Error::Word { .. } => told("not-found", NO_INPUT, advice::CACHES),
            client::Error::Answer { .. } => {
                told("server-unreachable", UNAVAILABLE, "check `--server URL`: is it an imc of this version?")
            }
        }
    }
}

fn of_problem(problem: &Problem) -> Failure {
    let message = problem.detail.clone().unwrap_or_else(|| problem.title.clone());
    let known = problem.known_kind();
    let worded = || problem.reason.as_deref().and_then(|word| of_word(word, &message));
    let failure = of_host(problem, &message).or_else(worded).unwrap_or_else(|| {
        known.map_or_else(|| Failure::internal(&message), |kind| of_type(kind, message.clone()))
    });
    match known {
        // What is said of these is finer than the word.
        Some(
            kind @ (ProblemKind::Building
            | ProblemKind::InUse
            | ProblemKind::Deleting
            | ProblemKind::NameTaken
            | ProblemKind::QuotaReached
            | ProblemKind::KeyReused
            | ProblemKind::RecordsUnavailable),
        ) => of_type(kind, message),
        _ => failure,
    }
}

/// A failure by the type of its problem alone.
fn of_type(kind: ProblemKind, message: String) -> Failure {
    use ProblemKind as P;
    let (word, code, advice) = match kind {
        P::Building => ("busy", TEMPORARY, Some(advice::BUILDING)),
        P::InUse => ("busy", TEMPORARY, Some(advice::IN_USE)),
        P::Deleting => ("busy", TEMPORARY, Some("it goes once nothing uses it; create another")),
        P::NameTaken => ("name-taken", TEMPORARY, Some(advice::NAME_TAKEN)),
        P::QuotaReached => (
            "quota-reached",
            TEMPORARY,
            Some("`imc usage` shows the quotas; delete caches that are not needed"),
        ),
        P::KeyReused => ("input", USAGE, Some("say another `--client-token` for another request")),
        P::Unauthorized => (
            "not-permitted",
            NOT_PERMITTED,
            Some("give a valid token in IMC_TOKEN; `imc token create` makes one"),
        ),
        P::Forbidden => (
            "not-permitted",
            NOT_PERMITTED,
            Some("give a token with that scope; `imc token create` makes one"),
        ),
        P::NotFound | P::NoSuchPath => ("not-found", NO_INPUT, Some(advice::CACHES)),
        P::WrongState => ("not-usable", NO_INPUT, Some("`imc events CACHE` says what happened to it")),
        P::SizeTooSmall => ("size-too-small", CANNOT_CREATE, Some("say a larger `--size GIB`")),
        P::NoSpace => ("no-space", CANNOT_CREATE, Some("free some with `imc gc`")),
        P::BadImage => ("bad-image", DATA, None),
        P::RegistryUnauthorized => (
            "unauthorized",
            NOT_PERMITTED,
            Some("log in with `imc login HOST` as a user who may pull the image"),
        ),
        P::RegistryUnavailable => {
            ("registry-unavailable", UNAVAILABLE, Some("check the network and the registry's name"))
        }
        P::RecordsUnavailable => (advice::RECORDS.0, TEMPORARY, Some(advice::RECORDS.1)),
        P::Busy | P::Timeout => ("busy", TEMPORARY, Some("try again")),
        P::Unsupported => ("unsupported", super::CONFIG, Some("this server is not set up for it")),
        P::Internal => ("internal", SOFTWARE, None),
        P::InvalidBody
        | P::InvalidField
        | P::MissingField
        | P::UnknownField
        | P::InvalidParameter
        | P::UnknownParameter
        | P::InvalidHeader
        | P::PageToken
        | P::BadRequest
        | P::MethodNotAllowed
        | P::Ambiguous
        | P::BodyTooLarge
        | P::UnsupportedMediaType => ("input", USAGE, Some(advice::INPUT)),
    };
    Failure { kind: word, message, advice: advice.map(ToOwned::to_owned), code }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_says_more_than_a_type_unless_the_type_says_what_to_do() {
        let mut problem = Problem::of(ProblemKind::RegistryUnavailable).detail("failed to ask");
        problem.reason = Some("certificate-not-trusted".to_owned());
        let failure = of_problem(&problem);
        assert_eq!((failure.kind, failure.code), ("certificate-not-trusted", UNAVAILABLE));
        problem.reason = Some("of-a-later-version".to_owned());
        assert_eq!(of_problem(&problem).kind, "registry-unavailable");
        let mut problem = Problem::of(ProblemKind::InUse).detail("failed to delete");
        problem.reason = Some("busy".to_owned());
        assert!(of_problem(&problem).advice.unwrap().contains("imc rm"));
    }

    #[test]
    fn every_type_has_a_status() {
        for kind in ProblemKind::ALL {
            assert!(of_problem(&Problem::of(*kind)).code >= USAGE, "{kind:?}");
        }
    }
}
