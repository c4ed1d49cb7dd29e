//! From an image back to a tree.

use std::collections::{HashMap, HashSet};

use super::{Image, Inode, InodeKind, Malformed, ReadError};
use crate::format::inode::DataLayout;
use crate::{DeviceIndex, FileContent, Leaf, Metadata, NodeId, ReadAt, Tree, TreeError};

/// Small images may well share a few xattrs many times.
const FREE_BYTES: u64 = 64 << 20;

impl<R: ReadAt> Image<R> {
    /// Reads the whole tree. Content that lies in the image itself is put on `device`: [`DeviceIndex::PRIMARY`] keeps it,
    /// another one makes the tree part of a merged metadata image in which this image is that device.
    ///
    /// Fails for files with data behind the inode, which only images of other writers have, and for images that have extra
    /// devices of their own if `device` is not the primary one.
    pub fn read_tree(&self, device: DeviceIndex) -> Result<Tree, ReadError> {
        let root = self.root()?;
        if !root.is_directory() {
            return Err(ReadError::WrongType { nid: root.nid });
        }
        let mut reading = Reading {
            image: self,
            device,
            hard_links: HashMap::new(),
            directories: HashSet::from([root.nid]),
            directory_budget: self.size,
            byte_budget: self.size.saturating_add(FREE_BYTES),
        };
        let mut tree = Tree::new(reading.metadata(&root)?);
        let mut todo = vec![(root, Tree::ROOT)];
        while let Some((directory, id)) = todo.pop() {
            reading.directory(&mut tree, &directory, id, &mut todo)?;
        }
        Ok(tree)
    }
}

struct Reading<'i, R> {
    image: &'i Image<R>,
    device: DeviceIndex,
    hard_links: HashMap<u64, NodeId>,
    directories: HashSet<u64>,
    /// What all directories together may still have: they cannot be larger than the image.
    directory_budget: u64,
    /// What xattrs, targets and chunk tables may still have.
    byte_budget: u64,
}

impl<R: ReadAt> Reading<'_, R> {
    fn directory(
        &mut self,
        tree: &mut Tree,
        directory: &Inode,
        id: NodeId,
        todo: &mut Vec<(Inode, NodeId)>,
    ) -> Result<(), ReadError> {
        let broken = |_: TreeError| ReadError::Inode { nid: directory.nid, what: Malformed::Entry };
        self.directory_budget = self.directory_budget.checked_sub(directory.size()).ok_or(ReadError::Bomb)?;
        for entry in self.image.read_dir(directory)? {
            let entry = entry?;
            if let Some(node) = self.hard_links.get(&entry.nid()) {
                tree.link(id, entry.name(), *node).map_err(broken)?;
                continue;
            }
            let inode = self.image.inode(entry.nid())?;
            let metadata = self.metadata(&inode)?;
            if inode.is_directory() {
                if !self.directories.insert(inode.nid) {
                    return Err(ReadError::Inode { nid: inode.nid, what: Malformed::DirectoryTwice });
                }
                let child = tree.add_directory(id, entry.name(), metadata).map_err(broken)?;
                todo.push((inode, child));
                continue;
            }
            let leaf = self.leaf(&inode)?;
            let child = tree.add_leaf(id, entry.name(), metadata, leaf).map_err(broken)?;
            if inode.links() != 1 {
                self.hard_links.insert(inode.nid, child);
            }
        }
        Ok(())
    }

    fn metadata(&mut self, inode: &Inode) -> Result<Metadata, ReadError> {
        let xattrs = self.image.xattrs(inode)?;
        self.spend(xattrs.encoded_len() as u64)?;
        Ok(Metadata { mode: inode.mode(), uid: inode.uid(), gid: inode.gid(), mtime: inode.mtime(), xattrs })
    }

    fn leaf(&mut self, inode: &Inode) -> Result<Leaf, ReadError> {
        Ok(match inode.kind() {
            InodeKind::Directory => return Err(ReadError::WrongType { nid: inode.nid }),
            InodeKind::Regular => Leaf::Regular(self.content(inode)?),
            InodeKind::Symlink => {
                self.spend(inode.size())?;
                Leaf::Symlink(self.image.read_link(inode)?)
            }
            InodeKind::CharDevice(number) => Leaf::CharDevice(number),
            InodeKind::BlockDevice(number) => Leaf::BlockDevice(number),
            InodeKind::Fifo => Leaf::Fifo,
            InodeKind::Socket => Leaf::Socket,
        })
    }

    fn content(&mut self, inode: &Inode) -> Result<FileContent, ReadError> {
        let malformed = |what| ReadError::Inode { nid: inode.nid, what };
        if inode.layout() == DataLayout::ChunkBased {
            let table = self.image.chunk_table(inode)?;
            self.spend(table.end() - table.start)?;
        }
        let content = self.image.content(inode)?.ok_or(malformed(Malformed::DataInInode))?;
        if self.device == DeviceIndex::PRIMARY {
            return Ok(content);
        }
        if content.is_beyond_primary() {
            return Err(malformed(Malformed::Chunks));
        }
        Ok(content.relocated(self.device))
    }

    fn spend(&mut self, bytes: u64) -> Result<(), ReadError> {
        self.byte_budget = self.byte_budget.checked_sub(bytes).ok_or(ReadError::Bomb)?;
        Ok(())
    }
}
