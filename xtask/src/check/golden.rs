//! Golden files: none waits for a decision.

use std::path::PathBuf;

pub(super) fn check(files: &[PathBuf]) -> Vec<String> {
    let pending = files.iter().filter(|path| path.to_string_lossy().ends_with(".snap.new"));
    pending
        .map(|path| format!("golden: {} waits for a decision (`cargo insta review`)", path.display()))
        .collect()
}
