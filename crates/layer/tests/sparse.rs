//! GNU tar's four notations of sparse files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use erofs::{Image, RunSource};
use layer::{ConvertError, Limit, Limits};
use model::Digest;
use support::tape::{Header, Tape};
use support::{convert, convert_limited, tree};

const SIZE: u64 = 1_000_000;

/// What the file is: "head" at 0, "middle" at 500,000, zeros to the end.
fn expected() -> String {
    let mut content = vec![0; SIZE as usize];
    content[..4].copy_from_slice(b"head");
    content[500_000..500_006].copy_from_slice(b"middle");
    format!("f file:{SIZE}:{} 644 0:0 1000000000.000000000 links=1", Digest::sha256(&content))
}

fn old(segments: &[(u64, u64)], size: u64, stored: u64) -> Header {
    let mut header = Header::new(b"f", b'S', stored);
    header.gnu();
    for (i, (offset, length)) in segments.iter().enumerate() {
        header.octal(386 + i * 24, 12, *offset).octal(398 + i * 24, 12, *length);
    }
    header.octal(483, 12, size);
    header
}

#[test]
fn the_old_gnu_format() {
    let tar = Tape::new()
        .entry(&mut old(&[(0, 4), (500_000, 6), (SIZE, 0)], SIZE, 10), b"headmiddle")
        .file("g", b"");
    assert_eq!(tree(&tar.end())[1], expected());
}

#[test]
fn the_old_gnu_format_with_extension_blocks() {
    let mut extended = old(&[(0, 1), (1, 1), (2, 1), (3, 1)], SIZE, 10);
    extended.bytes(482, &[1]);
    let mut blocks = vec![0u8; 1024];
    for i in 0..22u64 {
        let at = if i < 21 { i as usize * 24 } else { 512 };
        let (offset, length) = if i < 6 { (500_000 + i, 1) } else { (SIZE - 22 + i, 0) };
        blocks[at..at + 24].copy_from_slice(format!("{offset:011o}\0{length:011o}\0").as_bytes());
    }
    blocks[504] = 1;
    let mut tape = Tape::new();
    tape.0.extend_from_slice(&extended.block());
    tape.0.extend_from_slice(&blocks);
    assert_eq!(tree(&tape.padded(b"headmiddle").end())[1], expected());
}

#[test]
fn pax_format_0_0() {
    let records: &[(&str, &[u8])] = &[
        ("GNU.sparse.size", b"1000000"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.offset", b"0"),
        ("GNU.sparse.numbytes", b"4"),
        ("GNU.sparse.offset", b"500000"),
        ("GNU.sparse.numbytes", b"6"),
    ];
    let tar = Tape::new().pax(records).file("f", b"headmiddle").end();
    assert_eq!(tree(&tar)[1], expected());
}

#[test]
fn pax_format_0_1() {
    let records: &[(&str, &[u8])] = &[
        ("GNU.sparse.size", b"1000000"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.map", b"0,4,500000,6"),
        ("GNU.sparse.name", b"f"),
    ];
    let tar = Tape::new().pax(records).file("GNUSparseFile.0/f", b"headmiddle").end();
    assert_eq!(tree(&tar)[1], expected());
}

fn pax_1_0(map: &str) -> Tape {
    let records: &[(&str, &[u8])] = &[
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"f"),
        ("GNU.sparse.realsize", b"1000000"),
    ];
    let mut content = map.as_bytes().to_vec();
    content.resize(content.len().next_multiple_of(512), 0);
    content.extend_from_slice(b"headmiddle");
    Tape::new().pax(records).file("GNUSparseFile.0/f", &content)
}

#[test]
fn pax_format_1_0() {
    assert_eq!(tree(&pax_1_0("2\n0\n4\n500000\n6\n").end())[1], expected());
    // A map over several blocks: many empty segments.
    let map = format!("202\n0\n4\n500000\n6\n{}", "500006\n0\n".repeat(200));
    assert_eq!(tree(&pax_1_0(&map).end())[1], expected());
}

#[test]
fn large_holes_take_no_space() {
    let tar = Tape::new().entry(&mut old(&[(0, 4), (6 << 30, 4)], (6 << 30) + 4, 8), b"headtail").end();
    let (blob, converted) = convert(&tar).unwrap();
    assert!(converted.blob_size.as_u64() < 1 << 20, "{}", converted.blob_size);
    let image = Image::open(&blob[..]).unwrap();
    let inode = image.lookup_path(b"f").unwrap().unwrap();
    assert_eq!(inode.size(), (6 << 30) + 4);
    let mut tail = [1; 8];
    assert_eq!(image.read_at(&inode, (6 << 30) - 4, &mut tail).unwrap(), 8);
    assert_eq!(&tail, b"\0\0\0\0tail");
    let runs = image.content(&inode).unwrap().unwrap().runs();
    assert!(runs.iter().any(|run| run.source == RunSource::Hole), "{runs:?}");
}

#[test]
fn a_file_that_is_only_a_hole() {
    let tar = Tape::new().entry(&mut old(&[(SIZE, 0)], SIZE, 0), b"").end();
    assert!(tree(&tar)[1].starts_with("f file:1000000:"));
}

fn is_malformed(tar: &[u8]) -> bool {
    matches!(convert(tar), Err(ConvertError::Malformed { .. }))
}

#[test]
fn maps_that_lie() {
    for (what, segments, size, stored) in [
        ("overlap", &[(0, 4), (3, 6)][..], SIZE, 10),
        ("descend", &[(500_000, 4), (0, 6)], SIZE, 10),
        ("beyond the end", &[(SIZE - 1, 10)], SIZE, 10),
        ("less than stored", &[(0, 4)], SIZE, 10),
        ("more than stored", &[(0, 400)], SIZE, 10),
    ] {
        let tar = Tape::new().entry(&mut old(segments, size, stored), b"headmiddle").end();
        assert!(is_malformed(&tar), "{what}");
    }
    for map in ["2\n0\n4\n", "x\n", "2\n0\n4\n500000\n7\n", "99999999999999999999999\n", "1\n-1\n10\n"] {
        let refused = convert(&pax_1_0(map).end());
        assert!(matches!(refused, Err(ConvertError::Malformed { .. })), "{map:?}: {refused:?}");
    }
}

#[test]
fn maps_beyond_the_limit_are_refused_before_they_are_held() {
    let limits = Limits { sparse_segments: 3, ..Limits::default() };
    let map = pax_1_0("4\n0\n1\n1\n1\n2\n1\n3\n7\n").end();
    let error = convert_limited(&map, limits.clone()).unwrap_err();
    assert_eq!(error.limit().unwrap().0, Limit::SparseSegments);
    let list: &[(&str, &[u8])] = &[("GNU.sparse.size", b"100"), ("GNU.sparse.map", b"0,1,1,1,2,1,3,7")];
    let error = convert_limited(&Tape::new().pax(list).file("f", b"headmiddle").end(), limits).unwrap_err();
    assert_eq!(error.limit().unwrap().0, Limit::SparseSegments);
}
