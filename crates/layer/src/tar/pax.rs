//! PAX extended headers: records `LENGTH KEY=VALUE\n`.

use std::collections::{BTreeMap, BTreeSet};

use erofs::Segment;

use super::entry::{Entry, Xattr};
use super::number;
use super::sparse::{MapError, parse_list};

/// One record.
type Record<'a> = (&'a [u8], &'a [u8]);

const SCHILY_XATTR: &[u8] = b"SCHILY.xattr.";
const LIBARCHIVE_XATTR: &[u8] = b"LIBARCHIVE.xattr.";
/// Attributes in notations that unpackers do not apply.
const FOREIGN: [&[u8]; 4] =
    [b"SCHILY.acl.access", b"SCHILY.acl.default", b"SCHILY.acl.ace", b"RHT.security.selinux"];

/// Why records are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PaxError {
    /// Their form, or a value.
    Invalid(&'static str),
    /// More sparse segments than the limit.
    TooManySegments,
}

impl From<MapError> for PaxError {
    fn from(error: MapError) -> Self {
        match error {
            MapError::TooMany => Self::TooManySegments,
            MapError::Invalid(reason) => Self::Invalid(reason),
        }
    }
}

/// Splits a header's content into records.
pub(super) fn records(mut raw: &[u8]) -> Result<Vec<Record<'_>>, PaxError> {
    let mut records = Vec::new();
    while !raw.is_empty() {
        // What Go pads its records' end with never occurs, but trailing NULs of other writers do.
        if raw.iter().all(|b| *b == 0) {
            break;
        }
        let (record, rest) =
            split_record(raw).ok_or(PaxError::Invalid("an extended header record is malformed"))?;
        records.push(record);
        raw = rest;
    }
    Ok(records)
}

fn split_record(raw: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let blank = raw.iter().take(21).position(|b| *b == b' ')?;
    let length = usize::try_from(number::decimal(&raw[..blank])?).ok()?;
    if length > raw.len() {
        return None;
    }
    let (record, rest) = raw.split_at(length);
    let record = record.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|b| *b == b'=')?;
    let (key, value) = (&record[..equals], &record[equals + 1..]);
    (!key.is_empty() && !key.contains(&0)).then_some(((key, value), rest))
}

/// What extended headers say of sparse files, and what overrides header fields that are needed early.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    /// `size`.
    pub(super) size: Option<u64>,
    /// `GNU.sparse.realsize` or `GNU.sparse.size`.
    pub(super) real_size: Option<u64>,
    /// `GNU.sparse.name`.
    sparse_name: Option<Vec<u8>>,
    /// The map of format 0.0 or 0.1.
    pub(super) map: Option<Vec<Segment>>,
    /// Whether the map is at the beginning of the content (format 1.0).
    pub(super) map_in_content: bool,
    /// Whether `path` was given.
    path: bool,
}

/// What each global record counts beside its key and value: a record costs time at every entry to come, however short it is.
const GLOBAL_OVERHEAD: usize = 128;

/// Records that hold for all entries to come; an empty value takes a record back.
#[derive(Debug, Default)]
pub(super) struct Globals {
    records: BTreeMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
}

impl Globals {
    /// Takes the records of a global header; whether all of them together are within `most` bytes.
    pub(super) fn merge(&mut self, raw: &[u8], most: usize) -> Result<bool, PaxError> {
        for (key, value) in records(raw)? {
            if let Some(old) = self.records.remove(key) {
                self.bytes -= GLOBAL_OVERHEAD + key.len() + old.len();
            }
            // What no entry would obey is not kept. A sparse map belongs to one file; a global one could only confuse.
            if !value.is_empty() && is_obeyed(key) {
                self.bytes += GLOBAL_OVERHEAD + key.len() + value.len();
                if self.bytes > most {
                    return Ok(false);
                }
                self.records.insert(key.to_vec(), value.to_vec());
            }
        }
        Ok(true)
    }

    /// The keys of own records that stand in for global ones.
    fn replaced<'r>(&self, own: &[Record<'r>]) -> BTreeSet<&'r [u8]> {
        if self.records.is_empty() {
            return BTreeSet::new();
        }
        own.iter().map(|(key, _)| *key).filter(|key| self.records.contains_key(*key)).collect()
    }
}

