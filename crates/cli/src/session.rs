//! Whom a command asks: a server, or the very same code in this process over the data directory.

use std::collections::BTreeSet;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use api::{BuiltHere, Edge, Limits, Metrics, OverEngine, OverEngineParts, PageKey, Parts};
use bytes::Bytes;
use client::{Client, HttpTransport, InProcess, Trust};
use http_body_util::Full;
use model::{AccountId, ImageSource, RegistryHost};
use prometheus_client::registry::Registry as Numbers;
use registry::{Credentials, Registry};
use secrecy::{ExposeSecret as _, SecretString};
use settings::Settings;
use tokio_util::sync::CancellationToken;
use url::Url;
use wire::{IdempotencyKey, Login};

use crate::app::{App, Logins, Opening, Room, registry_settings};
use crate::args::RegistryArgs;
use crate::exit::Failure;

/// The variable with the token that a server is shown.
const TOKEN: &str = "IMC_TOKEN";

/// What every command has from its command line and the configuration.
pub(crate) struct Asking<'a> {
    pub(crate) settings: &'a Settings,
    /// Whose caches and instances.
    pub(crate) account: Option<AccountId>,
    /// The server that was named.
    pub(crate) server: Option<Url>,
    /// Its builds are left to a server.
    pub(crate) detach: bool,
    /// What only root may do, where no server does it.
    pub(crate) as_root: Option<&'static str>,
}

/// Whom a command asks.
pub(crate) struct Session {
    pub(crate) client: Client,
    /// The parts, where this process acts on the data directory by itself.
    pub(crate) app: Option<App>,
    /// Builds of this process.
    pub(crate) built_here: Arc<BuiltHere>,
    registries: RegistryArgs,
}

/// How registries are spoken to where a server does it, and as whom.
#[derive(Default)]
pub(crate) struct Access {
    pub(crate) plain_http: Vec<RegistryHost>,
    pub(crate) insecure: Vec<RegistryHost>,
    pub(crate) credentials: Vec<Login>,
}

impl Session {
    /// The server that was named, else the one over the data directory, else this process.
    pub(crate) async fn open(
        asking: &Asking<'_>,
        registries: &RegistryArgs,
        room: Room,
    ) -> Result<Self, Failure> {
        match transport(asking, registries)? {
            Some(transport) => {
                let mut client = Client::new(transport);
                if let Some(token) = token() {
                    client = client.with_token(token);
                }
                if let Some(account) = &asking.account {
                    client = client.for_account(account.clone());
                }
                let (built_here, registries) = (Arc::default(), registries.clone());
                Ok(Self { client, app: None, built_here, registries })
            }
            None => {
                // Said before anything is pulled: without root it would all be for nothing.
                asking.as_root.map_or(Ok(()), node::require_root)?;
                Self::open_here(asking, registries, room).await
            }
        }
    }

    async fn open_here(asking: &Asking<'_>, registries: &RegistryArgs, room: Room) -> Result<Self, Failure> {
        let account = asking.account.clone().unwrap_or_else(AccountId::local);
        let opening =
            Opening { settings: asking.settings, account, registries, room, logins: Logins::OfUser };
        let app = App::open(opening).await?;
        let built_here = Arc::new(BuiltHere::default());
        let over = over_engine(&app, asking.settings);
        let over = if asking.detach { over } else { over.building_here(Arc::clone(&built_here)) };
        let edge = in_process_edge(&app, over)?;
        let client = Client::new(InProcess::<_, Full<Bytes>>::new(api::in_process(edge)));
        let client = client.for_account(app.account.clone());
        Ok(Self { client, app: Some(app), built_here, registries: registries.clone() })
    }

    /// Whom to ask where a request is to be carried out once.
    pub(crate) fn once(&self, key: Option<&IdempotencyKey>) -> Client {
        match key {
            Some(key) => self.client.clone().once(key.clone()),
            None => self.client.clone(),
        }
    }

