//! Failures of writing.

use std::{fmt, io};

use crate::FileContent;

/// Why an image was not written.
#[derive(Debug)]
#[non_exhaustive]
pub enum WriteError {
    /// The sink failed.
    Sink {
        /// Position of the write in bytes.
        offset: u64,
        /// Its answer.
        source: io::Error,
    },
    /// The image would have 2^32 - 1 blocks (16 TiB) or more, or metadata beyond 128 GiB.
    ImageTooLarge,
    /// More extra devices than the format's table holds; how many.
    TooManyDevices(usize),
    /// A file of the tree lies on a device or block that the image does not have.
    NoSuchBlocks(Box<FileContent>),
    /// A sparse file got another number of bytes than its plan says.
    SparseData {
        /// Bytes of the plan.
        planned: u64,
        /// Bytes appended.
        appended: u64,
    },
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sink { offset, .. } => write!(f, "failed to write the image at byte {offset}"),
            Self::ImageTooLarge => write!(f, "failed to write the image: it exceeds the format's size"),
            Self::TooManyDevices(count) => {
                write!(f, "failed to write the image: {count} extra devices exceed the format's table")
            }
            Self::NoSuchBlocks(content) => {
                write!(
                    f,
                    "failed to write the image: a file of {} bytes lies outside of all devices",
                    content.size()
                )
            }
            Self::SparseData { planned, appended } => {
                write!(f, "failed to write a sparse file: {appended} bytes of data instead of {planned}")
            }
        }
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sink { source, .. } => Some(source),
            _ => None,
        }
    }
}
