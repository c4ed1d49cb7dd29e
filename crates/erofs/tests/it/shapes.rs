//! Trees at the format's edges.

use std::collections::HashMap;

use erofs::{
    DeviceNumber, FileContent, Image, ImageWriter, Leaf, Metadata, Mtime, Name, NodeId, SymlinkTarget, Tree,
    Xattrs, check,
};

use super::dump::{of_image, of_tree};
use super::random::{Made, bytes};

pub(super) type Mem = Made<Vec<u8>>;

pub(super) fn name(name: &str) -> Name<'_> {
    Name::new(name.as_bytes()).unwrap()
}

pub(super) fn empty() -> Mem {
    let tree = Tree::new(Metadata { mode: 0o755, ..Metadata::default() });
    Made { writer: ImageWriter::new(Vec::new()), tree, files: HashMap::new() }
}

pub(super) fn with_mode(mode: u16) -> Metadata {
    Metadata { mode, ..Metadata::default() }
}

/// An ACL in the Linux xattr form: owner, a named user, group, mask, others.
pub(super) fn acl() -> Vec<u8> {
    let entry = |tag: u16, perm: u16, id: u32| {
        [&tag.to_le_bytes()[..], &perm.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    let none = u32::MAX;
    let entries =
        [entry(1, 6, none), entry(2, 4, 1000), entry(4, 4, none), entry(0x10, 4, none), entry(0x20, 0, none)];
    [2u32.to_le_bytes().to_vec(), entries.concat()].concat()
}

/// A `security.capability` value, version 2: `cap_net_raw` permitted and effective.
pub(super) fn capability() -> Vec<u8> {
    [0x0200_0001u32, 1 << 13, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// One of everything.
pub(super) fn mixed() -> Mem {
    let mut made = empty();
    let data = bytes(300_000, 1);
    let content = made.write(&data, 70_000);
    let mut xattrs = Xattrs::new();
    xattrs.insert(b"system.posix_acl_access", &acl()).unwrap();
    xattrs.insert(b"security.capability", &capability()).unwrap();
    xattrs.insert(b"user.empty", b"").unwrap();
    xattrs.insert(b"trusted.overlay.opaque", b"y").unwrap();
    let old = Mtime::new(-5, 999_999_999).unwrap();
    let metadata = Metadata { mode: 0o6640, uid: 1_000_000, gid: 65_536, mtime: old, xattrs };
    let file = made.put_file(Tree::ROOT, name("file"), &metadata, content, data);
    let tree = &mut made.tree;
    let mut xattrs = Xattrs::new();
    xattrs.insert(b"system.posix_acl_default", &acl()).unwrap();
    let tmp = tree
        .add_directory(Tree::ROOT, name("tmp"), Metadata { mode: 0o1777, xattrs, ..with_mode(0) })
        .unwrap();
    tree.link(tmp, Name::new(b"not utf-8 \xff\xfe").unwrap(), file).unwrap();
    let leaves = [
        ("link", Leaf::Symlink(SymlinkTarget::new(b"../../etc/passwd").unwrap())),
        ("char", Leaf::CharDevice(DeviceNumber::new(4095, 1_048_575).unwrap())),
        ("block", Leaf::BlockDevice(DeviceNumber::new(8, 257).unwrap())),
        ("whiteout", Leaf::CharDevice(DeviceNumber::WHITEOUT)),
        ("fifo", Leaf::Fifo),
        ("socket", Leaf::Socket),
    ];
    for (at, leaf) in leaves {
        tree.add_leaf(tmp, name(at), with_mode(0o600), leaf).unwrap();
    }
    let nothing = made.put_file(tmp, name("empty"), &with_mode(0o644), FileContent::EMPTY, Vec::new());
    assert_eq!(made.tree.lookup(tmp, name("empty")), Some(nothing));
    made
}

/// A directory with `count` empty files.
pub(super) fn wide(count: u32) -> Mem {
    let mut made = empty();
    let dir = made.tree.add_directory(Tree::ROOT, name("wide"), with_mode(0o755)).unwrap();
    for number in 0..count {
        // Neither ascending nor descending.
        let at = format!("{:08x}", number.wrapping_mul(0x9e37_79b1));
        made.put_file(dir, name(&at), &with_mode(0o644), FileContent::EMPTY, Vec::new());
    }
    made
}

fn deep(depth: usize) -> Mem {
    let mut made = empty();
    let mut dir = Tree::ROOT;
    for _ in 0..depth {
        dir = made.tree.add_directory(dir, name("d"), with_mode(0o755)).unwrap();
    }
    made
}

fn long_names() -> Mem {
    let mut made = empty();
    for byte in 1..=255u8 {
        if let Ok(at) = Name::new(&[byte; 255]) {
            made.tree.add_leaf(Tree::ROOT, at, with_mode(0o644), Leaf::Fifo).unwrap();
        }
    }
    made
}

/// Symlinks of every length around a block's end beside xattrs of every size, and directories of every tail length.
fn boundaries() -> Mem {
    let mut made = empty();
    for len in (3900..=4095).step_by(5) {
        let mut xattrs = Xattrs::new();
        xattrs.insert(b"user.x", &vec![7; len % 170]).unwrap();
        let leaf = Leaf::Symlink(SymlinkTarget::new(&vec![b't'; len]).unwrap());
        let at = format!("link{len}");
        made.tree.add_leaf(Tree::ROOT, name(&at), Metadata { xattrs, ..with_mode(0o777) }, leaf).unwrap();
    }
    for count in 1..40usize {
        let dir =
            made.tree.add_directory(Tree::ROOT, name(&format!("dir{count}")), with_mode(0o755)).unwrap();
        for number in 0..count {
            let at = format!("{number:0width$}", width = 40 + count);
            made.tree.add_leaf(dir, name(&at), with_mode(0), Leaf::Socket).unwrap();
        }
    }
    let fill = made.tree.add_directory(Tree::ROOT, name("exactly a block"), with_mode(0o755)).unwrap();
    // `.` and `..` take 27 bytes; 15 names of 255 bytes take 4005; one of 52 the rest.
    for number in 0..15 {
        made.tree.add_leaf(fill, name(&format!("{number:0255}")), with_mode(0), Leaf::Fifo).unwrap();
    }
    made.tree.add_leaf(fill, name(&"z".repeat(52)), with_mode(0), Leaf::Fifo).unwrap();
    made
}

fn large_xattrs() -> Mem {
    let mut made = empty();
    let mut xattrs = Xattrs::new();
    for number in 0..3 {
        xattrs.insert(format!("user.{number}").as_bytes(), &bytes(65_535, number)).unwrap();
    }
    let content = made.write(b"small", 5);
    let metadata = Metadata { xattrs, ..with_mode(0o755) };
    made.put_file(Tree::ROOT, name("file"), &metadata, content, b"small".to_vec());
    let dir = made.tree.add_directory(Tree::ROOT, name("dir"), metadata.clone()).unwrap();
    let link = Leaf::Symlink(SymlinkTarget::new(b"target").unwrap());
    made.tree.add_leaf(dir, name("link"), metadata, link).unwrap();
    made
}

fn many_links() -> Mem {
    let mut made = empty();
    let first = made.tree.add_leaf(Tree::ROOT, name("first"), with_mode(0o600), Leaf::Fifo).unwrap();
    (0..70_000).for_each(|number| made.tree.link(Tree::ROOT, name(&number.to_string()), first).unwrap());
    made
}

pub(super) fn all() -> Vec<(&'static str, Mem)> {
    vec![
        ("empty", empty()),
        ("mixed", mixed()),
        ("wide", wide(20_000)),
        ("deep", deep(300)),
        ("long names", long_names()),
        ("boundaries", boundaries()),
        ("large xattrs", large_xattrs()),
        ("many links", many_links()),
    ]
}

#[test]
fn odd_shapes_come_back_and_check_clean() {
    for (shape, made) in all() {
        let expected = of_tree(&made.tree, &made.files);
        let (blob, _) = made.writer.finish(&made.tree).unwrap();
        let image = Image::open(blob).unwrap();
        assert!(of_image(&image) == expected, "{shape}");
        let report = check(&image).unwrap();
        assert!(report.is_clean(), "{shape}: {:?}", report.problems());
    }
}

#[test]
fn a_directory_of_a_million_entries_is_built_and_read() {
    let made = wide(1_000_000);
    let (blob, written) = made.writer.finish(&made.tree).unwrap();
    assert_eq!(written.inodes, 1_000_002);
    let image = Image::open(blob).unwrap();
    assert!(check(&image).unwrap().is_clean());
    let dir = image.lookup_path(b"wide").unwrap().unwrap();
    assert_eq!(image.read_dir(&dir).unwrap().count(), 1_000_000);
    assert!(image.lookup(&dir, name("9e3779b1")).unwrap().is_some());
    assert!(image.lookup(&dir, name("9e3779b1x")).unwrap().is_none());
}

#[test]
fn very_deep_trees_cost_no_stack() {
    let mut made = deep(50_000);
    let (blob, _) =
        std::mem::replace(&mut made.writer, ImageWriter::new(Vec::new())).finish(&made.tree).unwrap();
    let image = Image::open(blob).unwrap();
    assert!(check(&image).unwrap().is_clean());
    let mut walk = image.walk().unwrap();
    let mut depth = 0;
    while walk.advance().unwrap().is_some() {
        depth += 1;
    }
    assert_eq!((depth, walk.path().len()), (50_000, 0));
    assert!(made.tree.remove(Tree::ROOT, name("d")).unwrap());
    assert_eq!(made.tree.len(), 1);
}

#[test]
fn only_exact_inodes_are_compact() {
    let size = |metadata: Metadata| {
        let mut made = empty();
        for number in 0..1000 {
            made.tree.add_leaf(Tree::ROOT, name(&number.to_string()), metadata.clone(), Leaf::Fifo).unwrap();
        }
        made.writer.finish(&made.tree).unwrap().1.size
    };
    let compact = size(with_mode(0o644));
    let later = Mtime::new(0, 1).unwrap();
    for wide in [
        Metadata { uid: 65_536, ..Metadata::default() },
        Metadata { gid: 65_536, ..Metadata::default() },
        Metadata { mtime: later, ..Metadata::default() },
    ] {
        assert!(size(wide) >= compact + 28_000);
    }
    assert_eq!(size(Metadata { uid: 65_535, ..Metadata::default() }), compact);
}

#[test]
fn a_node_is_named_by_its_id_only_while_it_exists() {
    let mut tree = Tree::new(Metadata::default());
    let id: NodeId = tree.add_leaf(Tree::ROOT, name("a"), Metadata::default(), Leaf::Fifo).unwrap();
    assert!(tree.remove(Tree::ROOT, name("a")).unwrap());
    assert!(tree.node(id).is_none());
}
