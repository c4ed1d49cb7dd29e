//! TLS: the server's certificate and key.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::ServeError;

/// The server's certificate and key, read and fitting.
#[derive(Clone)]
pub struct TlsIdentity(TlsAcceptor);

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsIdentity")
    }
}

impl TlsIdentity {
    /// Reads both from PEM files. Blocks.
    ///
    /// # Errors
    /// [`ServeError::ReadPem`], [`ServeError::Certificate`].
    pub fn load(cert_file: &Path, key_file: &Path) -> Result<Self, ServeError> {
        let unreadable = |what, path: &Path| {
            let path = path.to_owned();
            move |source| ServeError::ReadPem { what, path, source }
        };
        let chain = CertificateDer::pem_file_iter(cert_file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(unreadable("certificate", cert_file))?;
        let key = PrivateKeyDer::from_pem_file(key_file).map_err(unreadable("key", key_file))?;
        let unfit = |source| ServeError::Certificate { path: cert_file.to_owned(), source };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unfit)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unfit)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.0
    }
}
