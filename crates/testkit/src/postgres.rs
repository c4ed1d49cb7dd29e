//! A real PostgreSQL: Debian's, with a cluster of its own on a socket in a private folder.
//!
//! The server is started by a keeper, a shell that waits on a pipe from this process. However this process ends, the pipe
//! ends with it: the keeper stops the server and removes the folder. Where the keeper itself is killed, the kernel
//! stops the server.

mod cluster;
mod keeper;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use cluster::{Cluster, USER};
use keeper::Keeper;

use crate::program;

/// A running server; stopped and its data removed when dropped. What it keeps does not survive a power loss.
pub struct Postgres {
    /// Before the files that it keeps.
    keeper: Option<Keeper>,
    cluster: Cluster,
    databases: AtomicU64,
}

/// How a server stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Open connections are broken and what is committed is written down.
    Fast,
    /// As in a crash: the next start recovers.
    Immediate,
}

impl Postgres {
    /// Starts a server of its own, for tests that stop it or break its connections. `None`, with a word, where PostgreSQL is
    /// not installed.
    ///
    /// # Panics
    ///
    /// Where it does not come up within 60 seconds; with its log.
    #[must_use]
    pub fn start() -> Option<Self> {
        let cluster = Cluster::make(&binaries()?);
        let keeper = Keeper::start(&cluster);
        Some(Self { cluster, keeper: Some(keeper), databases: AtomicU64::new(0) })
    }

    /// The one server that all tests of this process share, each with databases of its own. `None`, with a word, where
    /// PostgreSQL is not installed.
    #[must_use]
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// Whether there is one to start; says so where not.
    ///
    /// # Panics
    ///
    /// Where a privileged run lacks it, as [`program`](crate::program).
    #[must_use]
    pub fn is_installed() -> bool {
        binaries().is_some()
    }

    /// Makes a database, empty or a copy of another that nobody is connected to, and gives its URL.
    ///
    /// # Panics
    ///
    /// Where the server refuses.
    #[must_use]
    pub fn create_database(&self, template: Option<&str>) -> String {
        let name = format!("db{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.create_database_named(&name, template)
    }

    /// As [`create_database`](Self::create_database), by that name: to be a template for others.
    ///
    /// # Panics
    ///
    /// Where the server refuses, or the name is taken.
    pub fn create_database_named(&self, name: &str, template: Option<&str>) -> String {
        let template = template.unwrap_or("template1");
        // By copying files: nothing but fsync makes that the slower way for a small database.
        let statement = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy");
        self.run("postgres", &statement);
        self.url(name)
    }

    /// The URL of one of its databases, as its owner.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let socket = self.cluster.folder().display();
        format!("postgres:///{database}?host={socket}&port={}&user={USER}", cluster::PORT)
    }

    /// Runs a statement behind everybody's back and gives what it answers, a row a line.
    ///
    /// # Panics
    ///
    /// Where the server refuses it.
    pub fn run(&self, database: &str, statement: &str) -> String {
        let mut psql = Command::new(self.cluster.program("psql"));
        psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-U", USER, "-d", database, "-c", statement]);
        let output = self.cluster.connected(&mut psql).output().expect("psql runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "psql failed at `{statement}`: {said}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Stops it; its data stay. Stopping a stopped one does nothing.
    pub fn stop(&mut self, how: Stop) {
        if let Some(keeper) = self.keeper.take() {
            keeper.stop(how);
        }
    }

    /// Starts it again after [`stop`](Self::stop).
    ///
    /// # Panics
    ///
    /// Where it does not come up within 60 seconds; with its log.
    pub fn start_again(&mut self) {
        assert!(self.keeper.is_none(), "the server runs");
        self.keeper = Some(Keeper::start(&self.cluster));
    }
}

/// The folder of the server's programs: Debian has it beside those of other major versions and not on the `PATH`.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let installed = versions.map(|version| version.path().join("bin"));
    let mut installed: Vec<PathBuf> = installed.filter(|bin| bin.join("initdb").is_file()).collect();
    installed.sort_by_key(|bin| version_of(bin));
    let newest = installed.pop();
    newest.or_else(|| Some(program("initdb")?.canonicalize().ok()?.parent()?.to_owned()))
}

fn version_of(bin: &Path) -> u32 {
    let version = bin.parent().and_then(Path::file_name).unwrap_or_default();
    version.to_string_lossy().parse().unwrap_or(0)
}
