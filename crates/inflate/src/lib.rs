//! Inflating: a streaming decoder of DEFLATE (RFC 1951) in its gzip container (RFC 1952).
//!
//! Half of the CPU that building an image cache takes is spent here, so this crate is built for speed on
//! large streams: input comes in chunks of any size, output leaves in large buffers that are handed on to
//! other threads (hasher, tar parser) without being copied.
//!
//! # Buffers
//!
//! A match of DEFLATE reaches back up to 32 KiB. An [`OutputBuffer`] therefore has [`HISTORY`] bytes of room
//! *before* its output: when the caller takes a full buffer and gives a fresh one, the decoder copies the last
//! 32 KiB over. The taken buffer is then the caller's alone: freeze it, share it, give it back when
//! it is no longer needed. Memory is the decoder (about 45 KiB) plus the buffers that the caller made.
//!
//! ```
//! use inflate::{GzipDecoder, Options, OutputBuffer, Status};
//!
//! # fn chunks() -> Vec<Vec<u8>> {
//! #     vec![vec![31, 139, 8, 0, 0, 0, 0, 0, 0, 3], vec![75, 4, 0, 67, 190, 183, 232, 1, 0, 0, 0]]
//! # }
//! # fn main() -> Result<(), inflate::Error> {
//! let mut decoder = GzipDecoder::new(Options::default(), OutputBuffer::with_capacity(256 * 1024));
//! let mut sink = Vec::new();
//! for chunk in chunks() {
//!     let mut input = chunk.as_slice();
//!     while decoder.decode(&mut input)? == Status::OutputFull {
//!         let full = decoder.take_output(OutputBuffer::with_capacity(256 * 1024));
//!         sink.extend_from_slice(full.as_slice()); // or send `full` to another thread
//!     }
//! }
//! sink.extend_from_slice(decoder.finish()?.as_slice());
//! assert_eq!(sink, b"a");
//! # Ok(())
//! # }
//! ```
//!
//! # What is accepted
//!
//! DEFLATE: exactly what zlib accepts. Incomplete codes are refused, except a literal/length or distance code whose
//! longest code has one bit, and a distance code without any symbol. Distances beyond the start of a member are refused.
//!
//! gzip: any number of members one after another, with any of the optional header fields (bounded by
//! [`Options::max_header`], the header checksum verified). After the last member zero bytes are tolerated, as tape
//! and block padding leaves them; anything else there is [`Error::TrailingGarbage`]. The length in each trailer is
//! always checked, the CRC-32 as [`Options::check`] says.

mod bits;
mod buffer;
mod copy;
mod crc;
mod deflate;
mod error;
mod fast;
mod gzip;
mod header;
mod lengths;
mod options;
mod raw;
mod symbol;
mod table;

pub use buffer::{HISTORY, MAX_CAPACITY, MIN_CAPACITY, OutputBuffer};
pub use error::{Error, ErrorKind};
pub use gzip::GzipDecoder;
pub use options::{Check, Options, Status};
pub use raw::DeflateDecoder;
