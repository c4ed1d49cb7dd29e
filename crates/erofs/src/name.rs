//! Names of directory entries.

use std::fmt;

/// A valid name of a directory entry: 1 to 255 bytes, not `.` or `..`, without `/` and NUL. Any other byte may occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// The longest name, in bytes (`EROFS_NAME_LEN`).
    pub const MAX_LEN: usize = 255;

    /// Checks `bytes`.
    pub fn new(bytes: &'a [u8]) -> Result<Self, NameError> {
        match bytes {
            b"" => Err(NameError::Empty),
            b"." | b".." => Err(NameError::Dots),
            _ if bytes.len() > Self::MAX_LEN => Err(NameError::TooLong(bytes.len())),
            _ if bytes.contains(&b'/') => Err(NameError::Slash),
            _ if bytes.contains(&0) => Err(NameError::Nul),
            _ => Ok(Self(bytes)),
        }
    }

    /// The name's bytes.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// A name that is known to have passed [`Name::new`].
    pub(crate) fn trusted(bytes: &'a [u8]) -> Self {
        debug_assert!(Self::new(bytes).is_ok());
        Self(bytes)
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// Why bytes are not a [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// No byte at all.
    Empty,
    /// `.` or `..`.
    Dots,
    /// More than [`Name::MAX_LEN`] bytes; how many.
    TooLong(usize),
    /// A `/` inside.
    Slash,
    /// A NUL byte inside.
    Nul,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "name is empty"),
            Self::Dots => write!(f, "name is `.` or `..`"),
            Self::TooLong(len) => write!(f, "name has {len} bytes, more than {}", Name::MAX_LEN),
            Self::Slash => write!(f, "name contains `/`"),
            Self::Nul => write!(f, "name contains a NUL byte"),
        }
    }
}

impl std::error::Error for NameError {}
