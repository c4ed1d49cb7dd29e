//! The files of a server, and as whom it runs.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The role that owns everything.
pub(super) const USER: &str = "imc";

/// Only a part of the socket's name: nothing listens on the network.
pub(super) const PORT: u16 = 5432;

/// For what is thrown away: no syncing, little memory, no work behind the tests' backs.
const SETTINGS: &str = "listen_addresses = ''
fsync = off
full_page_writes = off
shared_buffers = 16MB
max_connections = 1000
autovacuum = off
max_wal_senders = 0
wal_level = minimal
deadlock_timeout = 100ms
";

pub(super) struct Cluster {
    binaries: PathBuf,
    /// The keeper removes it as well, where this process dies.
    folder: tempfile::TempDir,
    /// As whom the server runs where we are root, which it refuses to be.
    account: Option<(u32, u32)>,
}

impl Cluster {
    pub(super) fn make(binaries: &Path) -> Self {
        // Straight below /tmp: the path of a socket may have 107 bytes.
        let folder = tempfile::Builder::new().prefix("imc-postgres.").tempdir_in("/tmp");
        let folder = folder.expect("a folder for the database server");
        let account = is_root().then(unprivileged);
        if let Some((user, group)) = account {
            chown(folder.path(), Some(user), Some(group)).expect("root gives a folder away");
        }
        let cluster = Self { binaries: binaries.to_owned(), folder, account };
        cluster.initialise();
        cluster
    }

    fn initialise(&self) {
        let mut initdb = self.server_command("initdb");
        initdb.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-U", USER, "-D"]);
        let output = initdb.arg(self.data()).output().expect("initdb runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "failed to make a database cluster: {said}");
        let settings = self.data().join("postgresql.auto.conf");
        let socket = format!("unix_socket_directories = '{}'\n", self.folder.path().display());
        fs::write(settings, format!("{SETTINGS}{socket}")).expect("the server's settings");
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    /// A program of the server, to be run as its account and ended with its parent.
    pub(super) fn server_command(&self, name: &str) -> Command {
        let mut command = Command::new("setpriv");
        if let Some((user, group)) = self.account {
            command.args([
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
            ]);
        }
        command.args(["--pdeathsig", "QUIT", "--"]).arg(self.program(name));
        // Of the account's own it needs nothing, and what PostgreSQL's variables say is not meant for it.
        command.current_dir(self.folder.path()).env_clear().env("PATH", "/usr/bin:/bin");
        command
    }

    /// A client that speaks to this server whatever its surroundings say.
    pub(super) fn connected<'a>(&self, client: &'a mut Command) -> &'a mut Command {
        client.env_clear().env("PATH", "/usr/bin:/bin").env("PGHOST", self.folder.path());
        client.env("PGPORT", PORT.to_string())
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|itself| itself.uid() == 0)
}

/// The account that Debian's package makes, or the one that every system has for such ends.
fn unprivileged() -> (u32, u32) {
    let accounts = fs::read_to_string("/etc/passwd").expect("the list of accounts");
    let of = |name: &str| {
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    of("postgres").or_else(|| of("nobody")).expect("an account for the database server")
}
