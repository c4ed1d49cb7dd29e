//! Requests with authorisation, under the limits of their host.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use model::{RegistryAccess, RegistryHost, RepositoryName};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue, RANGE, WWW_AUTHENTICATE,
};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use url::Url;

use super::challenge::{self, Challenge};
use super::redirect::{Elsewhere, Start, follow, host_of};
use super::{Answer, Clients, token};
use crate::credentials::Keyring;
use crate::hosts::Endpoint;
use crate::{Credentials, Fault, Settings};

/// What is sent as `Authorization`, and until when.
#[derive(Clone, PartialEq)]
pub(crate) struct Authorization {
    value: HeaderValue,
    expires: Option<Instant>,
    with_credentials: bool,
}

impl Authorization {
    /// A header value that no log shows. `None` where the text cannot stand in a header.
    pub(crate) fn new(text: &str, lifetime: Option<Duration>, with_credentials: bool) -> Option<Self> {
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(Self { value, expires: lifetime.map(|lifetime| Instant::now() + lifetime), with_credentials })
    }

    pub(crate) fn into_value(self) -> HeaderValue {
        self.value
    }

    /// Whether a token service gave it: a password does not end.
    fn is_token(&self) -> bool {
        self.expires.is_some()
    }

    fn is_alive(&self) -> bool {
        self.expires.is_none_or(|expires| expires > Instant::now())
    }
}

/// `Basic` of RFC 7617.
pub(crate) fn basic(username: &str, password: &secrecy::SecretString) -> Option<Authorization> {
    let pair = format!("{username}:{}", password.expose_secret());
    let text = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    Authorization::new(&text, None, true)
}

/// One request as its sender means it.
pub(crate) struct Ask<'a> {
    pub(crate) url: Url,
    /// The repository that it concerns, for the token's scope.
    pub(crate) repository: Option<&'a RepositoryName>,
    pub(crate) accept: Option<&'static str>,
    /// First byte and the one after the last.
    pub(crate) range: Option<(u64, u64)>,
}

type Slot = Arc<tokio::sync::Mutex<Option<Authorization>>>;

/// Requests that may run at one host.
struct HostLimit {
    layers: Arc<Semaphore>,
    documents: Arc<Semaphore>,
}

impl HostLimit {
    /// Every place that is taken or waited for holds one more of the semaphore.
    fn is_used(&self) -> bool {
        Arc::strong_count(&self.layers) > 1 || Arc::strong_count(&self.documents) > 1
    }
}

/// Hosts and repositories that are remembered at once, before those not in use are forgotten.
const MOST_REMEMBERED: usize = 1024;

/// What all requests share: clients, credentials, tokens, limits.
pub(crate) struct Wire {
    pub(crate) settings: Settings,
    pub(crate) clients: Arc<Clients>,
    /// Contents of the CA files.
    pub(crate) roots: Arc<[Vec<u8>]>,
    pub(crate) keyring: Keyring,
    /// Of this wire's own credentials: another wire's requests must not be answered for by them.
    slots: Mutex<HashMap<(String, String), Slot>>,
    hosts: Arc<Hosts>,
}

/// What is known of hosts, whoever asks them.
#[derive(Default)]
struct Hosts {
    limits: Mutex<HashMap<String, HostLimit>>,
    /// Servers that could not be reached lately, by address.
    resting: Mutex<HashMap<String, Instant>>,
}

/// How long a server that cannot be reached is passed over where another one has the same.
const REST: Duration = Duration::from_secs(30);

impl Wire {
    pub(crate) fn new(settings: Settings, roots: Arc<[Vec<u8>]>) -> Self {
        let keyring = Keyring::new(&settings);
        let per_host = settings.requests_per_host.max(1);
        let clients = Arc::new(Clients::new(settings.timeouts.connect, per_host));
        Self { settings, clients, roots, keyring, slots: Mutex::default(), hosts: Arc::default() }
    }

