//! `imc create` and what shows its result.

use testkit::{FaultServer, ImageBuilder, ImageIndex, MediaTypes, Reply};

use crate::support::{Home, fetches, image, layer, noise};

#[test]
fn an_image_from_a_layout_becomes_a_cache() {
    let home = Home::new();
    let image = image([layer("one"), layer("two")]);
    let source = home.layout("image", &image);
    let created = home.imc(&["create", "web", &source]).ok();
    assert!(created.stdout.starts_with("cache web (imc-"), "{created:#?}");
    assert!(created.stdout.contains(") is Ready: "), "{created:#?}");
    assert!(created.stdout.contains("2 layers (0 were here)"), "{created:#?}");
    // Root finds the data directory by the variable; whoever needs sudo loses it on the way.
    let start = match rustix::process::geteuid().is_root() {
        true => "start from it: imc run --rm -it web".to_owned(),
        false => format!("start from it: sudo imc --data-dir {} run --rm -it web", home.data().display()),
    };
    assert!(created.stderr.contains(&start), "{created:#?}");
    let data = home.data();
    let mut command = home.command();
    command.env_remove("IMC_DATA_DIR").args([
        "--data-dir",
        data.to_str().unwrap(),
        "create",
        "again",
        &source,
    ]);
    let again: crate::support::Ran = command.output().unwrap().into();
    assert!(again.ok().stderr.contains(&format!("imc --data-dir {} run --rm -it again", data.display())));
    home.imc(&["delete", "again"]).ok();
    let listed = home.imc(&["list"]).ok();
    let rows: Vec<&str> = listed.stdout.lines().collect();
    assert_eq!(rows.len(), 2);
    assert!(rows[1].starts_with("web   imc-") && rows[1].ends_with(&source), "{listed:#?}");
    let shown = home.imc(&["show", "web"]).ok().stdout;
    for word in
        [&image.digest(), &image.layers[0].digest[..19], "Ready", "linux/amd64", "of at most 20.0 GiB"]
    {
        assert!(shown.contains(word), "{word} is not in {shown}");
    }
    assert!(!shown.contains("Staleness:") && !shown.contains("Eviction:"), "{shown}");
    assert_eq!(
        home.reasons("web"),
        [
            "Created",
            "BuildStarted",
            "ImageResolved",
            "LayerCommitted",
            "LayerCommitted",
            "SnapshotCommitted",
            "Ready"
        ]
    );
    assert_eq!(home.blobs().len(), 2);
    home.assert_at_rest();
    home.assert_whole();
}

#[test]
fn what_was_said_of_a_cache_is_shown() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    home.imc(&["create", "web", &source, "--staleness", "refresh=600", "--eviction", "lru"]).ok();
    let shown = home.imc(&["show", "web"]).ok().stdout;
    assert!(shown.contains("\nStaleness: refresh, every 600 s\nEviction:  lru\n"), "{shown}");
    home.imc(&["update", "web", "--staleness", "strict", "--eviction", "keep"]).ok();
    let shown = home.imc(&["show", "web"]).ok().stdout;
    assert!(shown.contains("\nStaleness: strict\n") && !shown.contains("Eviction:"), "{shown}");
}

#[test]
fn an_image_from_a_docker_archive_becomes_a_cache() {
    let home = Home::new();
    let image = image([layer("one")]);
    let file = home.path().join("saved.tar");
    image.write_docker_archive(&file, &["app:1"]);
    let created = home.json(&["create", "saved", &format!("docker-archive:{}", file.display())]);
    assert_eq!((&created["state"], &created["layers"]), (&"Ready".into(), &1.into()));
    let shown = home.json(&["show", "saved"]);
    assert_eq!(shown["images_resolved"][0]["layers"][0]["diff_id"], image.layers[0].diff_id);
}

