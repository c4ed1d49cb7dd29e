//! What a tree takes per entry. A binary of its own, since it measures its own process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::fs;

use erofs::{BlockSink, DeviceIndex, FileContent, ImageWriter, Leaf, Metadata, Mtime, Name, Tree};

const ENTRIES: usize = 500_000;
const PAGE: usize = 4096;

/// Resident bytes, now and at most.
fn resident() -> (usize, usize) {
    let now = fs::read_to_string("/proc/self/statm").unwrap();
    let now = now.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * PAGE;
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    (now, peak.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024)
}

struct Discarding;

impl BlockSink for Discarding {
    fn write_all_at(&mut self, _: &[u8], _: u64) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_entry_takes_less_than_200_bytes_with_its_name() {
    let (before, _) = resident();
    let mut tree = Tree::new(Metadata::default());
    let mut dir = Tree::ROOT;
    for number in 0..ENTRIES {
        // Every time another, as in real layers: nothing to share.
        let mtime = Mtime::new(number as i64, 0).unwrap();
        let metadata = Metadata { mode: 0o644, mtime, ..Metadata::default() };
        let name = format!("some-file-{number:07}.py");
        let name = Name::new(name.as_bytes()).unwrap();
        if number % 10 == 0 {
            dir = tree.add_directory(Tree::ROOT, name, metadata).unwrap();
        } else {
            let content = FileContent::on_device(DeviceIndex::PRIMARY, 0, 0);
            tree.add_leaf(dir, name, metadata, Leaf::Regular(content)).unwrap();
        }
    }
    let (now, _) = resident();
    ImageWriter::new(Discarding).finish(&tree).unwrap();
    let (_, peak) = resident();
    let (held, whole) = ((now - before) / ENTRIES, (peak - before) / ENTRIES);
    println!("{held} bytes per entry held, {whole} at most while writing");
    assert!(held < 200 && whole < 250, "{held} held, {whole} at most");
}
