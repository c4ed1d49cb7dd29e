//! Keeps a server running as long as this process runs.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use super::Stop;
use super::cluster::{Cluster, USER};

/// Starts the server that its arguments name, and stops it by the signal that it reads; where the pipe ends without
/// one, as in a crash, and the folder goes as well.
const SCRIPT: &str = r#"folder="$1"
shift
"$@" >>"$folder/log" 2>&1 </dev/null &
server=$!
read -r signal || signal=
kill -s "${signal:-QUIT}" "$server"
wait "$server"
[ -n "$signal" ] || rm -rf "$folder"
"#;

/// Asked this often whether a server has come up, this often at most.
const PAUSE: Duration = Duration::from_millis(20);
const TRIES: u32 = 3000;

/// Dropped without an order, it stops the server and removes the folder: the pipe ends.
pub(super) struct Keeper {
    orders: Option<ChildStdin>,
    shell: Child,
}

impl Keeper {
    pub(super) fn start(cluster: &Cluster) -> Self {
        let server = cluster.server_command("postgres");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT, "imc-postgres-keeper"]).arg(cluster.folder());
        shell.arg(server.get_program()).args(server.get_args()).arg("-D").arg(cluster.data());
        // Away from the terminal: its signals are for the tests, and what they leave behind is the keeper's affair.
        shell.process_group(0).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null());
        let mut shell = shell.env_clear().env("PATH", "/usr/bin:/bin").spawn().expect("the shell runs");
        let orders = shell.stdin.take();
        let keeper = Self { shell, orders };
        keeper.wait_until_ready(cluster);
        keeper
    }

    fn wait_until_ready(&self, cluster: &Cluster) {
        for _ in 0..TRIES {
            let mut asked = Command::new(cluster.program("pg_isready"));
            asked.args(["-q", "-U", USER]);
            if cluster.connected(&mut asked).status().is_ok_and(|status| status.success()) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        let log = fs::read_to_string(cluster.log()).unwrap_or_default();
        panic!("the database server did not come up: {log}");
    }

    pub(super) fn stop(mut self, how: Stop) {
        let signal = match how {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
        };
        let mut orders = self.orders.take().expect("kept until now");
        // Where the server has died already, nobody reads.
        drop(writeln!(orders, "{signal}"));
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        drop(self.shell.wait());
    }
}
