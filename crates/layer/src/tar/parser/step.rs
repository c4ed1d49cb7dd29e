//! The steps of the state machine.

use super::{Extension, Left, Parser, Pending, State, Step};
use crate::tar::entry::{Entry, Kind};
use crate::tar::header::{Format, Header, text};
use crate::tar::pax::{self, PaxError};
use crate::tar::sparse::{self, MapError, MapReader};
use crate::tar::{BLOCK, Block};
use crate::{ConvertError, Limit};

impl Parser {
    /// One step; `None` if another one may follow at once.
    pub(super) fn step<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Step<'i>>, ConvertError> {
        match &mut self.state {
            State::End => *input = &[],
            State::Skip(left) => {
                left.take_content(input);
                if left.content == 0 && left.take_padding(input) {
                    self.state = State::Header;
                    return Ok(None);
                }
            }
            State::Entry(left) => {
                let left = *left;
                self.state =
                    if self.entry.kind == Kind::File { State::Content(left) } else { State::Skip(left) };
                return Ok(Some(Step::Entry));
            }
            State::Content(left) if left.content == 0 => {
                self.state = State::Skip(*left);
                return Ok(Some(Step::EndFile));
            }
            State::Content(left) => {
                let content = left.take_content(input);
                if !content.is_empty() {
                    return Ok(Some(Step::Data(content)));
                }
            }
            State::Extension(what, left) => {
                self.extension.extend_from_slice(left.take_content(input));
                if left.content == 0 {
                    let (what, left) = (*what, *left);
                    self.state = State::Skip(left);
                    self.end_extension(what)?;
                    return Ok(None);
                }
            }
            State::Header | State::Zero | State::SparseBlock | State::SparseMap(_) => {
                let Some(block) = self.take_block(input) else { return Ok(Some(Step::NeedInput)) };
                self.block(&block)?;
                return Ok(None);
            }
        }
        Ok(Some(Step::NeedInput))
    }

    fn block(&mut self, block: &Block) -> Result<(), ConvertError> {
        let most = self.limits.sparse_segments;
        match &mut self.state {
            State::Zero => {
                if !Header(block).is_zero() {
                    return Err(self.malformed_here("a lone block of zeros is within the archive"));
                }
                self.state = State::End;
                Ok(())
            }
            State::SparseBlock => {
                let map = self.entry.sparse.get_or_insert_default();
                let more = sparse::add_old_block(map, block, most).map_err(|e| self.map_error(e))?;
                if more { Ok(()) } else { self.begin_sparse() }
            }
            State::SparseMap(reader) => {
                let map = reader.block(block).map_err(|e| map_error(&self.entry, most, e))?;
                let Some(stored) = self.stored.checked_sub(BLOCK as u64) else {
                    return Err(self.malformed("the sparse map is longer than the stored content"));
                };
                self.stored = stored;
                if map.is_none() {
                    return Ok(());
                }
                self.entry.sparse = map;
                self.begin_sparse()
            }
            _ => self.header(block),
        }
    }

    fn header(&mut self, block: &Block) -> Result<(), ConvertError> {
        let header = Header(block);
        if header.is_zero() {
            self.state = State::Zero;
            return Ok(());
        }
        if self.pending.is_empty() {
            self.entry.offset = self.block_start;
        }
        if !header.checksum_holds() {
            return Err(self.malformed_here("this is no tar header: its checksum is wrong"));
        }
        header.path_into(&mut self.entry.path);
        let size = header.size().ok_or_else(|| self.malformed("the size is no number"))?;
        let extension = match header.type_flag() {
            b'x' | b'X' => Extension::Pax,
            b'g' => Extension::GlobalPax,
            b'L' => Extension::LongName,
            b'K' => Extension::LongLink,
            _ => return self.begin_entry(header, size),
        };
        if size > self.limits.extension {
            return Err(self.over_limit(Limit::Extension, self.limits.extension));
        }
        self.extension.clear();
        self.state = State::Extension(extension, Left::of(size));
        Ok(())
    }

    fn end_extension(&mut self, what: Extension) -> Result<(), ConvertError> {
        let until_nul = |raw: &[u8]| Some(text(raw).to_vec());
        match what {
            Extension::Pax => self.pending.pax = Some(std::mem::take(&mut self.extension)),
            Extension::LongName => self.pending.long_name = until_nul(&self.extension),
            Extension::LongLink => self.pending.long_link = until_nul(&self.extension),
            Extension::GlobalPax => {
                let most = self.limits.globals;
                if !self.globals.merge(&self.extension, most).map_err(|e| self.pax_error(e))? {
                    return Err(self.over_limit(Limit::Globals, most as u64));
                }
            }
        }
        Ok(())
    }

    fn begin_entry(&mut self, header: Header<'_>, size: u64) -> Result<(), ConvertError> {
        read_header(header, &mut self.entry)?;
        let Pending { pax, long_name, long_link } = std::mem::take(&mut self.pending);
        let own = pax.unwrap_or_default();
        let overrides = pax::apply(&self.globals, &own, &mut self.entry, self.limits.sparse_segments);
        let overrides = overrides.map_err(|e| self.pax_error(e))?;
        if let Some(name) = long_name {
            self.entry.path = name;
        }
        if let Some(link) = long_link {
            self.entry.link = link;
        }
        let flag = header.type_flag();
        if flag == 0 {
            // Only the whole name tells an old directory, and the header's own may be cut.
            self.entry.kind = kind(flag, &self.entry.path);
        }
        self.stored = overrides.size.unwrap_or(size);
        if self.entry.kind != Kind::File {
            // Whatever their size says: links, directories and devices have no content (as Go reads them).
            let has_content = self.entry.kind == Kind::Unknown || flag == b'D';
            self.state = State::Entry(Left::of(if has_content { self.stored } else { 0 }));
            return Ok(());
        }
        if flag == b'S' {
            return self.begin_old_sparse(header);
        }
        if overrides.map_in_content || overrides.map.is_some() {
            self.entry.size = overrides.real_size.unwrap_or_default();
            self.entry.sparse = overrides.map;
            if overrides.map_in_content {
                self.state = State::SparseMap(MapReader::new(self.limits.sparse_segments));
                return Ok(());
            }
            return self.begin_sparse();
        }
        self.entry.size = self.stored;
        self.begin_content()
    }

    fn begin_old_sparse(&mut self, header: Header<'_>) -> Result<(), ConvertError> {
        if header.format() != Format::Gnu {
            return Err(self.malformed("a sparse file of the old kind outside of the GNU format"));
        }
        let size =
            header.gnu_real_size().ok_or_else(|| self.malformed("the size of a sparse file is no number"))?;
        self.entry.size = size;
        let mut map = Vec::new();
        sparse::add_old(&mut map, header.gnu_segments(), self.limits.sparse_segments)
            .map_err(|e| self.map_error(e))?;
        self.entry.sparse = Some(map);
        if header.gnu_is_extended() {
            self.state = State::SparseBlock;
            return Ok(());
        }
        self.begin_sparse()
    }

    fn begin_sparse(&mut self) -> Result<(), ConvertError> {
        let mut map = self.entry.sparse.take().unwrap_or_default();
        sparse::validate(&mut map, self.entry.size, self.stored).map_err(|reason| self.malformed(reason))?;
        self.entry.sparse = Some(map);
        self.begin_content()
    }

    fn begin_content(&mut self) -> Result<(), ConvertError> {
        if self.entry.size > self.limits.file {
            return Err(self.over_limit(Limit::File, self.limits.file));
        }
        self.state = State::Entry(Left::of(self.stored));
        Ok(())
    }

    fn malformed_here(&self, reason: &str) -> ConvertError {
        let reason = reason.to_owned();
        ConvertError::Malformed { offset: self.block_start, path: String::new(), reason }
    }

    fn pax_error(&self, error: PaxError) -> ConvertError {
        match error {
            PaxError::Invalid(reason) => self.malformed(reason),
            PaxError::TooManySegments => self.map_error(MapError::TooMany),
        }
    }

    fn map_error(&self, error: MapError) -> ConvertError {
        map_error(&self.entry, self.limits.sparse_segments, error)
    }
}

