//! `imc run` and its kin, with real mounts and containers: privileged.

use std::fs;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::{Compression, FaultServer, Image, ImageBuilder, LayerBuilder};

use crate::support::{Home, Ran, wait_until};

/// An image with busybox as its tools.
pub(crate) fn tools() -> Image {
    tools_for("amd64")
}

/// The same, said to be for that architecture.
fn tools_for(architecture: &str) -> Image {
    let busybox = fs::read(testkit::program("busybox").unwrap()).unwrap();
    let mut base = LayerBuilder::new()
        .dir("bin/", 0o755)
        .dir("etc/", 0o755)
        .dir("tmp/", 0o1777)
        .file("etc/passwd", "root:x:0:0:root:/:/bin/sh\n")
        .executable("bin/busybox", busybox);
    for tool in ["sh", "cat", "echo", "sleep", "id", "hostname", "kill", "touch", "ls", "true", "tty"] {
        base = base.symlink(&format!("bin/{tool}"), "busybox");
    }
    let top = LayerBuilder::new().dir("srv/", 0o755).file("srv/hello", "hello from the cache\n");
    ImageBuilder::new()
        .layer(base.build(Compression::Gzip))
        .layer(top.build(Compression::Gzip))
        .platform("linux", architecture)
        .env(["GREETING=hi"])
        .cmd(["/bin/cat", "/srv/hello"])
        .build()
}

/// A home with a cache `web`; nothing of it stays mounted.
pub(crate) struct Scene {
    pub(crate) home: Home,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let home = Home::new();
        let source = home.layout("image", &tools());
        home.imc(&["-q", "create", "web", &source]).ok();
        Self { home }
    }

    fn instances(&self) -> Vec<serde_json::Value> {
        self.home.json(&["ps", "-a"]).as_array().unwrap().clone()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for one in self.home.imc(&["-o", "json", "ps", "-a"]).json().as_array().into_iter().flatten() {
            self.home.imc(&["rm", "-f", one["id"].as_str().unwrap_or_default()]);
        }
        if !std::thread::panicking() {
            testkit::assert_no_mounts_left(&self.home.data());
        }
    }
}

#[test]
fn a_cache_starts_and_its_status_is_passed_on() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    assert_eq!(home.imc(&["run", "--rm", "web"]).ok().stdout, "hello from the cache\n");
    let said = home.imc(&[
        "run",
        "--rm",
        "-e",
        "A=b",
        "--hostname",
        "box",
        "web",
        "--",
        "sh",
        "-c",
        "echo $GREETING $A $(hostname); exit 7",
    ]);
    said.fails(7, &[]);
    home.imc(&["run", "--rm", "web", "--", "/no/such"]).fails(127, &["/no/such", "next: "]);
    home.imc(&["run", "--rm", "web", "--", "/etc/passwd"]).fails(126, &["/etc/passwd"]);
    home.imc(&["run", "--rm", "127.0.0.1:1/none:1"]).fails(125, &["cannot be reached", "next: "]);
    let caches = home.json(&["list"]);
    assert_eq!(caches.as_array().unwrap().len(), 1, "a miss that failed leaves no cache: {caches:#}");
    assert!(scene.instances().is_empty(), "{:?}", scene.instances());
    let reasons = home.reasons("web");
    assert!(reasons.contains(&"ServedPinned".to_owned()), "{reasons:?}");
    assert_ne!(home.json(&["show", "web"])["last_used"], serde_json::Value::Null);
}

