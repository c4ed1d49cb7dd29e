//! A TLS client's configuration.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls_platform_verifier::Verifier;

use crate::verifier::GivenItself;

/// Why no client can be made of some certificates.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// They are no PEM.
    #[error("failed to read the certificates to trust")]
    Roots(#[source] pem::Error),
    /// The client's own are no PEM.
    #[error("failed to read the client certificate and its key")]
    Identity(#[source] pem::Error),
    /// They are not to be trusted, or the client's own do not go together.
    #[error("failed to use the certificates for TLS")]
    Unusable(#[from] rustls::Error),
}

/// A TLS client that trusts the system's authorities, these (PEM), and a server that presents one of these itself; that shows the
/// identity (certificates and key, PEM) where one is given, and speaks one of the protocols (ALPN, the best one first).
///
/// The last whom it trusts is what `openssl req -x509` makes: a certificate of a server's own that is marked as an authority's. The
/// system's verifier refuses such a one as a server's, whoever trusts it.
///
/// # Errors
/// Where the certificates cannot be used.
pub fn client_trusting<P: AsRef<[u8]>>(
    roots: &[P],
    identity: Option<&[u8]>,
    protocols: &[&str],
) -> Result<ClientConfig, Error> {
    let mut given = Vec::new();
    for pem in roots {
        for certificate in CertificateDer::pem_slice_iter(pem.as_ref()) {
            given.push(certificate.map_err(Error::Roots)?.into_owned());
        }
    }
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let system = Verifier::new_with_extra_roots(given.iter().cloned(), Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(GivenItself::new(system, given)));
    let mut config = match identity {
        Some(pem) => {
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            let key = PrivateKeyDer::from_pem_slice(pem).map_err(Error::Identity)?;
            config.with_client_auth_cert(chain.map_err(Error::Identity)?, key)?
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Ok(config)
}
