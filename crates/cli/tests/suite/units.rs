//! The systemd units: what would hide the server's mounts or bind its containers does not slip in.

use std::fs;
use std::path::Path;

/// Directives that give a service a mount namespace of its own (systemd.exec(5)).
const HIDE_MOUNTS: &[&str] = &[
    "BindPaths",
    "BindReadOnlyPaths",
    "DynamicUser",
    "ExecPaths",
    "InaccessiblePaths",
    "MountFlags",
    "NoExecPaths",
    "PrivateDevices",
    "PrivateIPC",
    "PrivateMounts",
    "PrivateTmp",
    "PrivateUsers",
    "ProtectControlGroups",
    "ProtectHome",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "ProtectProc",
    "ProtectSystem",
    "ReadOnlyPaths",
    "ReadWritePaths",
    "RootDirectory",
    "RootImage",
    "TemporaryFileSystem",
];
/// Directives that containers inherit.
const BIND_CONTAINERS: &[&str] = &[
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "NoNewPrivileges",
    "OOMScoreAdjust",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "SystemCallArchitectures",
    "SystemCallFilter",
];

fn unit(name: &str) -> Vec<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/systemd").join(name);
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let split = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    lines.filter_map(split).collect()
}

#[test]
fn the_service_mounts_where_everybody_sees_it_and_binds_no_container() {
    let service = unit("imc.service");
    for (name, _) in &service {
        assert!(!HIDE_MOUNTS.contains(&name.as_str()), "{name} hides mounts");
        assert!(!BIND_CONTAINERS.contains(&name.as_str()), "{name} is inherited by containers");
    }
    let value = |name: &str| service.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(value("Type"), Some("notify"));
    // Containers outlive a restart of the server.
    assert_eq!((value("KillMode"), value("Delegate")), (Some("process"), Some("yes")));
}

/// Clients look for the server where it listens by default.
#[test]
fn the_socket_unit_listens_where_the_defaults_say() {
    let shown = crate::support::Home::new()
        .command()
        .env_remove("IMC_DATA_DIR")
        .args(["-o", "json", "config", "show"])
        .output();
    let shown: serde_json::Value = serde_json::from_slice(&shown.unwrap().stdout).unwrap();
    let value = |key: &str| {
        let entry = shown.as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap();
        entry["value"].clone()
    };
    let listens =
        unit("imc.socket").into_iter().filter(|(name, _)| name == "ListenStream").map(|(_, value)| value);
    let listens: Vec<String> = listens.collect();
    assert_eq!(
        listens,
        [value("server.socket_file").as_str().unwrap(), value("server.listen")[0].as_str().unwrap()]
    );
}
