//! The server itself: collections, changes, health, metrics.

use http::Method;
use wire::{Collect, Collection, Health};

use crate::call::Call;
use crate::watch::ChangeWatch;
use crate::{Client, Result};

impl Client {
    /// Gives back the space of what nothing names.
    ///
    /// # Errors
    /// Those of every operation: [`Error`](crate::Error).
    pub async fn collect(&self, dry_run: bool) -> Result<Collection> {
        let call = Call::new("collect", Method::POST, "/v1/collections");
        call.body(&Collect { dry_run }).fetch(self).await
    }

    /// Which records are written, behind that number, or from now on. Nothing is asked before the first one is.
    #[must_use]
    pub fn watch_changes(&self, after: Option<u64>) -> ChangeWatch {
        ChangeWatch::new(self.clone(), after)
    }

    /// Whether the server lives.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn health(&self) -> Result<Health> {
        Call::new("ask for the server's health", Method::GET, "/healthz").fetch(self).await
    }

    /// Whether the server is ready; a server that is not answers with a status that is none of success.
    ///
    /// # Errors
    /// Those of every operation; [`Error::Answer`](crate::Error::Answer) with status 503 where it is not ready.
    pub async fn readiness(&self) -> Result<Health> {
        Call::new("ask whether the server is ready", Method::GET, "/readyz").fetch(self).await
    }

    /// The server's numbers, in the text form of OpenMetrics.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn metrics(&self) -> Result<String> {
        Call::new("read the metrics", Method::GET, "/metrics").text(self).await
    }

    /// The OpenAPI document.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn openapi(&self) -> Result<serde_json::Value> {
        Call::new("read the description of the API", Method::GET, "/openapi.json").fetch(self).await
    }
}
