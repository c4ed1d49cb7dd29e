//! Entries of directories.

use std::cmp::Ordering;

use super::{Image, Inode, Malformed, ReadError};
use crate::format::{BLOCK_LEN, DIRENT_SIZE, Fields};
use crate::{BLOCK_SIZE, Name, ReadAt};

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryEntry {
    name: Vec<u8>,
    nid: u64,
    file_type: u8,
}

impl DirectoryEntry {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> Name<'_> {
        Name::trusted(&self.name)
    }

    /// The number of its inode.
    #[must_use]
    pub fn nid(&self) -> u64 {
        self.nid
    }
}

/// An entry with `.` and `..` among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawEntry {
    pub(crate) name: Vec<u8>,
    pub(crate) nid: u64,
    pub(crate) file_type: u8,
}

/// One block of a directory.
#[derive(Debug, Clone)]
struct DirectoryBlock {
    nid: u64,
    bytes: Vec<u8>,
    count: usize,
}

impl DirectoryBlock {
    fn new(nid: u64, bytes: Vec<u8>) -> Result<Self, ReadError> {
        let malformed = ReadError::Inode { nid, what: Malformed::DirectoryBlock };
        if bytes.len() < DIRENT_SIZE {
            return Err(malformed);
        }
        let names_start = usize::from(Fields(&bytes).u16(8));
        if names_start == 0 || !names_start.is_multiple_of(DIRENT_SIZE) || names_start >= bytes.len() {
            return Err(malformed);
        }
        Ok(Self { nid, bytes, count: names_start / DIRENT_SIZE })
    }

    fn name_start(&self, index: usize) -> usize {
        usize::from(Fields(&self.bytes).u16(index * DIRENT_SIZE + 8))
    }

    fn name(&self, index: usize) -> Result<&[u8], ReadError> {
        let malformed = |what| ReadError::Inode { nid: self.nid, what };
        let start = self.name_start(index);
        let is_last = index + 1 == self.count;
        let end = if is_last { self.bytes.len() } else { self.name_start(index + 1) };
        if start < self.count * DIRENT_SIZE || start >= end || end > self.bytes.len() {
            return Err(malformed(Malformed::DirectoryBlock));
        }
        let mut name = &self.bytes[start..end];
        if is_last {
            name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        }
        let is_dots = matches!(name, b"." | b"..");
        if !is_dots && Name::new(name).is_err() {
            return Err(malformed(Malformed::EntryName));
        }
        Ok(name)
    }

    fn entry(&self, index: usize) -> Result<RawEntry, ReadError> {
        let record = &self.bytes[index * DIRENT_SIZE..];
        Ok(RawEntry { name: self.name(index)?.to_vec(), nid: Fields(record).u64(0), file_type: record[10] })
    }
}