#[test]
fn a_relative_source_is_recorded_by_its_absolute_path() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    home.command().current_dir(home.path()).args(["create", "web", "oci:./image"]).output().unwrap();
    assert_eq!(home.json(&["list"])[0]["images"][0], source);
}

#[test]
fn one_directory_is_one_image_however_it_is_said() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    std::fs::create_dir(home.path().join("clone")).unwrap();
    std::os::unix::fs::symlink("image", home.path().join("link")).unwrap();
    for (name, said) in [("a", "oci:clone/../image"), ("b", "oci:link"), ("c", "oci:./image/.")] {
        let mut command = home.command();
        let ran: crate::support::Ran = command
            .current_dir(home.path())
            .args(["-o", "json", "create", name, said])
            .output()
            .unwrap()
            .into();
        assert_eq!(ran.ok().json()["images"][0], source, "{said}");
    }
}

#[test]
fn a_path_with_colons_can_be_said_and_is_recorded_as_it_is() {
    let home = Home::new();
    let source = home.layout("a:b", &image([layer("one")]));
    home.imc(&["create", "web", &source]).fails(66, &["next: "]);
    home.imc(&["create", "web", &format!("{source}::latest")]).ok();
    let listed = &home.json(&["list"])[1]["images"][0];
    assert_eq!(*listed, format!("{source}::latest"));
    home.imc(&["create", "again", listed.as_str().unwrap()]).ok();
}

#[test]
fn documents_are_complete_and_quiet_is_quiet() {
    let home = Home::new();
    let image = image([layer("one"), noise("big", 300_000)]);
    let source = home.layout("image", &image);
    let created = home.imc(&["-o", "json", "create", "web", &source, "--size", "3"]).ok().json();
    let compressed: usize = image.layers.iter().map(|layer| layer.blob.len()).sum();
    assert_eq!(created["fetched_bytes"], compressed);
    assert_eq!(created["layers_reused"], 0);
    assert_eq!(created["size_limit"], 3_u64 << 30);
    assert!(created["seconds"].as_f64().unwrap() > 0.0);
    let list = home.json(&["list"]);
    assert_eq!(list[0]["id"], created["id"]);
    assert_eq!(list[0]["interrupted"], false);
    assert!(list[0]["unpacked_size"].as_u64().unwrap() > 300_000);
    let show = home.json(&["show", created["id"].as_str().unwrap()]);
    assert_eq!(show["images_resolved"][0]["manifest_digest"], image.digest());
    let events = home.json(&["events", "web"]);
    let message = events[3]["message"].as_str().unwrap();
    assert!(message.starts_with("layer sha256:") && message.contains(" fetched, "), "{message}");
    let quiet = home.imc(&["-q", "create", "again", &source]).ok();
    assert!(quiet.stderr.is_empty() && quiet.stdout.lines().count() == 1, "{quiet:#?}");
}

#[test]
fn progress_is_plain_lines_where_there_is_no_terminal() {
    let home = Home::new();
    let image = image([noise("big", 200_000)]);
    let ran = home.imc(&["create", "web", &home.layout("image", &image)]).ok();
    let name = &image.layers[0].digest[..19];
    let about: Vec<&str> =
        ran.stderr.lines().filter(|line| line.starts_with(&format!("layer {name}"))).collect();
    assert!(about.last().unwrap().ends_with("): done"), "{ran:#?}");
    assert!(!ran.stderr.contains('\r') && !ran.stderr.contains('\u{1b}'), "{ran:#?}");
    let again = home.imc(&["create", "web", &home.layout("image", &image)]).ok();
    assert!(again.stderr.contains("already here"), "{again:#?}");
}

