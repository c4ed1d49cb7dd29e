//! Over TCP, with or without TLS, and over a unix socket.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use url::Url;

use super::{ByteStream, Transport, TransportError};
use crate::Error;

/// The longest that a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Whom to take for the server.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Further certificates of authorities, and of the server itself, in PEM.
    pub ca_pem: Vec<Vec<u8>>,
}

/// Requests by HTTP.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
    base: Url,
    server: String,
}

impl HttpTransport {
    /// To a server by its address, as `https://imc.example.com:7420`. No I/O.
    ///
    /// # Errors
    /// [`Error::Transport`] where the URL is not one of HTTP, or a certificate cannot be used.
    pub fn tcp(base: Url, trust: &Trust) -> Result<Self, Error> {
        let server = base.to_string();
        let failed = |source| Error::Transport { server: server.clone(), source };
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(failed(TransportError::because(
                "expected a URL that begins with http:// or https://",
            )));
        }
        let mut builder = builder();
        if trust::is_loopback(&base) {
            builder = builder.no_proxy();
        }
        if !trust.ca_pem.is_empty() {
            let config = trust::client_trusting(&trust.ca_pem, None, &["h2", "http/1.1"]);
            let config = config.map_err(|error| failed(TransportError::because(error)))?;
            builder = builder.tls_backend_preconfigured(config);
        }
        let client = builder.build().map_err(|error| failed(TransportError::because(error)))?;
        Ok(Self { client, base, server })
    }

    /// To a server by its socket. No I/O.
    ///
    /// # Errors
    /// [`Error::Transport`] where the client cannot be made.
    pub fn unix(path: &Path) -> Result<Self, Error> {
        let server = path.display().to_string();
        let client = builder().no_proxy().unix_socket(path).build();
        let client = client.map_err(|error| Error::Transport {
            server: server.clone(),
            source: TransportError::because(error),
        })?;
        let base = Url::parse("http://localhost/").expect("a URL");
        Ok(Self { client, base, server })
    }
}

/// No redirects: a token is for this server alone.
fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("imc/", env!("CARGO_PKG_VERSION")))
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(
        &self,
        request: ::http::Request<Bytes>,
    ) -> Result<::http::Response<ByteStream>, TransportError> {
        let (parts, body) = request.into_parts();
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), parts.uri.path()));
        url.set_query(parts.uri.query());
        let request = self.client.request(parts.method, url).headers(parts.headers).body(body);
        let answer = request.send().await.map_err(|error| TransportError::because(error.without_url()))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body =
            answer.bytes_stream().map_err(|error| TransportError::because(error.without_url())).boxed();
        let mut response = ::http::Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    fn server(&self) -> &str {
        &self.server
    }
}
