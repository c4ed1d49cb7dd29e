//! What a merge takes of memory. A binary of its own, since it measures its own process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::fs;

use layer::{Control, MergeLayer, merge};
use support::convert;
use support::tape::Tape;

/// Resident bytes at most.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[test]
fn layer_of_many_directories_far_down_is_merged_without_a_path_for_each() {
    let part = vec!["n".repeat(250); 16].join("/");
    let target = [("linkpath", part.as_bytes())];
    let mut tape = Tape::new().pax(&target).symlink("s", "x").pax(&target).symlink("s/s", "x");
    tape = tape.pax(&target).symlink("s/s/s", "x").symlink("S", "s/s/s");
    for i in 0..8000 {
        tape = tape.dir(&format!("S/x{i}"));
    }
    let layers = [tape.file("f", b"").end(), Tape::new().hard_link("h", "f").end()];
    let layers = layers.map(|tar| convert(&tar).map(|(blob, converted)| (blob, converted.leans)).unwrap());
    let inputs: Vec<_> = layers.iter().map(|(blob, leans)| MergeLayer { blob, leans }).collect();
    let before = peak();
    merge(&inputs, Vec::new(), &Control::new()).unwrap();
    let taken = peak() - before;
    // 8,000 paths of 12 KiB are 96 MB.
    assert!(taken < 48 << 20, "{taken} bytes");
}
