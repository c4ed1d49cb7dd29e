//! What an inode says about a file besides its content.

use std::fmt;

use crate::Xattrs;

/// Permissions, owner, time and xattrs of one inode.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Permission bits with setuid, setgid and sticky: the low 12 bits, others are ignored.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of last modification.
    pub mtime: Mtime,
    /// Extended attributes.
    pub xattrs: Xattrs,
}

/// A time: seconds since 1970 (negative before) and nanoseconds after that second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mtime {
    seconds: i64,
    nanos: u32,
}

impl Mtime {
    /// `nanos` counts forward from `seconds`, also before 1970, and is below one thousand million.
    pub fn new(seconds: i64, nanos: u32) -> Result<Self, MetadataError> {
        if nanos >= 1_000_000_000 {
            return Err(MetadataError::Nanoseconds(nanos));
        }
        Ok(Self { seconds, nanos })
    }

    /// Whole seconds since 1970.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after [`Mtime::seconds`], below one thousand million.
    #[must_use]
    pub fn nanos(self) -> u32 {
        self.nanos
    }
}

/// Number of a character or block device, as the format can hold it (the kernel's `new_encode_dev`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceNumber {
    major: u16,
    minor: u32,
}

impl DeviceNumber {
    /// Device 0/0: on a character device, overlayfs's whiteout.
    pub const WHITEOUT: Self = Self { major: 0, minor: 0 };

    /// `major` has at most 12 bits, `minor` at most 20.
    pub fn new(major: u32, minor: u32) -> Result<Self, MetadataError> {
        match u16::try_from(major) {
            Ok(narrow) if narrow < 1 << 12 && minor < 1 << 20 => Ok(Self { major: narrow, minor }),
            _ => Err(MetadataError::DeviceNumber { major, minor }),
        }
    }

    /// The driver's number.
    #[must_use]
    pub fn major(self) -> u32 {
        u32::from(self.major)
    }

    /// The device's number within its driver.
    #[must_use]
    pub fn minor(self) -> u32 {
        self.minor
    }

    pub(crate) fn encode(self) -> u32 {
        (self.minor & 0xff) | (u32::from(self.major) << 8) | ((self.minor & !0xff) << 12)
    }

    pub(crate) fn decode(raw: u32) -> Self {
        let major = u16::try_from((raw >> 8) & 0xfff).expect("twelve bits fit into sixteen");
        Self { major, minor: (raw & 0xff) | ((raw >> 12) & 0xfff00) }
    }
}

/// Target of a symlink: 1 to 4095 bytes without NUL. Never followed or normalised here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SymlinkTarget(Box<[u8]>);

impl SymlinkTarget {
    /// The longest target in bytes (`PATH_MAX` less its NUL).
    pub const MAX_LEN: usize = 4095;

    /// Checks and copies `bytes`.
    pub fn new(bytes: &[u8]) -> Result<Self, MetadataError> {
        if bytes.is_empty() || bytes.len() > Self::MAX_LEN {
            return Err(MetadataError::TargetLength(bytes.len()));
        }
        if bytes.contains(&0) {
            return Err(MetadataError::TargetNul);
        }
        Ok(Self(bytes.into()))
    }

    /// The target's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why a value cannot be stored in an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataError {
    /// Nanoseconds of a full second or more.
    Nanoseconds(u32),
    /// A device number that does not fit the format's 12 and 20 bits.
    DeviceNumber {
        /// The driver's number.
        major: u32,
        /// The device's number.
        minor: u32,
    },
    /// A symlink target that is empty or longer than [`SymlinkTarget::MAX_LEN`]; its length.
    TargetLength(usize),
    /// A symlink target with a NUL byte.
    TargetNul,
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nanoseconds(nanos) => write!(f, "{nanos} nanoseconds are not below one second"),
            Self::DeviceNumber { major, minor } => write!(f, "device number {major}:{minor} is out of range"),
            Self::TargetLength(0) => write!(f, "symlink target is empty"),
            Self::TargetLength(len) => {
                write!(f, "symlink target has {len} bytes, more than {}", SymlinkTarget::MAX_LEN)
            }
            Self::TargetNul => write!(f, "symlink target contains a NUL byte"),
        }
    }
}

impl std::error::Error for MetadataError {}
