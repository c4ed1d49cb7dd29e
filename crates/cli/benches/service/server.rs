//! The program under measure, and what the kernel says of it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::signed::Key;

/// A server that is ready. Killed at the end.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: String,
    /// What it is shown.
    pub token: String,
    /// What the calls of the clouds' APIs are signed with.
    pub key: Key,
}

impl Server {
    /// Starts it and waits until it says that it serves.
    pub fn start(data_dir: &Path) -> Self {
        let mut child = imc(data_dir)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let address = said.split_once("http://").unwrap().1.split(',').next().unwrap().trim().to_owned();
        let token = said_by(data_dir, &["-q", "token", "create", "--label", "bench", "--scope", "admin"]);
        let made = said_by(data_dir, &["-q", "-o", "json", "access-key", "create", "--read-only"]);
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        let word = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { child, address, token, key: Key { id: word("id"), secret: word("secret") } }
    }

    /// Memory that it has in use, in MiB.
    pub fn resident_mib(&self) -> f64 {
        self.status("VmRSS:")
    }

    /// The most that it had in use, in MiB.
    pub fn peak_mib(&self) -> f64 {
        self.status("VmHWM:")
    }

    fn status(&self, line: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let kib = status.lines().find_map(|found| found.strip_prefix(line)).unwrap();
        kib.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// Waits until it has done what it does at its start: until it takes next to no processor time.
    pub fn rest(&self) {
        loop {
            let before = self.processor_time();
            std::thread::sleep(Duration::from_secs(2));
            if self.processor_time() - before <= Duration::from_millis(20) {
                return;
            }
        }
    }

    /// What it took of processors so far.
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        // User and system time, in hundredths of a second on every Linux of today.
        let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn said_by(data_dir: &Path, arguments: &[&str]) -> String {
    let done = imc(data_dir).args(arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// The program of this build, or another one that is to be compared with it. The clouds' calls are not counted against any rate
/// unless `clouds.requests_per_minute` is set.
fn imc(data_dir: &Path) -> Command {
    let other = std::env::var_os("IMC_BIN");
    let mut command = Command::new(other.as_deref().unwrap_or(env!("CARGO_BIN_EXE_imc").as_ref()));
    command.arg("--data-dir").arg(data_dir);
    command.env("IMC_QUOTA_MANUAL_CACHES", "1000000").env("IMC_LOG", "error");
    command
}
