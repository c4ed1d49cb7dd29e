//! What the integration tests share: a tar written by hand, conversions in memory, and a blob told as text.
#![allow(dead_code, unreachable_pub)]

pub mod mounted;
pub mod tape;

use bytes::Bytes;
use erofs::{Image, InodeKind};
use layer::{Control, ConvertError, ConvertOptions, Converted, Leans, Limits, SourceError};
use model::{BlobDigest, ByteSize, Compression, DiffId, Digest};

/// Options that a layer of these bytes meets.
pub fn options(stream: &[u8], tar: &[u8], compression: Compression) -> ConvertOptions {
    ConvertOptions {
        compression,
        digest: Some(BlobDigest::new(Digest::sha256(stream))),
        size: Some(ByteSize::bytes(stream.len() as u64)),
        diff_id: DiffId::new(Digest::sha256(tar)),
        limits: Limits::default(),
    }
}

/// The stream in chunks of a size.
pub fn chunks(stream: &[u8], size: usize) -> impl Iterator<Item = Result<Bytes, SourceError>> + Send + use<> {
    let pieces: Vec<_> = stream.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    pieces.into_iter()
}

/// Converts a stream in memory.
pub fn convert_with(
    stream: &[u8],
    options: &ConvertOptions,
    chunk: usize,
) -> Result<(Vec<u8>, Converted), ConvertError> {
    let mut blob = Vec::new();
    let converted = layer::convert(chunks(stream, chunk), options, &mut blob, &Control::new())?;
    assert_eq!(converted.blob_size.as_u64(), blob.len() as u64);
    Ok((blob, converted))
}

/// Converts a plain tar in memory.
pub fn convert(tar: &[u8]) -> Result<(Vec<u8>, Converted), ConvertError> {
    convert_with(tar, &options(tar, tar, Compression::None), 1 << 20)
}

/// Converts a plain tar under limits.
pub fn convert_limited(tar: &[u8], limits: Limits) -> Result<(Vec<u8>, Converted), ConvertError> {
    convert_with(tar, &ConvertOptions { limits, ..options(tar, tar, Compression::None) }, 1 << 20)
}

/// Converts a plain tar and tells its tree.
pub fn tree(tar: &[u8]) -> Vec<String> {
    describe(&convert(tar).unwrap().0)
}

/// What a plain tar leans on.
pub fn leans(tar: &[u8]) -> Leans {
    convert(tar).unwrap().1.leans
}

/// The names of the tree only.
pub fn names(tar: &[u8]) -> Vec<String> {
    tree(tar).iter().skip(1).map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// Every inode of a blob as a line: path, type and mode, owner, time, links, what it holds, attributes.
pub fn describe(blob: &[u8]) -> Vec<String> {
    let image = Image::open(blob).unwrap();
    describe_image(&image)
}

/// The same for an image that is open.
pub fn describe_image<R: erofs::ReadAt>(image: &Image<R>) -> Vec<String> {
    let mut lines = vec![line(image, b"/", &image.root().unwrap())];
    let mut walk = image.walk().unwrap();
    while let Some(inode) = walk.advance().unwrap() {
        lines.push(line(image, walk.path(), &inode));
    }
    lines[1..].sort();
    lines
}

fn line<R: erofs::ReadAt>(image: &Image<R>, path: &[u8], inode: &erofs::Inode) -> String {
    let kind = match inode.kind() {
        InodeKind::Directory => "dir".to_owned(),
        InodeKind::Regular => {
            let mut content = vec![0; usize::try_from(inode.size()).unwrap().min(64 << 20)];
            let read = image.read_at(inode, 0, &mut content).unwrap();
            assert_eq!(read, content.len());
            match std::str::from_utf8(&content) {
                Ok(text) if text.len() < 40 => format!("file={text:?}"),
                _ => format!("file:{}:{}", inode.size(), Digest::sha256(&content)),
            }
        }
        InodeKind::Symlink => format!("->{}", image.read_link(inode).unwrap().as_bytes().escape_ascii()),
        InodeKind::CharDevice(number) => format!("char:{}:{}", number.major(), number.minor()),
        InodeKind::BlockDevice(number) => format!("block:{}:{}", number.major(), number.minor()),
        InodeKind::Fifo => "fifo".to_owned(),
        InodeKind::Socket => "socket".to_owned(),
    };
    let mut line = format!(
        "{} {kind} {:o} {}:{} {}.{:09} links={}",
        path.escape_ascii(),
        inode.mode(),
        inode.uid(),
        inode.gid(),
        inode.mtime().seconds(),
        inode.mtime().nanos(),
        inode.links()
    );
    for (name, value) in image.xattrs(inode).unwrap().iter() {
        line.push_str(&format!(" {}={}", name.escape_ascii(), value.escape_ascii()));
    }
    line
}
