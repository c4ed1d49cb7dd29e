//! A real registry: Debian's `docker-registry` (distribution 2.8) with storage of its own.

mod log;
mod process;
mod storage;
mod tokens;

use std::fs;
use std::path::{Path, PathBuf};

pub use log::LoggedRequest;

use crate::{Image, ImageIndex, TestCertificate, program};
use process::Process;
use tokens::TokenServer;

/// What kind of registry to start.
#[derive(Clone, Debug, Default)]
pub struct RegistryBuilder {
    tls: bool,
    password: Option<(String, String)>,
    tokens: Option<Tokens>,
}

#[derive(Clone, Debug)]
struct Tokens {
    user: Option<(String, String)>,
}

impl RegistryBuilder {
    /// With TLS and a self-signed certificate.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Asks every client for this user and password (Basic authentication).
    #[must_use]
    pub fn basic_auth(mut self, user: &str, password: &str) -> Self {
        self.password = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Asks for a token of a token server, which gives it only to this user.
    #[must_use]
    pub fn token_auth(mut self, user: &str, password: &str) -> Self {
        self.tokens = Some(Tokens { user: Some((user.to_owned(), password.to_owned())) });
        self
    }

    /// Asks for a token of a token server, which gives it to anybody: as public registries do.
    #[must_use]
    pub fn anonymous_tokens(mut self) -> Self {
        self.tokens = Some(Tokens { user: None });
        self
    }

    /// Starts it. `None`, with a word, where `docker-registry` is not installed.
    ///
    /// # Panics
    ///
    /// Where it does not come up within 20 seconds; with its log.
    #[must_use]
    pub fn start(self) -> Option<Registry> {
        let binary = program("docker-registry")?;
        let folder = crate::data_dir();
        let certificate = self.tls.then(TestCertificate::generate);
        let tokens = self.tokens.map(|tokens| TokenServer::start(tokens.user));
        let mut settings = String::new();
        if let Some(certificate) = &certificate {
            let (public, private) = (folder.path().join("tls.pem"), folder.path().join("tls.key"));
            fs::write(&public, certificate.certificate_pem()).expect("the certificate's file");
            fs::write(&private, certificate.key_pem()).expect("the key's file");
            settings.push_str(&format!(
                "  tls: {{certificate: {}, key: {}}}\n",
                public.display(),
                private.display()
            ));
        }
        if let Some((user, password)) = &self.password {
            let file = folder.path().join("htpasswd");
            fs::write(&file, process::htpasswd(user, password)?).expect("the password file");
            settings
                .push_str(&format!("auth: {{htpasswd: {{realm: imc-test, path: {}}}}}\n", file.display()));
        }
        if let Some(tokens) = &tokens {
            let file = folder.path().join("tokens.pem");
            fs::write(&file, tokens.certificate_pem()).expect("the token server's certificate");
            settings.push_str(&tokens.registry_settings(&file));
        }
        let process = Process::start(&binary, folder.path(), &settings, "127.0.0.1:0");
        let host = process.address().to_owned();
        Some(Registry { binary, folder, settings, host, certificate, tokens, process: Some(process) })
    }
}

/// A running registry; ended and its storage removed when dropped.
pub struct Registry {
    binary: PathBuf,
    folder: tempfile::TempDir,
    settings: String,
    host: String,
    certificate: Option<TestCertificate>,
    tokens: Option<TokenServer>,
    process: Option<Process>,
}

impl Registry {
    /// Plain HTTP, open to everybody. `None`, with a word, where `docker-registry` is not installed.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::builder().start()
    }

    /// Any other kind.
    #[must_use]
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// `127.0.0.1:<port>`, as the host of a reference.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// A reference on this registry.
    #[must_use]
    pub fn reference(&self, repository: &str, tag: &str) -> String {
        format!("{}/{repository}:{tag}", self.host)
    }

    /// Its certificate as PEM, where it speaks TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<String> {
        self.certificate.as_ref().map(TestCertificate::certificate_pem)
    }

    /// `127.0.0.1:<port>` of its token server, where it has one.
    #[must_use]
    pub fn token_host(&self) -> Option<String> {
        self.tokens.as_ref().map(TokenServer::host)
    }

    /// How many tokens its token server gave out.
    #[must_use]
    pub fn tokens_given(&self) -> usize {
        self.tokens.as_ref().map_or(0, TokenServer::given)
    }

    /// Puts an image under `repository:tag`, straight into the storage: no transfer, no credentials.
    pub fn add(&self, repository: &str, tag: &str, image: &Image) {
        storage::add_image(&self.storage(), repository, image);
        storage::add_tag(&self.storage(), repository, tag, &image.digest());
    }

    /// Puts an index and its images under `repository:tag`.
    pub fn add_index(&self, repository: &str, tag: &str, index: &ImageIndex) {
        for image in &index.images {
            storage::add_image(&self.storage(), repository, image);
        }
        storage::add_manifest(&self.storage(), repository, &index.index);
        storage::add_tag(&self.storage(), repository, tag, &index.digest());
    }

    /// The file that holds a blob, to damage it.
    #[must_use]
    pub fn blob_file(&self, digest: &str) -> PathBuf {
        storage::blob_file(&self.storage(), digest)
    }

    /// Switches it off: connections break, new ones are refused. Nothing where it is off.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Switches it on again, on the same port with the same storage.
    ///
    /// # Panics
    ///
    /// Where it does not come up within 20 seconds.
    pub fn restart(&mut self) {
        self.process = None;
        self.process = Some(Process::start(&self.binary, self.folder.path(), &self.settings, &self.host));
    }

    /// What it answered since its last start, as its access log has it. A line is written just after its answer was sent.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        log::read(&process::access_log(self.folder.path()))
    }

    fn storage(&self) -> PathBuf {
        storage_folder(self.folder.path())
    }
}

fn storage_folder(folder: &Path) -> PathBuf {
    folder.join("storage")
}