    /// One that speaks to some registries otherwise and has further credentials. Connections and the limits of hosts are
    /// shared; what was got with credentials is not.
    ///
    /// Our own credentials are not for a registry that it alone speaks to less safely: whoever asks for that could read
    /// them on the way.
    pub(crate) fn with(
        &self,
        access: &RegistryAccess,
        credentials: BTreeMap<RegistryHost, Credentials>,
    ) -> Self {
        let mut settings = self.settings.clone();
        let unsafer: BTreeSet<RegistryHost> = access
            .plain_http
            .iter()
            .filter(|host| !settings.plain_http.contains(host))
            .chain(access.insecure.iter().filter(|host| !settings.insecure.contains(host)))
            .cloned()
            .collect();
        access.plain_http.iter().for_each(|host| settings.plain_http.insert(host.clone()));
        access.insecure.iter().for_each(|host| settings.insecure.insert(host.clone()));
        settings.credentials.retain(|host, _| !unsafer.contains(host));
        settings.credentials.extend(credentials);
        Self {
            keyring: Keyring::new(&settings).keeping_from(unsafer),
            settings,
            clients: Arc::clone(&self.clients),
            roots: Arc::clone(&self.roots),
            slots: Mutex::default(),
            hosts: Arc::clone(&self.hosts),
        }
    }

