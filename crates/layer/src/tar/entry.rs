//! What the parser tells of an entry.

use erofs::Segment;

use crate::ConvertError;

/// What an entry is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file; its content follows.
    #[default]
    File,
    /// Another name of the file at [`Entry::link`].
    HardLink,
    /// A symlink to [`Entry::link`].
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Directory,
    /// A fifo.
    Fifo,
    /// Something that is not a file.
    Unknown,
}

/// An extended attribute, by its full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Xattr {
    /// The name, namespace included.
    pub(crate) name: Vec<u8>,
    /// The value.
    pub(crate) value: Vec<u8>,
}

/// One entry, extension headers already applied. The parser reuses it from entry to entry.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// Where its first header (of extensions too) is in the tar.
    pub(crate) offset: u64,
    /// What it is.
    pub(crate) kind: Kind,
    /// Its path as the tar has it.
    pub(crate) path: Vec<u8>,
    /// The target of a link.
    pub(crate) link: Vec<u8>,
    /// Permission bits with setuid, setgid and sticky.
    pub(crate) mode: u16,
    /// Owner.
    pub(crate) uid: u32,
    /// Group.
    pub(crate) gid: u32,
    /// Seconds since 1970.
    pub(crate) mtime: i64,
    /// And nanoseconds.
    pub(crate) mtime_nsec: u32,
    /// Whether the time had to be clamped.
    pub(crate) clamped: bool,
    /// Device numbers.
    pub(crate) device: (u64, u64),
    /// Length of the file, holes included.
    pub(crate) size: u64,
    /// Extended attributes in the tar's order; a name may occur twice.
    pub(crate) xattrs: Vec<Xattr>,
    /// Attributes in a notation that unpackers do not apply (`SCHILY.acl.*`), the first of them.
    pub(crate) foreign_attribute: Option<Vec<u8>>,
    /// Where the content lies, for a sparse file.
    pub(crate) sparse: Option<Vec<Segment>>,
}

impl Entry {
    /// The path for a message: lossy, and no longer than a message should be.
    pub(crate) fn display(&self) -> String {
        display(&self.path)
    }

    /// Says that this entry breaks the format.
    pub(crate) fn malformed(&self, reason: impl Into<String>) -> ConvertError {
        ConvertError::Malformed { offset: self.offset, path: self.display(), reason: reason.into() }
    }
}

/// Bytes of a name as text for messages: lossy, control characters escaped, at most 200 bytes of it.
pub(crate) fn display(path: &[u8]) -> String {
    const MOST: usize = 200;
    let text = String::from_utf8_lossy(&path[..path.len().min(MOST)]);
    let mut shown: String = text
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect();
    if path.len() > MOST {
        shown.push_str("...");
    }
    shown
}