fn map_error(entry: &Entry, most: usize, error: MapError) -> ConvertError {
    match error {
        MapError::Invalid(reason) => entry.malformed(reason),
        MapError::TooMany => ConvertError::LimitExceeded {
            limit: Limit::SparseSegments,
            bound: most as u64,
            path: entry.display(),
        },
    }
}

/// Fills the entry from the header block alone; its path is there already.
fn read_header(header: Header<'_>, entry: &mut Entry) -> Result<(), ConvertError> {
    let id = |value: Option<i64>, what| {
        value.and_then(|n| u32::try_from(n).ok()).ok_or_else(|| entry.malformed(what))
    };
    let uid = id(header.uid(), "the owner is no 32-bit number")?;
    let gid = id(header.gid(), "the group is no 32-bit number")?;
    let mode = header.mode().ok_or_else(|| entry.malformed("the mode is no number"))?;
    let mtime = header.mtime().ok_or_else(|| entry.malformed("the time is no number"))?;
    entry.kind = kind(header.type_flag(), &entry.path);
    entry.device = match entry.kind {
        Kind::CharDevice | Kind::BlockDevice => {
            header.device().ok_or_else(|| entry.malformed("the device number is no number"))?
        }
        _ => (0, 0),
    };
    entry.mode = (mode & 0o7777) as u16;
    (entry.uid, entry.gid) = (uid, gid);
    (entry.mtime, entry.mtime_nsec, entry.clamped) = (mtime, 0, false);
    entry.link.clear();
    entry.link.extend_from_slice(header.link());
    entry.size = 0;
    entry.xattrs.clear();
    entry.foreign_attribute = None;
    entry.sparse = None;
    Ok(())
}

fn kind(flag: u8, path: &[u8]) -> Kind {
    match flag {
        // Before POSIX a directory was a file whose name ends in a slash.
        0 if path.ends_with(b"/") => Kind::Directory,
        0 | b'0' | b'7' | b'S' => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'3' => Kind::CharDevice,
        b'4' => Kind::BlockDevice,
        // `D`: a directory of GNU's incremental dumps, its content a list of names.
        b'5' | b'D' => Kind::Directory,
        b'6' => Kind::Fifo,
        _ => Kind::Unknown,
    }
}
