//! The tree in memory, and what it refuses.

use erofs::{
    DeviceNumber, Leaf, Metadata, MetadataError, Mtime, Name, NameError, SymlinkTarget, Tree, TreeError,
    XattrErrorKind, Xattrs,
};

use super::shapes::{acl, name};

fn meta() -> Metadata {
    Metadata::default()
}

#[test]
fn names_that_no_entry_may_have_are_refused() {
    assert_eq!(Name::new(b""), Err(NameError::Empty));
    assert_eq!(Name::new(b"."), Err(NameError::Dots));
    assert_eq!(Name::new(b".."), Err(NameError::Dots));
    assert_eq!(Name::new(b"a/b"), Err(NameError::Slash));
    assert_eq!(Name::new(b"a\0"), Err(NameError::Nul));
    assert_eq!(Name::new(&[b'a'; 256]), Err(NameError::TooLong(256)));
    assert!(Name::new(&[0xff; 255]).is_ok());
    assert!(Name::new(b"...").is_ok());
}

#[test]
fn values_that_no_inode_can_hold_are_refused() {
    assert_eq!(Mtime::new(0, 1_000_000_000), Err(MetadataError::Nanoseconds(1_000_000_000)));
    assert!(DeviceNumber::new(4096, 0).is_err());
    assert!(DeviceNumber::new(0, 1 << 20).is_err());
    assert_eq!(SymlinkTarget::new(b""), Err(MetadataError::TargetLength(0)));
    assert_eq!(SymlinkTarget::new(&[b'a'; 4096]), Err(MetadataError::TargetLength(4096)));
    assert_eq!(SymlinkTarget::new(b"a\0b"), Err(MetadataError::TargetNul));
}

#[test]
fn xattrs_that_the_kernel_could_not_give_back_are_refused_with_a_reason() {
    let mut xattrs = Xattrs::new();
    let mut kind = |name: &[u8], value: &[u8]| xattrs.insert(name, value).map_err(|error| error.kind());
    assert_eq!(kind(b"com.apple.quarantine", b""), Err(XattrErrorKind::UnknownPrefix));
    assert_eq!(kind(b"system.nfs4_acl", b""), Err(XattrErrorKind::UnknownPrefix));
    assert_eq!(kind(b"system.posix_acl_access.more", &acl()), Err(XattrErrorKind::UnknownPrefix));
    assert_eq!(kind(b"user.", b""), Err(XattrErrorKind::MalformedName));
    assert_eq!(kind(b"user.a\0", b""), Err(XattrErrorKind::MalformedName));
    assert_eq!(kind(&[b"user.", &[b'a'; 251][..]].concat(), b""), Err(XattrErrorKind::NameTooLong));
    assert_eq!(kind(b"user.a", &[0; 65_536]), Err(XattrErrorKind::ValueTooLong));
    assert_eq!(kind(b"system.posix_acl_access", b"u::rwx"), Err(XattrErrorKind::MalformedAcl));
    assert_eq!(kind(b"user.1", &[0; 65_535]), Ok(()));
    assert_eq!(kind(b"user.2", &[0; 65_535]), Ok(()));
    assert_eq!(kind(b"user.3", &[0; 65_535]), Ok(()));
    assert_eq!(kind(b"user.4", &[0; 65_535]), Err(XattrErrorKind::TooManyBytes));
    assert_eq!(kind(b"user.3", &[1; 65_535]), Ok(()));
    assert_eq!(xattrs.get(b"user.3").unwrap()[0], 1);
    assert_eq!(xattrs.len(), 3);
    assert!(xattrs.remove(b"user.3") && !xattrs.remove(b"user.3"));
}

#[test]
fn a_name_is_given_once() {
    let mut tree = Tree::new(meta());
    let dir = tree.add_directory(Tree::ROOT, name("a"), meta()).unwrap();
    assert_eq!(tree.add_directory(Tree::ROOT, name("a"), meta()), Err(TreeError::NameTaken));
    assert_eq!(tree.add_leaf(Tree::ROOT, name("a"), meta(), Leaf::Fifo), Err(TreeError::NameTaken));
    let file = tree.add_leaf(dir, name("f"), meta(), Leaf::Fifo).unwrap();
    assert_eq!(tree.link(Tree::ROOT, name("a"), file), Err(TreeError::NameTaken));
    assert_eq!(tree.add_leaf(file, name("x"), meta(), Leaf::Fifo), Err(TreeError::NotADirectory));
    assert_eq!(tree.link(Tree::ROOT, name("b"), dir), Err(TreeError::LinkToDirectory));
    assert_eq!(tree.len(), 3);
}

#[test]
fn replacing_a_directory_takes_all_below_it_but_other_names() {
    let mut tree = Tree::new(meta());
    let dir = tree.add_directory(Tree::ROOT, name("d"), meta()).unwrap();
    let sub = tree.add_directory(dir, name("sub"), meta()).unwrap();
    let file = tree.add_leaf(sub, name("f"), meta(), Leaf::Fifo).unwrap();
    tree.link(Tree::ROOT, name("kept"), file).unwrap();
    assert_eq!(tree.node(Tree::ROOT).unwrap().link_count(), 3);
    tree.replace_leaf(Tree::ROOT, name("d"), meta(), Leaf::Socket).unwrap();
    assert!(tree.node(dir).is_none() && tree.node(sub).is_none());
    assert_eq!(tree.node(file).unwrap().link_count(), 1);
    assert_eq!(tree.node(Tree::ROOT).unwrap().link_count(), 2);
    assert_eq!(tree.add_leaf(dir, name("x"), meta(), Leaf::Fifo), Err(TreeError::NoSuchNode));
    assert_eq!(tree.link(Tree::ROOT, name("x"), dir), Err(TreeError::NoSuchNode));
    assert_eq!(tree.len(), 3);
}

#[test]
fn clearing_keeps_the_directory_itself() {
    let mut tree = Tree::new(meta());
    let dir = tree.add_directory(Tree::ROOT, name("d"), meta()).unwrap();
    tree.add_directory(dir, name("a"), meta()).unwrap();
    tree.add_leaf(dir, name("b"), meta(), Leaf::Fifo).unwrap();
    tree.clear(dir).unwrap();
    assert_eq!((tree.children(dir).len(), tree.len()), (0, 2));
    assert_eq!(tree.node(dir).unwrap().link_count(), 2);
    assert_eq!(tree.parent(dir), Some(Tree::ROOT));
}
