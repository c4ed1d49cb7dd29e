//! The members of an archive by name, links followed inside it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use tar::EntryType;

use super::malformed;
use crate::Fault;

/// Most members of one archive.
const MOST_MEMBERS: usize = 1 << 16;
/// Most links from one to the next.
const MOST_LINKS: usize = 8;

/// A member as the archive has it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Member {
    File {
        offset: u64,
        length: u64,
    },
    /// A symlink or hard link to this cleaned name.
    Link(String),
}

/// Where each file of an archive stands. Of several with one name the last one counts, as when unpacking.
pub(crate) struct Members {
    path: PathBuf,
    by_name: HashMap<String, Member>,
}

/// Reads at its own place of a shared file, through a small buffer: only headers are read, contents are sought past.
struct Cursor<'a> {
    file: &'a File,
    at: u64,
}

impl Read for Cursor<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Cursor<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| std::io::Error::other("a place before the file's begin"))?;
        Ok(self.at)
    }
}

/// A name inside the archive, `.` and `..` taken out; `None` where it leads out.
fn clean(dir: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    if name.starts_with('/') {
        return None;
    }
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

impl Members {
    /// Reads the archive's headers.
    pub(crate) fn read(file: &File, path: &Path) -> Result<Self, Fault> {
        // Not in the words of the reader, which show what the file holds: it may be any file at all.
        let broken = |_: std::io::Error| malformed(path, "docker archive", "it is no tar, or a broken one");
        let length = file.metadata().map_err(|source| Fault::Local { path: path.to_owned(), source })?.len();
        let mut archive = tar::Archive::new(BufReader::with_capacity(4096, Cursor { file, at: 0 }));
        let mut by_name = HashMap::new();
        for entry in archive.entries_with_seek().map_err(broken)? {
            let entry = entry.map_err(broken)?;
            if by_name.len() >= MOST_MEMBERS {
                return Err(malformed(path, "docker archive", format!("it has over {MOST_MEMBERS} members")));
            }
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            // What leads out of the archive cannot be meant by its manifest either.
            let Some(name) = clean("", &name) else { continue };
            let member = match entry.header().entry_type() {
                EntryType::Regular | EntryType::Continuous => {
                    let (offset, size) = (entry.raw_file_position(), entry.size());
                    if offset.checked_add(size).is_none_or(|end| end > length) {
                        return Err(malformed(path, "docker archive", format!("it breaks off in `{name}`")));
                    }
                    Member::File { offset, length: size }
                }
                kind @ (EntryType::Symlink | EntryType::Link) => {
                    let target = entry.link_name_bytes().unwrap_or_default();
                    let target = String::from_utf8_lossy(&target).into_owned();
                    let dir = match kind {
                        EntryType::Symlink => name.rsplit_once('/').map_or("", |(dir, _)| dir),
                        _ => "",
                    };
                    match clean(dir, &target) {
                        Some(target) => Member::Link(target),
                        None => continue,
                    }
                }
                _ => continue,
            };
            by_name.insert(name, member);
        }
        Ok(Self { path: path.to_owned(), by_name })
    }

    /// Offset and length of a file, links followed.
    pub(crate) fn find(&self, name: &str) -> Result<(u64, u64), Fault> {
        let missing = |why: &str| {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
            malformed(&self.path, "docker archive", format!("`{shown}` {why}"))
        };
        let mut at = clean("", name).ok_or_else(|| missing("leads out of the archive"))?;
        for _ in 0..=MOST_LINKS {
            match self.by_name.get(&at) {
                Some(Member::File { offset, length }) => return Ok((*offset, *length)),
                Some(Member::Link(target)) => at.clone_from(target),
                None => return Err(missing("is not in it")),
            }
        }
        Err(missing("is a circle of links"))
    }

    /// Whether there is a member of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// A small file whole.
    pub(crate) fn document(
        &self,
        file: &File,
        name: &str,
        limit: usize,
        what: &'static str,
    ) -> Result<Vec<u8>, Fault> {
        let (offset, length) = self.find(name)?;
        if length > limit as u64 {
            let (origin, limit) = (self.path.display().to_string(), limit as u64);
            return Err(Fault::TooLarge { origin, what, limit });
        }
        let mut bytes = vec![0; usize::try_from(length).expect("within the limit")];
        let read = file.read_exact_at(&mut bytes, offset);
        read.map_err(|source| Fault::Local { path: self.path.clone(), source })?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn names_stay_inside() {
        assert_eq!(clean("", "./a//b/../c/").as_deref(), Some("a/c"));
        assert_eq!(clean("x/y", "../z").as_deref(), Some("x/z"));
        for (dir, name) in [("", "/etc/passwd"), ("", "../a"), ("x", "../../a"), ("", ""), ("x", "..")] {
            assert_eq!(clean(dir, name), None, "{dir} {name}");
        }
    }
}
