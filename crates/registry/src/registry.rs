//! The client.

use std::path::Path;
use std::sync::Arc;

use model::{ImageSource, LayerDescriptor, Platform, RegistryHost};

use crate::{Credentials, Error, Fault, LayerStream, ResolvedImage, Settings};

/// The client of registries, layout directories and archives. Cheap to clone; clones share connections, tokens and limits.
#[derive(Clone, Debug)]
pub struct Registry {
    settings: Arc<Settings>,
}

fn unfinished() -> Box<Fault> {
    Box::new(Fault::Client { source: "not written yet".into() })
}

impl Registry {
    /// Makes a client. No network is touched; CA files are read.
    ///
    /// # Errors
    /// A CA file that is missing or holds no certificate.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        Ok(Self { settings: Arc::new(settings) })
    }

    /// Finds the one image that `source` means for `wanted` and fetches its documents: tag to digest, index to manifest
    /// (the best fit by [`Platform::fit`]), manifest to config. Every document is checked against its digest.
    ///
    /// # Errors
    /// [`Error::Resolve`], after the retries of [`crate::RetryPolicy`].
    pub async fn resolve(&self, source: &ImageSource, wanted: &Platform) -> Result<ResolvedImage, Error> {
        let _ = (&self.settings, wanted);
        Err(Error::Resolve { image: source.clone(), fault: unfinished() })
    }

    /// Opens a layer of that image. Returns when its first bytes can be asked for; what fails on the way comes from
    /// [`LayerStream::chunk`].
    ///
    /// # Errors
    /// [`Error::FetchLayer`] where the image cannot have that layer.
    pub async fn fetch_layer(
        &self,
        image: &ResolvedImage,
        layer: &LayerDescriptor,
    ) -> Result<LayerStream, Error> {
        Err(Error::FetchLayer { image: image.source.clone(), digest: layer.digest, fault: unfinished() })
    }

    /// Asks the registry whether it takes these credentials (`None`: those of the settings, else anonymous).
    ///
    /// # Errors
    /// [`Error::LogIn`]; its kind is `Unauthorized` where the password is wrong.
    pub async fn ping(&self, host: &RegistryHost, credentials: Option<&Credentials>) -> Result<(), Error> {
        let _ = credentials;
        Err(Error::LogIn { host: host.clone(), fault: unfinished() })
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
        let _ = credentials;
        Err(Error::StoreCredentials { host: host.clone(), path: path.to_owned(), fault: unfinished() })
    }

    /// Takes the credentials for `host` out of Docker's `config.json` again. Returns whether there were any.
    ///
    /// # Errors
    /// [`Error::EraseCredentials`].
    pub async fn erase_credentials(&self, path: &Path, host: &RegistryHost) -> Result<bool, Error> {
        Err(Error::EraseCredentials { host: host.clone(), path: path.to_owned(), fault: unfinished() })
    }
}