/// Applies global records, then an entry's own, to the entry made from the header block.
pub(super) fn apply(
    globals: &Globals,
    own: &[u8],
    entry: &mut Entry,
    most_segments: usize,
) -> Result<Overrides, PaxError> {
    let own = records(own)?;
    let mut overrides = Overrides::default();
    let replaced = globals.replaced(&own);
    for (key, value) in &globals.records {
        if !replaced.contains(key.as_slice()) {
            record(key, value, entry, &mut overrides)?;
        }
    }
    let mut list = SparseList { most: most_segments, ..SparseList::default() };
    for (key, value) in own {
        if !list.take(key, value)? && !value.is_empty() {
            record(key, value, entry, &mut overrides)?;
        }
    }
    list.finish(&mut overrides)?;
    if let Some(name) = overrides.sparse_name.take() {
        entry.path = name;
    }
    if overrides.path && entry.path.contains(&0) || entry.link.contains(&0) {
        return Err(PaxError::Invalid("a path has a NUL byte"));
    }
    Ok(overrides)
}

/// Whether [`record`] does anything with a record of that key.
fn is_obeyed(key: &[u8]) -> bool {
    matches!(key, b"path" | b"linkpath" | b"uid" | b"gid" | b"size" | b"mtime")
        || key.starts_with(SCHILY_XATTR)
        || key.starts_with(LIBARCHIVE_XATTR)
        || FOREIGN.contains(&key)
}

fn record(key: &[u8], value: &[u8], entry: &mut Entry, overrides: &mut Overrides) -> Result<(), PaxError> {
    let id = |value, wrong| {
        number::decimal(value).and_then(|n| u32::try_from(n).ok()).ok_or(PaxError::Invalid(wrong))
    };
    match key {
        b"path" => {
            replace(&mut entry.path, value);
            overrides.path = true;
        }
        b"linkpath" => replace(&mut entry.link, value),
        b"uid" => entry.uid = id(value, "the owner of an extended header is no 32-bit number")?,
        b"gid" => entry.gid = id(value, "the group of an extended header is no 32-bit number")?,
        b"size" => {
            let size = number::decimal(value)
                .ok_or(PaxError::Invalid("the size of an extended header is no number"))?;
            overrides.size = Some(size);
        }
        b"mtime" => {
            let time = number::pax_time(value)
                .ok_or(PaxError::Invalid("the time of an extended header is no number"))?;
            (entry.mtime, entry.mtime_nsec, entry.clamped) = (time.seconds, time.nanoseconds, time.clamped);
        }
        _ if key.starts_with(SCHILY_XATTR) => {
            entry.xattrs.push(Xattr { name: key[SCHILY_XATTR.len()..].to_vec(), value: value.to_vec() });
        }
        _ if key.starts_with(LIBARCHIVE_XATTR) => {
            let name = url_decode(&key[LIBARCHIVE_XATTR.len()..]);
            let pair = name.zip(base64_decode(value));
            let (name, value) = pair.ok_or(PaxError::Invalid("an extended attribute is malformed"))?;
            entry.xattrs.push(Xattr { name, value });
        }
        _ if FOREIGN.contains(&key) => {
            entry.foreign_attribute.get_or_insert_with(|| key.to_vec());
        }
        _ => {}
    }
    Ok(())
}

fn replace(text: &mut Vec<u8>, value: &[u8]) {
    text.clear();
    text.extend_from_slice(value);
}

/// Collects the records of the sparse formats 0.0, 0.1 and 1.0.
#[derive(Debug, Default)]
struct SparseList {
    most: usize,
    major: u64,
    minor: u64,
    versioned: bool,
    offset: Option<u64>,
    map: Option<Vec<Segment>>,
    real_size: Option<u64>,
    name: Option<Vec<u8>>,
}

