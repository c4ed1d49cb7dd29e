//! The checker: whether a whole image is as the format and the kernel want it.

mod claims;
mod problem;

use std::collections::{HashMap, VecDeque};

pub use problem::{Problem, Report};

use crate::format::inode::DataLayout;
use crate::format::{BLOCK_LEN, file_type};
use crate::{BLOCK_SIZE, Image, Inode, InodeKind, ReadAt, ReadError, ReadErrorKind, RunSource};
use claims::Claims;

/// Looks at everything in `image`: the superblock's sum and counts, that each inode is reached and readable, that directories
/// are sorted and say the right types and numbers, link counts, and that no two things lie on the same bytes.
///
/// What is wrong is in the report; an error means that the source failed. Files may share whole runs (as deduplicating
/// writers do), nothing else.
pub fn check<R: ReadAt>(image: &Image<R>) -> Result<Report, ReadError> {
    let mut checking = Checking {
        image,
        report: Report::default(),
        claims: Claims::default(),
        leaves: HashMap::new(),
        directories: HashMap::new(),
        budget: image.source_size(),
    };
    checking.superblock()?;
    if let Some(root) = checking.readable(image.root())? {
        checking.walk(root)?;
    }
    checking.counts();
    for problem in checking.claims.overlaps() {
        checking.report.add(problem);
    }
    Ok(checking.report)
}

struct Checking<'i, R> {
    image: &'i Image<R>,
    report: Report,
    claims: Claims,
    leaves: HashMap<u64, Leaf>,
    /// Each directory's parent.
    directories: HashMap<u64, u64>,
    /// Bytes that directories, xattrs and chunk tables may still have: together not more than the image.
    budget: u64,
}

/// A leaf with the links that it says and those that were found.
struct Leaf {
    file_type: u8,
    said: u32,
    found: u32,
}

