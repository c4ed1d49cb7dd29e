//! What users and registries get wrong: the message says what failed, on what, and what to do; the exit status is the
//! documented one; nothing is left behind.

use std::fs;
use std::os::unix::process::CommandExt as _;

use serde_json::{Value, json};
use testkit::{Compression, FaultServer, Image, Layer, Reply, sha256};

use crate::support::{Home, Ran, image, layer, noise};

/// Creates a cache from a server of plain HTTP.
fn create(home: &Home, server: &FaultServer, reference: &str) -> Ran {
    home.imc(&["create", "web", &format!("{}/{reference}", server.host()), "--plain-http", &server.host()])
}

/// A server with one image as `app:1`.
fn serve(image: &Image) -> FaultServer {
    let server = FaultServer::start();
    server.serve_image("app", "1", image);
    server
}

/// An image whose manifest was changed by hand.
fn tampered(image: &Image, change: impl FnOnce(&mut Value)) -> Image {
    let mut manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
    change(&mut manifest);
    Image { manifest: manifest.to_string().into_bytes(), ..image.clone() }
}

/// The failure is recorded, with its word, and nothing else is there.
#[track_caller]
fn assert_only_the_failure_is_left(home: &Home, word: &str) {
    let cache = &home.json(&["list"])[0];
    assert_eq!((&cache["state"], &cache["failure"]["reason"]), (&"Failed".into(), &word.into()), "{cache:#}");
    let reasons = home.reasons("web");
    assert!(matches!(reasons.last().unwrap().as_str(), "BuildFailed" | "BuildCancelled"), "{reasons:?}");
    home.assert_nothing_left();
}

#[test]
fn an_unknown_tag() {
    let home = Home::new();
    let server = serve(&image([layer("one")]));
    create(&home, &server, "app:2")
        .fails(66, &["error: failed to resolve the image", "app:2", "next: check the name and the tag"]);
    assert_only_the_failure_is_left(&home, "not-found");
    create(&home, &server, "other:1").fails(66, &["other:1", "next: "]);
}

