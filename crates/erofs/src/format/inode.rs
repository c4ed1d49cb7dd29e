//! Inodes on disk: 32 bytes where they say all, else 64.

use super::{Fields, mode_type, put};
use crate::Mtime;

/// Bytes of `struct erofs_inode_compact`.
pub(crate) const COMPACT_SIZE: usize = 32;
/// Bytes of `struct erofs_inode_extended`.
pub(crate) const EXTENDED_SIZE: usize = 64;

/// How an inode's data is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataLayout {
    /// All in consecutive blocks.
    FlatPlain,
    /// Whole blocks consecutive, the tail behind the inode.
    FlatInline,
    /// By a table of chunks behind the inode.
    ChunkBased,
}

impl DataLayout {
    fn code(self) -> u16 {
        match self {
            Self::FlatPlain => 0,
            Self::FlatInline => 2,
            Self::ChunkBased => 4,
        }
    }
}

/// The fields of either form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawInode {
    pub(crate) extended: bool,
    pub(crate) layout: DataLayout,
    /// Units of 4 bytes of xattrs after the header, and one; 0 for none.
    pub(crate) xattr_count: u16,
    pub(crate) mode: u16,
    pub(crate) links: u32,
    pub(crate) size: u64,
    /// First block, device number or chunk format, by layout and type.
    pub(crate) union: u32,
    /// Number shown by 32-bit `stat`.
    pub(crate) number: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// None in the compact form, which means the build time.
    pub(crate) mtime: Option<Mtime>,
}

/// Why bytes are not an inode that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Format(u16),
    Mode(u16),
    Nanoseconds(u32),
}

impl RawInode {
    /// Appends the inode's bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let at = out.len();
        out.resize(at + if self.extended { EXTENDED_SIZE } else { COMPACT_SIZE }, 0);
        let record = &mut out[at..];
        let format = u16::from(self.extended) | (self.layout.code() << 1);
        put(record, 0, &format.to_le_bytes());
        put(record, 2, &self.xattr_count.to_le_bytes());
        put(record, 4, &self.mode.to_le_bytes());
        put(record, 16, &self.union.to_le_bytes());
        put(record, 20, &self.number.to_le_bytes());
        if self.extended {
            let mtime = self.mtime.unwrap_or_default();
            put(record, 8, &self.size.to_le_bytes());
            put(record, 24, &self.uid.to_le_bytes());
            put(record, 28, &self.gid.to_le_bytes());
            put(record, 32, &mtime.seconds().to_le_bytes());
            put(record, 40, &mtime.nanos().to_le_bytes());
            put(record, 44, &self.links.to_le_bytes());
        } else {
            // The low bytes are the whole number: the compact form is chosen only where it is exact.
            put(record, 6, &self.links.to_le_bytes()[..2]);
            put(record, 8, &self.size.to_le_bytes()[..4]);
            put(record, 24, &self.uid.to_le_bytes()[..2]);
            put(record, 26, &self.gid.to_le_bytes()[..2]);
        }
    }

    /// Whether the inode that begins with the two bytes of `format` has the 64-byte form.
    pub(crate) fn is_extended(format: u16) -> bool {
        format & 1 == 1
    }

    /// Reads an inode from [`COMPACT_SIZE`] or [`EXTENDED_SIZE`] bytes, as its first bytes say.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let fields = Fields(bytes);
        let format = fields.u16(0);
        let layout = match format >> 1 {
            0 => DataLayout::FlatPlain,
            2 => DataLayout::FlatInline,
            4 => DataLayout::ChunkBased,
            _ => return Err(Unreadable::Format(format)),
        };
        let mode = fields.u16(4);
        if !is_known_type(mode) {
            return Err(Unreadable::Mode(mode));
        }
        let mut inode = Self {
            extended: Self::is_extended(format),
            layout,
            xattr_count: fields.u16(2),
            mode,
            links: fields.u16(6).into(),
            size: fields.u32(8).into(),
            union: fields.u32(16),
            number: fields.u32(20),
            uid: fields.u16(24).into(),
            gid: fields.u16(26).into(),
            mtime: None,
        };
        if inode.extended {
            let nanos = fields.u32(40);
            let mtime =
                Mtime::new(fields.u64(32) as i64, nanos).map_err(|_| Unreadable::Nanoseconds(nanos))?;
            (inode.links, inode.size, inode.mtime) = (fields.u32(44), fields.u64(8), Some(mtime));
            (inode.uid, inode.gid) = (fields.u32(24), fields.u32(28));
        }
        Ok(inode)
    }

    /// Bytes of the inode itself.
    pub(crate) fn inode_size(&self) -> u64 {
        if self.extended { EXTENDED_SIZE as u64 } else { COMPACT_SIZE as u64 }
    }
}

fn is_known_type(mode: u16) -> bool {
    use mode_type::{BLOCK_DEVICE, CHAR_DEVICE, DIRECTORY, FIFO, MASK, REGULAR, SOCKET, SYMLINK};
    matches!(mode & MASK, REGULAR | DIRECTORY | SYMLINK | CHAR_DEVICE | BLOCK_DEVICE | FIFO | SOCKET)
}