#[test]
fn a_second_cache_over_the_same_layers_fetches_and_writes_no_layer_bytes() {
    let home = Home::new();
    let server = FaultServer::start();
    let image = image([noise("a", 100_000), noise("b", 50_000)]);
    server.serve_image("app", "1", &image);
    server.serve_image("app", "2", &image);
    let host = server.host();
    let reference = |tag: &str| format!("{host}/app:{tag}");
    home.imc(&["create", "first", &reference("1"), "--plain-http", &host]).ok();
    assert_eq!(fetches(&server, "app", &image), [1, 1]);
    let before: Vec<_> =
        home.blobs().iter().map(|path| path.metadata().unwrap().modified().unwrap()).collect();
    let second = home.json(&["create", "second", &reference("2"), "--plain-http", &host]);
    assert_eq!(fetches(&server, "app", &image), [1, 1]);
    let after: Vec<_> =
        home.blobs().iter().map(|path| path.metadata().unwrap().modified().unwrap()).collect();
    assert_eq!(before, after);
    assert_eq!((&second["layers_reused"], &second["fetched_bytes"]), (&2.into(), &0.into()));
    assert_eq!(home.reasons("second").iter().filter(|reason| *reason == "LayerReused").count(), 2);
}

#[test]
fn a_layer_that_two_images_of_a_cache_share_is_fetched_once() {
    let home = Home::new();
    let server = FaultServer::start();
    let shared = noise("shared", 100_000);
    let (one, two) = (image([shared.clone(), layer("one")]), image([shared, layer("two")]));
    server.serve_image("app", "1", &one);
    server.serve_image("app", "2", &two);
    let host = server.host();
    let (first, second) = (format!("{host}/app:1"), format!("{host}/app:2"));
    let created = home.json(&["create", "both", &first, &second, "--plain-http", &host]);
    assert_eq!(created["layers"], 3);
    assert_eq!((fetches(&server, "app", &one), fetches(&server, "app", &two)), (vec![1, 1], vec![1, 1]));
    assert_eq!(home.blobs().len(), 3);
    let shown = home.json(&["show", "both"]);
    let layers = |index: usize| shown["images_resolved"][index]["layers"].clone();
    assert_eq!(layers(0)[0]["diff_id"], layers(1)[0]["diff_id"]);
}

#[test]
fn equal_layers_are_fetched_once_by_concurrent_processes() {
    let home = Home::new();
    let server = FaultServer::start();
    let image = image([noise("a", 400_000), noise("b", 200_000), layer("c")]);
    server.serve_image("app", "1", &image);
    // Nobody has a layer before everybody knows which ones there are.
    for layer in &image.layers {
        let path = format!("/v2/app/blobs/{}", layer.digest);
        server.always(&path, Reply::blob(&layer.blob).held());
    }
    let (host, reference) = (server.host(), format!("{}/app:1", server.host()));
    let spawn = |number: usize| {
        let name = format!("cache-{number}");
        home.command()
            .args(["create", &name, &reference, "--plain-http", &host, "-q"])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..4).map(spawn).collect();
    server.wait_for_requests(&format!("/v2/app/blobs/{}", image.config_digest()), 4);
    server.release();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let caches = home.json(&["list"]);
    assert_eq!(caches.as_array().unwrap().iter().filter(|cache| cache["state"] == "Ready").count(), 4);
    assert_eq!(fetches(&server, "app", &image), [1, 1, 1]);
    assert_eq!(home.blobs().len(), 3);
    home.assert_at_rest();
    home.assert_whole();
}

