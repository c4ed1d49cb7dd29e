//! Layers: a tar, compressed or not, with its two digests.

mod tape;

use std::io::Write;

use crate::image::MediaTypes;
use crate::sha256;

/// How a layer's tar is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, as most images are.
    #[default]
    Gzip,
    /// Zstandard.
    Zstd,
}

/// What an entry of a tar is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file with its content.
    File(Vec<u8>),
    /// A directory.
    Directory,
    /// A symbolic link to that target.
    Symlink(Vec<u8>),
    /// Another name for that path of the archive, or of a layer below.
    HardLink(Vec<u8>),
    /// A character device: major, minor.
    CharDevice(u32, u32),
    /// A block device: major, minor.
    BlockDevice(u32, u32),
    /// A named pipe.
    Fifo,
}

/// One entry of a layer. What the old header cannot hold goes into PAX records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The path exactly as it stands in the archive: any bytes.
    pub path: Vec<u8>,
    /// The type and what belongs to it.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Modification time: seconds since the epoch, and nanoseconds.
    pub mtime: (i64, u32),
    /// Extended attributes, written as `SCHILY.xattr.<name>`.
    pub xattrs: Vec<(String, Vec<u8>)>,
    /// More PAX records, written as they are.
    pub pax: Vec<(String, Vec<u8>)>,
}

impl Entry {
    /// An entry of root's, of a fixed time, with the usual mode of its type.
    #[must_use]
    pub fn new(path: impl AsRef<[u8]>, kind: EntryKind) -> Self {
        let mode = match kind {
            EntryKind::Directory => 0o755,
            EntryKind::Symlink(_) => 0o777,
            _ => 0o644,
        };
        Self {
            path: path.as_ref().to_vec(),
            kind,
            mode,
            uid: 0,
            gid: 0,
            mtime: (1_700_000_000, 0),
            xattrs: Vec::new(),
            pax: Vec::new(),
        }
    }

    /// With those permission bits.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// With that owner and group.
    #[must_use]
    pub fn owner(mut self, uid: u64, gid: u64) -> Self {
        (self.uid, self.gid) = (uid, gid);
        self
    }

    /// With that modification time: seconds since the epoch, and nanoseconds.
    #[must_use]
    pub fn mtime(mut self, seconds: i64, nanoseconds: u32) -> Self {
        self.mtime = (seconds, nanoseconds);
        self
    }

    /// With one more extended attribute.
    #[must_use]
    pub fn xattr(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.xattrs.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }
}

/// A layer as it lies in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The tar.
    pub tar: Vec<u8>,
    /// What is transferred: the tar, compressed or not.
    pub blob: Vec<u8>,
    /// How it is compressed.
    pub compression: Compression,
    /// `sha256:` of the blob.
    pub digest: String,
    /// `sha256:` of the tar.
    pub diff_id: String,
}

impl Layer {
    /// A layer from a ready tar.
    #[must_use]
    pub fn from_tar(tar: Vec<u8>, compression: Compression) -> Self {
        let blob = compress(&tar, compression);
        Self::from_parts(tar, blob, compression)
    }

    /// A layer whose blob was made elsewhere: with several gzip members, say, or wrong.
    #[must_use]
    pub fn from_parts(tar: Vec<u8>, blob: Vec<u8>, compression: Compression) -> Self {
        let (digest, diff_id) = (sha256(&blob), sha256(&tar));
        Self { tar, blob, compression, digest, diff_id }
    }

    /// The media type of its descriptor.
    #[must_use]
    pub fn media_type(&self, family: MediaTypes) -> &'static str {
        match (family, self.compression) {
            (MediaTypes::Oci, Compression::None) => "application/vnd.oci.image.layer.v1.tar",
            (MediaTypes::Oci, Compression::Gzip) => "application/vnd.oci.image.layer.v1.tar+gzip",
            (MediaTypes::Oci, Compression::Zstd) => "application/vnd.oci.image.layer.v1.tar+zstd",
            (MediaTypes::Docker, Compression::None) => "application/vnd.docker.image.rootfs.diff.tar",
            (MediaTypes::Docker, Compression::Gzip) => "application/vnd.docker.image.rootfs.diff.tar.gzip",
            (MediaTypes::Docker, Compression::Zstd) => "application/vnd.docker.image.rootfs.diff.tar.zstd",
        }
    }
}

/// Collects entries into a tar.
#[derive(Clone, Debug, Default)]
pub struct LayerBuilder {
    tar: Vec<u8>,
    unfinished: bool,
}

impl LayerBuilder {
    /// An empty layer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds any entry.
    #[must_use]
    pub fn entry(mut self, entry: &Entry) -> Self {
        tape::append(&mut self.tar, entry);
        self
    }

    /// Adds a directory with those permission bits.
    #[must_use]
    pub fn dir(self, path: &str, mode: u32) -> Self {
        self.entry(&Entry::new(path, EntryKind::Directory).mode(mode))
    }

    /// Adds a file of mode 0644.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(&Entry::new(path, EntryKind::File(content.as_ref().to_vec())))
    }

    /// Adds a file of mode 0755.
    #[must_use]
    pub fn executable(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(&Entry::new(path, EntryKind::File(content.as_ref().to_vec())).mode(0o755))
    }

    /// Adds a file of that many bytes which do not compress: the same for the same seed.
    #[must_use]
    pub fn noise(self, path: &str, length: usize, seed: u64) -> Self {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut content = Vec::with_capacity(length + 8);
        while content.len() < length {
            // xorshift64: noise enough for a compressor.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            content.extend_from_slice(&state.to_le_bytes());
        }
        content.truncate(length);
        self.file(path, content)
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(&Entry::new(path, EntryKind::Symlink(target.into())))
    }

    /// Adds a hard link to a path of this layer or of one below.
    #[must_use]
    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(&Entry::new(path, EntryKind::HardLink(target.into())))
    }

    /// Adds the whiteout of a path: `a/b` becomes `a/.wh.b`.
    #[must_use]
    pub fn whiteout(self, path: &str) -> Self {
        let (parent, name) = path.rsplit_once('/').map_or(("", path), |(parent, name)| (parent, name));
        let slash = if parent.is_empty() { "" } else { "/" };
        self.file(&format!("{parent}{slash}.wh.{name}"), b"")
    }

    /// Makes a directory opaque: hides all that lower layers have in it.
    #[must_use]
    pub fn opaque(self, directory: &str) -> Self {
        self.file(&format!("{}/.wh..wh..opq", directory.trim_end_matches('/')), b"")
    }

    /// Adds bytes as they are, for archives that no builder makes.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.tar.extend_from_slice(bytes);
        self
    }

    /// Leaves the two blocks of zeros at the end away.
    #[must_use]
    pub fn without_end(mut self) -> Self {
        self.unfinished = true;
        self
    }

    /// The tar alone.
    #[must_use]
    pub fn tar(mut self) -> Vec<u8> {
        if !self.unfinished {
            self.tar.resize(self.tar.len() + 1024, 0);
        }
        self.tar
    }

    /// The layer, compressed.
    #[must_use]
    pub fn build(self, compression: Compression) -> Layer {
        Layer::from_tar(self.tar(), compression)
    }
}

fn compress(tar: &[u8], compression: Compression) -> Vec<u8> {
    match compression {
        Compression::None => tar.to_vec(),
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            encoder.write_all(tar).expect("memory takes everything");
            encoder.finish().expect("memory takes everything")
        }
        Compression::Zstd => zstd::encode_all(tar, 3).expect("memory takes everything"),
    }
}
