//! Random trees, packed by other tools' writers, arrive as they are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::collections::BTreeMap;

use model::{Compression, Digest};
use proptest::prelude::*;
use support::{convert, convert_with, options, tree};

#[derive(Clone, Debug)]
enum Kind {
    File(Vec<u8>),
    Directory,
    Symlink(String),
    Fifo,
    Device(u32, u32),
    /// To the file before it in order, if there is one.
    HardLink,
}

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    mode: u32,
    uid: u64,
    gid: u64,
    mtime: u64,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..3000).prop_map(Kind::File),
        3 => Just(Kind::Directory),
        1 => "[a-z]{1,300}".prop_map(Kind::Symlink),
        1 => Just(Kind::Fifo),
        1 => (1..4096u32, 0..1u32 << 20).prop_map(|(major, minor)| Kind::Device(major, minor)),
        2 => Just(Kind::HardLink),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    (kind(), 0..0o10000u32, 0..1u64 << 31, 0..1u64 << 31, 0..1u64 << 33)
        .prop_map(|(kind, mode, uid, gid, mtime)| Node { kind, mode, uid, gid, mtime })
}

/// Paths of few short and some long names, so that directories are shared and formats for long names are used.
fn paths() -> impl Strategy<Value = BTreeMap<Vec<String>, Node>> {
    let name = prop_oneof![8 => "[a-d]", 1 => "[a-z]{90,120}", 1 => "\\PC{1,20}".prop_filter("a name", |name| {
        !name.contains('/') && !name.starts_with(".wh.") && name != "." && name != ".."
    })];
    proptest::collection::btree_map(proptest::collection::vec(name, 1..5), node(), 0..25)
}

struct Expected {
    tar: Vec<u8>,
    lines: Vec<String>,
}

/// Packs by the `tar` crate: everything above a path becomes a directory with an entry of its own.
fn pack(nodes: &BTreeMap<Vec<String>, Node>) -> Expected {
    let directory = Node { kind: Kind::Directory, mode: 0o755, uid: 0, gid: 0, mtime: 7 };
    let mut all: BTreeMap<Vec<String>, Node> = nodes.clone();
    for path in nodes.keys() {
        for length in 1..path.len() {
            let parent = all.entry(path[..length].to_vec()).or_insert_with(|| directory.clone());
            parent.kind = Kind::Directory;
        }
    }
    let mut builder = tar::Builder::new(Vec::new());
    let mut lines: Vec<(String, Vec<u8>, String)> = Vec::new();
    let mut last_file: Option<(String, usize, usize)> = None;
    for (path, node) in &all {
        let name = path.join("/");
        let mut header = tar::Header::new_gnu();
        header.set_mode(node.mode);
        header.set_uid(node.uid);
        header.set_gid(node.gid);
        header.set_mtime(node.mtime);
        let about = format!("{:o} {}:{} {}.000000000", node.mode, node.uid, node.gid, node.mtime);
        let subdirectories = all.iter().filter(|(p, n)| {
            p.len() == path.len() + 1 && p.starts_with(path) && matches!(n.kind, Kind::Directory)
        });
        let mut content: &[u8] = b"";
        let text = match &node.kind {
            Kind::File(bytes) => {
                header.set_entry_type(tar::EntryType::Regular);
                content = bytes;
                let shown = match std::str::from_utf8(bytes) {
                    Ok(text) if text.len() < 40 => format!("file={text:?}"),
                    _ => format!("file:{}:{}", bytes.len(), Digest::sha256(bytes)),
                };
                last_file = Some((name.clone(), lines.len(), 1));
                format!("{shown} {about}")
            }
            Kind::Directory => {
                header.set_entry_type(tar::EntryType::Directory);
                format!("dir {about} links={}", 2 + subdirectories.count())
            }
            Kind::Symlink(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                let about = about.split_once(' ').unwrap().1.to_owned();
                builder.append_link(&mut header, &name, target).unwrap();
                lines.push((name.clone(), name.into_bytes(), format!("->{target} 777 {about} links=1")));
                continue;
            }
            Kind::Fifo => {
                header.set_entry_type(tar::EntryType::Fifo);
                format!("fifo {about} links=1")
            }
            Kind::Device(major, minor) => {
                header.set_entry_type(tar::EntryType::Char);
                // Seven octal digits hold what the format can.
                header.set_device_major(*major).unwrap();
                header.set_device_minor(*minor).unwrap();
                format!("char:{major}:{minor} {about} links=1")
            }
            Kind::HardLink => {
                let Some((target, at, links)) = &mut last_file else { continue };
                header.set_entry_type(tar::EntryType::Link);
                header.set_size(0);
                builder.append_link(&mut header, &name, &*target).unwrap();
                *links += 1;
                let text = format!("HARD{at}");
                lines.push((name.clone(), name.into_bytes(), text));
                continue;
            }
        };
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, &name, content).unwrap();
        lines.push((name.clone(), name.into_bytes(), text));
    }
    let mut links: BTreeMap<usize, usize> = BTreeMap::new();
    for (_, _, text) in &lines {
        if let Some(at) = text.strip_prefix("HARD") {
            *links.entry(at.parse().unwrap()).or_default() += 1;
        }
    }
    let resolved = |index: usize| -> String {
        let text = &lines[index].2;
        let at = text.strip_prefix("HARD").map_or(index, |at| at.parse().unwrap());
        let file = &lines[at].2;
        if file.starts_with("file") {
            format!("{file} links={}", 1 + links.get(&at).unwrap_or(&0))
        } else {
            file.clone()
        }
    };
    let mut shown: Vec<String> =
        (0..lines.len()).map(|i| format!("{} {}", lines[i].1.escape_ascii(), resolved(i))).collect();
    shown.sort();
    Expected { tar: builder.into_inner().unwrap(), lines: shown }
}

/// The `tar` crate refuses what it would write wrong; such names are left to the other tests.
fn can_be_packed(nodes: &BTreeMap<Vec<String>, Node>) -> bool {
    nodes.keys().flatten().all(|name| !name.chars().any(|c| c == '\\' || c == '\0'))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_there_and_back(nodes in paths().prop_filter("packable", can_be_packed)) {
        let expected = pack(&nodes);
        prop_assert_eq!(&tree(&expected.tar)[1..], &expected.lines[..]);
        let (blob, converted) = convert(&expected.tar).unwrap();
        prop_assert!(converted.leans.is_empty());
        prop_assert!(erofs::check(&erofs::Image::open(&blob).unwrap()).unwrap().problems().is_empty());
        prop_assert_eq!(converted.entries, expected.lines.len() as u64);
    }

    #[test]
    fn chunks_do_not_matter(nodes in paths().prop_filter("packable", can_be_packed), chunk in 1..2000usize) {
        let tar = pack(&nodes).tar;
        let one = convert(&tar).unwrap().0;
        let many = convert_with(&tar, &options(&tar, &tar, Compression::None), chunk).unwrap().0;
        prop_assert!(one == many);
    }
}

#[test]
fn a_million_empty_files() {
    let mut tar = Vec::with_capacity(520 << 20);
    let mut header = support::tape::Header::new(b"", b'0', 0);
    for i in 0..1_000_000u32 {
        header.bytes(0, format!("d{:03}/f{i:07}", i % 1000).as_bytes());
        tar.extend_from_slice(&header.block());
    }
    let mut options = options(b"", &tar, Compression::None);
    (options.digest, options.size) = (None, None);
    let (blob, converted) = convert_with(&tar, &options, 1 << 20).unwrap();
    assert_eq!(converted.entries, 1_001_000);
    assert!(blob.len() < 150 << 20, "{}", blob.len());
}
