//! From a few bytes of a layer, or none, to what it may take unpacked.
//!
//! Sources: RFC 1952, section 2.3.1 (`ISIZE`); RFC 1951 by way of zlib's technical notes (at most 1032 to 1);
//! RFC 8878, section 3.1.1.1 (frame header, `Frame_Content_Size`).

use serde::{Deserialize, Serialize};

use super::Expected;
use crate::{ByteSize, Compression};

/// Bytes at the end of a gzip stream that hold its length: CRC-32 and `ISIZE`.
pub const GZIP_TRAILER_LEN: usize = 8;

/// Bytes at the beginning of a zstd frame that hold its length, where it is there.
pub const ZSTD_HEADER_LEN: usize = 18;

/// DEFLATE's highest ratio: a match of 258 bytes in two bits.
const MOST_DEFLATED: u64 = 1032;

/// A ratio that the layers of images seldom pass: text and programs stay under 6.
const SELDOM_PASSED: u64 = 8;

/// The ratio of a layer of programs and libraries, in tenths.
const TYPICAL_TENTHS: u64 = 26;

/// `ISIZE` counts modulo 2^32.
const WRAP: u64 = 1 << 32;

/// What a prediction of an unpacked size rests on, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The layer was unpacked before: its sizes are recorded, or its blob is here.
    Unpacked,
    /// It is not compressed: the tar is as long as what is served.
    Plain,
    /// The trailer of its gzip stream. It counts modulo 4 GiB and only the last member, so what it says is held against the
    /// length as served.
    GzipTrailer,
    /// The header of its first zstd frame.
    ZstdHeader,
    /// Nothing but its length as served, and how layers compress on the whole.
    Ratio,
}

impl Evidence {
    /// The word as printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unpacked => "unpacked",
            Self::Plain => "plain",
            Self::GzipTrailer => "gzip-trailer",
            Self::ZstdHeader => "zstd-header",
            Self::Ratio => "ratio",
        }
    }

    /// What a layer that was unpacked before counts: the larger of its tar and its blob.
    #[must_use]
    pub fn of_unpacked(tar_size: ByteSize, blob_size: ByteSize) -> (Expected, Self) {
        (Expected::Exact { bytes: tar_size.max(blob_size) }, Self::Unpacked)
    }

    /// What a layer will count of which so many bytes are served, with its last [`GZIP_TRAILER_LEN`] bytes for gzip and its
    /// first [`ZSTD_HEADER_LEN`] for zstd, where these were to be had.
    #[must_use]
    pub fn of_served(
        compression: Compression,
        compressed: ByteSize,
        seen: Option<&[u8]>,
    ) -> (Expected, Self) {
        let served = compressed.as_u64();
        match compression {
            Compression::None => (counted(served, served, served), Self::Plain),
            Compression::Gzip => match seen.and_then(isize_of).and_then(|isize| by_trailer(served, isize)) {
                Some(expected) => (expected, Self::GzipTrailer),
                None => (by_ratio(served), Self::Ratio),
            },
            Compression::Zstd => match seen.and_then(frame_content_size).filter(|size| *size >= served) {
                // More frames may follow, which then compress like the first one: unlikely for one this long.
                Some(size) => (counted(size, size, size), Self::ZstdHeader),
                None => (by_ratio(served), Self::Ratio),
            },
        }
    }
}

/// What a tar of that length counts. Its blob is as long where files are large; with 14 KiB a file, as in a system with
/// several languages' libraries, it is a twelfth longer, and with 5 KiB a quarter.
fn counted(low: u64, likely: u64, high: u64) -> Expected {
    Expected::between(low, likely.saturating_add(likely / 20), high.saturating_add(high / 4))
}

fn by_ratio(served: u64) -> Expected {
    let likely = served.saturating_mul(TYPICAL_TENTHS) / 10;
    counted(served, likely, served.saturating_mul(SELDOM_PASSED / 2))
}

/// The last four bytes of a gzip stream, little end first.
fn isize_of(trailer: &[u8]) -> Option<u64> {
    let last = trailer.last_chunk::<4>()?;
    Some(u64::from(u32::from_le_bytes(*last)))
}

/// Lengths that a stream of one member may have whose trailer says `isize`: that many bytes, and 4 GiB more each time, not
/// shorter than what is served and within DEFLATE's bound. `None` where the trailer cannot be that of a single member, or is
/// not believed.
fn by_trailer(served: u64, isize: u64) -> Option<Expected> {
    // Bytes that do not compress take five more for each 16 KiB, and a header.
    let least = served.saturating_sub(served / 1000 + 64);
    let rounds = least.saturating_sub(isize).div_ceil(WRAP);
    let shortest = isize.checked_add(rounds.checked_mul(WRAP)?)?;
    if shortest > served.saturating_mul(MOST_DEFLATED) {
        return None;
    }
    // A small number in the trailer of a short stream: more likely the last one of several members than gigabytes of zeros.
    if rounds > 0 && shortest > served.saturating_mul(SELDOM_PASSED) {
        return None;
    }
    let seldom_passed = served.saturating_mul(SELDOM_PASSED);
    let further = seldom_passed.saturating_sub(shortest) / WRAP;
    let longest = shortest.saturating_add(further.saturating_mul(WRAP));
    let typical = served.saturating_mul(TYPICAL_TENTHS) / 10;
    let nearest = typical.saturating_sub(shortest).saturating_add(WRAP / 2) / WRAP;
    let likely = shortest.saturating_add(nearest.min(further).saturating_mul(WRAP));
    Some(counted(shortest, likely, longest))
}

/// The content size in the header of a zstd frame; `None` where it is not there or these are no such bytes.
fn frame_content_size(bytes: &[u8]) -> Option<u64> {
    let descriptor = *bytes.strip_prefix(&[0x28, 0xb5, 0x2f, 0xfd])?.first()?;
    let single_segment = descriptor & 0x20 != 0;
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let at = 5 + usize::from(!single_segment) + dictionary;
    let field = |length: usize| {
        let mut whole = [0_u8; 8];
        whole[..length].copy_from_slice(bytes.get(at..at.checked_add(length)?)?);
        Some(u64::from_le_bytes(whole))
    };
    match (descriptor >> 6, single_segment) {
        (0, false) => None,
        (0, true) => field(1),
        (1, _) => field(2).map(|size| size + 256),
        (2, _) => field(4),
        _ => field(8),
    }
}
