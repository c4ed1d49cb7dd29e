//! The sinks that care for the disk write what any other writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::fs::{File, OpenOptions};
use std::io::IoSliceMut;
use std::path::Path;

use layer::{Control, Converted, DirectWriter, EarlyWriter};
use model::Compression;
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use support::tape::Tape;
use support::{chunks, convert, options};

fn tar() -> Vec<u8> {
    let content: Vec<u8> = (0..20u32 << 20).map(|i| (i ^ (i >> 11)) as u8).collect();
    // Lengths that are no multiple of anything.
    Tape::new()
        .file("f", &content)
        .file("g", &content[..5])
        .file("h", &content[..3_333_333])
        .file("i", b"")
        .end()
}

fn blob_in(folder: &Path) -> File {
    OpenOptions::new().read(true).write(true).create_new(true).open(folder.join("blob")).unwrap()
}

fn written_past_the_cache(tar: &[u8], file: &File) -> Converted {
    let options = options(tar, tar, Compression::None);
    layer::convert(chunks(tar, 1 << 20), &options, DirectWriter::new(file), &Control::new()).unwrap()
}

#[test]
fn an_early_written_blob_is_the_same() {
    let tar = tar();
    let folder = tempfile::tempdir().unwrap();
    let file = blob_in(folder.path());
    let options = options(&tar, &tar, Compression::None);
    layer::convert(chunks(&tar, 1 << 20), &options, EarlyWriter::new(&file), &Control::new()).unwrap();
    assert!(std::fs::read(folder.path().join("blob")).unwrap() == convert(&tar).unwrap().0);
}

#[test]
fn a_blob_written_past_the_page_cache_is_the_same() {
    let tar = tar();
    let expected = convert(&tar).unwrap().0;
    // A disk's file system, and one in memory, which may not know of it.
    for parent in
        [std::env::temp_dir().as_path(), Path::new("/dev/shm"), Path::new(env!("CARGO_TARGET_TMPDIR"))]
    {
        let folder = tempfile::tempdir_in(parent).unwrap();
        let file = blob_in(folder.path());
        written_past_the_cache(&tar, &file);
        file.sync_data().unwrap();
        assert!(std::fs::read(folder.path().join("blob")).unwrap() == expected, "in {}", parent.display());
    }
}

/// Whether the page at this offset is in memory; `None` where the file system does not tell.
fn is_in_memory(file: &File, offset: u64) -> Option<bool> {
    let mut byte = [0];
    match preadv2(file, &mut [IoSliceMut::new(&mut byte)], offset, ReadWriteFlags::NOWAIT) {
        Ok(1) => Some(true),
        Err(Errno::AGAIN) => Some(false),
        _ => None,
    }
}

#[test]
fn the_data_of_files_is_not_kept_in_memory_and_the_metadata_is() {
    let tar = tar();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = blob_in(folder.path());
    let flags = rustix::fs::OFlags::DIRECT | rustix::fs::OFlags::RDWR;
    if rustix::fs::open(folder.path().join("blob"), flags, rustix::fs::Mode::empty()).is_err() {
        return;
    }
    let converted = written_past_the_cache(&tar, &file);
    let Some(metadata) = is_in_memory(&file, converted.metadata_offset) else { return };
    assert!(metadata, "the first start reads the metadata");
    assert_eq!(is_in_memory(&file, 4096), Some(false));
    assert_eq!(is_in_memory(&file, 10 << 20), Some(false));
}
