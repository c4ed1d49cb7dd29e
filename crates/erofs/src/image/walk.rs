//! All of an image, directory by directory.

use std::collections::HashSet;

use super::{DirectoryEntries, Image, Inode, Malformed, ReadError};
use crate::ReadAt;

/// Deeper than any path that the kernel could name; bounds what a walk keeps.
const MAX_DEPTH: usize = 1 << 16;

/// A walk over everything below the root, each directory before what is in it, in stored order.
///
/// Not an iterator, so that the path need not be copied: call [`Walk::advance`], then look at [`Walk::path`].
#[derive(Debug)]
pub struct Walk<'i, R> {
    image: &'i Image<R>,
    /// The directories on the way, each with the length of its path.
    open: Vec<(DirectoryEntries<'i, R>, usize)>,
    seen: HashSet<u64>,
    path: Vec<u8>,
    budget: u64,
}

impl<R: ReadAt> Image<R> {
    /// Begins a walk at the root, which itself does not come up.
    pub fn walk(&self) -> Result<Walk<'_, R>, ReadError> {
        let root = self.root()?;
        let mut walk =
            Walk { image: self, open: Vec::new(), seen: HashSet::new(), path: Vec::new(), budget: self.size };
        walk.enter(&root)?;
        Ok(walk)
    }
}

impl<R: ReadAt> Walk<'_, R> {
    /// The next inode; `None` at the end. A hard link comes up under each of its names. After an error the walk is over.
    pub fn advance(&mut self) -> Result<Option<Inode>, ReadError> {
        let next = self.step();
        if next.is_err() {
            self.open.clear();
        }
        next
    }

    /// Path of the inode that came up last, without a leading `/`.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    fn step(&mut self) -> Result<Option<Inode>, ReadError> {
        while let Some((entries, path_len)) = self.open.last_mut() {
            self.path.truncate(*path_len);
            let Some(entry) = entries.next().transpose()? else {
                self.open.pop();
                continue;
            };
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(entry.name().as_bytes());
            let inode = self.image.inode(entry.nid())?;
            if inode.is_directory() {
                entries.forget_block();
                self.enter(&inode)?;
            }
            return Ok(Some(inode));
        }
        Ok(None)
    }

    fn enter(&mut self, directory: &Inode) -> Result<(), ReadError> {
        let malformed = |what| ReadError::Inode { nid: directory.nid, what };
        if !self.seen.insert(directory.nid) {
            return Err(malformed(Malformed::DirectoryTwice));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(malformed(Malformed::Depth));
        }
        self.budget = self.budget.checked_sub(directory.size()).ok_or(ReadError::Bomb)?;
        self.open.push((self.image.read_dir(directory)?, self.path.len()));
        Ok(())
    }
}