impl SparseList {
    /// Takes the record if it is about a sparse file.
    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<bool, PaxError> {
        let Some(key) = key.strip_prefix(b"GNU.sparse.") else { return Ok(false) };
        let value_number =
            || number::decimal(value).ok_or(PaxError::Invalid("a record about a sparse file is no number"));
        match key {
            b"major" => (self.major, self.versioned) = (value_number()?, true),
            b"minor" => self.minor = value_number()?,
            b"size" | b"realsize" => self.real_size = Some(value_number()?),
            b"name" => self.name = Some(value.to_vec()),
            b"map" => self.map = Some(parse_list(value, self.most)?),
            b"numblocks" => {
                let count = value_number()?;
                if count > self.most as u64 {
                    return Err(PaxError::TooManySegments);
                }
                self.map.get_or_insert_default();
            }
            b"offset" => self.offset = Some(value_number()?),
            b"numbytes" => {
                let offset = self.offset.take();
                let offset =
                    offset.ok_or(PaxError::Invalid("the sparse map has a length without an offset"))?;
                let map = self.map.get_or_insert_default();
                if map.len() >= self.most {
                    return Err(PaxError::TooManySegments);
                }
                map.push(Segment { offset, len: value_number()? });
            }
            _ => {}
        }
        Ok(true)
    }

    fn finish(self, overrides: &mut Overrides) -> Result<(), PaxError> {
        if self.offset.is_some() {
            return Err(PaxError::Invalid("the sparse map has an offset without a length"));
        }
        if self.versioned && (self.major, self.minor) == (1, 0) {
            overrides.map_in_content = true;
        } else if self.versioned && (self.major, self.minor) > (0, 1) {
            return Err(PaxError::Invalid("the file is sparse in an unknown format"));
        } else {
            overrides.map = self.map;
        }
        let is_sparse = overrides.map_in_content || overrides.map.is_some();
        if is_sparse && self.real_size.is_none() {
            return Err(PaxError::Invalid("a sparse file has no size"));
        }
        overrides.real_size = self.real_size;
        overrides.sparse_name = self.name.filter(|name| !name.is_empty());
        Ok(())
    }
}

fn url_decode(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte == b'%' {
            let value = digit(bytes.next())? * 16 + digit(bytes.next())?;
            out.push(u8::try_from(value).ok()?);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

fn base64_decode(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|b| *b != b'=').map_or(0, |last| last + 1);
    let mut out = Vec::with_capacity(end / 4 * 3 + 3);
    for group in text[..end].chunks(4) {
        let mut bits = 0u32;
        for &byte in group {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        let bytes = (bits << (8 + 6 * (4 - group.len()))).to_be_bytes();
        match group.len() {
            4 => out.extend_from_slice(&bytes[..3]),
            3 => out.extend_from_slice(&bytes[..2]),
            2 => out.push(bytes[0]),
            _ => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_may_hold_newlines_equals_signs_and_nul() {
        let raw = b"30 SCHILY.xattr.user.a=x\n=\0y\n\n";
        assert_eq!(records(raw), Ok(vec![(&b"SCHILY.xattr.user.a"[..], &b"x\n=\0y\n"[..])]));
    }

    #[test]
    fn broken_records_are_refused() {
        for raw in [
            &b"6 a=1\n9 b=2"[..],
            b"7 a=1\n",
            b"5 a=1\n",
            b"0 a=1\n",
            b"-6 a=1\n",
            b"6 =a1\n",
            b"a=1\n",
            b"5 a1\n",
            b"99999999999999999999999 a=1\n",
            b"3 \n",
            b"2 \n",
            b"18446744073709551615 a=1\n",
        ] {
            assert!(records(raw).is_err(), "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn base64_with_and_without_padding() {
        for (text, bytes) in
            [("", ""), ("YQ", "a"), ("YQ==", "a"), ("YWI", "ab"), ("YWJj", "abc"), ("YWJjZA==", "abcd")]
        {
            assert_eq!(base64_decode(text.as_bytes()).unwrap(), bytes.as_bytes());
        }
        assert_eq!(base64_decode(b"/+8"), Some(vec![0xff, 0xef]));
        assert_eq!(base64_decode(b"A"), None);
        assert_eq!(base64_decode(b"A*=="), None);
    }

    #[test]
    fn url_escapes() {
        assert_eq!(url_decode(b"user.a%3Db%25").unwrap(), b"user.a=b%");
        assert_eq!(url_decode(b"user.%"), None);
        assert_eq!(url_decode(b"user.%4"), None);
        assert_eq!(url_decode(b"user.%zz"), None);
    }
}
