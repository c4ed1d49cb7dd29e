//! Finds the credentials for a host, and for that host only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use model::RegistryHost;

use super::docker_config::{DockerConfig, Found};
use super::helper::Helpers;
use crate::{Credentials, Fault, Settings};

/// Explicit credentials first, then those of the Docker config.
pub(crate) struct Keyring {
    explicit: BTreeMap<RegistryHost, Credentials>,
    docker_config: Option<PathBuf>,
    /// Hosts that the Docker config's are not for.
    kept_from: BTreeSet<RegistryHost>,
    helpers: Helpers,
}

impl Keyring {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            explicit: settings.credentials.clone(),
            docker_config: settings.docker_config.clone(),
            kept_from: BTreeSet::new(),
            helpers: Helpers::new(settings),
        }
    }

    /// The same, giving those of the Docker config to none of these hosts.
    pub(crate) fn keeping_from(self, hosts: BTreeSet<RegistryHost>) -> Self {
        Self { kept_from: hosts, ..self }
    }

    pub(crate) fn helpers(&self) -> &Helpers {
        &self.helpers
    }

    /// The credentials for exactly that host.
    pub(crate) async fn find(&self, host: &RegistryHost) -> Result<Option<Credentials>, Fault> {
        if let Some(credentials) = self.explicit.get(host) {
            return Ok(Some(credentials.clone()));
        }
        if self.kept_from.contains(host) {
            return Ok(None);
        }
        let Some(path) = self.docker_config.clone() else { return Ok(None) };
        let config = DockerConfig::read(path).await?;
        match config.find(host)? {
            Found::Nothing => Ok(None),
            Found::Credentials(credentials) => Ok(Some(credentials)),
            Found::Helper { program, otherwise } => Ok(self.helpers.get(&program, host).await?.or(otherwise)),
        }
    }
}
