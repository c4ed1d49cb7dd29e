//! How requests get to the server.

mod http;
mod in_process;

use std::error::Error as StdError;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

pub use self::http::{HttpTransport, Trust, is_loopback};
pub use in_process::InProcess;

/// Why a request did not get through.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TransportError(Box<dyn StdError + Send + Sync>);

impl TransportError {
    /// For that reason.
    #[must_use]
    pub fn because(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

/// A body as it comes.
pub type ByteStream = BoxStream<'static, Result<Bytes, TransportError>>;

/// Gets requests to the server. Their URIs have a path and a query alone.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request; returns when the answer's head is there.
    ///
    /// # Errors
    /// [`TransportError`] where there is no answer.
    async fn send(
        &self,
        request: ::http::Request<Bytes>,
    ) -> Result<::http::Response<ByteStream>, TransportError>;

    /// Where it leads, for people.
    fn server(&self) -> &str;
}
