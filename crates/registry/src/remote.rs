//! An image in a registry: its documents, and the way to its blobs.

use std::sync::Arc;

use bytes::Bytes;
use model::{Digest, ImageReference, LayerDescriptor, Platform, RepositoryName};
use tokio::time::timeout;
use url::Url;

use crate::document::{CONFIG_LIMIT, MANIFEST_LIMIT};
use crate::hosts::{Endpoint, endpoints};
use crate::resolve::{Documents, Found, Step, walk};
use crate::stream::{BlobRoute, Candidate};
use crate::wire::{Ask, Backoff, Wire, host_of};
use crate::{ErrorKind, Fault};

/// Everything that a registry may answer for a manifest, ours first.
const MANIFEST_TYPES: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, */*;q=0.1";

/// One repository at the servers that have it.
#[derive(Clone)]
pub(crate) struct Remote {
    wire: Arc<Wire>,
    repository: RepositoryName,
    endpoints: Arc<[Endpoint]>,
}

/// A document to fetch.
struct Wish<'a> {
    kind: &'static str,
    name: &'a str,
    /// What its bytes must give, where that is known.
    digest: Option<&'a Digest>,
    size: Option<u64>,
    limit: usize,
    what: &'static str,
}

/// What each mirror failed with last.
#[derive(Default)]
struct AtMirrors(Vec<(Url, String)>);

impl AtMirrors {
    fn add(&mut self, mirror: &Endpoint, fault: &Fault) {
        match self.0.iter_mut().find(|(base, _)| *base == mirror.base) {
            Some((_, text)) => *text = fault.to_string(),
            None => self.0.push((mirror.base.clone(), fault.to_string())),
        }
    }

    fn texts(&self) -> Vec<String> {
        self.0.iter().map(|(_, text)| text.clone()).collect()
    }
}

impl Remote {
    pub(crate) async fn new(wire: Arc<Wire>, reference: &ImageReference) -> Result<Self, Fault> {
        let (shared, host) = (wire.clone(), reference.host().clone());
        // Reads hosts.toml and certificates, and may read the system's.
        let made = tokio::task::spawn_blocking(move || endpoints(&shared, &host));
        let endpoints = made.await.expect("reading does not panic and is not aborted")?.into();
        Ok(Self { wire, repository: reference.repository().clone(), endpoints })
    }

    /// For messages.
    pub(crate) fn origin(&self) -> String {
        let last = self.endpoints.last().expect("the registry itself is always there");
        format!("{}/{}", host_of(&last.base), self.repository)
    }

    pub(crate) async fn manifest(&self, digest: &Digest, size: u64) -> Result<Bytes, Fault> {
        let name = digest.to_string();
        let wish = Wish {
            kind: "manifests",
            name: &name,
            digest: Some(digest),
            size: Some(size),
            limit: MANIFEST_LIMIT,
            what: "manifest",
        };
        self.document(&wish).await.map(|step| step.document)
    }

    pub(crate) async fn config(&self, digest: &Digest, size: u64) -> Result<Bytes, Fault> {
        let name = digest.to_string();
        let wish = Wish {
            kind: "blobs",
            name: &name,
            digest: Some(digest),
            size: Some(size),
            limit: CONFIG_LIMIT,
            what: "image config",
        };
        self.document(&wish).await.map(|step| step.document)
    }

    /// The image that the reference means.
    pub(crate) async fn resolve(
        &self,
        reference: &ImageReference,
        wanted: &Platform,
    ) -> Result<Found, Fault> {
        let digest = reference.digest().map(model::BlobDigest::digest);
        let name = match (digest, reference.tag()) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.to_string(),
            (None, None) => "latest".to_owned(),
        };
        let wish = Wish {
            kind: "manifests",
            name: &name,
            digest,
            size: None,
            limit: MANIFEST_LIMIT,
            what: "manifest",
        };
        let first = self.document(&wish).await?;
        walk(Documents::Remote(self), first, wanted).await
    }

    async fn document(&self, wish: &Wish<'_>) -> Result<Step, Fault> {
        let mut backoff = Backoff::new(self.wire.settings.retry);
        let serves = |endpoint: &&Endpoint| {
            if wish.digest.is_some() { endpoint.pulls } else { endpoint.resolves }
        };
        let servers: Vec<&Endpoint> = self.endpoints.iter().filter(serves).collect();
        let own_last = servers.last().is_some_and(|endpoint| endpoint.own);
        let mut at_mirrors = AtMirrors::default();
        loop {
            match self.document_round(&servers, wish, &mut at_mirrors).await {
                Ok(step) => return Ok(step),
                Err(fault) => backoff.pause(fault).await.map_err(|fault| match own_last {
                    true => fault.after_mirrors(at_mirrors.texts()),
                    false => fault,
                })?,
            }
        }
    }

    /// Asks each server once. Those resting come last, and only where the others may have it and failed for now: a mirror
    /// that was cut off for a moment may be all that is left.
    async fn document_round(
        &self,
        servers: &[&Endpoint],
        wish: &Wish<'_>,
        at_mirrors: &mut AtMirrors,
    ) -> Result<Step, Fault> {
        let (awake, resting) = self.wire.awake(servers.iter().copied(), |endpoint| endpoint.may_rest());
        let mut fault = self.nobody_to_ask(wish);
        for endpoint in awake {
            match self.document_from(endpoint, wish, at_mirrors).await {
                Ok(step) => return Ok(step),
                Err(at_endpoint) => fault = at_endpoint,
            }
        }
        if fault.is_passing() {
            for endpoint in resting {
                if let Ok(step) = self.document_from(endpoint, wish, at_mirrors).await {
                    return Ok(step);
                }
            }
        }
        Err(fault)
    }

    /// Asks one server, and remembers how that went.
    async fn document_from(
        &self,
        endpoint: &Endpoint,
        wish: &Wish<'_>,
        at_mirrors: &mut AtMirrors,
    ) -> Result<Step, Fault> {
        // On the heap: the future of a whole request is large.
        let answer = Box::pin(self.document_at(endpoint, wish)).await;
        match &answer {
            Ok(_) => self.wire.reached(&endpoint.base),
            Err(fault) => {
                tracing::debug!(server = %endpoint.base, %fault, "no document there");
                self.wire.note(&endpoint.base, fault);
                if !endpoint.own && fault.kind() != ErrorKind::NotFound {
                    at_mirrors.add(endpoint, fault);
                }
            }
        }
        answer
    }

    /// What is wrong where no server may be asked. Only settings can have it so.
    fn nobody_to_ask(&self, wish: &Wish<'_>) -> Fault {
        let last = self.endpoints.last().expect("the registry itself is always there");
        let right = if wish.digest.is_some() { "pull" } else { "resolve" };
        let why = format!("no server in it has the capability `{right}`, the registry's own included");
        Fault::Settings { path: last.file.clone(), why }
    }

    async fn document_at(&self, endpoint: &Endpoint, wish: &Wish<'_>) -> Result<Step, Fault> {
        let url = endpoint.address(&self.repository, wish.kind, wish.name);
        let host = host_of(&url);
        let _place = self.wire.place(&url, false).await;
        let deadline = self.wire.settings.timeouts.document;
        timeout(deadline, self.document_answer(endpoint, url, wish))
            .await
            .unwrap_or(Err(Fault::Hang { host, after: deadline }))
    }

    async fn document_answer(&self, endpoint: &Endpoint, url: Url, wish: &Wish<'_>) -> Result<Step, Fault> {
        let idle = self.wire.settings.timeouts.idle;
        let accept = (wish.kind == "manifests").then_some(MANIFEST_TYPES);
        let ask = Ask { url, repository: Some(&self.repository), accept, range: None };
        let (answer, _) = self.wire.ask(endpoint, &ask).await?;
        if answer.status() != reqwest::StatusCode::OK {
            let sign = if wish.name.contains(':') { '@' } else { ':' };
            let what = format!("{}{sign}{}", self.repository, wish.name);
            return Err(answer.into_fault(&what, &self.wire.settings.timeouts).await);
        }
        let origin = format!("{}/{}", answer.host, self.repository);
        if answer.is_html() {
            let why = "it is a web page".to_owned();
            return Err(Fault::Malformed { origin, what: wish.what, why });
        }
        let content_type = answer.header(reqwest::header::CONTENT_TYPE).map(str::to_owned);
        let told = answer.header("docker-content-digest").and_then(|text| text.parse::<Digest>().ok());
        let document = answer.body(wish.limit, wish.what, idle).await?;
        // Without a digest of our own the server's word must at least agree with its bytes.
        let expected = wish.digest.copied().or(told);
        let found = Digest::of(expected.map_or(model::Algorithm::Sha256, |d| d.algorithm()), &document);
        match expected {
            Some(expected) if expected != found => {
                return match wish.size {
                    Some(size) if size != document.len() as u64 => {
                        let found = document.len() as u64;
                        Err(Fault::WrongLength { origin, digest: expected, expected: size, found })
                    }
                    _ => Err(Fault::WrongDigest { origin, expected, found }),
                };
            }
            _ => {}
        }
        if wish.size.is_some_and(|size| size != document.len() as u64) {
            let (expected, length) = (wish.size.unwrap_or_default(), document.len() as u64);
            return Err(Fault::WrongLength { origin, digest: found, expected, found: length });
        }
        Ok(Step { document, content_type, digest: found })
    }

    /// The way to a layer: the registry's servers, then the layer's own addresses.
    pub(crate) fn layer(&self, layer: &LayerDescriptor) -> BlobRoute {
        let name = layer.digest.to_string();
        let pulls = self.endpoints.iter().filter(|endpoint| endpoint.pulls);
        let registry = pulls.map(|endpoint| Candidate {
            url: endpoint.address(&self.repository, "blobs", &name),
            endpoint: Some(endpoint.clone()),
        });
        let foreign = layer.urls.iter().filter_map(|text| Url::parse(text).ok());
        let plain_allowed = |url: &Url| {
            let listed = self.wire.settings.plain_http.has_url(url);
            url.scheme() == "https" || (url.scheme() == "http" && listed)
        };
        let foreign = foreign
            .filter(|url| plain_allowed(url) && url.username().is_empty() && url.password().is_none())
            .map(|url| Candidate { url, endpoint: None });
        BlobRoute::new(self.wire.clone(), self.repository.clone(), layer, registry.chain(foreign).collect())
    }
}