impl<R: ReadAt> Image<R> {
    /// The entries of a directory in stored order, without `.` and `..`.
    pub fn read_dir(&self, directory: &Inode) -> Result<DirectoryEntries<'_, R>, ReadError> {
        Ok(DirectoryEntries(self.raw_entries(directory)?))
    }

    /// The entry with `name`, found as the kernel finds it: by halving over blocks, then over the block's entries.
    pub fn lookup(&self, directory: &Inode, name: Name) -> Result<Option<Inode>, ReadError> {
        self.want_directory(directory)?;
        let (mut low, mut high) = (0, directory.size().div_ceil(BLOCK_SIZE));
        while low < high {
            let middle = low + (high - low) / 2;
            let block = self.directory_block(directory, middle)?;
            match block.name(0)?.cmp(name.as_bytes()) {
                Ordering::Equal => return self.inode(block.entry(0)?.nid).map(Some),
                Ordering::Greater => high = middle,
                Ordering::Less => low = middle + 1,
            }
        }
        let Some(last) = low.checked_sub(1) else {
            return Ok(None);
        };
        let block = self.directory_block(directory, last)?;
        let (mut low, mut high) = (0, block.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match block.name(middle)?.cmp(name.as_bytes()) {
                Ordering::Equal => return self.inode(block.entry(middle)?.nid).map(Some),
                Ordering::Greater => high = middle,
                Ordering::Less => low = middle + 1,
            }
        }
        Ok(None)
    }

    /// The inode at `path` from the root on, its parts separated by `/`. Symlinks are not followed; `None` if a part is missing
    /// or no directory, or is no valid name.
    pub fn lookup_path(&self, path: &[u8]) -> Result<Option<Inode>, ReadError> {
        let mut inode = self.root()?;
        for part in path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
            let Ok(name) = Name::new(part) else {
                return Ok(None);
            };
            if !inode.is_directory() {
                return Ok(None);
            }
            match self.lookup(&inode, name)? {
                Some(found) => inode = found,
                None => return Ok(None),
            }
        }
        Ok(Some(inode))
    }

    pub(crate) fn raw_entries(&self, directory: &Inode) -> Result<RawEntries<'_, R>, ReadError> {
        self.want_directory(directory)?;
        Ok(RawEntries { image: self, directory: *directory, block: None, next_block: 0, next_entry: 0 })
    }

    fn want_directory(&self, inode: &Inode) -> Result<(), ReadError> {
        if inode.is_directory() { Ok(()) } else { Err(ReadError::WrongType { nid: inode.nid }) }
    }

    fn directory_block(&self, directory: &Inode, index: u64) -> Result<DirectoryBlock, ReadError> {
        let start = index * BLOCK_SIZE;
        let len = (directory.size() - start).min(BLOCK_LEN as u64) as usize;
        let mut bytes = vec![0; len];
        self.read_data(directory, start, &mut bytes)?;
        DirectoryBlock::new(directory.nid, bytes)
    }
}

/// Iterator over all entries.
#[derive(Debug, Clone)]
pub(crate) struct RawEntries<'i, R> {
    image: &'i Image<R>,
    directory: Inode,
    block: Option<DirectoryBlock>,
    next_block: u64,
    next_entry: usize,
}

impl<R: ReadAt> RawEntries<'_, R> {
    /// Gives the block's memory back; it is read again when it is needed.
    pub(super) fn forget_block(&mut self) {
        self.block = None;
    }

    fn advance(&mut self) -> Result<Option<RawEntry>, ReadError> {
        loop {
            if self.next_block * BLOCK_SIZE >= self.directory.size() {
                return Ok(None);
            }
            let block = match &mut self.block {
                Some(block) => block,
                empty => empty.insert(self.image.directory_block(&self.directory, self.next_block)?),
            };
            if self.next_entry < block.count {
                self.next_entry += 1;
                return block.entry(self.next_entry - 1).map(Some);
            }
            (self.block, self.next_block, self.next_entry) = (None, self.next_block + 1, 0);
        }
    }
}

impl<R: ReadAt> Iterator for RawEntries<'_, R> {
    type Item = Result<RawEntry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if next.is_err() {
            // Whatever was wrong is said once.
            self.next_block = u64::MAX / BLOCK_SIZE;
        }
        next.transpose()
    }
}

/// Iterator over a directory's entries. Ends after the first error.
#[derive(Debug, Clone)]
pub struct DirectoryEntries<'i, R>(RawEntries<'i, R>);

impl<R: ReadAt> DirectoryEntries<'_, R> {
    pub(super) fn forget_block(&mut self) {
        self.0.forget_block();
    }
}

impl<R: ReadAt> Iterator for DirectoryEntries<'_, R> {
    type Item = Result<DirectoryEntry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.0.next()? {
                Ok(RawEntry { name, .. }) if matches!(name.as_slice(), b"." | b"..") => {}
                Ok(RawEntry { name, nid, file_type }) => {
                    return Some(Ok(DirectoryEntry { name, nid, file_type }));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