impl<R: ReadAt> Checking<'_, R> {
    /// Notes what is unreadable; only a failing source ends the check.
    fn readable<T>(&mut self, result: Result<T, ReadError>) -> Result<Option<T>, ReadError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == ReadErrorKind::Source => Err(error),
            Err(error) => {
                self.report.add(Problem::Unreadable(error));
                Ok(None)
            }
        }
    }

    fn superblock(&mut self) -> Result<(), ReadError> {
        let image = self.image;
        if let Some(Some(false)) = self.readable(image.checksum_is_right())? {
            self.report.add(Problem::Checksum);
        }
        if image.image_size() > image.source_size() {
            self.report.add(Problem::CutShort { said: image.image_size(), found: image.source_size() });
        }
        self.claims.head(image.superblock());
        Ok(())
    }

    fn walk(&mut self, root: Inode) -> Result<(), ReadError> {
        if !root.is_directory() {
            self.report.add(Problem::EntryType { directory: root.nid(), name: b"/".to_vec() });
            return Ok(());
        }
        self.directories.insert(root.nid(), root.nid());
        self.inode(&root)?;
        let mut todo = VecDeque::from([root]);
        while let Some(directory) = todo.pop_front() {
            if !self.spend(directory.size()) {
                return Ok(());
            }
            self.directory(&directory, &mut todo)?;
        }
        Ok(())
    }

    fn directory(&mut self, directory: &Inode, todo: &mut VecDeque<Inode>) -> Result<(), ReadError> {
        let image = self.image;
        let nid = directory.nid();
        let parent = self.directories.get(&nid).copied().unwrap_or(nid);
        let Some(entries) = self.readable(image.raw_entries(directory))? else {
            return Ok(());
        };
        let (mut subdirectories, mut dots) = (0u32, [false; 2]);
        let mut last: Vec<u8> = Vec::new();
        for entry in entries {
            let Some(entry) = self.readable(entry)? else {
                return Ok(());
            };
            if entry.name <= last {
                self.report.add(Problem::EntryOrder { directory: nid, name: entry.name.clone() });
            }
            match entry.name.as_slice() {
                b"." => dots[0] = entry.nid == nid && entry.file_type == file_type::DIRECTORY,
                b".." => dots[1] = entry.nid == parent && entry.file_type == file_type::DIRECTORY,
                name => {
                    if self.entry(nid, name, entry.nid, entry.file_type, todo)? {
                        subdirectories = subdirectories.saturating_add(1);
                    }
                }
            }
            last = entry.name;
        }
        if dots != [true; 2] {
            self.report.add(Problem::Dots { directory: nid });
        }
        let found = subdirectories.saturating_add(2);
        if directory.links() != found {
            self.report.add(Problem::Links { nid, said: directory.links(), found });
        }
        Ok(())
    }

    /// One name; says whether it is a directory's.
    fn entry(
        &mut self,
        directory: u64,
        name: &[u8],
        nid: u64,
        said_type: u8,
        todo: &mut VecDeque<Inode>,
    ) -> Result<bool, ReadError> {
        let mismatch = || Problem::EntryType { directory, name: name.to_vec() };
        if let Some(leaf) = self.leaves.get_mut(&nid) {
            leaf.found = leaf.found.saturating_add(1);
            if leaf.file_type != said_type {
                self.report.add(mismatch());
            }
            return Ok(false);
        }
        if self.directories.contains_key(&nid) {
            self.report.add(Problem::DirectoryTwice { nid });
            return Ok(true);
        }
        let image = self.image;
        let Some(inode) = self.readable(image.inode(nid))? else {
            return Ok(false);
        };
        let file_type = type_of(inode.kind());
        if file_type != said_type {
            self.report.add(mismatch());
        }
        if inode.is_directory() {
            self.directories.insert(nid, directory);
            todo.push_back(inode);
        } else {
            self.leaves.insert(nid, Leaf { file_type, said: inode.links(), found: 1 });
        }
        self.inode(&inode)?;
        Ok(inode.is_directory())
    }

    /// The inode's own bytes, its xattrs and where its data lies.
    fn inode(&mut self, inode: &Inode) -> Result<(), ReadError> {
        let image = self.image;
        if !self.spend(inode.xattr_len() as u64) {
            return Ok(());
        }
        self.readable(image.xattrs(inode))?;
        if inode.kind() == InodeKind::Symlink {
            self.readable(image.read_link(inode))?;
        }
        let has_data = matches!(inode.kind(), InodeKind::Regular | InodeKind::Symlink | InodeKind::Directory);
        let inline = if has_data { inode.inline_len() } else { 0 };
        let mut end = inode.base_end() + inline;
        if inline > 0 && inode.base_end() % BLOCK_SIZE + inline > BLOCK_SIZE {
            self.report.add(Problem::InlineData { nid: inode.nid() });
        }
        if inode.kind() == InodeKind::Regular && inode.layout() == DataLayout::ChunkBased {
            if let Some(table) = self.readable(image.chunk_table(inode))?
                && self.spend(table.end() - table.start)
            {
                end = table.end();
                self.runs(inode)?;
            }
        } else if has_data && inode.size() > inline {
            let start = inode.raw_block();
            self.claim_data(inode, 0, start, (inode.size() - inline).div_ceil(BLOCK_SIZE));
        }
        self.claims.metadata(inode.nid(), inode.offset(), end);
        Ok(())
    }

    fn runs(&mut self, inode: &Inode) -> Result<(), ReadError> {
        let image = self.image;
        if let Some(Some(content)) = self.readable(image.content(inode))? {
            for run in content.runs() {
                if let RunSource::Blocks { device, start } = run.source {
                    self.claim_data(inode, device.number(), start, run.blocks);
                }
            }
        }
        Ok(())
    }

    fn claim_data(&mut self, inode: &Inode, device: u16, start: u32, blocks: u64) {
        let end = u64::from(start) + blocks;
        let blocks = match usize::from(device).checked_sub(1) {
            None => self.image.superblock().blocks,
            Some(index) => self.image.devices().get(index).map_or(0, |device| device.blocks),
        };
        if end > u64::from(blocks) {
            self.report.add(Problem::OutOfBounds { nid: inode.nid(), device, block: start });
        } else if device == 0 {
            let len = BLOCK_LEN as u64;
            self.claims.data(inode.nid(), u64::from(start) * len, end * len);
        }
    }

    /// Ends the walk through parts that are used again and again; says whether to go on.
    fn spend(&mut self, bytes: u64) -> bool {
        let left = self.budget.checked_sub(bytes);
        if left.is_none() {
            self.report.add(Problem::Unreadable(ReadError::Bomb));
        }
        self.budget = left.unwrap_or(0);
        left.is_some()
    }

    fn counts(&mut self) {
        let found = (self.leaves.len() + self.directories.len()) as u64;
        let said = self.image.inode_count();
        if said != found {
            self.report.add(Problem::InodeCount { said, found });
        }
        let wrong = self.leaves.iter().filter(|(_, leaf)| leaf.said != leaf.found);
        let mut wrong: Vec<_> = wrong.map(|(nid, leaf)| (*nid, leaf.said, leaf.found)).collect();
        wrong.sort_unstable();
        for (nid, said, found) in wrong {
            self.report.add(Problem::Links { nid, said, found });
        }
        (self.report.inodes, self.report.directories) = (found, self.directories.len() as u64);
    }
}

fn type_of(kind: InodeKind) -> u8 {
    match kind {
        InodeKind::Directory => file_type::DIRECTORY,
        InodeKind::Regular => file_type::REGULAR,
        InodeKind::Symlink => file_type::SYMLINK,
        InodeKind::CharDevice(_) => file_type::CHAR_DEVICE,
        InodeKind::BlockDevice(_) => file_type::BLOCK_DEVICE,
        InodeKind::Fifo => file_type::FIFO,
        InodeKind::Socket => file_type::SOCKET,
    }
}
