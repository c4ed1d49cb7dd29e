//! The 512-byte header block: ustar, GNU, star and the oldest form.

use super::{Block, number};

/// Which dialect a header is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Before POSIX: no prefix.
    Old,
    /// POSIX ustar (and pax).
    Ustar,
    /// star: ustar with a shorter prefix.
    Star,
    /// GNU: its own fields where the prefix is.
    Gnu,
}

/// A view of a header block.
#[derive(Clone, Copy)]
pub(super) struct Header<'a>(pub(super) &'a Block);

/// A field up to its first NUL.
pub(super) fn text(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len())]
}

impl<'a> Header<'a> {
    pub(super) fn is_zero(self) -> bool {
        self.0.iter().all(|b| *b == 0)
    }

    /// Whether the checksum holds, summed unsigned as POSIX says or signed as some old tars did.
    pub(super) fn checksum_holds(self) -> bool {
        let Some(stated) = number::field(&self.0[148..156]) else { return false };
        let blanks = i64::from(b' ') * 8;
        let outside = || self.0[..148].iter().chain(&self.0[156..]);
        let unsigned: i64 = blanks + outside().map(|b| i64::from(*b)).sum::<i64>();
        if stated == unsigned {
            return true;
        }
        stated == blanks + outside().map(|b| i64::from(b.cast_signed())).sum::<i64>()
    }

    pub(super) fn format(self) -> Format {
        match &self.0[257..265] {
            b"ustar  \0" => Format::Gnu,
            magic if magic.starts_with(b"ustar\0") && &self.0[508..512] == b"tar\0" => Format::Star,
            magic if magic.starts_with(b"ustar") => Format::Ustar,
            _ => Format::Old,
        }
    }

    pub(super) fn type_flag(self) -> u8 {
        self.0[156]
    }

    /// Writes the path (prefix and name) to `path`.
    pub(super) fn path_into(self, path: &mut Vec<u8>) {
        path.clear();
        let prefix = match self.format() {
            Format::Ustar => text(&self.0[345..500]),
            Format::Star => text(&self.0[345..476]),
            Format::Gnu => self.go_prefix(),
            Format::Old => b"",
        };
        if !prefix.is_empty() {
            path.extend_from_slice(prefix);
            path.push(b'/');
        }
        path.extend_from_slice(text(&self.0[..100]));
    }

    /// The prefix that Go wrote under GNU's magic before its version 1.8, which belongs to ustar alone. As Go reads it: where
    /// GNU's times of access and change are no numbers and the field is ASCII.
    fn go_prefix(self) -> &'a [u8] {
        let prefix = text(&self.0[345..500]);
        let is_time = |field: &[u8]| field[0] == 0 || number::field(field).is_some();
        let is_gnu = is_time(&self.0[345..357]) && is_time(&self.0[357..369]);
        if is_gnu || !prefix.is_ascii() { b"" } else { prefix }
    }

    pub(super) fn link(self) -> &'a [u8] {
        text(&self.0[157..257])
    }

    pub(super) fn mode(self) -> Option<i64> {
        number::field(&self.0[100..108])
    }

    pub(super) fn uid(self) -> Option<i64> {
        number::field(&self.0[108..116])
    }

    pub(super) fn gid(self) -> Option<i64> {
        number::field(&self.0[116..124])
    }

    pub(super) fn size(self) -> Option<u64> {
        number::field(&self.0[124..136]).and_then(|size| u64::try_from(size).ok())
    }

    pub(super) fn mtime(self) -> Option<i64> {
        number::field(&self.0[136..148])
    }

    pub(super) fn device(self) -> Option<(u64, u64)> {
        if self.format() == Format::Old {
            return Some((0, 0));
        }
        let part = |bytes| number::field(bytes).and_then(|n| u64::try_from(n).ok());
        Some((part(&self.0[329..337])?, part(&self.0[337..345])?))
    }

    /// The four sparse segments of an old GNU sparse header, 24 bytes each.
    pub(super) fn gnu_segments(self) -> &'a [u8] {
        &self.0[386..482]
    }

    /// Whether blocks with more segments follow.
    pub(super) fn gnu_is_extended(self) -> bool {
        self.0[482] != 0
    }

    /// Length of an old GNU sparse file, holes included.
    pub(super) fn gnu_real_size(self) -> Option<u64> {
        number::field(&self.0[483..495]).and_then(|size| u64::try_from(size).ok())
    }
}
