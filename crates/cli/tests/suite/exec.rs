//! Commands in instances by way of a server, which has their output captured: privileged.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::run::Scene;
use crate::server::Server;
use crate::support::{Home, wait_until};

/// A time for `sleep` that nothing else on the machine sleeps.
const SECONDS: &str = "31415926";

/// Asks the server of that home to run a command in the instance `front`.
fn ask(home: &Home, command: &[&str]) -> UnixStream {
    let body = serde_json::json!({ "command": command }).to_string();
    let mut stream = UnixStream::connect(home.data().join("imc.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = "POST /v1/instances/front/exec HTTP/1.1\r\nhost: imc\r\nconnection: close\r\n\
                content-type: application/json\r\n";
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    stream
}

/// Whether that `sleep` runs anywhere on this machine.
fn sleeps() -> bool {
    let line = format!("sleep\0{SECONDS}\0");
    fs::read_dir("/proc").unwrap().any(|entry| {
        let found = fs::read(entry.unwrap().path().join("cmdline")).unwrap_or_default();
        found == line.as_bytes()
    })
}

#[test]
fn what_a_command_leaves_running_does_not_keep_its_answer() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    let server = Server::start(home);
    home.imc(&["run", "-d", "--name", "front", "web", "--", "sleep", "1000"]).ok();
    let mut said = String::new();
    ask(home, &["sh", "-c", "sleep 1000 & echo x; exit 4"]).read_to_string(&mut said).unwrap();
    for words in ["event: output", r#""text":"x\n""#, "event: ended", r#""code":4"#, r#""is_cut":true"#] {
        assert!(said.contains(words), "`{words}` is not in {said}");
    }
    server.stop();
}

#[test]
fn a_command_ends_where_its_reader_or_the_server_goes() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    let server = Server::start(home);
    home.imc(&["run", "-d", "--name", "front", "web", "--", "sleep", "1000"]).ok();
    // What the second one waits for hears of nothing.
    let script = format!("sleep {SECONDS}; echo done");
    for command in [&["sleep", SECONDS][..], &["sh", "-c", script.as_str()]] {
        let reader = ask(home, command);
        wait_until("it runs", sleeps);
        drop(reader);
        wait_until("it ends with its reader", || !sleeps());
    }
    let _reader = ask(home, &["sleep", SECONDS]);
    wait_until("it runs", sleeps);
    server.kill();
    wait_until("it ends with the server", || !sleeps());
}
