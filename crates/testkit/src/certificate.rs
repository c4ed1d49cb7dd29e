//! A certificate of its own for a server on loopback.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A self-signed certificate for `127.0.0.1`, `::1` and `localhost`, with its key. It is its own authority: a client
/// that is given [`certificate_pem`](Self::certificate_pem) as custom CA trusts the server, any other does not.
pub struct TestCertificate {
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
}

impl TestCertificate {
    /// A new one, different each time.
    ///
    /// # Panics
    ///
    /// Where the machine has no randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self::with(&["localhost", "127.0.0.1", "::1"], |_| {})
    }

    /// The same for these names, marked as an authority's (`CA:TRUE`), as `openssl req -x509` makes one by itself.
    ///
    /// # Panics
    ///
    /// Where the machine has no randomness, or a name is none.
    #[must_use]
    pub fn of_authority(names: &[&str]) -> Self {
        Self::with(names, mark_as_authority)
    }

    /// The same for this machine, out of date for long.
    ///
    /// # Panics
    ///
    /// Where the machine has no randomness.
    #[must_use]
    pub fn of_former_authority() -> Self {
        Self::with(&["localhost", "127.0.0.1", "::1"], |parameters| {
            mark_as_authority(parameters);
            parameters.not_before = rcgen::date_time_ymd(2001, 1, 1);
            parameters.not_after = rcgen::date_time_ymd(2002, 1, 1);
        })
    }

    fn with(names: &[&str], change: impl FnOnce(&mut rcgen::CertificateParams)) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = rcgen::KeyPair::generate().expect("a P-256 key");
        let mut parameters = rcgen::CertificateParams::new(names).expect("names of servers");
        change(&mut parameters);
        let certificate = parameters.self_signed(&key).expect("a certificate for fixed names");
        Self { certificate, key }
    }

    /// The certificate as PEM: what goes into a client's list of authorities.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The private key as PEM (PKCS #8).
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The certificate as DER.
    #[must_use]
    pub fn certificate_der(&self) -> Vec<u8> {
        self.certificate.der().to_vec()
    }

    /// The private key as DER (PKCS #8).
    #[must_use]
    pub fn key_der(&self) -> Vec<u8> {
        self.key.serialize_der()
    }

    /// What a rustls server needs to present it.
    pub(crate) fn server_config(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain = vec![CertificateDer::from(self.certificate_der())];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("the key belongs to the certificate");
        Arc::new(config)
    }
}

fn mark_as_authority(parameters: &mut rcgen::CertificateParams) {
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
}
