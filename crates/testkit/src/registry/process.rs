//! The registry's process: configuration, start, end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// It takes some 30 ms; a loaded machine gets more.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);

pub(super) struct Process {
    child: Child,
    address: String,
}

impl Process {
    /// Starts it on `address` and returns when it listens. `settings` goes into the configuration behind `http: addr:`.
    pub(super) fn start(binary: &Path, folder: &Path, settings: &str, address: &str) -> Self {
        let storage = super::storage_folder(folder);
        fs::create_dir_all(&storage).expect("the storage folder");
        let configuration = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\n  delete: {{enabled: true}}\n\
             http:\n  addr: {address}\n{settings}",
            storage.display()
        );
        let file = folder.join("config.yml");
        fs::write(&file, configuration).expect("the configuration's file");
        let log = folder.join("registry.log");
        let child = Command::new(binary)
            .arg("serve")
            .arg(&file)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(File::create(access_log(folder)).expect("the access log"))
            .stderr(File::create(&log).expect("the log"))
            .spawn()
            .expect("the registry's program runs");
        let mut process = Self { child, address: String::new() };
        process.address = process.wait_until_listening(&log);
        process
    }

    /// Host and port that it listens on.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// It opens its socket first and then says so in its log, with the port that it got.
    fn wait_until_listening(&mut self, log: &Path) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = fs::read_to_string(log).unwrap_or_default();
            if let Some(address) = listening_address(&text) {
                return address.to_owned();
            }
            let ended = self.child.try_wait().expect("our own child");
            assert!(ended.is_none(), "the registry ended ({ended:?}):\n{text}");
            assert!(Instant::now() < deadline, "the registry does not listen after {PATIENCE:?}:\n{text}");
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn listening_address(log: &str) -> Option<&str> {
    let (_, rest) = log.split_once("listening on ")?;
    let end = rest.find(['"', ',', ' '])?;
    Some(&rest[..end])
}

pub(super) fn access_log(folder: &Path) -> PathBuf {
    folder.join("access.log")
}

/// A line for the password file: bcrypt, the only kind that the registry takes.
pub(super) fn htpasswd(user: &str, password: &str) -> Option<Vec<u8>> {
    let binary = crate::program("htpasswd")?;
    let output = Command::new(binary)
        // Cost 4: the lowest. Tests are no secret and bcrypt is slow on purpose.
        .args(["-n", "-b", "-B", "-C", "4", user, password])
        .output()
        .expect("htpasswd runs");
    assert!(output.status.success(), "htpasswd failed: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_address_with_and_without_tls() {
        let plain = "level=info msg=\"listening on 127.0.0.1:4711\" go.version=go1.19\n";
        let tls = "level=info msg=\"listening on 127.0.0.1:4711, tls\" go.version=go1.19\n";
        assert_eq!(listening_address(plain), Some("127.0.0.1:4711"));
        assert_eq!(listening_address(tls), Some("127.0.0.1:4711"));
        assert_eq!(listening_address("level=info msg=\"listening on 127.0"), None);
    }
}
