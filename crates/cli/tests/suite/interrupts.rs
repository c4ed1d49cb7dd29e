//! Ctrl-C and its kin behind a build: they end the program as if it had built nothing, or are the container's.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};

use rustix::fs::{FlockOperation, OFlags, fcntl_setfl, flock};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use testkit::{FaultServer, Reply};

use crate::run::tools;
use crate::support::{Home, image, layer, wait_until};

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

/// `imc run` of an image that no cache has, from a registry that keeps its first layer back until it is released.
fn start_of_a_miss(home: &Home, options: &[&str], command: &[&str]) -> (FaultServer, Child) {
    let (server, image) = (FaultServer::start(), tools());
    server.serve_image("app", "1", &image);
    let blob = format!("/v2/app/blobs/{}", image.layers[0].digest);
    server.always(&blob, Reply::blob(&image.layers[0].blob).held());
    let (host, reference) = (server.host(), format!("{}/app:1", server.host()));
    let mut imc = home.command();
    imc.args(["run", "--rm", "--plain-http", &host]).args(options).args([&reference, "--"]).args(command);
    let child = imc.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    server.wait_for_requests(&blob, 1);
    (server, child)
}

/// Whether a process waits for the lock of that file.
fn is_waited_for(file: &File) -> bool {
    let inode = format!(":{} ", file.metadata().unwrap().ino());
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|line| line.contains("->") && line.contains(&inode))
}

#[test]
fn a_start_behind_a_miss_ends_by_a_signal_as_one_behind_a_hit_does() {
    if !testkit::privileged() {
        return;
    }
    for (options, signal) in [(&[][..], Signal::INT), (&["-d"], Signal::TERM)] {
        let home = Home::new();
        home.imc(&["ps"]).ok();
        // Layers are mounted under this lock, so the start waits for it.
        let mounts = File::options().write(true).open(home.data().join("mounts/lock")).unwrap();
        let (server, mut child) = start_of_a_miss(&home, options, &["true"]);
        flock(&mounts, FlockOperation::LockExclusive).unwrap();
        server.release();
        wait_until("it waits for the lock", || is_waited_for(&mounts));
        send(&child, signal);
        let mut ended = None;
        wait_until("it ends", || {
            ended = child.try_wait().unwrap();
            ended.is_some()
        });
        assert_eq!(ended.unwrap().signal(), Some(signal.as_raw()), "{options:?}");
        drop((server, mounts));
        home.imc(&["ps"]).ok();
        testkit::assert_no_mounts_left(&home.data());
    }
}

#[test]
fn a_container_behind_a_miss_gets_the_signals() {
    if !testkit::privileged() {
        return;
    }
    let home = Home::new();
    let script = "trap 'exit 3' INT; echo ready; while :; do sleep 0.1; done";
    let (server, mut child) = start_of_a_miss(&home, &[], &["sh", "-c", script]);
    server.release();
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    assert_eq!(first, "ready\n");
    send(&child, Signal::INT);
    // Not to the end of its output, which a container that went on would keep open.
    let ended = child.wait().unwrap();
    assert_eq!(ended.code(), Some(3), "{ended:?}");
    testkit::assert_no_mounts_left(&home.data());
}

#[test]
fn a_result_that_nobody_reads_keeps_no_one_from_ending_create() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    let (_unread, full) = std::io::pipe().unwrap();
    fcntl_setfl(&full, OFlags::NONBLOCK).unwrap();
    while rustix::io::write(&full, &[0; 4096]) != Err(Errno::AGAIN) {}
    fcntl_setfl(&full, OFlags::empty()).unwrap();
    let mut child = home.command().args(["create", "web", &source]).stdout(full).spawn().unwrap();
    wait_until("it is built", || home.json(&["list"])[0]["state"] == "Ready");
    let mut ended = None;
    wait_until("it ends", || {
        // The build may not have heard of its own end yet, and then a first one cancels what is done.
        send(&child, Signal::INT);
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    let ended = ended.unwrap();
    assert!(ended.signal() == Some(Signal::INT.as_raw()) || ended.code() == Some(130), "{ended:?}");
    assert_eq!(home.only_state(), "Ready");
}
