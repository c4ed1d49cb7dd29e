//! A build that is recorded and to be run.

use std::collections::BTreeMap;

use metastore::{Build, BuildPlan, CredentialOwner, NewBuild};
use model::{BuildId, ImageCache, ImageSnapshotId, RegistryHost};
use registry::{Credentials, Registry};
use tokio_util::sync::CancellationToken;

use super::Workshop;
use super::record::patiently;
use crate::{BuildError, VaultError};

/// A build that is recorded and to be run.
pub(crate) struct BuildOrder {
    pub(crate) cache: ImageCache,
    pub(crate) id: BuildId,
    pub(crate) snapshot: ImageSnapshotId,
    pub(crate) plan: BuildPlan,
}

impl BuildOrder {
    pub(crate) fn first(cache: ImageCache, build: &NewBuild) -> Self {
        Self { cache, id: build.id, snapshot: build.snapshot, plan: build.plan.clone() }
    }

    pub(crate) fn of(cache: ImageCache, build: &Build) -> Self {
        Self { cache, id: build.id, snapshot: build.snapshot, plan: build.plan.clone() }
    }
}

impl Workshop {
    /// The registry client that speaks for a cache: in its way, with its credentials, which are opened here and kept by
    /// nobody.
    pub(crate) async fn registry_of(
        &self,
        cache: &ImageCache,
        cancel: &CancellationToken,
    ) -> Result<Registry, BuildError> {
        let owner = CredentialOwner::Cache(cache.id);
        let sealed = patiently(cancel, || self.parts.records.credentials(owner)).await;
        let sealed = sealed.map_err(BuildError::records("read the cache's credentials"))?;
        let mut credentials: BTreeMap<RegistryHost, Credentials> = BTreeMap::new();
        for sealed in sealed {
            let vault = self.parts.vault.as_deref();
            let vault = vault.ok_or_else(|| VaultError::NoKey { registry: sealed.registry.clone() });
            let opened = vault.and_then(|vault| vault.open(owner, &sealed));
            credentials.insert(sealed.registry, opened.map_err(BuildError::sealed)?);
        }
        Ok(self.parts.registry.with(&cache.access, credentials))
    }
}