#[test]
fn a_wrong_password_and_none() {
    let home = Home::new();
    let server = serve(&image([layer("one")]));
    server.require("Basic YWxpY2U6cmlnaHQ=", r#"Basic realm="here""#);
    create(&home, &server, "app:1").fails(77, &["app:1", "next: log in with `imc login HOST`"]);
    assert_only_the_failure_is_left(&home, "unauthorized");
    let auth = json!({ "auths": { server.host(): { "auth": "YWxpY2U6d3Jvbmc=" } } });
    fs::create_dir(home.path().join("home/.docker")).unwrap();
    fs::write(home.path().join("home/.docker/config.json"), auth.to_string()).unwrap();
    let ran = create(&home, &server, "app:1").fails(77, &["app:1", "next: "]);
    assert!(!ran.stderr.contains("wrong") && !ran.stderr.contains("YWxpY2U6d3Jvbmc"), "{ran:#?}");
}

#[test]
fn an_unreachable_host() {
    let home = Home::new();
    // Port 1 of loopback: nobody listens there.
    home.imc(&["create", "web", "127.0.0.1:1/app:1"])
        .fails(69, &["127.0.0.1:1/app:1", "cannot be reached", "next: check the network"]);
    assert_only_the_failure_is_left(&home, "registry-unavailable");
    home.imc(&["create", "web", "registry.invalid/app:1"])
        .fails(69, &["registry.invalid", "next: check the network"]);
}

#[test]
fn a_certificate_that_nobody_vouches_for() {
    let home = Home::new();
    let server = FaultServer::start_tls();
    server.serve_image("app", "1", &image([layer("one")]));
    let reference = format!("{}/app:1", server.host());
    home.imc(&["create", "web", &reference])
        .fails(69, &[&reference, "--ca-file FILE", "--insecure-registry HOST[:PORT]"]);
    assert_only_the_failure_is_left(&home, "certificate-not-trusted");
    // Nothing but the document, whatever libraries have to say.
    let told = home.imc(&["-o", "json", "create", "again", &reference]);
    let document: Value =
        serde_json::from_str(&told.stderr).unwrap_or_else(|error| panic!("{error}: {told:#?}"));
    assert_eq!(document["error"]["kind"], "certificate-not-trusted");
    let logged = home.imc_with(&[("IMC_LOG", "debug")], &["create", "logged", &reference]);
    assert!(!logged.stderr.contains('\u{1b}'), "colours without a terminal: {logged:#?}");
    let authority = home.path().join("ca.pem");
    fs::write(&authority, server.ca_pem().unwrap()).unwrap();
    home.imc(&["create", "trusted", &reference, "--ca-file", authority.to_str().unwrap()]).ok();
    home.imc(&["create", "insecure", &reference, "--insecure-registry", &server.host()]).ok();
}

#[test]
fn plain_http_where_tls_was_expected() {
    let home = Home::new();
    let server = serve(&image([layer("one")]));
    let reference = format!("{}/app:1", server.host());
    home.imc(&["create", "web", &reference])
        .fails(69, &[&reference, "next: if the registry speaks plain HTTP", "--plain-http"]);
    assert_only_the_failure_is_left(&home, "plain-http");
}

#[test]
fn tls_where_plain_http_was_asked_for() {
    let home = Home::new();
    let server = FaultServer::start_tls();
    let ran =
        create(&home, &server, "app:1").fails(69, &["app:1", "next: take the registry off `--plain-http`"]);
    assert!(!ran.stderr.contains("say so with"), "{ran:#?}");
    assert_only_the_failure_is_left(&home, "tls-expected");
}

#[test]
fn a_ca_file_that_is_not_there() {
    let home = Home::new();
    home.imc(&["create", "web", "r.example/app:1", "--ca-file", "/nonexistent/ca.pem"])
        .fails(64, &["/nonexistent/ca.pem is not usable: it does not exist"]);
}

#[test]
fn a_proxy_is_not_asked_for_this_machine() {
    let home = Home::new();
    let server = serve(&image([layer("one")]));
    let (reference, host) = (format!("{}/app:1", server.host()), server.host());
    // Port 1 of loopback: no proxy there either.
    let proxy = [("HTTP_PROXY", "http://127.0.0.1:1"), ("http_proxy", "http://127.0.0.1:1")];
    home.imc_with(&proxy, &["create", "web", &reference, "--plain-http", &host]).ok();
}

#[test]
fn no_space_at_any_write() {
    for step in [
        "lease-written",
        "ingest-created",
        "blob-synced",
        "sidecar-written",
        "blob-renamed",
        "snapshot-written",
    ] {
        let home = Home::new();
        let source = home.layout("image", &image([layer("one")]));
        let full = format!("{step}=ENOSPC");
        let ran = home.imc_with(&[("IMC_FAIL_AT", &full)], &["create", "web", &source]);
        ran.fails(73, &["No space left on device", "next: free some with `imc gc`"]);
        assert_eq!(home.only_state(), "Failed", "{step}");
        home.assert_at_rest();
        // Layers that were finished stay for the next try, and go with a collection.
        home.imc(&["gc"]).ok();
        assert_only_the_failure_is_left(&home, "no-space");
        home.imc(&["create", "web", &source]).ok();
    }
}

#[test]
fn a_full_file_system() {
    if !testkit::privileged() {
        return;
    }
    let home = Home::new();
    fs::create_dir(home.data()).unwrap();
    let mount = |arguments: &[&str]| {
        let data = home.data();
        assert!(
            std::process::Command::new(arguments[0])
                .args(&arguments[1..])
                .arg(data)
                .status()
                .unwrap()
                .success()
        );
    };
    mount(&["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs"]);
    let source = home.layout("image", &image([noise("big", 4 << 20)]));
    let ran = home.imc(&["create", "web", &source]);
    let left = (home.only_state(), home.blobs());
    mount(&["umount"]);
    ran.fails(73, &["next: free some with `imc gc`"]);
    assert_eq!(left, ("Failed".to_owned(), Vec::new()));
    // What the advice says is possible where nothing else is.
    mount(&["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs"]);
    let source = home.layout("small", &image([noise("small", 1 << 20)]));
    let created = home.imc(&["create", "web", &source]);
    let filled = std::process::Command::new("dd").arg("if=/dev/zero").arg(of_fill(&home)).output().unwrap();
    let (listed, deleted) = (home.imc(&["list"]), home.imc(&["delete", "web"]));
    let filled_again =
        std::process::Command::new("dd").arg("if=/dev/zero").arg(of_fill(&home)).output().unwrap();
    let (collected, left) = (home.imc(&["gc"]), home.blobs());
    mount(&["umount"]);
    created.ok();
    assert!(!filled.status.success() && !filled_again.status.success(), "the disk was full");
    assert!(listed.ok().stdout.contains("web"));
    deleted.ok();
    collected.ok();
    assert_eq!(left, Vec::<std::path::PathBuf>::new());
}

/// Where `dd` writes until there is no room left.
fn of_fill(home: &Home) -> String {
    format!("of={}", home.data().join("fill").display())
}

/// A layer of one file of 1,088 MiB of zeros that is a few KiB as served. Its digests are never reached.
fn bomb() -> Layer {
    let frame = Layer::from_tar(vec![0; 64 << 20], Compression::Zstd).blob;
    let head = testkit::LayerBuilder::new().file("zeros", b"").without_end().tar();
    let mut head: Vec<u8> = head[..512].to_vec();
    head[124..136].copy_from_slice(format!("{:011o}\0", 17_u64 * (64 << 20)).as_bytes());
    head[148..156].fill(b' ');
    let sum: u64 = head.iter().map(|byte| u64::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut blob = Layer::from_tar(head, Compression::Zstd).blob;
    for _ in 0..17 {
        blob.extend_from_slice(&frame);
    }
    Layer::from_parts(b"never reached".to_vec(), blob, Compression::Zstd)
}

#[test]
fn a_size_that_is_too_small() {
    let home = Home::new();
    let bomb = bomb();
    let digest = bomb.digest.clone();
    let source = home.layout("image", &image([bomb]));
    home.imc(&["create", "web", &source, "--size", "1"])
        .fails(73, &["its size is 1.0 GiB", &digest, &source, "next: say a larger `--size GIB`"]);
    assert_only_the_failure_is_left(&home, "size-too-small");
}

#[test]
fn malformed_references() {
    let home = Home::new();
    for (reference, why) in [
        ("", "value"),
        ("UPPER/Case:1", "UPPER/Case:1"),
        ("app@sha256:12", "sha256:12"),
        ("app:-tag", "-tag"),
        ("host:port/app", "host:port"),
        ("oci:", "oci:"),
        ("docker-archive:", "docker-archive:"),
        ("app//name", "app//name"),
    ] {
        let ran = home.imc(&["create", "web", reference]).fails(64, &[why]);
        assert!(
            ran.stderr.lines().next().unwrap().contains(": failed to parse") || reference.is_empty(),
            "{ran:#?}"
        );
    }
    assert!(!home.data().exists());
}

#[test]
fn documents_of_other_kinds() {
    let good = image([layer("one")]);
    let artifact = tampered(&good, |manifest| {
        manifest["artifactType"] = "application/vnd.example.sbom".into();
        manifest["config"]["mediaType"] = "application/vnd.oci.empty.v1+json".into();
        manifest["layers"][0]["mediaType"] = "application/spdx+json".into();
    });
    let encrypted = tampered(&good, |manifest| {
        manifest["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted".into();
    });
    for (image, word) in [(artifact, "artifact"), (encrypted, "encrypted")] {
        let home = Home::new();
        let ran = create(&home, &serve(&image), "app:1").fails(65, &["app:1", word, "next: "]);
        assert!(ran.stderr.starts_with("error: failed to "), "{ran:#?}");
        assert_only_the_failure_is_left(&home, "unsupported-image");
    }
    let home = Home::new();
    let server = FaultServer::start();
    let schema1 =
        json!({ "schemaVersion": 1, "name": "app", "tag": "1", "fsLayers": [], "history": [] }).to_string();
    let schema1 = Reply::new(200, "application/vnd.docker.distribution.manifest.v1+prettyjws", schema1);
    server.always("/v2/app/manifests/1", schema1);
    create(&home, &server, "app:1").fails(65, &["app:1", "schema", "next: "]);
    assert_only_the_failure_is_left(&home, "unsupported-image");
}

#[test]
fn layers_that_are_not_what_their_digest_says() {
    let good = image([layer("one"), noise("big", 60_000)]);
    let path = format!("/v2/app/blobs/{}", good.layers[1].digest);
    let blob = &good.layers[1].blob;
    let mut flipped = blob.clone();
    flipped[30_000] ^= 1;
    for (reply, word) in [
        (Reply::blob(&flipped), "digest"),
        (Reply::blob(&blob[..40_000]), "bytes"),
        (Reply::html(200), "layer"),
        (Reply::error(404, "BLOB_UNKNOWN"), &good.layers[1].digest),
    ] {
        let home = Home::new();
        let server = serve(&good);
        server.always(&path, reply);
        let ran = create(&home, &server, "app:1");
        assert!(matches!(ran.code, Some(65 | 69)), "{ran:#?}");
        assert!(!ran.stderr.contains("check the name"), "{ran:#?}");
        let code = ran.code.unwrap();
        ran.fails(code, &[&good.layers[1].digest, word, "next: "]);
        assert_eq!(home.only_state(), "Failed");
        home.assert_at_rest();
        assert!(home.blobs().len() <= 1, "the damaged layer is visible");
        server.always(&path, Reply::blob(blob));
        create(&home, &server, "app:1").ok();
        home.assert_whole();
    }
}

#[test]
fn a_config_that_lies_about_its_layers() {
    let home = Home::new();
    let good = image([layer("one")]);
    let mut config: Value = serde_json::from_slice(&good.config).unwrap();
    config["rootfs"]["diff_ids"][0] = sha256(b"something else").into();
    let config = config.to_string().into_bytes();
    let lying = tampered(&good, |manifest| {
        manifest["config"]["digest"] = sha256(&config).into();
        manifest["config"]["size"] = config.len().into();
    });
    let lying = Image { config, ..lying };
    create(&home, &serve(&lying), "app:1")
        .fails(65, &["diff id", &good.layers[0].digest, "next: nothing of it was kept"]);
    assert_only_the_failure_is_left(&home, "bad-image");
}

#[test]
fn caches_and_instances_that_are_not_there() {
    let home = Home::new();
    for arguments in [["show", "web"], ["delete", "web"], ["events", "web"], ["logs", "web"]] {
        home.imc(&arguments).fails(66, &["failed to find `web`", "next: "]);
    }
    let id = format!("imc-{}", "0".repeat(32));
    home.imc(&["show", &id]).fails(66, &[&id, "next: "]);
    home.imc(&["-o", "json", "show", "web"]).fails(66, &["\"kind\": \"not-found\"", "\"exit_status\": 66"]);
}

#[test]
fn what_a_cache_cannot_do_is_said_with_what_to_do() {
    let home = Home::new();
    home.imc(&["create", "web", "oci:/nowhere"]).fails(66, &["next: "]);
    home.imc(&["update", "web", "oci:/elsewhere"]).fails(66, &["from Failed", "create it again"]);
    home.imc(&["rollback", "web"]).fails(66, &["no such earlier", "`imc show CACHE`"]);
    home.imc(&["rollback", "nobody"]).fails(66, &["`nobody`", "`imc list`"]);
}

#[test]
fn local_sources_that_are_not_there() {
    let home = Home::new();
    let missing = format!("oci:{}/nothing", home.path().display());
    home.imc(&["create", "web", &missing]).fails(66, &["nothing", "does not exist", "next: "]);
    assert_only_the_failure_is_left(&home, "not-found");
    home.imc(&["create", "web", "docker-archive:/nothing.tar"]).fails(66, &["/nothing.tar", "next: "]);
    let text = home.path().join("text");
    fs::write(&text, "no archive").unwrap();
    home.imc(&["create", "web", &format!("docker-archive:{}", text.display())])
        .fails(65, &["text", "next: "]);
}

#[test]
fn use_without_root_says_what_needs_it_and_why() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = Home::new();
    home.imc(&["list"]).ok();
    let nobody = |arguments: &[&str]| -> Ran {
        home.command().uid(65_534).gid(65_534).args(arguments).output().unwrap().into()
    };
    for arguments in [&["run", "--rm", "web"][..], &["exec", "web", "true"]] {
        nobody(arguments).fails(125, &["needs root", "since", "sudo"]);
    }
    for arguments in [&["stop", "web"][..], &["rm", "web"], &["list"], &["create", "web", "oci:/x"], &["gc"]]
    {
        nobody(arguments).fails(77, &["error: failed to", "sudo"]);
    }
}

#[test]
fn caches_of_a_user_without_root() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    fs::create_dir(home.data()).unwrap();
    for path in [home.path().to_path_buf(), home.data()] {
        std::os::unix::fs::chown(&path, Some(65_534), Some(65_534)).unwrap();
    }
    let nobody = |arguments: &[&str]| -> Ran {
        home.command().uid(65_534).gid(65_534).args(arguments).output().unwrap().into()
    };
    nobody(&["create", "web", &source]).ok();
    assert!(nobody(&["list"]).ok().stdout.contains("Ready"));
    nobody(&["stop", "web"]).fails(77, &["needs root", "since", "sudo"]);
    nobody(&["delete", "web"]).ok();
    nobody(&["gc"]).ok();
    home.assert_nothing_left();
}

#[test]
fn the_records_of_another_data_directory() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    home.imc(&["create", "web", &source]).ok();
    let store = home.data().join("store.json");
    let ours = fs::read_to_string(&store).unwrap();
    let stranger = Home::new();
    stranger.imc(&["list"]).ok();
    fs::copy(stranger.data().join("store.json"), &store).unwrap();
    for command in ["list", "gc"] {
        home.imc(&[command])
            .fails(78, &["they are about the store sto-", "is another one", "next: give this data"]);
    }
    fs::write(&store, ours).unwrap();
    assert_eq!(home.only_state(), "Ready");
    home.assert_whole();
}