#[test]
fn what_is_written_to_dev_null_is_lost_and_no_failure() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let mut run = scene.home.command();
    run.args(["run", "--rm", "web", "--", "sh", "-c", "echo out && echo err >&2 || exit 9"]);
    let status = run.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn with_the_registry_off_it_starts_by_tag_and_by_digest() {
    if !testkit::privileged() {
        return;
    }
    let home = Home::new();
    let image = tools();
    let mut server = FaultServer::start();
    server.serve_image("app", "1", &image);
    let host = server.host();
    let (tag, digest) = (format!("{host}/app:1"), format!("{host}/app@{}", image.digest()));
    // A miss makes the cache.
    let first = home.imc(&["run", "--rm", "--plain-http", &host, &tag]).ok();
    assert!(first.stdout == "hello from the cache\n" && first.stderr.contains("no cache has"), "{first:#?}");
    let asked = server.requests().len();
    assert_eq!(home.imc(&["run", "--rm", "--plain-http", &host, &tag]).ok().stderr, "");
    assert_eq!(server.requests().len(), asked, "a hit asks no registry");
    server.stop();
    for reference in [&tag, &digest] {
        assert_eq!(home.imc(&["run", "--rm", reference]).ok().stdout, "hello from the cache\n");
    }
    let made = home.json(&["list"])[0]["id"].as_str().unwrap().to_owned();
    let events = home.json(&["events", &made]);
    let served = events.as_array().unwrap().iter().filter(|event| event["reason"] == "ServedPinned");
    let (hits, misses): (Vec<_>, Vec<_>) =
        served.partition(|event| event["message"].as_str().unwrap().ends_with("; no registry was asked"));
    // The first start is no use of the cache that was made beside it.
    assert_eq!((hits.len(), misses.len()), (1, 0), "{events:#}");
    let served = hits[0];
    assert_eq!(served["count"], 3, "{events:#}");
    assert!(served["message"].as_str().unwrap().contains(&image.digest()), "{served:#}");
    assert!(home.reasons(&made).contains(&"AutoCreated".to_owned()));
    testkit::assert_no_mounts_left(&home.data());
}

#[test]
fn a_detached_instance_lives_until_it_is_stopped() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    let id = home
        .imc(&[
            "run",
            "-d",
            "--name",
            "front",
            "web",
            "--",
            "sh",
            "-c",
            "trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done",
        ])
        .ok()
        .stdout;
    wait_until("it has said so", || home.imc(&["logs", "front"]).ok().stdout == "ready\n");
    assert_eq!(scene.instances()[0]["id"], id.trim());
    assert_eq!(home.imc(&["exec", "front", "--", "sh", "-c", "cat /srv/hello; exit 4"]).code, Some(4));
    home.imc(&["run", "-d", "--name", "front", "web"])
        .fails(125, &["front", "next: choose another `--name`"]);
    home.imc(&["delete", "web"]).fails(75, &["in use by", "next: stop these instances"]);
    home.imc(&["rm", "front"]).fails(75, &["next: "]);
    assert_eq!(
        (&scene.instances()[0]["state"], &scene.instances()[0]["exit"]),
        (&"Running".into(), &Value::Null)
    );
    let stopped = &home.json(&["stop", "front"])[0];
    assert_eq!(
        (&stopped["state"], &stopped["exit"]),
        (&"Exited".into(), &json!({ "code": 3, "signal": null }))
    );
    assert!(home.imc(&["ps"]).ok().stdout.lines().count() == 1);
    assert!(home.imc(&["ps", "-a"]).ok().stdout.contains('3'));
    home.imc(&["rm", "front"]).ok();
    home.imc(&["delete", "web"]).ok();
    home.imc(&["gc"]).ok();
    home.assert_nothing_left();
}

#[test]
fn blobs_in_use_survive_a_collection() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    home.imc(&["run", "-d", "--name", "front", "web", "--", "sleep", "1000"]).ok();
    assert_eq!(home.json(&["gc"])["deleted"], serde_json::json!([]));
    assert_eq!(home.imc(&["exec", "front", "--", "cat", "/srv/hello"]).ok().stdout, "hello from the cache\n");
    home.imc(&["rm", "-f", "front"]).ok();
}

#[test]
fn a_terminal_is_one_inside_too() {
    if !testkit::privileged() || testkit::program("script").is_none() {
        return;
    }
    let scene = Scene::new();
    let program = scene.home.command().get_program().to_str().unwrap().to_owned();
    let line = format!("{program} run --rm -it web -- sh -c 'tty; stty size 2>/dev/null; exit 5'");
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).stdin(Stdio::null());
    command.env("IMC_DATA_DIR", scene.home.data()).env("HOME", scene.home.path());
    let ran: Ran = command.output().unwrap().into();
    assert_eq!(ran.code, Some(5), "{ran:#?}");
    assert!(ran.stdout.contains("/dev/"), "{ran:#?}");
}

