//! The sink that keeps the disk busy writes what any other writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::fs::File;

use layer::{Control, EarlyWriter};
use model::Compression;
use support::tape::Tape;
use support::{chunks, convert, options};

#[test]
fn an_early_written_blob_is_the_same() {
    let content: Vec<u8> = (0..20u32 << 20).map(|i| (i ^ (i >> 11)) as u8).collect();
    let tar = Tape::new().file("f", &content).file("g", &content[..5]).end();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blob");
    let file = File::create(&path).unwrap();
    let options = options(&tar, &tar, Compression::None);
    layer::convert(chunks(&tar, 1 << 20), &options, EarlyWriter::new(&file), &Control::new()).unwrap();
    assert!(std::fs::read(&path).unwrap() == convert(&tar).unwrap().0);
}
