//! One way to say what a tree holds, whoever reads it.

use std::collections::{BTreeMap, HashMap};

use erofs::{Image, Inode, InodeKind, Leaf, Metadata, NodeId, NodeKind, ReadAt, Tree, Xattrs};

/// Everything that `stat`, `readlink`, `getxattr` and `read` say of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) what: What,
    pub(super) mode: u16,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mtime: (i64, u32),
    pub(super) links: u32,
    /// The first path of the same inode.
    pub(super) same_as: Vec<u8>,
    pub(super) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Directory,
    Regular(Vec<u8>),
    Symlink(Vec<u8>),
    Char(u32, u32),
    Block(u32, u32),
    Fifo,
    Socket,
}

/// Paths without a leading slash; the root is the empty path.
pub(super) type Dump = BTreeMap<Vec<u8>, Entry>;

/// What `tree` says, with the bytes of its files by node.
pub(super) fn of_tree(tree: &Tree, files: &HashMap<NodeId, Vec<u8>>) -> Dump {
    let mut dump = Dump::new();
    let mut nodes = BTreeMap::new();
    let mut todo = vec![(Vec::new(), Tree::ROOT)];
    while let Some((path, id)) = todo.pop() {
        nodes.insert(path.clone(), id);
        todo.extend(tree.children(id).map(|(name, child)| (join(&path, name.as_bytes()), child)));
    }
    let mut first = HashMap::new();
    for (path, id) in nodes {
        let node = tree.node(id).unwrap();
        let what = match node.kind() {
            NodeKind::Directory => What::Directory,
            NodeKind::Leaf(Leaf::Regular(_)) => What::Regular(files[&id].clone()),
            NodeKind::Leaf(Leaf::Symlink(target)) => What::Symlink(target.as_bytes().to_vec()),
            NodeKind::Leaf(Leaf::CharDevice(number)) => What::Char(number.major(), number.minor()),
            NodeKind::Leaf(Leaf::BlockDevice(number)) => What::Block(number.major(), number.minor()),
            NodeKind::Leaf(Leaf::Fifo) => What::Fifo,
            NodeKind::Leaf(Leaf::Socket) => What::Socket,
        };
        let Metadata { mode, uid, gid, mtime, xattrs } = node.metadata();
        let entry = Entry {
            what,
            mode,
            uid,
            gid,
            mtime: (mtime.seconds(), mtime.nanos()),
            links: node.link_count(),
            same_as: first.entry(id).or_insert_with(|| path.clone()).clone(),
            xattrs: xattr_map(&xattrs),
        };
        dump.insert(path, entry);
    }
    dump
}

/// What our reader says.
pub(super) fn of_image<R: ReadAt>(image: &Image<R>) -> Dump {
    let mut inodes = BTreeMap::from([(Vec::new(), image.root().unwrap())]);
    let mut walk = image.walk().unwrap();
    while let Some(inode) = walk.advance().unwrap() {
        inodes.insert(walk.path().to_vec(), inode);
    }
    let mut first = HashMap::new();
    let entries = inodes.into_iter().map(|(path, inode)| {
        assert_eq!(image.lookup_path(&path).unwrap().unwrap(), inode);
        let same_as = first.entry(inode.nid()).or_insert_with(|| path.clone()).clone();
        (path, of_inode(image, &inode, same_as))
    });
    entries.collect()
}

fn of_inode<R: ReadAt>(image: &Image<R>, inode: &Inode, same_as: Vec<u8>) -> Entry {
    let what = match inode.kind() {
        InodeKind::Directory => What::Directory,
        InodeKind::Regular => {
            let mut bytes = vec![0xee; inode.size() as usize];
            assert_eq!(image.read_at(inode, 0, &mut bytes).unwrap(), bytes.len());
            What::Regular(bytes)
        }
        InodeKind::Symlink => What::Symlink(image.read_link(inode).unwrap().as_bytes().to_vec()),
        InodeKind::CharDevice(number) => What::Char(number.major(), number.minor()),
        InodeKind::BlockDevice(number) => What::Block(number.major(), number.minor()),
        InodeKind::Fifo => What::Fifo,
        InodeKind::Socket => What::Socket,
    };
    Entry {
        what,
        mode: inode.mode(),
        uid: inode.uid(),
        gid: inode.gid(),
        mtime: (inode.mtime().seconds(), inode.mtime().nanos()),
        links: inode.links(),
        same_as,
        xattrs: xattr_map(&image.xattrs(inode).unwrap()),
    }
}

fn xattr_map(xattrs: &Xattrs) -> BTreeMap<Vec<u8>, Vec<u8>> {
    xattrs.iter().map(|(name, value)| (name, value.to_vec())).collect()
}

pub(super) fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() { name.to_vec() } else { [dir, b"/", name].concat() }
}