#[test]
fn what_was_killed_is_noticed_and_cleaned_up() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    // The program is killed; its container and monitor go on, or are cleaned up: either way the records say the truth.
    let mut attached =
        home.command().args(["run", "--name", "left", "web", "--", "sleep", "1000"]).spawn().unwrap();
    let running = |name: &str| {
        let pid = |one: &serde_json::Value| one["pid"].as_i64().filter(|_| one["name"] == name);
        scene.instances().iter().find_map(pid)
    };
    wait_until("it runs", || running("left").is_some());
    attached.kill().unwrap();
    attached.wait().unwrap();
    home.imc(&["ps"]).ok();
    home.imc(&["rm", "-f", "left"]).ok();
    testkit::assert_no_mounts_left(&home.data().join("instances"));
    // The container's first process and its monitor are killed.
    home.imc(&["run", "-d", "--name", "front", "web", "--", "sleep", "1000"]).ok();
    let pid = i32::try_from(running("front").unwrap()).unwrap();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let parent: i32 = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(parent > 1, "the monitor is the parent");
    for pid in [parent, pid] {
        let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
    }
    wait_until("its end is seen", || home.imc(&["ps"]).ok().stdout.lines().count() == 1);
    home.imc(&["rm", "front"]).ok();
    home.imc(&["delete", "web"]).ok();
    home.imc(&["gc"]).ok();
    home.assert_nothing_left();
}

#[test]
fn commands_beside_each_other_take_no_ones_exit_status_away() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    let running = std::sync::atomic::AtomicUsize::new(3);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                // Decided at the end also where an assertion fails: the others wait for it.
                let _over = Countdown(&running);
                for _ in 0..4 {
                    home.imc(&["run", "--rm", "web", "--", "sh", "-c", "exit 7"]).fails(7, &[]);
                }
            });
        }
        for command in [&["gc"][..], &["ps", "-a"], &["gc", "--dry-run"]] {
            let running = &running;
            scope.spawn(move || {
                while running.load(std::sync::atomic::Ordering::SeqCst) > 0 {
                    home.imc(command).ok();
                }
            });
        }
    });
    assert!(scene.instances().is_empty(), "{:?}", scene.instances());
}

/// Counts down when it goes.
struct Countdown<'a>(&'a std::sync::atomic::AtomicUsize);

impl Drop for Countdown<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
    }
}

#[test]
fn a_start_that_nobody_lived_to_record_is_found() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    let start = ["run", "-d", "--name", "front", "web", "--", "sleep", "1000"];
    let killed = home.imc_with(&[("IMC_CRASH_AT", "instance-started")], &start);
    assert_eq!(killed.code, None, "{killed:#?}");
    let found = &scene.instances()[0];
    assert_eq!((&found["name"], &found["pid"].is_u64()), (&"front".into(), &true), "{found:#}");
    let reasons = home.reasons("front");
    assert_eq!(reasons, ["ServedPinned", "CacheHit", "Started"]);
    home.imc(&["stop", "front"]).ok();
    home.imc(&["rm", "front"]).ok();
}

#[test]
fn a_start_that_cannot_be_recorded_goes_on() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    let start = ["run", "--rm", "web", "--", "sh", "-c", "exit 7"];
    let ran = home.imc_with(&[("IMC_FAIL_AT", "instance-started=ENOSPC")], &start);
    ran.fails(7, &["warning: the start could not be recorded", "No space left on device"]);
    let start = [&["-o", "json"], &start[..]].concat();
    let ran = home.imc_with(&[("IMC_FAIL_AT", "instance-started=ENOSPC")], &start);
    assert!(warned(&ran).contains("the start could not be recorded"), "{ran:#?}");
    assert!(scene.instances().is_empty(), "{:?}", scene.instances());
}

/// The warning that is the one document on standard error.
#[track_caller]
fn warned(ran: &Ran) -> String {
    let document: Value =
        serde_json::from_str(&ran.stderr).unwrap_or_else(|error| panic!("{error} in {ran:#?}"));
    document["warning"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn an_image_of_another_architecture_is_a_warning_in_either_form() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    let other = home.layout("other", &tools_for("riscv64"));
    home.imc(&["create", "other", &other, "--platform", "linux/riscv64"]).ok();
    let said = "the image is for linux/riscv64";
    let text = home.imc(&["run", "--rm", "other"]).ok();
    assert!(text.stderr.starts_with(&format!("warning: {said}")), "{text:#?}");
    let document = home.imc(&["-o", "json", "run", "--rm", "other"]).ok();
    assert!(warned(&document).starts_with(said), "{document:#?}");
}

#[test]
fn an_instance_that_cannot_be_cleaned_up_is_a_warning_in_either_form() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    home.imc(&["run", "--name", "front", "web"]).ok();
    let id = scene.instances()[0]["id"].as_str().unwrap().to_owned();
    // Its lock is no file any more.
    let lock = home.data().join("instances").join(&id).join("lock");
    let kept = lock.with_file_name("kept");
    fs::rename(&lock, &kept).unwrap();
    fs::create_dir(&lock).unwrap();
    let (text, document) = (home.imc(&["ps", "-a"]).ok(), home.imc(&["-o", "json", "ps", "-a"]).ok());
    fs::remove_dir(&lock).unwrap();
    fs::rename(&kept, &lock).unwrap();
    let said = format!("failed to clean up after the instance {id}");
    assert!(text.stderr.starts_with(&format!("warning: {said}")), "{text:#?}");
    assert!(warned(&document).starts_with(&said), "{document:#?}");
}

