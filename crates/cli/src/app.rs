//! What a command works with: the engine over the data directory, its records, and the instances of this machine.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use blobstore::{BlobStore, DirectoryStore, InUse};
use engine::{Engine, Parts, Settings};
use metastore::{Metastore, ProcessIdentity, SqliteMetastore};
use model::{BlobKey, Clock, SystemClock};
use node::{Instances, NodeConfig};
use registry::{Registry, Spool};

use crate::args::RegistryArgs;
use crate::exit::{Failure, opening};

/// The records' file in the data directory.
const RECORDS: &str = "imc.db";

/// The parts of one run of the program.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<dyn BlobStore>,
    pub(crate) records: Arc<dyn Metastore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) instances: Instances,
}

impl App {
    /// Opens the data directory, making it where it is missing. No network is touched.
    pub(crate) async fn open(data_dir: PathBuf, registries: &RegistryArgs) -> Result<Self, Failure> {
        // Large archives are expanded where there is to be room, in the store's directory for temporary files.
        let spool = Spool { dir: Some(data_dir.join("tmp")), ..Spool::default() };
        let registry = Registry::new(registry::Settings { spool, ..settings(registries)? })?;
        std::fs::create_dir_all(&data_dir).map_err(|error| opening(&data_dir, &error))?;
        // Mounts and the monitor need a path that holds whatever directory they run in.
        let data_dir = data_dir.canonicalize().map_err(|error| opening(&data_dir, &error))?;
        let store = DirectoryStore::open(&data_dir).map_err(|error| opening(&data_dir, &error))?;
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
            records: Arc::clone(&records),
            registry,
            clock: Arc::clone(&clock),
            owner,
            settings: Settings::default(),
        });
        let instances = Instances::open(NodeConfig { data_dir, self_exe: PathBuf::from("/proc/self/exe") })?;
        Ok(Self { engine, store, records, clock, instances })
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
    let dir = std::env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".docker")))?;
    Some(dir.join("config.json"))
}
