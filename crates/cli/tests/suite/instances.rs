//! Instances by way of a server and without one: privileged.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::run::Scene;
use crate::said::Said;
use crate::server::Server;
use crate::support::Home;

fn run<'a>(options: &[&'a str], command: &[&'a str]) -> Vec<&'a str> {
    [&["run", "-d"], options, command].concat()
}

fn exec<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["exec", "front"], words].concat()
}

/// The life of some instances, as words; each with and without documents.
fn script(home: &Home) -> Vec<Vec<String>> {
    let data = home.data().display().to_string();
    let volume = format!("{data}/snapshots:/data:ro");
    let sleeper = ["--", "sleep", "1000"];
    let commands: Vec<Vec<&str>> = vec![
        vec!["ps"],
        run(&["--name", "front", "-v", &volume, "-e", "A=b", "--hostname", "box", "web"], &sleeper),
        run(&["--name", "front", "web"], &sleeper),
        run(&["--name", "once", "web"], &["--", "sh", "-c", "echo out; exit 3"]),
        run(&["--name", "loud", "--rm", "web"], &["--", "sh", "-c", "echo err >&2; kill -9 $$"]),
        run(&["--cache", "none", "web:1"], &[]),
        run(&["web"], &["--", "/no/such"]),
        run(&["web"], &["--", "/etc/passwd"]),
        run(&["-v", "/missing:/x", "web"], &[]),
        run(&["--user", "nobodyx", "web"], &[]),
        run(&["--runtime", "nosuch", "web"], &[]),
        run(&["--workdir", "not/absolute", "web"], &[]),
        run(&["--image", "b:1", "web"], &[]),
        run(&["127.0.0.1:1/none:1"], &[]),
        run(&["UPPER/case:1"], &[]),
        vec!["logs", "-f", "once"],
        vec!["logs", "once"],
        vec!["logs", "nobody"],
        vec!["logs", "."],
        exec(&["--", "sh", "-c", "echo $A $(hostname); ls /data >/dev/null; cat /srv/hello; exit 4"]),
        exec(&["--", "sh", "-c", "echo err >&2; kill -9 $$"]),
        exec(&["--", "/no/such"]),
        exec(&["--", "/etc/passwd"]),
        vec!["exec", "-e", "C=d", "-w", "/tmp", "-u", "7:8", "front", "--", "sh", "-c", "echo $C; id"],
        vec!["exec", "-u", "nobodyx", "front", "true"],
        vec!["exec", "-w", "not/absolute", "front", "true"],
        vec!["exec", "once", "true"],
        vec!["exec", "nobody", "true"],
        vec!["ps"],
        vec!["ps", "-a"],
        vec!["delete", "web"],
        vec!["gc", "--dry-run"],
        vec!["rm", "front"],
        vec!["stop", "-t", "1", "front", "nobody"],
        vec!["stop", "front"],
        vec!["exec", "front", "true"],
        vec!["ps", "-a"],
        vec!["rm", "nobody", "once"],
        vec!["rm", "-f", "front"],
        vec!["ps", "-a"],
        vec!["gc"],
    ];
    let owned = |words: &Vec<&str>| words.iter().map(|word| (*word).to_owned()).collect();
    commands.iter().map(owned).collect()
}

#[test]
fn with_and_without_a_server_instances_say_the_same() {
    if !testkit::privileged() {
        return;
    }
    let (alone, served) = (Scene::new(), Scene::new());
    let server = Server::start(&served.home);
    for documents in [false, true] {
        for (ours, theirs) in script(&alone.home).iter().zip(&script(&served.home)) {
            let here = Said::of(&alone.home, ours, documents);
            let there = Said::of(&served.home, theirs, documents);
            assert_eq!(here, there, "{ours:?}, documents: {documents}");
        }
    }
    server.stop();
}

