//! The configuration: where values come from, what is refused, and the file to begin with.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::{Image, ImageBuilder};

use crate::support::{Home, Ran, layer};

/// A configuration file in this home.
fn written(home: &Home, text: &str) -> PathBuf {
    let file = home.path().join("imc.toml");
    fs::write(&file, text).unwrap();
    file
}

fn image() -> Image {
    ImageBuilder::new().layer(layer("a")).build()
}

#[test]
fn the_example_file_is_current_and_right() {
    let home = Home::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/imc.example.toml");
    let example = home.imc(&["config", "example"]).ok().stdout;
    if std::env::var_os("IMC_UPDATE_DOCS").is_some() {
        fs::write(&golden, &example).unwrap();
    }
    let old = "docs/imc.example.toml is old: IMC_UPDATE_DOCS=1 cargo test -p cli config";
    assert!(fs::read_to_string(&golden).unwrap_or_default() == example, "{old}");
    let checked = home.json(&["config", "check", golden.to_str().unwrap()]);
    assert_eq!(checked["settings"], 0);
}

#[test]
fn each_value_is_shown_with_its_origin() {
    let home = Home::new();
    let file = written(&home, "[server]\nlisten = [\"127.0.0.1:8000\"]\nmax_connections = 5\n");
    let file = file.to_str().unwrap();
    let variables = [("IMC_CONFIG", file), ("IMC_MAX_CONNECTIONS", "7"), ("IMC_SECRET_KEY", "hidden-key")];
    let shown = home.imc_with(&variables, &["-o", "json", "--data-dir", "/srv/imc", "config", "show"]).ok();
    let document = shown.json();
    let value = |key: &str| {
        let found = document.as_array().unwrap().iter().find(|one| one["key"] == key).unwrap();
        format!("{} {} {}", found["value"], found["origin"], found["place"])
    };
    assert_eq!(value("data_dir"), "\"/srv/imc\" \"command-line\" \"--data-dir\"");
    assert_eq!(value("server.listen"), format!("[\"127.0.0.1:8000\"] \"file\" \"{file}:2\""));
    assert_eq!(value("server.max_connections"), "7 \"environment\" \"IMC_MAX_CONNECTIONS\"");
    assert_eq!(value("server.socket_file"), "\"/srv/imc/imc.sock\" \"default\" null");
    assert_eq!(value("secrets.key"), "\"***\" \"environment\" \"IMC_SECRET_KEY\"");
    assert!(!shown.stdout.contains("hidden-key"));
    let text = home.imc(&["--config", file, "config", "show"]).ok().stdout;
    let row = text.lines().find(|line| line.starts_with("server.max_connections")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells, ["server.max_connections", "5", &format!("{file}:3")]);
}

#[test]
fn everything_wrong_with_a_file_is_said() {
    let home = Home::new();
    let file = written(&home, "[server]\nlissen = []\nmax_connections = 0\n\n[logging]\nformat = \"xml\"\n");
    let path = file.to_str().unwrap();
    let refused = home.imc(&["config", "check", path]);
    let words = [
        &format!("`server.lissen` of {path}:2; is `server.listen` meant?"),
        &format!(
            "the value `0` of `server.max_connections` ({path}:3): expected a whole number from 1 to 65535"
        ),
        &format!("({path}:6): expected `text` or `json`"),
    ];
    refused.fails(78, &words.map(String::as_str));
    home.imc(&["--config", path, "config", "show"]).fails(78, &words.map(String::as_str));
    // Other commands name the first and say that there are more.
    home.imc(&["--config", path, "list"]).fails(78, &[words[0], "2 more"]);
    home.imc(&["--config", path, "run", "web"]).fails(125, &[words[0]]);
    assert!(!home.data().exists());
    let filter = written(&home, "[logging]\nfilter = \"registry=loud\"\n");
    home.imc(&["config", "check", filter.to_str().unwrap()]).fails(78, &["logging.filter"]);
}

#[test]
fn a_file_that_is_named_must_be_there_and_be_one() {
    let home = Home::new();
    let missing = home.path().join("missing.toml");
    home.imc(&["--config", missing.to_str().unwrap(), "list"]).fails(78, &["missing.toml", "--config FILE"]);
    home.imc(&["--config", home.path().to_str().unwrap(), "list"]).fails(78, &["directory"]);
    home.imc(&["--config", "/dev/zero", "list"]).fails(78, &["it is longer than 1048576 bytes"]);
    let binary = home.path().join("binary");
    fs::write(&binary, [0xff, 0xfe]).unwrap();
    home.imc(&["config", "check", binary.to_str().unwrap()]).fails(78, &["UTF-8"]);
    // Commands that are about no data do without.
    home.imc(&["--config", missing.to_str().unwrap(), "completion", "bash"]).ok();
    home.imc(&["--config", missing.to_str().unwrap(), "config", "example"]).ok();
}

