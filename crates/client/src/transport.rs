//! How requests get to the server.

mod http;
mod in_process;

use std::error::Error as StdError;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

pub use self::http::{HttpTransport, Trust};
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

    /// Whether the server's certificate was refused.
    pub(crate) fn is_about_certificate(&self) -> bool {
        is_about_certificate(&*self.0)
    }
}

fn is_about_certificate(error: &(dyn StdError + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return matches!(
            error,
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented
        );
    }
    // An I/O error hides what it wraps from `source`.
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    wrapped.is_some_and(|wrapped| is_about_certificate(wrapped))
        || error.source().is_some_and(is_about_certificate)
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