#[test]
fn the_platform_chooses_the_image_of_an_index() {
    let home = Home::new();
    let part =
        |os: &str, arch: &str| ImageBuilder::new().platform(os, arch).layer(layer(&format!("{os}-{arch}")));
    let amd64 = part("linux", "amd64").build();
    let arm64 = part("linux", "arm64").variant("v8").build();
    let windows = part("windows", "amd64").os_version("10.0.20348.1").build();
    let index = ImageIndex::new(MediaTypes::Docker, vec![windows.clone(), arm64.clone(), amd64.clone()]);
    let folder = home.path().join("index");
    index.write_oci_layout(&folder, "latest");
    let source = format!("oci:{}", folder.display());
    let pinned = |name: &str| home.json(&["show", name])["images_resolved"][0]["manifest_digest"].clone();
    home.imc(&["create", "default", &source]).ok();
    assert_eq!(pinned("default"), amd64.digest());
    home.imc(&["create", "arm", &source, "--platform", "linux/arm64"]).ok();
    assert_eq!(pinned("arm"), arm64.digest());
    home.imc(&["create", "win", &source, "--platform", "windows/amd64"]).ok();
    assert_eq!(pinned("win"), windows.digest());
    home.imc(&["create", "none", &source, "--platform", "linux/s390x"])
        .fails(66, &["linux/s390x", "linux/arm64", "--platform"]);
}

#[test]
fn twenty_images_are_the_most_and_none_comes_twice() {
    let home = Home::new();
    let sources: Vec<String> = (0..21)
        .map(|number| home.layout(&format!("image-{number}"), &image([layer(&format!("{number}"))])))
        .collect();
    let words = |count: usize| -> Vec<&str> { sources[..count].iter().map(String::as_str).collect() };
    home.imc(&[&["create", "many"], words(21).as_slice()].concat()).fails(64, &["20"]);
    home.imc(&["create", "twice", &sources[0], &sources[1], &sources[0]])
        .fails(64, &["named twice", &sources[0]]);
    assert_eq!(home.json(&["list"]), serde_json::json!([]));
    let created = home.json(&[&["create", "many"], words(20).as_slice()].concat());
    assert_eq!(created["layers"], 20);
    assert!(home.imc(&["list"]).ok().stdout.contains("and 19 more"));
}

#[test]
fn a_name_may_be_used_twice_and_the_id_tells_the_caches_apart() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    let first = home.json(&["create", "web", &source])["id"].clone();
    home.imc(&["create", "web", &source]).ok();
    home.imc(&["delete", "web"]).fails(64, &["2 caches are named `web`", "by its id", "--all web"]);
    home.imc(&["delete", first.as_str().unwrap()]).ok();
    home.imc(&["delete", "web"]).ok();
    assert_eq!(home.json(&["list"]), serde_json::json!([]));
}

#[test]
fn all_caches_of_a_name_go_at_once_and_attempts_that_failed_are_told_apart() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    let missing = format!("{source}-missing");
    let good = home.json(&["create", "web", &source])["id"].as_str().unwrap().to_owned();
    home.imc(&["create", "web", &missing]).fails(66, &[]);
    let other_size = ["create", "web", &source, "--size", "3"];
    home.imc_with(&[("IMC_CRASH_AT", "layers-made")], &other_size);
    home.imc(&["delete", "web"]).fails(64, &["3 caches are named `web`", "next: all but ", &good]);
    home.imc(&["create", "other", &source]).ok();
    let gone = home.json(&["delete", "--all", "web"]);
    assert_eq!(gone.as_array().unwrap().len(), 3);
    assert_eq!(home.json(&["list"])[0]["name"], "other");
}

#[test]
fn one_that_cannot_be_deleted_keeps_none_of_the_others() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    for name in ["a", "b"] {
        home.imc(&["create", name, &source]).ok();
    }
    let ran = home.imc(&["delete", "a", "nosuch", "nosuch-either", "b"]);
    let ran = ran.fails(66, &["failed to find `nosuch`", "failed to find `nosuch-either`", "next: "]);
    assert_eq!(ran.stdout.lines().count(), 2, "{ran:#?}");
    assert_eq!(home.json(&["list"]), serde_json::json!([]));
}

