//! The client.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use model::{ImageSource, LayerDescriptor, Platform, RegistryAccess, RegistryHost};

use crate::archive::Archive;
use crate::hosts::{self, Endpoint};
use crate::image::Origin;
use crate::layout::Layout;
use crate::remote::Remote;
use crate::stream::{RangedReader, Source};
use crate::wire::{Ask, Backoff, Wire};
use crate::{Credentials, Error, Fault, LayerStream, ResolvedImage, Settings, credentials};

/// The client of registries, layout directories and archives. Cheap to clone; clones share connections, tokens and limits.
#[derive(Clone)]
pub struct Registry {
    wire: Arc<Wire>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}

impl Registry {
    /// Makes a client. No network is touched; CA files are read.
    ///
    /// # Errors
    /// A CA file that is missing or holds no certificate.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let mut roots = Vec::new();
        for path in &settings.ca_files {
            roots.push(hosts::read_certificates(path).map_err(|fault| Error::SetUp(Box::new(fault)))?);
        }
        Ok(Self { wire: Arc::new(Wire::new(settings, roots.into())) })
    }

    /// The same client, speaking to some registries otherwise and with further credentials, each for its own host alone.
    ///
    /// Connections and the limits of hosts are shared with this one; tokens are not, and this one's credentials are not
    /// used for a registry that `access` alone has spoken to by plain HTTP or unverified.
    #[must_use]
    pub fn with(&self, access: &RegistryAccess, credentials: BTreeMap<RegistryHost, Credentials>) -> Self {
        if access.is_empty() && credentials.is_empty() {
            return self.clone();
        }
        Self { wire: Arc::new(self.wire.with(access, credentials)) }
    }

    /// Finds the one image that `source` means for `wanted` and fetches its documents: tag to digest, index to manifest
    /// (the best fit by [`Platform::fit`]), manifest to config. Every document is checked against its digest.
    ///
    /// # Errors
    /// [`Error::Resolve`], after the retries of [`crate::RetryPolicy`].
    pub async fn resolve(&self, source: &ImageSource, wanted: &Platform) -> Result<ResolvedImage, Error> {
        Box::pin(self.find(source, wanted))
            .await
            .map_err(|fault| Error::Resolve { image: source.clone(), fault: Box::new(fault) })
    }

    async fn find(&self, source: &ImageSource, wanted: &Platform) -> Result<ResolvedImage, Fault> {
        let (found, origin) = match source {
            ImageSource::Registry(reference) => {
                let remote = Remote::new(self.wire.clone(), reference).await?;
                (remote.resolve(reference, wanted).await?, Origin::Remote(remote))
            }
            ImageSource::OciLayout { dir, name } => {
                let layout = Layout::new(dir.clone());
                (layout.resolve(name.as_deref(), wanted).await?, Origin::Layout(layout))
            }
            ImageSource::DockerArchive { file, name } => {
                let spool = &self.wire.settings.spool;
                let (archive, found) = Archive::resolve(file, name.as_deref(), wanted, spool).await?;
                (found, Origin::Archive(Arc::new(archive)))
            }
        };
        Ok(ResolvedImage::new(source.clone(), found, origin))
    }

    /// Opens a layer of that image. A registry is first asked by [`LayerStream::chunk`].
    ///
    /// # Errors
    /// [`Error::FetchLayer`] where a directory or archive does not have it, in the length it is to have.
    pub async fn fetch_layer(
        &self,
        image: &ResolvedImage,
        layer: &LayerDescriptor,
    ) -> Result<LayerStream, Error> {
        let bytes = match &image.origin {
            Origin::Remote(remote) => Ok(Source::Remote(Box::new(RangedReader::new(remote.layer(layer))))),
            Origin::Layout(layout) => layout.layer(layer).await.map(Source::File),
            Origin::Archive(archive) => archive.layer(layer).map(Source::File),
        };
        let bytes = bytes.map_err(|fault| Error::FetchLayer {
            image: image.source.clone(),
            digest: layer.digest,
            fault: Box::new(fault),
        })?;
        Ok(LayerStream::new(image.source.clone(), layer.digest, layer.size.as_u64(), bytes))
    }

    /// Asks the registry itself (no mirror) whether it takes these credentials (`None`: those of the settings, else
    /// anonymous).
    ///
    /// # Errors
    /// [`Error::LogIn`]; its kind is `Unauthorized` where the password is wrong.
    pub async fn ping(&self, host: &RegistryHost, credentials: Option<&Credentials>) -> Result<(), Error> {
        Box::pin(self.try_login(host, credentials))
            .await
            .map_err(|fault| Error::LogIn { host: host.clone(), fault: Box::new(fault) })
    }

    async fn try_login(&self, host: &RegistryHost, credentials: Option<&Credentials>) -> Result<(), Fault> {
        // A wire of its own: tokens got with other credentials must not answer for these.
        let mut settings = self.wire.settings.clone();
        if let Some(credentials) = credentials {
            settings.credentials.insert(host.clone(), credentials.clone());
        }
        let wire = Arc::new(Wire::new(settings, self.wire.roots.clone()));
        let (shared, of) = (wire.clone(), host.clone());
        let made = tokio::task::spawn_blocking(move || hosts::endpoints(&shared, &of));
        let mut endpoints = made.await.expect("reading does not panic and is not aborted")?;
        let server = endpoints.pop().expect("the registry itself is always there");
        let mut backoff = Backoff::new(wire.settings.retry);
        loop {
            match ping_once(&wire, &server).await {
                Ok(()) => return Ok(()),
                Err(fault) => backoff.pause(fault).await?,
            }
        }
    }

    /// The credentials that this client would show that host: those of the settings, else those of Docker's `config.json`.
    ///
    /// # Errors
    /// [`Error::LogIn`] where the file or the helper program that it names cannot be read.
    pub async fn credentials(&self, host: &RegistryHost) -> Result<Option<Credentials>, Error> {
        let found = self.wire.keyring.find(host).await;
        found.map_err(|fault| Error::LogIn { host: host.clone(), fault: Box::new(fault) })
    }

    /// Keeps credentials for `host` in Docker's `config.json` at `path` (or in the helper program that it names for the
    /// host): written beside and renamed, mode 0600, everything else in the file kept.
    ///
    /// # Errors
    /// [`Error::StoreCredentials`].
    pub async fn store_credentials(
        &self,
        path: &Path,
        host: &RegistryHost,
        credentials: &Credentials,
    ) -> Result<(), Error> {
        credentials::store(path, self.wire.keyring.helpers(), host, credentials).await.map_err(|fault| {
            Error::StoreCredentials { host: host.clone(), path: path.to_owned(), fault: Box::new(fault) }
        })
    }

    /// Takes the credentials for `host` out of Docker's `config.json` again. Returns whether there were any.
    ///
    /// # Errors
    /// [`Error::EraseCredentials`].
    pub async fn erase_credentials(&self, path: &Path, host: &RegistryHost) -> Result<bool, Error> {
        credentials::erase(path, self.wire.keyring.helpers(), host).await.map_err(|fault| {
            Error::EraseCredentials { host: host.clone(), path: path.to_owned(), fault: Box::new(fault) }
        })
    }
}

async fn ping_once(wire: &Wire, server: &Endpoint) -> Result<(), Fault> {
    let deadline = wire.settings.timeouts.document;
    let ask = Ask { url: server.base.clone(), repository: None, accept: None, range: None };
    let (answer, _) = tokio::time::timeout(deadline, wire.ask(server, &ask))
        .await
        .unwrap_or_else(|_| Err(Fault::Hang { host: crate::wire::host_of(&server.base), after: deadline }))?;
    match answer.status().is_success() {
        true if answer.is_html() => Err(Fault::Malformed {
            origin: answer.host,
            what: "answer",
            why: "it is a web page; this is no registry".to_owned(),
        }),
        true => Ok(()),
        false => Err(answer.into_fault("the registry API", &wire.settings.timeouts).await),
    }
}