#[test]
fn the_standard_copies_of_another_data_directory() {
    let (home, stranger) = (Home::new(), Home::new());
    let standard = home.path().join("standard").display().to_string();
    let source = home.layout("image", &image([layer("one")]));
    let with = |home: &Home, words: &[&str]| home.imc_with(&[("IMC_STANDARD_STORE_DIR", &standard)], words);
    with(&home, &["create", "web", &source]).ok();
    for command in ["list", "gc"] {
        let words = ["they are of the store sto-", "is another one", "next: give each data directory"];
        with(&stranger, &[command]).fails(78, &words);
    }
    with(&home, &["gc"]).ok();
    assert!(with(&home, &["show", "web"]).ok().stdout.contains("pinned to"));
    fs::write(home.path().join("standard/owner.json"), "{").unwrap();
    with(&home, &["list"]).fails(78, &["whose the standard copies", "next: check standard.store_dir"]);
}

#[test]
fn a_data_directory_that_is_broken_or_newer() {
    let home = Home::new();
    home.imc(&["list"]).ok();
    for leftover in ["imc.db-wal", "imc.db-shm"] {
        let _ = fs::remove_file(home.data().join(leftover));
    }
    fs::write(home.data().join("imc.db"), "this is no database, and never was one".repeat(100)).unwrap();
    let ran = home.imc(&["list"]).fails(70, &["failed to open the data directory", "imc.db", "next: "]);
    assert!(!ran.stderr.contains("panicked"), "{ran:#?}");
    let newer = Home::new();
    newer.imc(&["list"]).ok();
    let marker = newer.data().join("store.json");
    let text = fs::read_to_string(&marker).unwrap();
    fs::write(&marker, text.replacen('1', "99", 1)).unwrap();
    newer.imc(&["list"]).fails(70, &["store.json", "version 99", "newer imc"]);
    fs::write(&marker, "{").unwrap();
    newer.imc(&["list"]).fails(70, &["store.json", "next: "]);
}

