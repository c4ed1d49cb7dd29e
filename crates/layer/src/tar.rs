//! A streaming tar parser: buffers of any size go in, entries and their content come out as events.
//!
//! No I/O and no paths of the host; content is handed on in place, without being copied.
//!
//! Sources: POSIX.1-2017 `pax` (ustar and pax formats), the GNU tar manual, "Tar Internals" (GNU headers, the
//! sparse formats), libarchive's `tar(5)`. Where archives in the wild and the texts disagree, what Go's `archive/tar` accepts
//! decides, since the tools that unpack images are written in Go.

mod entry;
mod header;
mod number;
mod parser;
mod pax;
mod sparse;

pub(crate) use entry::{Entry, Kind, display};
pub(crate) use parser::{Parser, Step};

/// Bytes of a tar block.
pub(crate) const BLOCK: usize = 512;
/// One block.
pub(crate) type Block = [u8; BLOCK];
