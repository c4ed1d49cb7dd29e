//! Extended attributes as the format stores them: a number for the name's prefix, the rest of the name, the value.

use std::collections::BTreeMap;
use std::fmt;

/// The extended attributes of one inode, sorted by name, each of which the kernel can give back unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Xattrs {
    /// By the prefix's number followed by the rest of the name.
    entries: BTreeMap<Box<[u8]>, Box<[u8]>>,
    /// Bytes of all entries without header, each rounded up to 4.
    stored_len: usize,
}

/// Prefixes and their numbers (`EROFS_XATTR_INDEX_*`); the two ACLs are whole names.
const PREFIXES: [(u8, &[u8]); 5] = [
    (1, b"user."),
    (2, b"system.posix_acl_access"),
    (3, b"system.posix_acl_default"),
    (4, b"trusted."),
    (6, b"security."),
];

/// Bytes of the header before an inode's xattrs (`struct erofs_xattr_ibody_header`).
pub(crate) const HEADER_SIZE: usize = 12;
/// The most bytes that an inode's xattrs with header can have: their count field has 16 bits.
const MAX_STORED: usize = HEADER_SIZE + 4 * (u16::MAX as usize - 1);

impl Xattrs {
    /// No attribute.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `name` (with its prefix, as `getxattr(2)` takes it) to `value`; an earlier value is replaced.
    ///
    /// ACLs (`system.posix_acl_access`, `system.posix_acl_default`) are stored and given in the Linux xattr form, version 2,
    /// which is also what tars carry after `SCHILY.xattr.`.
    pub fn insert(&mut self, name: &[u8], value: &[u8]) -> Result<(), XattrError> {
        let failed = |kind| Err(XattrError { name: name.into(), kind });
        let Some((index, suffix)) = split(name) else {
            return failed(XattrErrorKind::UnknownPrefix);
        };
        if suffix.contains(&0) || (suffix.is_empty() && !is_acl(index)) {
            return failed(XattrErrorKind::MalformedName);
        }
        if name.len() > 255 {
            return failed(XattrErrorKind::NameTooLong);
        }
        if value.len() > usize::from(u16::MAX) {
            return failed(XattrErrorKind::ValueTooLong);
        }
        if is_acl(index) && !acl_is_well_formed(value) {
            return failed(XattrErrorKind::MalformedAcl);
        }
        let key = key(index, suffix);
        let replaced = self.entries.get(&key).map_or(0, |old| stored_len(&key, old));
        let total = self.stored_len - replaced + stored_len(&key, value);
        if total > MAX_STORED - HEADER_SIZE {
            return failed(XattrErrorKind::TooManyBytes);
        }
        self.entries.insert(key, value.into());
        self.stored_len = total;
        Ok(())
    }

    /// Takes `name` away; says whether it was there.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let removed = split(name).and_then(|(index, suffix)| self.entries.remove_entry(&key(index, suffix)));
        self.stored_len -= removed.as_ref().map_or(0, |(key, value)| stored_len(key, value));
        removed.is_some()
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let (index, suffix) = split(name)?;
        self.entries.get(&key(index, suffix)).map(|value| &**value)
    }

    /// Full names and values, in stored order.
    pub fn iter(&self) -> impl Iterator<Item = (Vec<u8>, &[u8])> {
        self.entries.iter().map(|(key, value)| (full_name(key), &**value))
    }

    /// Number of attributes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes that the attributes take behind the inode, header included; 0 for none.
    pub(crate) fn encoded_len(&self) -> usize {
        if self.is_empty() { 0 } else { HEADER_SIZE + self.stored_len }
    }

    /// The inode's field for [`Xattrs::encoded_len`]: units of 4 bytes after the header, and one.
    pub(crate) fn count_field(&self) -> u16 {
        match self.encoded_len() {
            0 => 0,
            len => u16::try_from((len - HEADER_SIZE) / 4 + 1)
                .expect("insert checked the bytes of all attributes"),
        }
    }

    /// Appends the attributes as they follow the inode.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        if self.is_empty() {
            return;
        }
        out.resize(out.len() + HEADER_SIZE, 0);
        for (key, value) in &self.entries {
            let value_size = u16::try_from(value.len()).expect("insert checked the value's length");
            out.push(u8::try_from(key.len() - 1).expect("insert checked the name's length"));
            out.push(key[0]);
            out.extend_from_slice(&value_size.to_le_bytes());
            out.extend_from_slice(&key[1..]);
            out.extend_from_slice(value);
            out.resize(out.len().next_multiple_of(4), 0);
        }
    }
}

fn key(index: u8, suffix: &[u8]) -> Box<[u8]> {
    [&[index], suffix].concat().into()
}

fn full_name(key: &[u8]) -> Vec<u8> {
    [prefix(key[0]).unwrap_or_default(), &key[1..]].concat()
}

/// Bytes of an entry (`struct erofs_xattr_entry`, name and value), rounded up.
fn stored_len(key: &[u8], value: &[u8]) -> usize {
    (4 + key.len() - 1 + value.len()).next_multiple_of(4)
}

/// The prefix that `index` stands for.
pub(crate) fn prefix(index: u8) -> Option<&'static [u8]> {
    PREFIXES.iter().find(|(known, _)| *known == index).map(|(_, prefix)| *prefix)
}

fn is_acl(index: u8) -> bool {
    matches!(index, 2 | 3)
}

fn split(name: &[u8]) -> Option<(u8, &[u8])> {
    PREFIXES.iter().find_map(|(index, prefix)| {
        let suffix = name.strip_prefix(*prefix)?;
        (suffix.is_empty() || !is_acl(*index)).then_some((*index, suffix))
    })
}

/// Version 2 and whole entries: what `posix_acl_from_xattr` of the kernel wants before it looks at the entries.
fn acl_is_well_formed(value: &[u8]) -> bool {
    value
        .strip_prefix(&2u32.to_le_bytes())
        .is_some_and(|entries| !entries.is_empty() && entries.len() % 8 == 0)
}

/// An attribute that cannot be stored, so that the caller can drop it, rename it or give up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XattrError {
    name: Box<[u8]>,
    kind: XattrErrorKind,
}

/// Why an attribute cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum XattrErrorKind {
    /// No namespace that the format knows: not `user.`, `trusted.`, `security.` or one of the two ACLs.
    UnknownPrefix,
    /// Nothing after the prefix, or a NUL byte.
    MalformedName,
    /// More than 255 bytes of name.
    NameTooLong,
    /// More than 65,535 bytes of value.
    ValueTooLong,
    /// An ACL that is not in the Linux xattr form; the kernel would refuse every access to the file.
    MalformedAcl,
    /// All attributes of the inode together exceed the format's 256 KiB.
    TooManyBytes,
}

impl XattrError {
    /// What is wrong with it.
    #[must_use]
    pub fn kind(&self) -> XattrErrorKind {
        self.kind
    }

    /// The attribute's full name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }
}

impl fmt::Display for XattrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.kind {
            XattrErrorKind::UnknownPrefix => "no known prefix",
            XattrErrorKind::MalformedName => "malformed name",
            XattrErrorKind::NameTooLong => "name longer than 255 bytes",
            XattrErrorKind::ValueTooLong => "value longer than 65535 bytes",
            XattrErrorKind::MalformedAcl => "not an ACL in the Linux xattr form",
            XattrErrorKind::TooManyBytes => "too many bytes of attributes on one file",
        };
        write!(f, "failed to store the xattr `{}`: {why}", self.name.escape_ascii())
    }
}

impl std::error::Error for XattrError {}