#[test]
fn a_cancelled_pull_of_a_start_is_no_failure_of_the_container() {
    if !testkit::privileged() {
        return;
    }
    let (home, server, image) = (Home::new(), FaultServer::start(), tools());
    server.serve_image("app", "1", &image);
    let blob = format!("/v2/app/blobs/{}", image.layers[0].digest);
    server.always(&blob, testkit::Reply::blob(&image.layers[0].blob).held());
    let (host, reference) = (server.host(), format!("{}/app:1", server.host()));
    let mut command = home.command();
    command.args(["-o", "json", "run", "--rm", "--plain-http", &host, &reference]).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    server.wait_for_requests(&blob, 1);
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    let document: Value =
        serde_json::from_str(&ran.stderr).unwrap_or_else(|error| panic!("{error} in {ran:#?}"));
    assert_eq!((ran.code, &document["error"]["kind"]), (Some(130), &"cancelled".into()));
}

#[test]
fn options_that_cannot_be_say_what_to_do() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    for (arguments, words) in [
        (&["--runtime", "nosuch"][..], &["nosuch", "next: name an installed one (runc, crun"]),
        (&["-v", "/missing:/x"], &["/missing", "next: make it first"]),
        (&["--user", "nobodyx"], &["nobodyx", "next: name one that the image has"]),
        (&["--memory", "much"], &["a whole number with a unit", "as 512m or 2g"]),
        (&["--memory", "1k"], &["1.0 KiB are too few", "at least 6.0 MiB"]),
    ] {
        home.imc(&[&["run", "--rm"], arguments, &["web"]].concat()).fails(125, words);
    }
    let windows = home.layout("windows", &ImageBuilder::new().platform("windows", "amd64").build());
    home.imc(&["create", "win", &windows, "--platform", "windows/amd64"]).ok();
    home.imc(&["run", "--rm", "win"]).fails(125, &["windows", "next: start an image for linux"]);
    let other = home.layout("other", &tools());
    home.imc(&["create", "both", &home.layout("image", &tools()), &other]).ok();
    home.imc(&["run", "--rm", "both"]).fails(125, &["it has oci:", "next: say which with `--image IMAGE`"]);
    assert_eq!(home.imc(&["run", "--rm", "--image", &other, "both"]).ok().stdout, "hello from the cache\n");
}

#[test]
fn events_of_a_cache_tell_of_an_instance_of_its_name() {
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    home.imc(&["run", "--name", "web", "web"]).ok();
    let id = scene.instances()[0]["id"].as_str().unwrap().to_owned();
    let ran = home.imc(&["events", "web"]).ok();
    assert!(ran.stderr.contains(&format!("the instance {id} is named `web` as well")), "{ran:#?}");
    assert_eq!(home.imc(&["events", &id]).ok().stderr, "");
}

#[test]
fn logs_of_another_users_instance_are_a_matter_of_permissions() {
    use std::os::unix::fs::chown;
    use std::os::unix::process::CommandExt as _;
    if !testkit::privileged() {
        return;
    }
    let scene = Scene::new();
    let home = &scene.home;
    home.imc(&["run", "--name", "front", "web"]).ok();
    for path in walk(home.path(), &["instances"]) {
        chown(&path, Some(65_534), Some(65_534)).unwrap();
    }
    let ran: Ran = home.command().uid(65_534).gid(65_534).args(["logs", "front"]).output().unwrap().into();
    ran.fails(77, &["Permission denied", "next: run it with sudo"]);
    for path in walk(home.path(), &["instances"]) {
        chown(&path, Some(0), Some(0)).unwrap();
    }
}

/// A folder and all in it, but for the folders of those names.
fn walk(folder: &std::path::Path, without: &[&str]) -> Vec<std::path::PathBuf> {
    let mut found = vec![folder.to_path_buf()];
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true if without.iter().any(|name| entry.file_name() == *name) => {}
            true => found.extend(walk(&entry.path(), without)),
            false => found.push(entry.path()),
        }
    }
    found
}
