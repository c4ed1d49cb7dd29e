//! One HTTP client per TLS profile, and what its errors mean.

use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Client, Identity, redirect};
use rustls::AlertDescription;
use url::Url;

use super::host_of;
use crate::Fault;

/// How a server is told to be the right one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum TlsProfile {
    /// No TLS at all: the client made for it trusts nobody, so that a slip ends in an error.
    Plain,
    /// By the system's authorities and these.
    Verified {
        /// PEM files' contents, shared: they are large, and each request to a server elsewhere names them.
        roots: Arc<[Vec<u8>]>,
        /// Client certificate with key, PEM.
        identity: Option<Vec<u8>>,
    },
    /// Not at all.
    Unverified {
        /// Client certificate with key, PEM.
        identity: Option<Vec<u8>>,
    },
}

/// Clients by profile.
#[derive(Default)]
struct Made {
    past_any_proxy: HashMap<TlsProfile, Client>,
    others: HashMap<TlsProfile, Client>,
}

/// The clients made so far.
pub(crate) struct Clients {
    connect: Duration,
    idle_connections: usize,
    made: Mutex<Made>,
    /// Hosts that have answered by plain HTTP.
    speaking: Mutex<HashSet<String>>,
}

/// Hosts that are remembered for having answered, before all are forgotten.
const MOST_SPEAKING: usize = 1024;

impl Clients {
    pub(crate) fn new(connect: Duration, idle_connections: usize) -> Self {
        Self { connect, idle_connections, made: Mutex::default(), speaking: Mutex::default() }
    }

    /// The client for that profile and server; clients of equal profiles share connections.
    pub(crate) fn get(&self, profile: &TlsProfile, url: &Url) -> Result<Client, Fault> {
        // A proxy would lead to another machine.
        let direct = trust::is_loopback(url);
        let mut made = self.made.lock().expect("no panic while the map is locked");
        let made = if direct { &mut made.past_any_proxy } else { &mut made.others };
        if let Some(client) = made.get(profile) {
            return Ok(client.clone());
        }
        let client = self.build(profile, direct).map_err(|source| Fault::Client { source })?;
        made.insert(profile.clone(), client.clone());
        Ok(client)
    }

    /// Remembers that a server speaks plain HTTP, since it has answered.
    pub(crate) fn note_answer(&self, url: &Url) {
        if url.scheme() != "http" {
            return;
        }
        let mut speaking = self.speaking.lock().expect("no panic while the set is locked");
        if speaking.len() >= MOST_SPEAKING {
            speaking.clear();
        }
        speaking.insert(host_of(url));
    }

    /// What an error is for a request to that address. One closed without an answer says something about TLS only where the
    /// server has never answered; else it has just broken off, as on a restart.
    pub(crate) fn fault_of_request(&self, error: reqwest::Error, url: &Url) -> Fault {
        match fault_of(error, &host_of(url), 0) {
            Fault::NoAnswer { host, source } if self.has_answered(&host) => {
                Fault::Cut { host, at: 0, source: Some(source) }
            }
            fault => fault,
        }
    }

    fn has_answered(&self, host: &str) -> bool {
        self.speaking.lock().expect("no panic while the set is locked").contains(host)
    }

    fn build(&self, profile: &TlsProfile, direct: bool) -> Result<Client, Box<dyn StdError + Send + Sync>> {
        // HTTP/1.1 only: the parts of a large layer shall have a connection each, HTTP/2 would put them on one.
        let mut builder = Client::builder()
            .user_agent(concat!("imc/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(self.connect)
            .pool_max_idle_per_host(self.idle_connections)
            .tcp_nodelay(true)
            .http1_only();
        if direct {
            builder = builder.no_proxy();
        }
        let identity = match profile {
            TlsProfile::Plain => {
                builder = builder.tls_certs_only([]);
                None
            }
            TlsProfile::Verified { roots, identity } if !roots.is_empty() => {
                let config = trust::client_trusting(roots, identity.as_deref(), &["http/1.1"])?;
                builder = builder.tls_backend_preconfigured(config);
                None
            }
            TlsProfile::Verified { identity, .. } => identity.as_ref(),
            TlsProfile::Unverified { identity } => {
                builder = builder.tls_danger_accept_invalid_certs(true);
                identity.as_ref()
            }
        };
        if let Some(pem) = identity {
            builder = builder.identity(Identity::from_pem(pem)?);
        }
        builder.build().map_err(|error| error.without_url().into())
    }
}

/// What stands below an error of the HTTP client, as far as it decides.
enum Below<'a> {
    Tls(&'a rustls::Error),
    /// The other side closed while it was to speak.
    Eof,
    /// What came is not HTTP. Whether that was plain from its first bytes.
    NoHttp(bool),
    Other,
}

fn below<'a>(error: &'a (dyn StdError + 'static)) -> Below<'a> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Below::Tls(tls);
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>().filter(|error| error.is_parse()) {
        // There is no other way to ask for that.
        return Below::NoHttp(error.to_string().contains("HTTP version"));
    }
    if let Some(io) = error.downcast_ref::<std::io::Error>() {
        // An I/O error hides what it wraps from `source`.
        let wrapped = io.get_ref().map(|wrapped| {
            let wrapped: &(dyn StdError + 'static) = wrapped;
            below(wrapped)
        });
        return match wrapped {
            None | Some(Below::Other) if io.kind() == std::io::ErrorKind::UnexpectedEof => Below::Eof,
            wrapped => wrapped.unwrap_or(Below::Other),
        };
    }
    error.source().map_or(Below::Other, below)
}

/// Whether a server ends a connection with it that it wanted a client certificate for: none was sent, or not the right one.
/// TLS 1.2 has no word of its own for the former.
fn is_about_certificates(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::HandshakeFailure
            | AlertDescription::NoCertificate
            | AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
    )
}

/// The fault that an error of the HTTP client is, after `at` bytes of the body. The address is taken out: it may be a
/// signed one.
pub(crate) fn fault_of(error: reqwest::Error, host: &str, at: u64) -> Fault {
    let host = host.to_owned();
    let connecting = error.is_connect();
    let plain = error.url().is_some_and(|url| url.scheme() == "http");
    let unanswered = error.is_request() && !connecting && plain;
    let source = error.without_url();
    match below(&source) {
        Below::Tls(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Fault::Certificate { host, source: source.into() }
        }
        // Only a TLS handshake reads anything while connecting.
        Below::Tls(rustls::Error::InvalidMessage(_)) | Below::Eof if connecting => {
            Fault::PlainHttpExpected { host, source: source.into() }
        }
        Below::Tls(rustls::Error::AlertReceived(alert)) if is_about_certificates(*alert) => {
            Fault::ClientCertificate { host, source: source.into() }
        }
        // A TLS server's alert, most likely.
        Below::NoHttp(true) if plain => Fault::TlsExpected { host },
        Below::NoHttp(_) => {
            let why = "it is no HTTP".to_owned();
            Fault::Malformed { origin: host, what: "answer", why }
        }
        _ if connecting => Fault::Unreachable { host, source: source.into() },
        _ if unanswered => Fault::NoAnswer { host, source: source.into() },
        _ => Fault::Cut { host, at, source: Some(source.into()) },
    }
}
