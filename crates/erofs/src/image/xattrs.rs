//! Xattrs of inodes: beside them, or in the area that inodes share.

use super::{Image, Inode, Malformed, ReadError};
use crate::format::Fields;
use crate::xattr::{HEADER_SIZE, prefix};
use crate::{BLOCK_SIZE, ReadAt, Xattrs};

/// Bytes of an xattr before its name (`struct erofs_xattr_entry`).
const ENTRY_SIZE: usize = 4;

impl<R: ReadAt> Image<R> {
    /// All xattrs of an inode.
    pub fn xattrs(&self, inode: &Inode) -> Result<Xattrs, ReadError> {
        let mut xattrs = Xattrs::new();
        let len = inode.xattr_len();
        if len == 0 {
            return Ok(xattrs);
        }
        let malformed = || ReadError::Inode { nid: inode.nid, what: Malformed::Xattrs };
        let bytes = self.bytes(inode.base_end() - len as u64, len)?;
        let shared = usize::from(bytes[4]);
        let mut at = HEADER_SIZE + 4 * shared;
        if at > len {
            return Err(malformed());
        }
        for index in 0..shared {
            let id = Fields(&bytes).u32(HEADER_SIZE + 4 * index);
            self.shared_xattr(id, &mut xattrs).ok_or_else(malformed)??;
        }
        while at < len {
            let rest = &bytes[at..];
            let entry_len = insert(rest, &mut xattrs).ok_or_else(malformed)?;
            at += entry_len.next_multiple_of(4);
        }
        Ok(xattrs)
    }

    fn shared_xattr(&self, id: u32, xattrs: &mut Xattrs) -> Option<Result<(), ReadError>> {
        let offset = u64::from(self.superblock().xattr_block) * BLOCK_SIZE + 4 * u64::from(id);
        let read = |len| self.bytes(offset, len);
        let head = match read(ENTRY_SIZE) {
            Ok(head) => head,
            Err(error) => return Some(Err(error)),
        };
        match read(entry_len(&head)) {
            Ok(entry) => insert(&entry, xattrs).map(|_| Ok(())),
            Err(error) => Some(Err(error)),
        }
    }
}

/// Bytes of an entry, by its first [`ENTRY_SIZE`] bytes, without what aligns the next.
fn entry_len(head: &[u8]) -> usize {
    ENTRY_SIZE + usize::from(head[0]) + usize::from(Fields(head).u16(2))
}

/// Takes over the entry that `bytes` begin with, and gives its length; `None` if it is malformed.
fn insert(bytes: &[u8], xattrs: &mut Xattrs) -> Option<usize> {
    let head = bytes.get(..ENTRY_SIZE)?;
    let len = entry_len(head);
    let (suffix, value) = bytes.get(ENTRY_SIZE..len)?.split_at(usize::from(head[0]));
    let name = [prefix(head[1])?, suffix].concat();
    xattrs.insert(&name, value).ok()?;
    Some(len)
}
