//! What a check finds.

use std::fmt;

use crate::ReadError;

/// More problems than this are only counted.
const MAX_KEPT: usize = 100;

/// The result of a check.
#[derive(Debug, Default)]
pub struct Report {
    pub(super) inodes: u64,
    pub(super) directories: u64,
    problems: Vec<Problem>,
    found: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.found == 0
    }

    /// The first problems, a hundred at most.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The same, taken out.
    #[must_use]
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Number of all problems.
    #[must_use]
    pub fn problem_count(&self) -> u64 {
        self.found
    }

    /// Number of inodes that were reached, directories among them.
    #[must_use]
    pub fn inodes(&self) -> u64 {
        self.inodes
    }

    /// Number of directories that were reached.
    #[must_use]
    pub fn directories(&self) -> u64 {
        self.directories
    }

    pub(super) fn add(&mut self, problem: Problem) {
        self.found += 1;
        if self.problems.len() < MAX_KEPT {
            self.problems.push(problem);
        }
    }
}

/// Something wrong in an image. Inodes are named by their numbers.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// Block 0 does not have the checksum that it says.
    Checksum,
    /// The source ends before the image.
    CutShort {
        /// Bytes by the superblock.
        said: u64,
        /// Bytes of the source.
        found: u64,
    },
    /// The superblock counts other inodes than can be reached.
    InodeCount {
        /// By the superblock.
        said: u64,
        /// Reached.
        found: u64,
    },
    /// Something cannot be read.
    Unreadable(ReadError),
    /// An entry that is not greater than the one before it.
    EntryOrder {
        /// The directory.
        directory: u64,
        /// The entry's name.
        name: Vec<u8>,
    },
    /// An entry that says another type than its inode.
    EntryType {
        /// The directory.
        directory: u64,
        /// The entry's name.
        name: Vec<u8>,
    },
    /// `.` or `..` is missing or leads elsewhere.
    Dots {
        /// The directory.
        directory: u64,
    },
    /// A directory with two parents.
    DirectoryTwice {
        /// The directory.
        nid: u64,
    },
    /// A wrong link count.
    Links {
        /// The inode.
        nid: u64,
        /// By the inode.
        said: u32,
        /// Counted.
        found: u32,
    },
    /// Inline data that crosses a block.
    InlineData {
        /// The inode.
        nid: u64,
    },
    /// Data outside of its device.
    OutOfBounds {
        /// The inode.
        nid: u64,
        /// The device, 0 for the image.
        device: u16,
        /// First block of the run.
        block: u32,
    },
    /// Two things on the same bytes.
    Overlap {
        /// The inode of the first, `None` for the superblock.
        first: Option<u64>,
        /// The inode of the second.
        second: Option<u64>,
        /// The first byte that both have.
        offset: u64,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checksum => write!(f, "the superblock's checksum is wrong"),
            Self::CutShort { said, found } => write!(f, "{found} bytes instead of {said}"),
            Self::InodeCount { said, found } => write!(f, "{found} inodes reached instead of {said}"),
            Self::Unreadable(error) => write!(f, "{error}"),
            Self::EntryOrder { directory, name } => {
                write!(f, "directory {directory}: `{}` is out of order", name.escape_ascii())
            }
            Self::EntryType { directory, name } => {
                write!(f, "directory {directory}: `{}` has another type", name.escape_ascii())
            }
            Self::Dots { directory } => write!(f, "directory {directory}: `.` or `..` is wrong"),
            Self::DirectoryTwice { nid } => write!(f, "directory {nid} has two parents"),
            Self::Links { nid, said, found } => write!(f, "inode {nid}: {found} links instead of {said}"),
            Self::InlineData { nid } => write!(f, "inode {nid}: inline data crosses a block"),
            Self::OutOfBounds { nid, device, block } => {
                write!(f, "inode {nid}: data from block {block} on lies outside of device {device}")
            }
            Self::Overlap { first, second, offset } => {
                let name = |owner: &Option<u64>| match owner {
                    Some(nid) => format!("inode {nid}"),
                    None => "the superblock".to_owned(),
                };
                write!(f, "{} and {} overlap at byte {offset}", name(first), name(second))
            }
        }
    }
}
