//! What went wrong, wherever it did.

use std::path::PathBuf;
use std::time::Duration;

use model::{Digest, Platform, UnsupportedMedia};

use crate::ErrorKind;

/// Any error of a library below, kept as a source.
pub(crate) type Below = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong. Names hosts, repositories and digests, never a secret nor the query of an address.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The registry does not know the image, tag or digest.
    #[error("{host} does not have {what}")]
    NotFound {
        /// The server that said so.
        host: String,
        /// Repository with tag or digest.
        what: String,
    },
    /// No or wrong credentials.
    #[error(
        "{registry} wants valid credentials ({}{detail}); log in with `imc login {registry}`",
        asked_by(service)
    )]
    Unauthorized {
        /// The registry, as one logs in to it.
        registry: String,
        /// Its token service, where that refused.
        service: Option<String>,
        /// Whether some were sent.
        detail: &'static str,
    },
    /// A server that no credentials are for: where a redirect leads, or a foreign layer's.
    #[error("{host} wants credentials, and is no registry to log in to: it is only where the registry leads")]
    ElsewhereUnauthorized {
        /// The server that said so.
        host: String,
    },
    /// The same, where it denies access: a signed address that has run out, most likely.
    #[error("{host} denies access, and is no registry to log in to: it is only where the registry leads")]
    ElsewhereForbidden {
        /// The server that said so.
        host: String,
    },
    /// The credentials do not reach that far.
    #[error("{host} denies access to {what}")]
    Forbidden {
        /// The server that said so.
        host: String,
        /// Repository with tag or digest.
        what: String,
    },
    /// 429, after all retries or with a longer pause than we wait.
    #[error("{host} limits the rate of requests{}", wait_text(*retry_after))]
    RateLimited {
        /// The server that said so.
        host: String,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// 5xx, after all retries.
    #[error("{host} has failed with HTTP status {status}")]
    ServerError {
        /// The server that said so.
        host: String,
        /// The status.
        status: u16,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// Another status that is not what the protocol has there.
    #[error("{host} answered with the unexpected HTTP status {status}{}", said(said_text))]
    Refused {
        /// The server that said so.
        host: String,
        /// The status.
        status: u16,
        /// The registry's own message, cut short and cleaned.
        said_text: String,
    },
    /// Name not found, connection refused, network gone.
    #[error("{host} cannot be reached")]
    Unreachable {
        /// The server asked.
        host: String,
        /// Why.
        #[source]
        source: Below,
    },
    /// The server's certificate is not trusted.
    #[error(
        "the TLS certificate of {host} is not trusted; give its authority's certificate (--ca-file), or list the registry with \
         --insecure-registry"
    )]
    Certificate {
        /// The server asked.
        host: String,
        /// Why.
        #[source]
        source: Below,
    },
    /// The server does not speak TLS.
    #[error("{host} does not speak TLS; if plain HTTP is meant, list the registry with --plain-http")]
    PlainHttpExpected {
        /// The server asked.
        host: String,
        /// Why.
        #[source]
        source: Below,
    },
    /// The server speaks TLS only, and was asked by plain HTTP.
    #[error("{host} was asked by plain HTTP and seems to want TLS; take it off the --plain-http list")]
    TlsExpected {
        /// The server asked.
        host: String,
    },
    /// A server with TLS leads to one without, by a redirect or as to its token service.
    #[error("{host} leads to plain HTTP at {target}; if that is meant, list {target} with --plain-http")]
    PlainRedirect {
        /// The server asked.
        host: String,
        /// Where it leads.
        target: String,
    },
    /// Asked by plain HTTP, a server that has never answered closed without a word: as some do that want TLS.
    #[error(
        "{host} closed the connection without an answer; if it wants TLS, take it off the --plain-http list"
    )]
    NoAnswer {
        /// The server asked.
        host: String,
        /// Why.
        #[source]
        source: Below,
    },
    /// The server refuses the TLS connection as it does without a client certificate.
    #[error(
        "{host} refuses the TLS connection; if it wants a client certificate, name one by `client` in its hosts.toml"
    )]
    ClientCertificate {
        /// The server asked.
        host: String,
        /// Its alert.
        #[source]
        source: Below,
    },
    /// Nothing came for too long.
    #[error("{host} was silent or all but silent for {} s", (after.as_secs_f32() * 10.0).round() / 10.0)]
    Hang {
        /// The server asked.
        host: String,
        /// For how long.
        after: Duration,
    },
    /// The connection broke while data came.
    #[error("the connection to {host} broke after {at} bytes")]
    Cut {
        /// The server asked.
        host: String,
        /// Bytes of this answer that had come.
        at: u64,
        /// Why; nothing where the server simply closed.
        #[source]
        source: Option<Below>,
    },
    /// The answer is not what the protocol has there.
    #[error("{origin} sent a malformed {what}: {why}")]
    Malformed {
        /// Server or path that it came from.
        origin: String,
        /// What it should have been.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Bytes that are not those of the digest.
    #[error("{origin} has other bytes for {expected}: their digest is {found}")]
    WrongDigest {
        /// Server or path that it came from.
        origin: String,
        /// What was asked for.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// More or fewer bytes than the descriptor says.
    #[error("{origin} has {found} bytes for {digest}, which is to have {expected}")]
    WrongLength {
        /// Server or path that it came from.
        origin: String,
        /// Of which blob.
        digest: Digest,
        /// The descriptor's length.
        expected: u64,
        /// What was announced or came.
        found: u64,
    },
    /// A document over its limit.
    #[error("the {what} from {origin} is over the limit of {limit} bytes")]
    TooLarge {
        /// Server or path that it came from.
        origin: String,
        /// Which document.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Schema 1, an artifact, encrypted layers.
    #[error("the image cannot be used")]
    Unsupported(#[from] UnsupportedMedia),
    /// Redirected too often, or in a circle.
    #[error("{host} redirects in a circle or more than {limit} times")]
    TooManyRedirects {
        /// The server first asked.
        host: String,
        /// How many are followed.
        limit: usize,
    },
    /// No manifest for the platform.
    #[error("there is no image for {wanted}; there is: {}", list(offered))]
    PlatformMissing {
        /// The platform asked for.
        wanted: Platform,
        /// What the index or image has.
        offered: Vec<Platform>,
    },
    /// Several images where one was to be named.
    #[error("{} holds several images{}, name one; it has: {}", path.display(), named(among), names.join(", "))]
    ChooseImage {
        /// The directory or archive.
        path: PathBuf,
        /// The name asked for, where it is that of several.
        among: Option<String>,
        /// The names there.
        names: Vec<String>,
    },
    /// No image of that name.
    #[error("{} has no image `{wanted}`; it has: {}", path.display(), names.join(", "))]
    ImageMissing {
        /// The directory or archive.
        path: PathBuf,
        /// The name asked for.
        wanted: String,
        /// The names there.
        names: Vec<String>,
    },
    /// The directory, archive or a file in it is not there.
    #[error("{} does not exist", path.display())]
    LocalMissing {
        /// The path.
        path: PathBuf,
    },
    /// A local read or write failed.
    #[error("failed to read or write {}", path.display())]
    Local {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A credential helper failed, or the credentials file is not readable.
    #[error("the credential helper {program} failed: {why}")]
    CredentialHelper {
        /// The program.
        program: String,
        /// Why; never what it printed to its standard output.
        why: String,
    },
    /// Credentials that would have had to go to a place that they were not given for.
    #[error("the token service {realm} of {host} is not one that credentials may be sent to: {why}")]
    UntrustedRealm {
        /// The registry.
        host: String,
        /// The token service, without query.
        realm: String,
        /// Why not.
        why: &'static str,
    },
    /// The registry's own server failed, after mirrors did: maybe only they were to be asked.
    #[error("the registry was asked because its mirrors failed ({})", mirrors.join("; "))]
    AfterMirrors {
        /// What was wrong with each.
        mirrors: Vec<String>,
        /// What was wrong with the registry.
        #[source]
        fault: Box<Fault>,
    },
    /// A settings file (hosts.toml, CA, config.json) that cannot be taken.
    #[error("{} is not usable: {why}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The HTTP client itself could not be made.
    #[error("the HTTP client cannot be set up")]
    Client {
        /// Why.
        #[source]
        source: Below,
    },
}

fn wait_text(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |wait| format!(" and asks to wait {} s", wait.as_secs()))
}

fn said(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}

fn asked_by(service: &Option<String>) -> String {
    service.as_ref().map_or_else(String::new, |host| format!("its token service {host}: "))
}

fn named(name: &Option<String>) -> String {
    name.as_ref().map_or_else(String::new, |name| format!(" of the name `{name}`"))
}

fn list(platforms: &[Platform]) -> String {
    if platforms.is_empty() {
        return "nothing".to_owned();
    }
    platforms.iter().map(Platform::to_string).collect::<Vec<_>>().join(", ")
}

impl Fault {
    /// The same, told with what mirrors failed with before.
    pub(crate) fn after_mirrors(self, mirrors: Vec<String>) -> Self {
        if mirrors.is_empty() { self } else { Self::AfterMirrors { mirrors, fault: Box::new(self) } }
    }

    /// Whether the same may succeed later: connect errors, time-outs, cuts, 429 and 5xx.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::PlainHttpExpected { .. }
                | Self::NoAnswer { .. }
                | Self::Hang { .. }
                | Self::Cut { .. }
                | Self::RateLimited { .. }
                | Self::ServerError { .. }
        )
    }

    /// For callers that decide by it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } | Self::ImageMissing { .. } => ErrorKind::NotFound,
            Self::AfterMirrors { fault, .. } => fault.kind(),
            Self::Unauthorized { .. } => ErrorKind::Unauthorized,
            Self::Forbidden { .. } => ErrorKind::Forbidden,
            Self::RateLimited { .. } => ErrorKind::RateLimited,
            Self::ServerError { .. }
            | Self::Refused { .. }
            | Self::ElsewhereUnauthorized { .. }
            | Self::ElsewhereForbidden { .. } => ErrorKind::ServerError,
            Self::Unreachable { .. } => ErrorKind::Unreachable,
            Self::Certificate { .. } => ErrorKind::Certificate,
            Self::PlainHttpExpected { .. } | Self::PlainRedirect { .. } => ErrorKind::PlainHttpExpected,
            Self::TlsExpected { .. } => ErrorKind::TlsExpected,
            Self::ClientCertificate { .. } => ErrorKind::ClientCertificate,
            Self::Hang { .. } => ErrorKind::Hang,
            Self::Cut { .. } | Self::NoAnswer { .. } => ErrorKind::Cut,
            Self::Malformed { .. } | Self::TooLarge { .. } => ErrorKind::Malformed,
            Self::WrongDigest { .. } => ErrorKind::WrongDigest,
            Self::WrongLength { .. } => ErrorKind::WrongLength,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::TooManyRedirects { .. } => ErrorKind::TooManyRedirects,
            Self::PlatformMissing { .. } => ErrorKind::PlatformMissing,
            Self::ChooseImage { .. } => ErrorKind::Ambiguous,
            Self::LocalMissing { .. } => ErrorKind::LocalMissing,
            Self::Local { source, .. } => match source.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
                _ => ErrorKind::Local,
            },
            Self::CredentialHelper { .. } => ErrorKind::CredentialHelper,
            Self::UntrustedRealm { .. } => ErrorKind::Credentials,
            Self::Settings { .. } | Self::Client { .. } => ErrorKind::Settings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart_from_other_local_failures() {
        let local =
            |kind: std::io::ErrorKind| Fault::Local { path: "/spool".into(), source: kind.into() }.kind();
        assert_eq!(local(std::io::ErrorKind::StorageFull), ErrorKind::NoSpace);
        assert_eq!(local(std::io::ErrorKind::QuotaExceeded), ErrorKind::NoSpace);
        assert_eq!(local(std::io::ErrorKind::PermissionDenied), ErrorKind::Local);
    }
}
