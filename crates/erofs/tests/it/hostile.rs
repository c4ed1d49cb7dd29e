//! Images that lie.

use erofs::{DeviceIndex, Image, Malformed, Problem, ReadError, ReadErrorKind, check};

use super::shapes;

fn blob() -> Vec<u8> {
    let made = shapes::mixed();
    made.writer.finish(&made.tree).unwrap().0
}

/// Position of the inode of `path`.
fn inode_at(blob: &[u8], path: &[u8]) -> usize {
    let image = Image::open(blob).unwrap();
    let nid = image.lookup_path(path).unwrap().unwrap().nid();
    image.metadata().start as usize + nid as usize * 32
}

fn put(blob: &mut [u8], at: usize, bytes: &[u8]) {
    blob[at..at + bytes.len()].copy_from_slice(bytes);
}

fn problems(blob: &[u8]) -> Vec<Problem> {
    let image = Image::open(blob).unwrap();
    let report = check(&image).unwrap();
    assert_eq!(report.is_clean(), report.problem_count() == 0);
    report.into_problems()
}

#[test]
fn other_files_are_no_images() {
    for bytes in [vec![], vec![0; 100], vec![0; 5000], b"#!/bin/sh\n".repeat(1000)] {
        assert!(matches!(Image::open(bytes), Err(ReadError::NotErofs)));
    }
}

#[test]
fn truncation_at_every_block_and_in_the_head_is_an_error_or_a_problem() {
    let whole = blob();
    let cuts = (0..whole.len()).step_by(4096).chain(1020..1160).chain(whole.len() - 4096..whole.len());
    for cut in cuts {
        let Ok(image) = Image::open(&whole[..cut]) else {
            continue;
        };
        assert!(!check(&image).unwrap().is_clean(), "{cut}");
    }
}

#[test]
fn unknown_features_and_blocks_are_unsupported() {
    let mut image = blob();
    image[1024 + 80] = 0x10;
    assert_eq!(Image::open(image).unwrap_err().kind(), ReadErrorKind::Unsupported);
    let mut image = blob();
    image[1024 + 12] = 9;
    assert!(matches!(Image::open(image), Err(ReadError::BlockSize(9))));
}

#[test]
fn a_wrong_checksum_is_found() {
    let mut image = blob();
    image[2000] ^= 1;
    assert!(matches!(problems(&image)[..], [Problem::Checksum]));
}

#[test]
fn a_loop_of_directories_ends() {
    let mut image = blob();
    let tmp = inode_at(&image, b"tmp");
    let root = Image::open(image.as_slice()).unwrap().root().unwrap().nid();
    // The entry `char` of `tmp` now leads to the root.
    let name = image[tmp..].windows(9).position(|window| window == b"charempty").unwrap() + tmp;
    let record = (tmp..name).rev().find(|at| image[at + 10] == 3 && image[at + 11] == 0).unwrap();
    let char_record = (tmp..=record)
        .find(|at| (at - tmp).is_multiple_of(4) && image[at + 10] == 3 && image[at + 11] == 0)
        .unwrap();
    put(&mut image, char_record, &root.to_le_bytes());
    let read = Image::open(image.as_slice()).unwrap();
    let mut walk = read.walk().unwrap();
    let failed = loop {
        match walk.advance() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the loop was not seen"),
            Err(error) => break error,
        }
    };
    assert!(matches!(failed, ReadError::Inode { what: Malformed::DirectoryTwice, .. }));
    assert!(walk.advance().unwrap().is_none());
    assert!(read.read_tree(DeviceIndex::PRIMARY).is_err());
    assert!(problems(&image).iter().any(|problem| matches!(problem, Problem::DirectoryTwice { .. })));
}

#[test]
fn wrong_links_types_and_blocks_are_found() {
    let mut image = blob();
    let file = inode_at(&image, b"file");
    put(&mut image, file + 44, &7u32.to_le_bytes());
    assert!(matches!(problems(&image)[..], [Problem::Links { said: 7, found: 2, .. }]));

    let mut image = blob();
    put(&mut image, file + 16, &0x00ff_ffffu32.to_le_bytes());
    assert!(matches!(problems(&image)[..], [Problem::OutOfBounds { device: 0, block: 0x00ff_ffff, .. }]));

    // The file's data laid over the metadata region.
    let mut image = blob();
    put(&mut image, file + 16, &2u32.to_le_bytes());
    assert!(problems(&image).iter().any(|problem| matches!(problem, Problem::Overlap { .. })));

    let mut image = blob();
    put(&mut image, file + 8, &u64::MAX.to_le_bytes());
    assert!(problems(&image).iter().any(|problem| {
        matches!(problem, Problem::Unreadable(ReadError::Inode { what: Malformed::Size, .. }))
    }));

    let mut image = blob();
    let mode = image[file + 5];
    image[file + 5] = (mode & 0x0f) | 0x10;
    assert!(problems(&image).iter().any(|problem| matches!(problem, Problem::EntryType { .. })));

    let mut image = blob();
    put(&mut image, 1024 + 16, &99u64.to_le_bytes());
    assert!(problems(&image).iter().any(|problem| matches!(problem, Problem::InodeCount { said: 99, .. })));
}

#[test]
fn directories_over_the_same_blocks_do_not_multiply() {
    // 2,000 directories whose entries are all the block of one directory of 20,000 files.
    let mut made = shapes::wide(20_000);
    for number in 0..2000 {
        let name = format!("z{number}");
        made.tree.add_directory(erofs::Tree::ROOT, shapes::name(&name), shapes::with_mode(0o755)).unwrap();
    }
    let (mut image, _) = made.writer.finish(&made.tree).unwrap();
    let wide = inode_at(&image, b"wide");
    let block = image[wide + 16..wide + 20].to_vec();
    // Whole blocks only: the tail lies behind the inode.
    let size = u32::from_le_bytes(image[wide + 8..wide + 12].try_into().unwrap()) & !4095;
    for number in 0..2000 {
        let at = inode_at(&image, format!("z{number}").as_bytes());
        put(&mut image, at, &[0, 0]);
        put(&mut image, at + 8, &size.to_le_bytes());
        put(&mut image, at + 16, &block);
    }
    let read = Image::open(image.as_slice()).unwrap();
    assert!(matches!(read.read_tree(DeviceIndex::PRIMARY), Err(ReadError::Bomb)));
    let mut walk = read.walk().unwrap();
    let failed = std::iter::from_fn(|| walk.advance().transpose()).find_map(Result::err);
    assert!(matches!(failed, Some(ReadError::Bomb)));
    assert!(!check(&read).unwrap().is_clean());
}

#[test]
fn a_second_superblock_s_worth_of_devices_beyond_the_end_is_refused() {
    let mut image = blob();
    image[1024 + 80] |= 8;
    put(&mut image, 1024 + 86, &[0xff, 0xff]);
    put(&mut image, 1024 + 88, &[0xff, 0xff]);
    assert!(matches!(Image::open(image), Err(ReadError::OutOfBounds { .. })));
}
