//! What a command works with: the engine over the data directory, its records, and the instances of this machine.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use blobstore::{BlobStore, DirectoryStore, InUse};
use engine::{Engine, Parts, Settings, SystemTimer};
use metastore::{Metastore, ProcessIdentity, SqliteMetastore};
use model::{AccountId, BlobKey, Clock, SystemClock};
use node::{Instances, NodeConfig};
use registry::{Registry, Spool};

use crate::args::RegistryArgs;
use crate::exit::{Failure, opening};
use crate::host::LocalHost;
use crate::reserve::Reserve;

/// The records' file in the data directory.
const RECORDS: &str = "imc.db";

/// The parts of one run of the program.
pub(crate) struct App {
    pub(crate) engine: Engine,
    /// Whose caches and instances a command sees and makes.
    pub(crate) account: AccountId,
    pub(crate) store: Arc<dyn BlobStore>,
    pub(crate) records: Arc<dyn Metastore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) instances: Instances,
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

impl App {
    /// Opens the data directory, making it where it is missing. No network is touched.
    pub(crate) async fn open(
        data_dir: PathBuf,
        registries: &RegistryArgs,
        room: Room,
    ) -> Result<Self, Failure> {
        // Large archives are expanded where there is to be room, in the store's directory for temporary files.
        let spool = Spool { dir: Some(data_dir.join("tmp")), ..Spool::default() };
        let registry = Registry::new(registry::Settings { spool, ..settings(registries)? })?;
        if room == Room::Frees {
            Reserve::of(&data_dir).give_up_if_full();
        }
        let store = DirectoryStore::open(&data_dir).map_err(|error| opening(&data_dir, &error))?;
        // Mounts and the monitor need a path that holds whatever directory they run in.
        let data_dir = store.root().to_owned();
        let reserve = Reserve::of(&data_dir);
        let store: Arc<dyn BlobStore> = Arc::new(store);
        let records = SqliteMetastore::open(&data_dir.join(RECORDS))
            .await
            .map_err(|error| opening(&data_dir, &error))?;
        let records: Arc<dyn Metastore> = Arc::new(records);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let owner =
            ProcessIdentity::current().map_err(|error| Failure::system("tell this process apart", &error))?;
        let engine = Engine::new(Parts {
            store: Arc::clone(&store),
            standard: None,
            records: Arc::clone(&records),
            registry,
            vault: None,
            clock: Arc::clone(&clock),
            timer: Arc::new(SystemTimer),
            owner,
            settings: Settings::default(),
        });
        let self_exe = PathBuf::from("/proc/self/exe");
        let instances = Instances::open(NodeConfig { data_dir: data_dir.clone(), self_exe })?;
        let host = Arc::new(LocalHost::new(instances.clone(), data_dir));
        let use_cases = engine::Instances::new(engine.clone(), host);
        if room == Room::Takes {
            reserve.keep();
        }
        Ok(Self { engine, account: AccountId::local(), store, records, clock, instances, use_cases, reserve })
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
pub(crate) fn settings(args: &RegistryArgs) -> Result<registry::Settings, Failure> {
    let hosts = |list: &Option<String>| {
        list.as_deref()
            .unwrap_or_default()
            .parse()
            .map_err(|error: registry::HostListError| Failure::input(engine::chain(&error)))
    };
    let mut certs_dirs = args.certs_d.clone();
    if certs_dirs.is_empty() {
        certs_dirs.push(PathBuf::from("/etc/imc/certs.d"));
    }
    Ok(registry::Settings {
        plain_http: hosts(&args.plain_http)?,
        insecure: hosts(&args.insecure_registry)?,
        ca_files: args.ca_file.clone(),
        certs_dirs,
        docker_config: docker_config(),
        ..registry::Settings::default()
    })
}

/// Docker's `config.json`: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
pub(crate) fn docker_config() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let dir = set("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".docker")))?;
    Some(dir.join("config.json"))
}