    /// How the images' registries are to be spoken to, whoever builds: it is kept with the cache, for the server that looks
    /// for newer images later. Credentials go to a server alone; this process uses the user's own.
    pub(crate) async fn access(&self, images: &[ImageSource]) -> Result<Access, Failure> {
        let settings = registry_settings(&self.registries)?;
        let plain_http = settings.plain_http.iter().cloned().collect();
        let insecure = settings.insecure.iter().cloned().collect();
        if self.app.is_some() {
            return Ok(Access { plain_http, insecure, credentials: Vec::new() });
        }
        let client = Registry::new(settings)?;
        let hosts: BTreeSet<&RegistryHost> = images
            .iter()
            .filter_map(|image| match image {
                ImageSource::Registry(reference) => Some(reference.host()),
                _ => None,
            })
            .collect();
        let mut credentials = Vec::new();
        for host in hosts {
            // What is no name and password has no place in a request, and is used where this process asks by itself.
            if let Some(Credentials::Basic { username, password }) = client.credentials(host).await? {
                let password = password.expose_secret().to_owned();
                credentials.push(Login { registry: host.clone(), username, password });
            }
        }
        Ok(Access { plain_http, insecure, credentials })
    }

    /// What starts fetch, where this process does it.
    pub(crate) fn fetching(&self) -> Option<&BuiltHere> {
        self.app.as_ref().map(|_| &*self.built_here)
    }

    /// Ends what still runs in this process.
    pub(crate) async fn shut_down(&self) {
        if let Some(app) = &self.app {
            app.shut_down().await;
        }
    }
}

fn transport(asking: &Asking<'_>, registries: &RegistryArgs) -> Result<Option<HttpTransport>, Failure> {
    if let Some(server) = &asking.server {
        if server.scheme() == "http" && !client::is_loopback(server) {
            let message = format!("failed to ask {server}: a token and credentials would go there in clear");
            let advice = "give the server as `--server https://HOST:PORT`, or reach it through a tunnel to this machine";
            return Err(Failure { advice: Some(advice.to_owned()), ..Failure::input(message) });
        }
        let read = |path: &std::path::PathBuf| {
            std::fs::read(path)
                .map_err(|error| Failure::system(format_args!("read {}", path.display()), &error))
        };
        let ca_pem: Vec<Vec<u8>> = registries.ca_file.iter().map(read).collect::<Result<_, _>>()?;
        return Ok(Some(HttpTransport::tcp(server.clone(), &Trust { ca_pem })?));
    }
    let socket = &asking.settings.server.socket_file;
    // One that is not there, that nobody listens on any more, or that is not for us: as if there were no server.
    match UnixStream::connect(socket) {
        Ok(_) => Ok(Some(HttpTransport::unix(socket)?)),
        Err(_) => Ok(None),
    }
}

/// The token that a server is shown.
fn token() -> Option<SecretString> {
    std::env::var(TOKEN).ok().filter(|token| !token.is_empty()).map(SecretString::from)
}

/// The use-cases over the parts.
pub(crate) fn over_engine(app: &App, settings: &Settings) -> OverEngine {
    OverEngine::new(OverEngineParts {
        engine: app.engine.clone(),
        instances: app.use_cases.clone(),
        records: Arc::clone(&app.records),
        in_use: app.in_use(),
        retention: crate::app::engine_settings(settings).retention,
        currency: settings.prices.currency.clone(),
        clock: Arc::clone(&app.clock),
    })
}

fn in_process_edge(app: &App, over: OverEngine) -> Result<Edge, Failure> {
    let mut numbers = Numbers::default();
    let metrics = Metrics::register(&mut numbers);
    let page_key =
        PageKey::random().map_err(|_| Failure::internal("failed to make a key: no random numbers"))?;
    Ok(Edge::new(Parts {
        service: Arc::new(over),
        clock: Arc::clone(&app.clock),
        page_key,
        metrics,
        registry: Arc::new(numbers),
        limits: Limits::default(),
        clouds: api::CloudSettings::default(),
        stopping: CancellationToken::new(),
        join_trace: None,
    }))
}