    pub(crate) fn elsewhere(&self) -> Elsewhere<'_> {
        Elsewhere {
            clients: &self.clients,
            roots: &self.roots,
            insecure: &self.settings.insecure,
            plain_http: &self.settings.plain_http,
        }
    }

    fn slot(&self, endpoint: &Endpoint, ask: &Ask<'_>) -> Slot {
        let scope = ask.repository.map_or("", RepositoryName::as_str).to_owned();
        let mut slots = self.slots.lock().expect("no panic while the map is locked");
        if slots.len() >= MOST_REMEMBERED {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        slots.entry((endpoint.base.to_string(), scope)).or_default().clone()
    }

    /// Waits for a place among the host's requests: for layers, or for small documents, which never wait for layers.
    pub(crate) async fn place(&self, url: &Url, layer: bool) -> OwnedSemaphorePermit {
        let semaphore = {
            let mut limits = self.hosts.limits.lock().expect("no panic while the map is locked");
            if limits.len() >= MOST_REMEMBERED {
                limits.retain(|_, limit| limit.is_used());
            }
            let limit = limits.entry(host_of(url)).or_insert_with(|| {
                let places = self.settings.requests_per_host.max(1);
                HostLimit {
                    layers: Arc::new(Semaphore::new(places)),
                    documents: Arc::new(Semaphore::new(places)),
                }
            });
            if layer { limit.layers.clone() } else { limit.documents.clone() }
        };
        semaphore.acquire_owned().await.expect("these semaphores are never closed")
    }

    /// The servers to try, in their order, and those resting, which are only to be tried where these have failed and may do
    /// better later. Where all would rest, none does. Those without an address never rest.
    pub(crate) fn awake<T>(
        &self,
        servers: impl IntoIterator<Item = T>,
        address: impl Fn(&T) -> Option<&Url>,
    ) -> (Vec<T>, Vec<T>) {
        let mut resting = self.hosts.resting.lock().expect("no panic while the map is locked");
        let now = Instant::now();
        resting.retain(|_, until| *until > now);
        let rests = |server: &T| address(server).is_some_and(|url| resting.contains_key(&host_of(url)));
        let (resting, awake): (Vec<T>, Vec<T>) = servers.into_iter().partition(rests);
        if awake.is_empty() { (resting, awake) } else { (awake, resting) }
    }

    /// Forgets that a server could not be reached: it was.
    pub(crate) fn reached(&self, address: &Url) {
        let mut resting = self.hosts.resting.lock().expect("no panic while the map is locked");
        resting.remove(&host_of(address));
    }

    /// Remembers a server that could not be reached.
    pub(crate) fn note(&self, address: &Url, fault: &Fault) {
        if matches!(fault, Fault::Unreachable { .. } | Fault::Hang { .. }) {
            let mut resting = self.hosts.resting.lock().expect("no panic while the map is locked");
            resting.insert(host_of(address), Instant::now() + REST);
        }
    }

    /// Sends without authorisation to a server that is not a registry of ours.
    pub(crate) async fn ask_openly(&self, ask: &Ask<'_>) -> Result<(Answer, Url), Fault> {
        let elsewhere = self.elsewhere();
        let start = Start {
            method: Method::GET,
            url: ask.url.clone(),
            client: &elsewhere.client(&ask.url)?,
            headers: headers(ask),
            secret_headers: HeaderMap::new(),
            body: None,
        };
        let (answer, last) = follow(start, &elsewhere, self.settings.timeouts.idle).await?;
        Ok((Answer { of_registry: false, ..answer }, last))
    }

    async fn send(
        &self,
        endpoint: &Endpoint,
        ask: &Ask<'_>,
        authorization: Option<&Authorization>,
    ) -> Result<(Answer, Url), Fault> {
        let mut secret_headers = endpoint.headers.clone();
        if let Some(authorization) = authorization {
            secret_headers.insert(AUTHORIZATION, authorization.value.clone());
        }
        let start = Start {
            method: Method::GET,
            url: ask.url.clone(),
            client: &endpoint.client,
            headers: headers(ask),
            secret_headers,
            body: None,
        };
        follow(start, &self.elsewhere(), self.settings.timeouts.idle).await
    }

    /// Sends to a registry, answering its challenge where it has one. The answer may have any status but that of a
    /// refused login.
    pub(crate) async fn ask(&self, endpoint: &Endpoint, ask: &Ask<'_>) -> Result<(Answer, Url), Fault> {
        let slot = self.slot(endpoint, ask);
        let known = slot.lock().await.clone().filter(Authorization::is_alive);
        let first = self.send(endpoint, ask, known.as_ref()).await?;
        if first.0.status() != StatusCode::UNAUTHORIZED || !first.0.at_origin {
            return Ok(first);
        }
        let authorization = {
            // Held over the token's way, so that one of many requests fetches it for all.
            let mut held = slot.lock().await;
            match held.clone().filter(Authorization::is_alive) {
                Some(newer) if Some(&newer) != known.as_ref() => newer,
                _ => {
                    *held = None;
                    let new = self.authorise(endpoint, ask, &first.0).await?;
                    held.insert(new).clone()
                }
            }
        };
        let second = self.send(endpoint, ask, Some(&authorization)).await?;
        if second.0.status() == StatusCode::UNAUTHORIZED && second.0.at_origin {
            *slot.lock().await = None;
            return Err(match authorization.is_token() {
                true => token_refused(endpoint, authorization.with_credentials),
                false => unauthorized(endpoint, None, authorization.with_credentials),
            });
        }
        Ok(second)
    }

    async fn authorise(
        &self,
        endpoint: &Endpoint,
        ask: &Ask<'_>,
        refusal: &Answer,
    ) -> Result<Authorization, Fault> {
        let challenges: Vec<Challenge> = refusal
            .response
            .headers()
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .flat_map(|value| challenge::parse(&String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let credentials = self.keyring.find(&endpoint.registry).await?;
        if let Some(bearer) = challenges.iter().find(|c| c.scheme == "bearer") {
            return token::fetch(self, endpoint, bearer, ask.repository, credentials.as_ref()).await;
        }
        match &credentials {
            Some(Credentials::Basic { username, password })
                if challenges.iter().any(|c| c.scheme == "basic") =>
            {
                basic(username, password).ok_or_else(|| unauthorized(endpoint, None, true))
            }
            _ => Err(unauthorized(endpoint, None, false)),
        }
    }
}

/// What was wrong with the credentials, or with there being none.
pub(crate) fn unauthorized(endpoint: &Endpoint, service: Option<String>, with_credentials: bool) -> Fault {
    let detail = if with_credentials { "those given were refused" } else { "none that fit were given" };
    Fault::Unauthorized { registry: endpoint.registry.to_string(), service, detail }
}

/// A registry that gives a token and then does not take it says no more of a repository that does not exist.
fn token_refused(endpoint: &Endpoint, with_credentials: bool) -> Fault {
    let detail = match with_credentials {
        true => "those given do not reach the repository, or it does not exist",
        false => "none that fit were given; the repository is private or does not exist",
    };
    Fault::Unauthorized { registry: endpoint.registry.to_string(), service: None, detail }
}

fn headers(ask: &Ask<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(accept) = ask.accept {
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
    }
    // A server that compresses on the way would change what the digest is over.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some((from, end)) = ask.range {
        let range = format!("bytes={from}-{}", end - 1);
        headers.insert(RANGE, HeaderValue::try_from(range).expect("digits are fine in a header"));
    }
    headers
}
