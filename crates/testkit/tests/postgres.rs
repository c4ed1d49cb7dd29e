//! The database server of the tests: fresh databases, and nothing left of it whatever becomes of the tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::{Postgres, Stop};

#[test]
fn databases_are_apart_and_templates_are_copied() {
    let Some(server) = Postgres::shared() else { return };
    server.create_database_named("made", None);
    server.run("made", "CREATE TABLE words (word TEXT)");
    let copy = server.create_database(Some("made"));
    let name = copy.strip_prefix("postgres:///").unwrap().split('?').next().unwrap();
    server.run(name, "INSERT INTO words VALUES ('one')");
    assert_eq!(server.run(name, "SELECT word FROM words"), "one");
    assert_eq!(server.run("made", "SELECT count(*) FROM words"), "0");
}

#[test]
fn data_survive_a_restart() {
    let Some(mut server) = Postgres::start() else { return };
    for (number, how) in [Stop::Fast, Stop::Immediate].into_iter().enumerate() {
        let name = format!("kept{number}");
        server.create_database_named(&name, None);
        server.stop(how);
        server.start_again();
        assert_eq!(server.run(&name, "SELECT 1"), "1");
    }
}

const CHILD: &str = "IMC_TEST_POSTGRES_CHILD";

/// What the killed process does: it says where its server is, and waits for its end.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let server = Postgres::shared().expect("the parent has one");
    println!("server {} {}", server.run("postgres", "SHOW data_directory"), std::process::id());
    std::thread::park();
}

#[test]
fn a_killed_test_leaves_no_server_and_no_folder() {
    if !Postgres::is_installed() {
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(CHILD, "1").stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let said = lines.find_map(|line| Some(line.split_once("server ")?.1.to_owned())).unwrap();
    let data = said.split_once(' ').unwrap().0;
    let pid = std::fs::read_to_string(Path::new(data).join("postmaster.pid")).unwrap();
    let pid = Path::new("/proc").join(pid.lines().next().unwrap());
    assert!(pid.is_dir());
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = Path::new(data).parent().unwrap();
    // The keeper works beside us; a minute is for machines that stand still.
    let gone = (0..6000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        !folder.exists() && !pid.exists()
    });
    assert!(gone, "{} or {} is still there", folder.display(), pid.display());
}