#[test]
fn what_a_command_writes_comes_as_it_is_written_and_whole() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    home.imc(&["run", "-d", "--name", "front", "web", "--", "sleep", "1000"]).ok();
    let check = |go: &str| {
        let script = format!("echo first; while [ ! -e {go} ]; do sleep 0.05; done; exit 6");
        let mut command = home.command();
        command.args(["exec", "front", "--", "sh", "-c", &script]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert_eq!(first, "first\n");
        home.imc(&["exec", "front", "--", "touch", go]).ok();
        assert_eq!(child.wait().unwrap().code(), Some(6));
        let zeros = ["exec", "front", "--", "busybox", "head", "-c", "3000000", "/dev/zero"];
        assert_eq!(home.imc(&zeros).ok().stdout.len(), 3_000_000);
    };
    check("/tmp/one");
    let server = Server::start(home);
    check("/tmp/two");
    server.stop();
}

#[test]
fn whoever_starts_an_instance_of_a_server_may_be_elsewhere() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    let server = Server::start(home);
    let made = home.json(&["token", "create", "--label", "t", "--scope", "admin", "--hours", "1"]);
    let (url, token) = (server.url(), made["secret"].as_str().unwrap());
    let elsewhere = |words: &[&str]| home.imc_with(&[("IMC_SERVER", &url), ("IMC_TOKEN", token)], words);
    elsewhere(&["run", "-d", "--name", "front", "web", "--", "sh", "-c", "echo a; exec sleep 1000"]).ok();
    assert_eq!(elsewhere(&["exec", "front", "--", "sh", "-c", "echo b; exit 9"]).code, Some(9));
    assert!(elsewhere(&["ps"]).ok().stdout.contains("front"));
    elsewhere(&["stop", "-t", "0", "front", "--client-token", "end-1"]).ok();
    assert_eq!(elsewhere(&["logs", "-f", "front"]).ok().stdout, "a\n");
    for _ in 0..2 {
        // Also what comes again to an instance that is gone is answered as the first time.
        assert_eq!(elsewhere(&["rm", "front", "--client-token", "end-1"]).ok().stdout, "front\n");
        elsewhere(&["stop", "-t", "0", "front", "--client-token", "end-1"]).ok();
    }
    elsewhere(&["rm", "front"]).fails(66, &["front"]);
    elsewhere(&["gc"]).ok();
    server.stop();
}

#[test]
fn a_start_with_a_client_token_whose_server_was_killed_in_the_middle_is_one_start() {
    if !testkit::privileged() {
        return;
    }
    for step in ["instance-recorded", "instance-started"] {
        let scene = Scene::new();
        let home = &scene.home;
        let server = Server::start_with(home, &[("IMC_CRASH_AT", step)], &[]);
        let start = || {
            let words = ["run", "-d", "--name", "front", "--client-token", "start-1"];
            home.imc(&[&words[..], &["web", "--", "sleep", "1000"]].concat())
        };
        start().fails(125, &["imc serve"]);
        server.into_child().wait().unwrap();
        let next = Server::start(home);
        let first = start().ok();
        assert_eq!(start().ok().stdout, first.stdout, "{step}");
        let all = home.json(&["ps", "-a"]);
        assert_eq!(all.as_array().unwrap().len(), 1, "{step}: {all}");
        assert_eq!(
            (all[0]["id"].as_str(), all[0]["state"].as_str()),
            (Some(first.stdout.trim()), Some("Running"))
        );
        let made = std::fs::read_dir(home.data().join("instances")).unwrap();
        let made: Vec<_> = made.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let made: Vec<_> = made.iter().filter(|name| name.starts_with("ins-")).collect();
        assert_eq!(made.len(), 1, "{step}: {made:?}");
        let starts = home.reasons("front").into_iter().filter(|reason| reason == "Started").count();
        assert_eq!(starts, 1, "{step}");
        home.imc(&["rm", "-f", "front"]).ok();
        // It is answered as the first time, and nothing is started for it any more.
        assert_eq!(start().ok().stdout, first.stdout, "{step}");
        assert_eq!(home.json(&["ps", "-a"]), serde_json::json!([]), "{step}");
        next.stop();
    }
}
