//! What a command works with: the engine over the data directory, its records, and the instances of this machine.

mod engine_settings;
mod records;
mod standard;
mod vault;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use blobstore::{BlobStore, DirectoryStore, InUse};
use engine::{Engine, Parts, StandardStore, SystemTimer, Vault};
use metastore::{Metastore, ProcessIdentity};
use model::{AccountId, BlobKey, Clock, SystemClock};
use node::{Instances, NodeConfig};
use registry::{Registry, Spool};
use settings::Settings;

use crate::args::RegistryArgs;
use crate::exit::{Failure, opening};
use crate::host::LocalHost;
use crate::reserve::Reserve;

pub(crate) use engine_settings::of as engine_settings;
pub(crate) use vault::{Keys, key_file};

/// The parts of one run of the program.
pub(crate) struct App {
    pub(crate) engine: Engine,
    /// Whose caches and instances a command sees and makes.
    pub(crate) account: AccountId,
    pub(crate) records: Arc<dyn Metastore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) instances: Instances,
    /// The keys that credentials are sealed with, read when they are first needed.
    pub(crate) keys: Arc<Keys>,
    /// What is done with instances, records and events included.
    pub(crate) use_cases: engine::Instances,
    reserve: Reserve,
}

/// What a command does about room on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// It brings more, and leaves what is kept for others alone.
    Takes,
    /// It looks or frees, and may use what is kept.
    Frees,
}

/// Whose logins a registry client uses beside those that come with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logins {
    /// Those of whoever runs the program, in Docker's `config.json`.
    OfUser,
    /// None: a server acts for many, and lends nobody another's.
    None,
}

/// What a data directory is opened with.
pub(crate) struct Opening<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) account: AccountId,
    pub(crate) registries: &'a RegistryArgs,
    pub(crate) room: Room,
    pub(crate) logins: Logins,
}

impl App {
    /// Opens the data directory, making it where it is missing. No registry is touched.
    pub(crate) async fn open(opening_with: Opening<'_>) -> Result<Self, Failure> {
        let Opening { settings, account, registries, room, logins } = opening_with;
        let data_dir = settings.data_dir.clone();
        // Large archives are expanded where there is to be room, in the store's directory for temporary files.
        let spool = Spool { dir: Some(data_dir.join("tmp")), ..Spool::default() };
        let mut client = registry::Settings { spool, ..registry_settings(registries)? };
        if logins == Logins::None {
            client.docker_config = None;
        }
        let registry = Registry::new(client)?;
        if room == Room::Frees {
            Reserve::of(&data_dir).give_up_if_full();
        }
        let store = DirectoryStore::open(&data_dir).map_err(|error| opening(&data_dir, &error))?;
        // Mounts and the monitor need a path that holds whatever directory they run in.
        let data_dir = store.root().to_owned();
        let reserve = Reserve::of(&data_dir);
        let records = records::open(settings, &data_dir).await?;
        records::check_store(settings, &*records, &store).await?;
        let standard = standard::open(settings, &store)?;
        let store: Arc<dyn BlobStore> = Arc::new(store);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let owner =
            ProcessIdentity::current().map_err(|error| Failure::system("tell this process apart", &error))?;
        let keys = Arc::new(Keys::of(&settings.secrets, &data_dir));
        let engine = Engine::new(Parts {
            store,
            standard: standard.map(|copies| Arc::new(copies) as Arc<dyn StandardStore>),
            records: Arc::clone(&records),
            registry,
            vault: Some(Arc::clone(&keys) as Arc<dyn Vault>),
            clock: Arc::clone(&clock),
            timer: Arc::new(SystemTimer),
            owner,
            settings: engine_settings::of(settings),
        });
        let self_exe = PathBuf::from("/proc/self/exe");
        let instances = Instances::open(NodeConfig { data_dir: data_dir.clone(), self_exe })?;
        let host = Arc::new(LocalHost::new(instances.clone(), data_dir));
        let use_cases = engine::Instances::new(engine.clone(), host);
        if room == Room::Takes {
            reserve.keep();
        }
        Ok(Self { engine, account, records, clock, instances, use_cases, keys, reserve })
    }

    /// Forgets the events of what has been gone for long. Only tidies up: a failure is logged.
    pub(crate) async fn forget_old_events(&self) {
        if let Err(error) = self.engine.forget_old_events().await {
            tracing::warn!(error = engine::chain(&error), "failed to forget old events");
        }
    }

    /// Ends what still runs, and keeps room for the next time, where there is some.
    pub(crate) async fn shut_down(&self) {
        self.engine.shut_down().await;
        self.keep_room();
    }

    /// Keeps room for the next time, where there is some.
    pub(crate) fn keep_room(&self) {
        self.reserve.keep();
    }

    /// Says which blobs the instances of this machine use.
    pub(crate) fn in_use(&self) -> Arc<dyn InUse> {
        Arc::new(Mounted(self.instances.clone()))
    }
}

struct Mounted(Instances);

impl InUse for Mounted {
    fn keys(&self) -> std::io::Result<BTreeSet<BlobKey>> {
        let keys = self.0.blobs_in_use().map_err(std::io::Error::other)?;
        Ok(keys.into_iter().collect())
    }
}

/// The registry client's settings from the command line and the environment.
pub(crate) fn registry_settings(args: &RegistryArgs) -> Result<registry::Settings, Failure> {
    let mut certs_dirs = args.certs_d.clone();
    if certs_dirs.is_empty() {
        certs_dirs.push(PathBuf::from("/etc/imc/certs.d"));
    }
    Ok(registry::Settings {
        plain_http: hosts(args.plain_http.as_deref())?,
        insecure: hosts(args.insecure_registry.as_deref())?,
        ca_files: args.ca_file.clone(),
        certs_dirs,
        docker_config: docker_config(),
        ..registry::Settings::default()
    })
}

fn hosts(list: Option<&str>) -> Result<registry::HostList, Failure> {
    let parsed = list.unwrap_or_default().parse();
    parsed.map_err(|error: registry::HostListError| Failure::input(engine::chain(&error)))
}

/// Docker's `config.json`: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
pub(crate) fn docker_config() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let dir = set("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".docker")))?;
    Some(dir.join("config.json"))
}
