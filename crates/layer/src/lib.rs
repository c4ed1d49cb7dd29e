//! A layer's stream (tar, plain or compressed by gzip or zstd) to an EROFS blob in one pass, and the merged metadata
//! image for layers that lean on what lies below them.
//!
//! [`convert`] takes the bytes of a layer as they arrive, hashes them, inflates them, hashes the tar, parses it and
//! writes file content straight into the blob; the tree stays in memory and is written behind the content when the
//! tar ends. No path of a tar ever touches the host's file system: it is data. Both digests are verified before
//! [`convert`] returns, and only the caller makes the blob visible.
//!
//! # Memory
//!
//! A conversion holds buffers of 256 KiB, at most about twenty of them, the decoder (about 45 KiB for gzip, its window for
//! zstd: conversions that share a [`WindowGate`] take turns with large ones), and the tree: about 140 bytes per entry with names of ten bytes (measured: a million empty files peak at
//! 149 MB, of which the pipeline has 8 MB), and what [`Limits`] allows of extended attributes, link targets and sparse maps.
//!
//! # Merging
//!
//! [`merge`] reads the trees of such blobs back and writes the tree that unpacking the layers in order makes as
//! one small EROFS whose files are chunks on the layers' blobs; [`needs_merge`] says which images need it.

mod control;
mod convert;
mod decompress;
mod direct;
mod early;
mod error;
mod lean;
mod limits;
mod lookup;
mod merge;
mod pipeline;
mod shared_budget;
mod tar;
mod tree;
mod warning;
mod window_gate;
mod write;

pub use control::Control;
pub use convert::{ConvertOptions, Converted, convert};
pub use direct::DirectWriter;
pub use early::EarlyWriter;
pub use error::{ConvertError, ErrorKind, SourceError};
pub use lean::{Leans, LowerLink};
pub use limits::{Limit, Limits};
pub use merge::{MergeError, MergeLayer, Merged, merge, needs_merge, needs_merge_exactly};
pub use shared_budget::SharedBudget;
pub use warning::{Warning, WarningKind, Warnings};
pub use window_gate::WindowGate;