#[test]
fn a_variable_that_is_set_to_nothing_is_as_good_as_unset() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    let data = home.data();
    let empty = [
        "IMC_CA_FILE",
        "IMC_CERTS_D",
        "IMC_PLAIN_HTTP",
        "IMC_INSECURE_REGISTRY",
        "IMC_DATA_DIR",
        "DOCKER_CONFIG",
    ];
    let empty = empty.map(|name| (name, ""));
    home.imc_with(&empty, &["--data-dir", data.to_str().unwrap(), "create", "web", &source]).ok();
    // Without the option it is the default directory, which no test may write.
    let help = home.imc_with(&empty, &["list", "--help"]).ok();
    assert!(help.stdout.contains("/var/lib/imc"), "{help:#?}");
    let nobody = std::os::unix::process::CommandExt::uid;
    if rustix::process::geteuid().is_root() {
        let mut command = home.command();
        let ran: crate::support::Ran =
            nobody(&mut command, 65_534).envs(empty).arg("list").output().unwrap().into();
        assert!(ran.code != Some(64), "{ran:#?}");
    }
    home.imc(&["--data-dir", "", "list"]).fails(64, &["--data-dir"]);
}

#[test]
fn an_interrupted_build_is_shown_as_one() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    home.imc_with(&[("IMC_CRASH_AT", "layers-made")], &["create", "web", &source]);
    assert!(home.imc(&["show", "web"]).ok().stdout.contains("Creating (interrupted)"));
    assert_eq!(home.json(&["show", "web"])["interrupted"], true);
    home.imc(&["create", "web", &source]).ok();
    assert_eq!(home.json(&["show", "web"])["interrupted"], false);
}

#[test]
fn every_command_says_the_same_of_a_cache() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    let created = home.json(&["create", "web", &source]);
    let (listed, shown) = (home.json(&["list"]), home.json(&["show", "web"]));
    let deleted = home.json(&["delete", "web"]);
    for (key, value) in listed[0].as_object().unwrap() {
        for other in [&created, &shown, &deleted[0]] {
            assert_eq!(&other[key], value, "{key} of {other:#}");
        }
    }
    assert_eq!(
        (&created["platform"], &shown["images_resolved"][0]["platform"]),
        (&"linux/amd64".into(), &"linux/amd64".into())
    );
    let collected = home.json(&["gc"]);
    assert!(
        collected["free_space"].as_u64() <= collected["total_space"].as_u64()
            && collected["free_space"].is_u64()
    );
}

#[test]
fn a_data_directory_that_is_mistyped_is_not_made() {
    let home = Home::new();
    let typed = home.path().join("typed-wrongly");
    for arguments in [
        &["list"][..],
        &["show", "web"],
        &["events", "web"],
        &["delete", "web"],
        &["ps"],
        &["logs", "x"],
        &["gc"],
    ] {
        let ran = home.imc(&[&["--data-dir", typed.to_str().unwrap()], arguments].concat());
        ran.fails(66, &["typed-wrongly", "next: "]);
        assert!(!typed.exists());
    }
}

#[test]
fn events_of_a_name_that_several_have_say_whose_they_are() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    home.imc(&["create", "web", &source]).ok();
    assert_eq!(home.imc(&["events", "web"]).ok().stderr, "");
    let newest = home.json(&["create", "web", &source])["id"].as_str().unwrap().to_owned();
    let ran = home.imc(&["events", "web"]).ok();
    assert!(ran.stderr.contains(&newest) && ran.stderr.contains("1 other cache"), "{ran:#?}");
}

#[test]
fn the_hint_holds_for_a_data_directory_with_blanks_and_quotes() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    let data = home.path().join("it's mine; $HOME");
    let ran = home.imc(&["--data-dir", data.to_str().unwrap(), "create", "web", &source]).ok();
    let hint = ran.stderr.lines().find_map(|line| line.strip_prefix("start from it: ")).unwrap();
    let typed = format!("set -- {hint}; for word; do echo \"$word\"; done");
    let read = std::process::Command::new("sh").args(["-c", &typed]).output().unwrap();
    let read = String::from_utf8(read.stdout).unwrap();
    assert!(read.lines().any(|word| std::path::Path::new(word) == data), "{hint}");
}