#[test]
fn commands_work_where_the_file_says_unless_they_are_told_otherwise() {
    let home = Home::new();
    let image = home.layout("image", &image());
    let configured = home.path().join("configured");
    let file = written(&home, &format!("data_dir = \"{}\"\n", configured.display()));
    let imc = |arguments: &[&str]| {
        let mut command = home.command();
        command.env_remove("IMC_DATA_DIR").env("IMC_CONFIG", &file);
        Ran::from(command.args(arguments).output().unwrap())
    };
    imc(&["create", "web", &image]).ok();
    assert!(configured.join("imc.db").is_file());
    assert!(imc(&["list"]).ok().stdout.contains("web"));
    assert!(!home.imc_with(&[("IMC_CONFIG", file.to_str().unwrap())], &["list"]).ok().stdout.contains("web"));
}

#[test]
fn registries_are_spoken_to_as_the_file_says() {
    let home = Home::new();
    let server = testkit::FaultServer::start();
    server.serve_image("app", "1", &image());
    let reference = format!("{}/app:1", server.host());
    let file = written(&home, &format!("[registries]\nplain_http = [\"{}\"]\n", server.host()));
    home.imc(&["create", "web", &reference]).fails(69, &["--plain-http"]);
    home.imc(&["--config", file.to_str().unwrap(), "create", "web", &reference]).ok();
}

#[test]
fn a_request_is_taken_within_what_is_configured() {
    let home = Home::new();
    let (one, two) = (home.layout("one", &image()), home.layout("two", &image()));
    let file = written(
        &home,
        "[builds]\ndefault_size_gib = 2\nmax_size_gib = 4\nmax_images = 1\n\n\
         [staleness]\nrefresh_min_seconds = 600\nrefresh_max_seconds = 3600\n",
    );
    let imc = |arguments: &[&str]| home.imc(&[&["--config", file.to_str().unwrap()], arguments].concat());
    imc(&["create", "web", &one, "--size", "4", "--staleness", "refresh=600"]).ok();
    for (options, told) in [
        (["--size", "5"], "5 GiB for the cache `web`: 1 to 4 are allowed"),
        (["--staleness", "refresh=599"], "for the cache `web`: 600 to 3600 are allowed"),
        (["--staleness", "refresh=3601"], "for the cache `web`: 600 to 3600 are allowed"),
    ] {
        imc(&[&["create", "web", &one], &options[..]].concat()).fails(64, &[told]);
        imc(&[&["update", "web"], &options[..]].concat()).fails(64, &[told]);
    }
    let told = "2 images for the cache `web`: 1 to 1 are allowed";
    imc(&["create", "web", &one, &two]).fails(64, &[told]);
    imc(&["update", "web", &one, &two]).fails(64, &[told]);
    assert_eq!(home.only_state(), "Ready");
}

#[test]
fn costs_are_told_in_the_currency_that_is_configured() {
    let home = Home::new();
    home.imc(&["create", "web", &home.layout("image", &image())]).ok();
    let cost = |ran: Ran| {
        let text = ran.ok().stdout;
        text.lines().find(|line| line.starts_with("Cost:")).unwrap_or(&text).to_owned()
    };
    let hours = cost(home.imc(&["show", "web"]));
    assert_eq!(hours, "Cost:      0.00 GiB-hours of snapshot, 0.00 of disk");
    assert_eq!(home.json(&["show", "web"])["cost"]["currency"], serde_json::Value::Null);
    let variables = [("IMC_PRICE_SNAPSHOT_GIB_HOUR", "1000000000"), ("IMC_PRICE_CURRENCY", "EUR")];
    let priced = cost(home.imc_with(&variables, &["show", "web"]));
    let amount = priced.strip_prefix(&format!("{hours}: ")).and_then(|rest| rest.strip_suffix(" EUR"));
    assert!(
        amount.and_then(|amount| amount.parse().ok()).is_some_and(|amount: f64| amount >= 0.0),
        "{priced}"
    );
    let shown = home.imc_with(&variables, &["-o", "json", "show", "web"]).ok().json();
    assert_eq!(shown["cost"]["currency"], "EUR");
}
