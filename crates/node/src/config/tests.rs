use std::collections::BTreeMap;
use std::path::Path;

use model::{ByteSize, Platform};

use super::*;

fn image() -> ImageConfig {
    ImageConfig {
        platform: Platform::linux_amd64(),
        diff_ids: Vec::new(),
        entrypoint: vec!["/entry".to_owned()],
        cmd: vec!["image-command".to_owned()],
        env: vec!["PATH=/image/bin".to_owned(), "A=image".to_owned(), "not an entry".to_owned()],
        user: None,
        working_dir: None,
        stop_signal: None,
        exposed_ports: Vec::new(),
        volumes: Vec::new(),
        labels: BTreeMap::new(),
        healthcheck: None,
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn id() -> InstanceId {
    "ins-0190f3a1b2c37d4e8f90a1b2c3d4e5f6".parse().unwrap()
}

fn document(
    options: &RunOptions,
    account: &Account,
    terminal: Option<(u16, u16)>,
    host: HostTraits,
) -> Value {
    let around = Surroundings { hostname: "web-1", home: &account.home, terminal: terminal.is_some() };
    let arguments = arguments(id(), &image(), options).unwrap();
    let environment = environment(&image(), options, &around).unwrap();
    let working_dir = working_dir(&image(), options.working_dir.as_deref()).unwrap();
    let process = ProcessInput {
        arguments: &arguments,
        environment: &environment,
        working_dir: &working_dir,
        account,
        terminal,
        device_rules: host.device_rules,
    };
    let files = BoundFiles { directory: Path::new("/data/instances/one") };
    let writable_hierarchies = &[];
    let swap = if host.unified_cgroups { SwapLimit::Own } else { SwapLimit::WithMemory };
    let input = ConfigInput {
        network: None,
        id: id(),
        options,
        process,
        hostname: "web-1",
        files,
        host,
        swap,
        writable_hierarchies,
    };
    let document = build(&input);
    let typed: oci_spec::runtime::Spec = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(typed.hostname().as_deref(), Some("web-1"), "the typed specification reads it");
    document
}

fn root() -> Account {
    Account { uid: 0, gid: 0, groups: vec![0], home: "/root".to_owned() }
}

const USUAL: HostTraits = HostTraits { unified_cgroups: false, device_rules: true, seccomp_mask_first: true };

#[test]
fn plain() {
    insta::assert_json_snapshot!(document(&RunOptions::default(), &root(), None, USUAL));
}

#[test]
fn user_terminal_limits_and_volumes() {
    let options = RunOptions {
        command: words(&["user", "command"]),
        env: words(&["A=user", "B=="]),
        working_dir: Some("/srv".to_owned()),
        network: Network::None,
        volumes: ["/h/inner:/data/inner", "/h/outer:/data:ro"].map(|text| text.parse().unwrap()).to_vec(),
        memory: Some(ByteSize::mib(64)),
        cpus: Some("1.5".parse().unwrap()),
        terminal: true,
        ..RunOptions::default()
    };
    let account = Account { uid: 1000, gid: 1001, groups: vec![1001, 50], home: "/srv/web".to_owned() };
    let mut document = document(&options, &account, Some((24, 80)), USUAL);
    // As in the plain one.
    document["linux"].as_object_mut().unwrap().remove("seccomp");
    insta::assert_json_snapshot!(document);
}

#[test]
fn without_device_rules_nobody_makes_devices_and_the_unified_hierarchy_gets_a_namespace() {
    let host = HostTraits { unified_cgroups: true, device_rules: false, seccomp_mask_first: false };
    let document = document(&RunOptions::default(), &root(), None, host);
    assert!(!document["process"].to_string().contains("CAP_MKNOD"));
    assert!(document["linux"]["namespaces"].to_string().contains("cgroup"));
    let clone = &document["linux"]["seccomp"]["syscalls"][1]["args"][0];
    assert_eq!((clone["value"].as_u64(), clone["valueTwo"].as_u64()), (Some(0), Some(0x7E02_0000)));
}

#[test]
fn a_limit_of_memory_leaves_no_swap_beyond_it_in_either_version() {
    let options = RunOptions { memory: Some(ByteSize::mib(64)), ..RunOptions::default() };
    let limits = |host: HostTraits| document(&options, &root(), None, host)["linux"]["resources"].clone();
    let (v1, v2) = (limits(USUAL), limits(HostTraits { unified_cgroups: true, ..USUAL }));
    assert_eq!(v1["memory"]["swap"], v1["memory"]["limit"]);
    assert_eq!((&v1["unified"], &v2["memory"]["swap"]), (&Value::Null, &Value::Null));
    assert_eq!(v2["unified"]["memory.swap.max"], "0");
}

#[test]
fn what_runs() {
    let given = |entrypoint: Option<&[&str]>, command: &[&str]| {
        let options = RunOptions {
            entrypoint: entrypoint.map(words),
            command: words(command),
            ..RunOptions::default()
        };
        arguments(id(), &image(), &options)
    };
    assert_eq!(given(None, &[]).unwrap(), words(&["/entry", "image-command"]));
    assert_eq!(given(None, &["mine"]).unwrap(), words(&["/entry", "mine"]));
    assert_eq!(given(Some(&["/mine"]), &[]).unwrap(), words(&["/mine"]));
    assert_eq!(given(Some(&["/mine"]), &["x"]).unwrap(), words(&["/mine", "x"]));
    assert_eq!(given(Some(&[]), &["x"]).unwrap(), words(&["x"]));
    assert!(matches!(given(Some(&[]), &[]), Err(InstanceError::NoCommand(_))));
    assert!(matches!(given(Some(&[""]), &[]), Err(InstanceError::Option { .. })));
    assert!(matches!(given(None, &["a\0b"]), Err(InstanceError::Option { .. })));
}

#[test]
fn environments_have_each_name_once_and_refuse_what_is_none() {
    let around = Surroundings { hostname: "h", home: "/root", terminal: false };
    let with = |env: &[&str]| {
        let options = RunOptions { env: words(env), ..RunOptions::default() };
        environment(&image(), &options, &around)
    };
    let plain = with(&[]).unwrap();
    assert_eq!(plain, words(&["PATH=/image/bin", "HOSTNAME=h", "A=image", "HOME=/root"]));
    assert_eq!(with(&["HOME=/mine", "AA=2", "A="]).unwrap().last().unwrap(), "AA=2");
    assert_eq!(value_of(&with(&["A="]).unwrap(), "A"), Some(""));
    for bad in ["A", "=x", "", "A=\0"] {
        assert!(with(&[bad]).is_err(), "{bad:?}");
    }
}

#[test]
fn host_names_and_working_directories() {
    for good in ["a", "web-1.example", "A_b"] {
        assert!(hostname(good).is_ok(), "{good}");
    }
    for bad in ["", "-a", ".a", "a b", "a\n", &"a".repeat(64)] {
        assert!(hostname(bad).is_err(), "{bad:?}");
    }
    let of_image = |dir: &str| ImageConfig { working_dir: Some(dir.to_owned()), ..image() };
    assert_eq!(working_dir(&of_image("relative"), None).unwrap(), "/relative");
    assert_eq!(working_dir(&of_image("/image"), Some("/mine")).unwrap(), "/mine");
    assert!(working_dir(&image(), Some("relative")).is_err());
}
