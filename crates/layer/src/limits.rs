//! Bounds of what a layer may ask for. All are checked while streaming, before the memory or disk is taken.

use std::fmt;

use model::ByteSize;

/// Upper bounds for one layer.
///
/// The defaults are far above what real images have and low enough that a hostile layer can take neither the machine's
/// memory nor its time. `Limits::default()` bounds everything but the expanded size, which is the
/// caller's to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries of the tree, implied directories and whiteouts included. Those that were
    /// replaced count too. Default 2,000,000.
    pub entries: u64,
    /// Components of a path. Default 512: deeper than any real tree, and every path still fits a mount of Linux
    /// in steps.
    pub depth: usize,
    /// Bytes of one path component. Default and maximum 255, what EROFS and Linux can name.
    pub name: usize,
    /// Bytes of a whole path, as the tar has it and as it is in the tree. Default 16 KiB.
    pub path: usize,
    /// Bytes of a symlink's target. Default and maximum 4,095, the kernel's `PATH_MAX` less its end.
    pub symlink: usize,
    /// Bytes of one extended attribute's value. Default and maximum 65,535, what EROFS can hold (Linux's own
    /// bound is 65,536).
    pub xattr_value: usize,
    /// Bytes of all names and values of the extended attributes of one entry, each with 8 bytes more. Default and maximum
    /// 128 KiB.
    pub xattrs_per_entry: usize,
    /// Bytes of all names and values of extended attributes of the layer, equal ones in succession counted once.
    /// Default 64 MiB.
    pub xattrs_total: u64,
    /// Bytes of all names and all targets of links of the layer. Default 128 MiB.
    pub names_total: u64,
    /// Bytes of the targets of symlinks that are followed on the way to entries and to the targets of hard links, each time with 16
    /// bytes more: how long paths may be walked, not what is kept. Default 256 MiB.
    pub followed_total: u64,
    /// Bytes of the paths in [`Leans`](crate::Leans), symlinks resolved, each with 16 bytes more. Default 32 MiB.
    pub leans_total: u64,
    /// Bytes of one extension header (PAX record block, GNU long name or link). Default 1 MiB.
    pub extension: u64,
    /// Bytes of the records of global PAX headers that hold at once, each with 128 bytes more: they are applied to every entry
    /// to come. Default 16 KiB.
    pub globals: usize,
    /// Segments of all sparse files of the layer. Default 1,000,000.
    pub sparse_segments: usize,
    /// Bytes of one file, holes included. Default 8 TiB.
    pub file: u64,
    /// Bytes that the tar may have and that the blob may take, each: what is left of the cache's size. The conversion fails at
    /// that byte. Default unlimited.
    pub expanded: u64,
    /// Bytes of the window of a zstd stream. Default 128 MiB (`zstd --long=27`, the most that zstd
    /// itself takes unasked). The decoder holds as much memory as the stream's frames ask for, up to this; tools that
    /// make layers ask for 8 MiB or less. What several conversions take together is
    /// [`WindowGate`](crate::WindowGate)'s to bound.
    pub zstd_window: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 2_000_000,
            depth: 512,
            name: 255,
            path: 16 << 10,
            symlink: 4095,
            xattr_value: 65_535,
            xattrs_per_entry: 128 << 10,
            xattrs_total: 64 << 20,
            names_total: 128 << 20,
            followed_total: 256 << 20,
            leans_total: 32 << 20,
            extension: 1 << 20,
            globals: 16 << 10,
            sparse_segments: 1_000_000,
            file: 8 << 40,
            expanded: u64::MAX,
            zstd_window: 128 << 20,
        }
    }
}

impl Limits {
    /// The defaults with a bound on the expanded bytes.
    #[must_use]
    pub fn with_expanded(size: ByteSize) -> Self {
        Self { expanded: size.as_u64(), ..Self::default() }
    }
}

/// Which bound of [`Limits`] was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// [`Limits::entries`].
    Entries,
    /// [`Limits::depth`].
    Depth,
    /// [`Limits::name`].
    Name,
    /// [`Limits::path`].
    Path,
    /// [`Limits::symlink`].
    Symlink,
    /// [`Limits::xattr_value`].
    XattrValue,
    /// [`Limits::xattrs_per_entry`].
    XattrsPerEntry,
    /// [`Limits::xattrs_total`].
    XattrsTotal,
    /// [`Limits::names_total`].
    NamesTotal,
    /// [`Limits::followed_total`].
    Followed,
    /// [`Limits::leans_total`].
    LeansTotal,
    /// [`Limits::extension`].
    Extension,
    /// [`Limits::globals`].
    Globals,
    /// [`Limits::sparse_segments`].
    SparseSegments,
    /// [`Limits::file`].
    File,
    /// [`Limits::expanded`].
    Expanded,
    /// [`Limits::zstd_window`].
    ZstdWindow,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entries => "number of entries",
            Self::Depth => "depth of a path",
            Self::Name => "length of a name",
            Self::Path => "length of a path",
            Self::Symlink => "length of a symlink's target",
            Self::XattrValue => "size of an extended attribute",
            Self::XattrsPerEntry => "size of an entry's extended attributes",
            Self::XattrsTotal => "size of all extended attributes",
            Self::NamesTotal => "size of all names and link targets",
            Self::Followed => "size of all link targets followed",
            Self::LeansTotal => "size of all paths that lean on the layers below",
            Self::Extension => "size of an extension header",
            Self::Globals => "size of the global PAX records",
            Self::SparseSegments => "number of segments of sparse files",
            Self::File => "size of a file",
            Self::Expanded => "expanded size",
            Self::ZstdWindow => "window of the zstd stream",
        })
    }
}
