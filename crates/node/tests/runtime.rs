//! The embedded runtime by itself, as its callers never call it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs;
use std::process::Command;

use common::{World, output};
use model::InstanceId;
use serde_json::json;

#[test]
fn a_panic_of_the_embedded_runtime_is_in_its_log_and_not_on_the_containers_standard_error() {
    let Some(world) = World::new() else { return };
    let model = world.spec("embedded", &["sleep", "1000"]);
    let _started = world.start(&model);
    let config = world.data().join("instances").join(model.id.to_string()).join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&fs::read(config).unwrap()).unwrap();
    let id = InstanceId::generate();
    let bundle = world.folder.path().join("bundle");
    let volume = bundle.join("volume");
    fs::create_dir_all(&volume).unwrap();
    config["root"]["path"] = json!(world.folder.path().join("tree"));
    config["linux"]["cgroupsPath"] = json!(format!("/imc/{id}"));
    let over_proc =
        json!({ "destination": "/proc", "type": "bind", "source": volume, "options": ["rbind", "rw"] });
    config["mounts"].as_array_mut().unwrap().push(over_proc);
    fs::write(bundle.join("config.json"), config.to_string()).unwrap();
    let log = bundle.join("log");
    let mut runtime = Command::new(common::testbin());
    runtime.arg("internal-runtime").arg("--root").arg(bundle.join("oci")).arg("--log").arg(&log);
    runtime.arg("run").arg("--detach").arg("--bundle").arg(&bundle).arg(id.to_string());
    let done = output(&mut runtime);
    for hierarchy in fs::read_dir("/sys/fs/cgroup").unwrap() {
        let group = hierarchy.unwrap().path().join("imc").join(id.to_string());
        while group.exists() && fs::remove_dir(&group).is_err() {
            std::thread::yield_now();
        }
    }
    assert!(!done.status.success());
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains("panicked"), "{log}");
}
