//! The repository's scripts where others misbehave, over stand-ins for the programs that they call.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::support::Ran;

fn stand_in(file: &Path, script: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_advisories_host_that_never_answers_keeps_no_audit() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/audit.sh");
    let text = fs::read_to_string(&script).unwrap();
    let version = text.lines().find_map(|line| line.strip_prefix("VERSION=")).unwrap();
    let folder = testkit::data_dir();
    let programs = folder.path().join("programs");
    stand_in(&programs.join("git"), "exec sleep 1000");
    let limit = testkit::program("timeout").unwrap();
    // The same with less patience.
    stand_in(&programs.join("timeout"), &format!("shift; exec {} 0.1 \"$@\"", limit.display()));
    let tools = folder.path().join("tools");
    stand_in(&tools.join(format!("cargo-deny-{version}/bin/cargo-deny")), "echo \"$@\"");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let audit = Command::new(limit)
        .arg("30")
        .arg(script)
        .env("PATH", path)
        .env("IMC_TOOLS", &tools)
        .output()
        .unwrap();
    let ran = Ran::from(audit).ok();
    assert!(ran.stderr.contains("does not answer"), "{ran:#?}");
    assert!(ran.stdout.contains(" check ") && !ran.stdout.contains("advisories"), "{ran:#?}");
}
