//! `imc serve`, and commands that ask it.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use testkit::{FaultServer, Reply, TestCertificate};

use crate::said::Said;
use crate::server::Server;
use crate::support::{Home, Ran, image, layer, noise, wait_until};

/// The life of some caches, as words; each with and without documents.
fn script(home: &Home) -> Vec<Vec<String>> {
    let one = home.layout("one", &image([layer("one")]));
    let two = home.layout("two", &image([layer("two")]));
    let commands: &[&[&str]] = &[
        &["list"],
        &["show", "web"],
        &["usage"],
        &["create", "web", &one, "--size", "2", "--tag", "team=shop", "--retention-days", "7"],
        &["create", "other", &one, "--eviction", "lru", "--staleness", "refresh=600"],
        &["create", "gone", "oci:/nowhere"],
        &["create", "web", &one, &one],
        &["list"],
        &["list", "--tag", "team"],
        &["list", "--state", "Failed"],
        &["list", "--image", &two],
        &["show", "web"],
        &["show", "gone"],
        &["events", "web"],
        &["events", "nobody"],
        &["match", &one, "--offline"],
        &["match", &one],
        &["match", "nginx:1", "--offline", "--perfect-match"],
        &["predict", &one, &two],
        &["predict", "oci:/nowhere"],
        &["rollback", "web"],
        &["update", "gone", &one],
        &["update", "web", "--rename", "front", "--no-tags"],
        &["update", "front", &two],
        &["update", "front"],
        &["update", "nobody", "--size", "3"],
        &["rollback", "front"],
        &["show", "front"],
        &["usage"],
        &["token", "list"],
        &["token", "revoke", "0123456789abcdef"],
        &["access-key", "list"],
        &["access-key", "disable", "LTAIAAAAAAAAAAAAAAAAAAAA", "x"],
        &["--account", "nobody", "access-key", "create"],
        &["delete", "gone", "nobody"],
        &["delete", "front", "other"],
        &["list"],
    ];
    let owned = |words: &&[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    commands.iter().map(owned).collect()
}

#[test]
fn with_and_without_a_server_a_script_says_the_same() {
    let (alone, served) = (Home::new(), Home::new());
    let server = Server::start(&served);
    for documents in [false, true] {
        for (ours, theirs) in script(&alone).iter().zip(&script(&served)) {
            let (here, there) = (Said::of(&alone, ours, documents), Said::of(&served, theirs, documents));
            assert_eq!(here, there, "{ours:?}, documents: {documents}");
        }
    }
    server.stop();
}

#[test]
fn a_second_server_is_refused_and_a_stopped_one_leaves_everything() {
    let home = Home::new();
    let server = Server::start(&home);
    home.imc(&["serve", "--no-listen"]).fails(75, &["another `imc serve`", "next: "]);
    let source = home.layout("image", &image([layer("one")]));
    home.imc(&["create", "web", &source, "--detach"]).ok();
    wait_until("the server has built it", || home.only_state() == "Ready");
    let said = server.stop();
    assert!(said.contains("everything under way has ended"), "{said}");
    // Without the server the command does it by itself.
    assert_eq!(home.only_state(), "Ready");
    let again = Server::start(&home);
    assert_eq!(home.only_state(), "Ready");
    again.stop();
    home.assert_at_rest();
}

#[test]
fn by_tcp_a_token_opens_what_its_scope_allows() {
    let home = Home::new();
    let server = Server::start(&home);
    let source = home.layout("image", &image([layer("one")]));
    home.imc(&["create", "web", &source]).ok();
    let url = server.url();
    let asked = |token: &str, words: &[&str]| {
        home.imc_with(&[("IMC_SERVER", url.as_str()), ("IMC_TOKEN", token)], words)
    };
    asked("", &["list"]).fails(77, &["no bearer token", "imc token create"]);
    asked("imct_nonsense", &["list"]).fails(77, &["unknown, revoked or at its end"]);
    let token = |scope: &str| {
        let made = home.json(&["token", "create", "--label", "t", "--scope", scope, "--hours", "1"]);
        (made["secret"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
    };
    let (reader, id) = token("caches:read");
    assert!(asked(&reader, &["list"]).ok().stdout.contains("web"));
    asked(&reader, &["delete", "web"]).fails(77, &["caches:write"]);
    asked(&reader, &["--account", "team-a", "list"]).fails(77, &["admin"]);
    asked(&reader, &["ps"]).fails(77, &["instances:read"]);
    let (instances, _) = token("instances:write");
    asked(&instances, &["ps", "-a"]).ok();
    asked(&instances, &["logs", "nobody"]).fails(66, &["nobody", "next: `imc ps -a`"]);
    asked(&instances, &["gc"]).fails(77, &["admin"]);
    // Whether the word is a cache, the server finds out: what is missing is the volume's scope alone.
    asked(&instances, &["run", "-d", "-v", "/srv:/srv", "web"]).fails(125, &["volumes", "admin"]);
    asked(&instances, &["run", "-d", "-v", "/srv:/srv", "--cache", "web", "nginx"])
        .fails(125, &["volumes", "admin"]);
    asked(&instances, &["run", "web"])
        .fails(125, &["this machine alone", "next: start it with `imc run -d`"]);
    asked(&instances, &["exec", "-i", "front", "cat"])
        .fails(125, &["this machine alone", "next: leave `-i`"]);
    let (admin, _) = token("admin");
    let listed = asked(&admin, &["--account", "team-a", "list"]).ok().stdout;
    assert!(!listed.contains("web"), "another account's: {listed}");
    let listed = |words: &[&str]| home.json(words).as_array().unwrap().len();
    assert_eq!(listed(&["token", "list"]), 3);
    home.imc(&["--account", "team-a", "token", "create", "--label", "t", "--scope", "caches:read"]).ok();
    assert_eq!((listed(&["token", "list"]), listed(&["token", "list", "--all"])), (3, 4));
    assert_eq!(listed(&["--account", "team-a", "token", "list"]), 1);
    home.imc(&["token", "revoke", &id]).ok();
    asked(&reader, &["list"]).fails(77, &[]);
    server.stop();
    asked(&admin, &["list"]).fails(69, &["cannot be reached"]);
}

#[test]
fn a_request_with_a_client_token_is_answered_once() {
    for served in [true, false] {
        let home = Home::new();
        let server = served.then(|| Server::start(&home));
        let source = home.layout("image", &image([layer("one")]));
        let create = |name: &str| home.imc(&["create", name, &source, "--client-token", "deploy-1"]);
        create("web").ok();
        let again = create("web").ok();
        assert!(again.stdout.contains("1 layers (1 were here), 0 B fetched"), "{served}: {again:#?}");
        assert_eq!(home.json(&["list"]).as_array().unwrap().len(), 1);
        create("other").fails(64, &["deploy-1"]);
        home.imc(&["delete", "web"]).ok();
        create("web").fails(66, &["`web`", "was deleted since", "with another `--client-token`"]);
        if let Some(server) = server {
            server.stop();
        }
    }
}

/// What `openssl req -x509` makes by itself is marked as an authority's.
#[test]
fn a_server_is_trusted_whose_own_certificate_is_given_also_where_it_is_marked_as_an_authority() {
    let home = Home::new();
    let file = |name: &str, text: String| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let certificate = TestCertificate::of_authority(&["127.0.0.1"]);
    let of_other_name = TestCertificate::of_authority(&["imc.example"]);
    let other = file("other.pem", TestCertificate::of_authority(&["127.0.0.1"]).certificate_pem());
    let serve = |certificate: &TestCertificate, name: &str| {
        let pem = file(&format!("{name}.pem"), certificate.certificate_pem());
        let key = file(&format!("{name}.key"), certificate.key_pem());
        let server = Server::start_with(&home, &[], &["--tls-cert", &pem, "--tls-key", &key]);
        (server, pem)
    };
    let token = home.json(&["token", "create", "--label", "t", "--scope", "admin", "--hours", "1"]);
    let token = token["secret"].as_str().unwrap();
    let asked = |server: &Server, ca: &str| {
        let url = server.url();
        assert!(url.starts_with("https://"), "{url}");
        home.imc_with(&[("IMC_SERVER", &url), ("IMC_TOKEN", token), ("IMC_CA_FILE", ca)], &["list"])
    };
    let (server, pem) = serve(&certificate, "server");
    asked(&server, &pem).ok();
    // Another one of the same name is not the one that was given.
    asked(&server, &other).fails(69, &["next: name its CA in IMC_CA_FILE"]);
    asked(&server, "").fails(69, &["next: name its CA in IMC_CA_FILE"]);
    server.stop();
    let (server, pem) = serve(&of_other_name, "named");
    asked(&server, &pem).fails(69, &["not valid for name", "next: name its CA in IMC_CA_FILE"]);
    server.stop();
}

#[test]
fn whatever_changes_something_takes_a_client_token() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    for server in [Some(Server::start(&home)), None] {
        let keyed = |words: &[&str], token: &str| home.imc(&[words, &["--client-token", token]].concat());
        for name in ["web", "db"] {
            home.imc(&["create", name, &source]).ok();
        }
        let here = if server.is_some() { "by-server" } else { "here" };
        for _ in 0..2 {
            let said = keyed(&["delete", "web"], here).ok();
            assert!(said.stdout.contains("deleted"), "{said:?}");
        }
        home.imc(&["delete", "web"]).fails(66, &["web"]);
        keyed(&["delete", "db"], here).fails(64, &[here, "next: say another `--client-token`"]);
        keyed(&["delete", "db", "web"], "further").fails(64, &["`--client-token` for 2 requests"]);
        home.imc(&["delete", "db"]).ok();
        let make = || keyed(&["-q", "token", "create", "--label", "ci", "--scope", "caches:read"], here).ok();
        assert_eq!(make().stdout, make().stdout);
        let account = format!("shop-{here}");
        for _ in 0..2 {
            keyed(&["account", "create", &account], here).ok();
            keyed(&["gc"], here).ok();
        }
        home.imc(&["account", "create", &account]).fails(75, &[&account]);
        if let Some(server) = server {
            server.stop();
        }
    }
}

#[test]
fn a_build_of_a_server_that_was_killed_goes_on_with_the_next() {
    let home = Home::new();
    let image = image([noise("a", 60_000), layer("b")]);
    let registry = FaultServer::start();
    registry.serve_image("app", "1", &image);
    registry.script(
        &format!("/v2/app/blobs/{}", image.layers[0].digest),
        [Reply::blob(&image.layers[0].blob).hang_after(20_000)],
    );
    let reference = format!("{}/app:1", registry.host());
    let server = Server::start(&home);
    home.imc(&["create", "web", &reference, "--plain-http", &registry.host(), "--detach"]).ok();
    wait_until("the first layer is there", || !home.blobs().is_empty());
    server.kill();
    let again = Server::start(&home);
    wait_until("the next server has built it", || home.only_state() == "Ready");
    assert!(home.reasons("web").contains(&"BuildResumed".to_owned()));
    again.stop();
    // What the one that was killed held is swept with a collection.
    home.imc(&["gc"]).ok();
    home.assert_at_rest();
    home.assert_whole();
}

#[test]
fn secrets_are_sealed_anew_and_older_keys_forgotten() {
    let home = Home::new();
    let server = Server::start(&home);
    let first = home.json(&["secrets", "rotate"]);
    assert_eq!(first["keys_in_file"], 2);
    let second = home.json(&["secrets", "rotate", "--forget-older"]);
    assert_eq!(second["keys_in_file"], 1);
    assert_ne!(first["key"], second["key"]);
    server.stop();
}

#[test]
fn access_keys_are_made_shown_once_and_disabled() {
    let home = Home::new();
    let ran = home.imc(&["access-key", "create", "--account", "shop"]);
    ran.fails(66, &["the account shop", "next: `imc account create NAME`"]);
    assert!(home.imc(&["account", "create", "shop", "--label", "the shop"]).ok().stdout.contains("shop"));
    home.imc(&["account", "create", "shop"]).fails(75, &["there already", "imc account list"]);
    let accounts = home.json(&["account", "list"]);
    assert_eq!((&accounts[0]["id"], &accounts[1]["label"]), (&"local".into(), &"the shop".into()));

    let policy = home.path().join("policy.json");
    std::fs::write(
        &policy,
        r#"{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "eci:?", "Resource": "*"}]}"#,
    )
    .unwrap();
    let policy = policy.to_str().unwrap();
    let create = ["access-key", "create", "--account", "shop", "--policy", policy];
    home.imc(&create).fails(64, &["`eci:?`"]);
    std::fs::write(policy, "{").unwrap();
    home.imc(&create).fails(64, &["policy.json"]);
    std::fs::remove_file(policy).unwrap();
    home.imc(&create).fails(66, &["policy.json", "imc access-key create --help"]);

    let made = home.imc(&["access-key", "create", "--account", "shop", "--label", "ci", "--read-only"]).ok();
    let word = |name: &str| {
        let line = made.stdout.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    let (id, secret) = (word("access key id"), word("access key secret"));
    assert!(id.starts_with("LTAI") && id.len() == 24 && secret.len() == 30, "{made:?}");
    assert!(made.stderr.contains("shop, read only; the secret is not shown again"), "{made:?}");
    let listed = home.imc(&["access-key", "list"]).ok().stdout;
    assert!(listed.contains(&id) && listed.contains("read only") && !listed.contains(&secret), "{listed}");
    assert!(!home.imc(&["access-key", "list", "--account", "other"]).ok().stdout.contains(&id));
    // What is in the records opens with the server's keys alone.
    let records = std::fs::read(home.data().join("imc.db")).unwrap();
    assert!(!records.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()));

    assert_eq!(home.json(&["secrets", "rotate", "--forget-older"])["resealed"], 1);
    let server = Server::start(&home);
    let disabled = home.json(&["access-key", "disable", &id]);
    assert_eq!(disabled[0]["status"], "disabled");
    assert_eq!(home.json(&["access-key", "enable", &id])[0]["status"], "enabled");
    assert_eq!(home.imc(&["access-key", "delete", &id]).ok().stdout, format!("{id} deleted\n"));
    home.imc(&["access-key", "delete", &id]).fails(66, &["imc access-key list"]);
    server.stop();
}

#[test]
fn keys_are_rotated_by_one_at_a_time() {
    let home = Home::new();
    home.imc(&["secrets", "rotate"]).ok();
    let before = std::fs::read(home.data().join("secret.key")).unwrap();
    let other = std::fs::File::open(home.data().join("secret.key.lock")).unwrap();
    flock(&other, FlockOperation::NonBlockingLockExclusive).unwrap();
    home.imc(&["secrets", "rotate", "--forget-older"])
        .fails(75, &["secret.key", "another `imc secrets rotate`", "next: "]);
    assert_eq!(std::fs::read(home.data().join("secret.key")).unwrap(), before);
    drop(other);
    home.imc(&["secrets", "rotate"]).ok();
}

#[test]
fn a_second_signal_ends_a_server_at_once() {
    let home = Home::new();
    let image = image([noise("a", 60_000)]);
    let registry = FaultServer::start();
    registry.serve_image("app", "1", &image);
    registry.script(
        &format!("/v2/app/blobs/{}", image.layers[0].digest),
        [Reply::blob(&image.layers[0].blob).hang_after(20_000)],
    );
    let server = Server::start(&home);
    let reference = format!("{}/app:1", registry.host());
    home.imc(&["create", "web", &reference, "--plain-http", &registry.host(), "--detach"]).ok();
    wait_until("the build runs", || home.only_state() == "Creating");
    let mut child = server.into_child();
    let signal = || kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    signal();
    wait_until("it takes nobody any more", || !home.data().join("imc.sock").exists());
    signal();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn what_cannot_be_served_is_refused() {
    let home = Home::new();
    home.imc(&["serve", "--listen", "nonsense"]).fails(64, &["--listen"]);
    home.imc(&["serve", "--tls-cert", "x"]).fails(64, &["--tls-key"]);
    home.imc(&["serve", "--no-listen", "--tls-cert", "/nowhere", "--tls-key", "/nowhere"])
        .fails(78, &["/nowhere"]);
    std::fs::create_dir_all(home.data()).unwrap();
    std::fs::write(home.data().join("imc.sock"), "notes").unwrap();
    home.imc(&["serve", "--no-listen"]).fails(78, &["imc.sock", "no socket"]);
    let mut command = home.command();
    command.arg("serve").env("IMC_SECRET_KEY", "nonsense").stdin(Stdio::null());
    Ran::from(command.output().unwrap()).fails(78, &["key"]);
}

#[test]
fn a_server_whose_store_cannot_be_written_is_not_ready() {
    let home = Home::new();
    let server = Server::start(&home);
    let ready = || {
        let mut stream = UnixStream::connect(home.data().join("imc.sock")).unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: imc\r\nconnection: close\r\n\r\n").unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        said
    };
    assert!(ready().starts_with("HTTP/1.1 200"), "{}", ready());
    // No user may write there, root neither.
    let (leases, aside) = (home.data().join("leases"), home.data().join("aside"));
    std::fs::rename(&leases, &aside).unwrap();
    std::fs::write(&leases, "").unwrap();
    let said = ready();
    assert!(said.starts_with("HTTP/1.1 503") && said.contains("the store cannot be written"), "{said}");
    std::fs::remove_file(&leases).unwrap();
    std::fs::rename(&aside, &leases).unwrap();
    assert!(ready().starts_with("HTTP/1.1 200"));
    server.stop();
    home.assert_at_rest();
}

#[test]
fn files_of_the_command_line_that_a_server_does_not_use_are_a_warning() {
    let home = Home::new();
    let source = home.layout("image", &image([layer("one")]));
    let folder = home.path().display().to_string();
    let warning = "`--certs-d` is not used for registries";
    let alone = home.imc(&["create", "web", &source, "--certs-d", &folder]).ok();
    assert!(!alone.stderr.contains(warning), "{alone:#?}");
    let server = Server::start(&home);
    let served = home.imc(&["create", "web", &source, "--certs-d", &folder]).ok();
    assert!(
        served.stderr.contains(warning) && served.stderr.contains("registries.certs_dirs"),
        "{served:#?}"
    );
    // What stands in the environment is said to whoever it concerns.
    let by_variable = home.imc_with(&[("IMC_CERTS_D", &folder)], &["create", "web", &source]).ok();
    assert!(!by_variable.stderr.contains(warning), "{by_variable:#?}");
    server.stop();
}