#[test]
fn a_data_directory_that_cannot_be_made() {
    let home = Home::new();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("data");
    home.imc(&["--data-dir", below.to_str().unwrap(), "doctor"]).fails(78, &[]);
    home.imc(&["--data-dir", below.to_str().unwrap(), "list"])
        .fails(70, &["failed to open the data directory", "Not a directory"]);
    home.imc(&["--data-dir", "/proc/imc", "create", "web", "oci:/x"])
        .fails(70, &["failed to open the data directory /proc/imc", "next: "]);
}

/// The program with its standard output on a device that is full.
fn into_a_full_device(home: &Home, arguments: &[&str]) -> Ran {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    home.command().args(arguments).stdout(full).output().unwrap().into()
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let home = Home::new();
    for arguments in
        [&["list"][..], &["-o", "json", "list"], &["completion", "bash"], &["--help"], &["--version"]]
    {
        into_a_full_device(&home, arguments).fails(73, &["standard output", "No space left"]);
    }
    into_a_full_device(&home, &["run", "--help"]).fails(125, &["standard output"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_none() {
    let home = Home::new();
    for arguments in [&["list"][..], &["completion", "bash"], &["completion", "zsh"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran: Ran = home.command().args(arguments).stdout(writer).output().unwrap().into();
        assert_eq!(ran.ok().stderr, "", "{arguments:?}");
    }
}

#[test]
fn whoever_reads_documents_gets_errors_as_documents_and_nothing_else() {
    let home = Home::new();
    let server = serve(&image([layer("one")]));
    let (host, missing) = (server.host(), format!("{}/app:2", server.host()));
    for (arguments, kind, code) in [
        (&["-o", "json", "nonsense"][..], "usage", 64),
        (&["-o", "json"], "usage", 64),
        (&["create", "web", "--output=json"], "usage", 64),
        (&["run", "--memory", "much", "-o", "json", "web"], "usage", 125),
        (&["-o", "json", "create", "web", &missing, "--plain-http", &host], "not-found", 66),
    ] {
        let ran = home.imc(arguments);
        let document: Value =
            serde_json::from_str(&ran.stderr).unwrap_or_else(|error| panic!("{error} in {ran:#?}"));
        let error = &document["error"];
        assert_eq!((&error["kind"], &error["exit_status"]), (&kind.into(), &code.into()), "{ran:#?}");
        assert!(!error["message"].as_str().unwrap().is_empty() && error["advice"].is_string(), "{ran:#?}");
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(code), ""));
    }
}

#[test]
fn what_a_terminal_would_obey_is_escaped() {
    let home = Home::new();
    let title = "\u{1b}]0;yours\u{7}";
    let broken = home.path().join(format!("{title}.tar"));
    fs::write(&broken, "no archive").unwrap();
    let ran = home.imc(&["create", "web", &format!("docker-archive:{}", broken.display())]);
    ran.fails(65, &[r"\u{1b}]0;yours\u{7}"]);
    let folder = home.path().join("two\nlines");
    image([layer("one")]).write_oci_layout(&folder, "latest");
    home.imc(&["create", "good", &format!("oci:{}", folder.display())]).ok();
    for arguments in [&["list"][..], &["show", "good"], &["events", "good"], &["events", "web"]] {
        let ran = home.imc(arguments).ok();
        assert!(!ran.stdout.chars().any(|c| c.is_control() && c != '\n'), "{ran:#?}");
        assert!(arguments[0] != "list" || ran.stdout.lines().count() == 3, "{ran:#?}");
    }
}

#[test]
fn a_place_with_several_images_says_how_to_name_one() {
    let home = Home::new();
    let folder = home.path().join("two");
    image([layer("one")]).write_oci_layout(&folder, "a");
    image([layer("two")]).write_oci_layout(&folder, "b");
    let source = format!("oci:{}", folder.display());
    home.imc(&["create", "web", &source])
        .fails(64, &["several images", "next: name one of them: `oci:DIR:REF`"]);
    home.imc(&["create", "web", &format!("{source}:b")]).ok();
}

#[test]
fn what_to_do_about_a_file_or_a_helper_is_said() {
    let home = Home::new();
    let server = serve(&image([layer("one")]));
    server.require("Basic YWxpY2U6cmlnaHQ=", r#"Basic realm="here""#);
    home.imc(&["create", "web", "oci:/absent"])
        .fails(66, &["/absent/oci-layout does not exist", "next: check the name and the tag, or the path"]);
    home.imc(&["create", "web", "app:1", "--ca-file", "/absent"])
        .fails(64, &["/absent is not usable", "next: correct that file"]);
    let config = home.path().join("home/.docker/config.json");
    fs::create_dir(config.parent().unwrap()).unwrap();
    fs::write(&config, "{").unwrap();
    create(&home, &server, "app:1").fails(64, &["config.json is not usable", "next: correct that file"]);
    fs::write(&config, r#"{"credsStore": "absent"}"#).unwrap();
    create(&home, &server, "app:1").fails(77, &["docker-credential-absent", "next: try the helper by hand"]);
}

#[test]
fn a_local_image_of_another_user_is_a_matter_of_permissions() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    use std::os::unix::fs::{PermissionsExt as _, chown};
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    let archive = home.path().join("saved.tar");
    image([layer("one")]).write_docker_archive(&archive, &["app:1"]);
    for path in [home.path().join("image/oci-layout"), archive.clone()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::create_dir(home.data()).unwrap();
    for path in [home.path().to_path_buf(), home.data()] {
        chown(&path, Some(65_534), Some(65_534)).unwrap();
    }
    for source in [source, format!("docker-archive:{}", archive.display())] {
        let mut command = home.command();
        let ran: Ran =
            command.uid(65_534).gid(65_534).args(["create", "web", &source]).output().unwrap().into();
        ran.fails(77, &["Permission denied", "next: run it with sudo"]);
    }
}
