//! Limits on what lies below a directory, by project quotas of ext4 and xfs.
//!
//! Which project ids are taken is asked of the file system itself: one that owns no file is free. So nothing is stored,
//! a process killed at any point leaves no id taken without its files, and other data directories on the same file
//! system are seen as well.
//!
//! A limit keeps an instance from filling the disk by mistake. Root in an instance may give its files another project
//! (the kernel forbids that in a user namespace only), so it is no fence against one that wants to get over it.
mod sys;

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;

use model::ByteSize;
use rustix::io::Errno;

/// Our projects are `FIRST..FIRST + COUNT`: "IM" in ASCII, far from the small numbers that people choose.
const FIRST: u32 = 0x494d_0000;
const COUNT: u32 = 0x1_0000;

/// The number under which a file system counts files together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ProjectId(u32);

impl ProjectId {
    fn get(self) -> u32 {
        self.0
    }

    /// `None` for one that is none of ours.
    fn ours(number: u32) -> Option<Self> {
        (FIRST..FIRST + COUNT).contains(&number).then_some(Self(number))
    }
}

/// Why the limit does not hold.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QuotaError {
    #[error("failed to open `{}`", path.display())]
    Open { path: std::path::PathBuf, source: io::Error },
    #[error("it has no quotas, or the kernel lacks what they need")]
    NoQuotas,
    #[error(
        "its project quotas are off; they need the mount option prjquota (and on ext4 the feature project)"
    )]
    NoProjects,
    #[error("its project quotas are counted and not enforced; mount it with prjquota")]
    NotEnforced,
    #[error("failed to ask for the state of its quotas")]
    State(#[source] io::Error),
    #[error("failed to ask for the usage of a project")]
    Usage(#[source] io::Error),
    #[error("failed to find a free project id: all {COUNT} are taken")]
    NoneFree,
    #[error("failed to put `{}` in a project", path.display())]
    Join { path: std::path::PathBuf, source: io::Error },
    #[error("failed to set the limit of a project")]
    SetLimit(#[source] io::Error),
}

fn open(path: &Path) -> Result<File, QuotaError> {
    File::open(path).map_err(|source| QuotaError::Open { path: path.to_owned(), source })
}

/// Whether limits would hold on the file system of a directory. Asks the kernel; mount options prove nothing.
pub(crate) fn probe(directory: &Path) -> Result<(), QuotaError> {
    enforced(sys::state(&open(directory)?))
}

fn enforced(state: io::Result<u16>) -> Result<(), QuotaError> {
    let state = state.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::NOSYS | Errno::OPNOTSUPP | Errno::NODEV) => QuotaError::NoQuotas,
        Some(Errno::INVAL | Errno::SRCH) => QuotaError::NoProjects,
        _ => QuotaError::State(error),
    })?;
    match (state & sys::FS_QUOTA_PDQ_ACCT != 0, state & sys::FS_QUOTA_PDQ_ENFD != 0) {
        (true, true) => Ok(()),
        (true, false) => Err(QuotaError::NotEnforced),
        (false, _) => Err(QuotaError::NoProjects),
    }
}

/// Limits what two empty directories of one file system, and all that will be below them, take together.
///
/// Two calls for one data directory must not run at once: both could find the same project free.
pub(crate) fn limit(directories: [&Path; 2], size: ByteSize) -> Result<(), QuotaError> {
    let [first, _] = directories;
    let anchor = open(first)?;
    enforced(sys::state(&anchor))?;
    let is_free = |project| sys::usage(&anchor, project).map(|usage| usage.inodes == 0 && usage.bytes == 0);
    let project = free_project(start_of(first), is_free).map_err(QuotaError::Usage)?;
    let project = project.ok_or(QuotaError::NoneFree)?;
    // The limit comes first: whoever dies in between leaves one without files, which the next user replaces.
    sys::set_hard_limit(&anchor, project, blocks(size)).map_err(QuotaError::SetLimit)?;
    for path in directories {
        join(&open(path)?, project).map_err(|source| QuotaError::Join { path: path.to_owned(), source })?;
    }
    Ok(())
}

/// Forgets the limit of a directory's project, if that is one of ours and began with it. Call it while the directory is
/// still there.
pub(crate) fn lift(directory: &Path) -> io::Result<()> {
    let project_of = |path: &Path| sys::attributes(&File::open(path)?).map(|attributes| attributes.project);
    let own = project_of(directory)?;
    let above = directory.parent().map(project_of).transpose()?;
    match ProjectId::ours(own).filter(|_| above != Some(own)) {
        Some(project) => sys::set_hard_limit(&File::open(directory)?, project, 0),
        None => Ok(()),
    }
}

fn join(directory: &File, project: ProjectId) -> io::Result<()> {
    let mut attributes = sys::attributes(directory)?;
    attributes.project = project.get();
    attributes.flags |= sys::FS_XFLAG_PROJINHERIT;
    sys::set_attributes(directory, attributes)
}

/// Rounded down, so that no more than asked is written; never 0, which would be no limit.
fn blocks(size: ByteSize) -> u64 {
    (size.as_u64() / 1024).max(1)
}

/// Where the search begins: apart for different instances, so that those of two data directories do not meet.
fn start_of(directory: &Path) -> u32 {
    let mut hasher = DefaultHasher::new();
    directory.hash(&mut hasher);
    u32::try_from(hasher.finish() % u64::from(COUNT)).expect("the remainder is below COUNT")
}

fn free_project(
    start: u32,
    mut is_free: impl FnMut(ProjectId) -> io::Result<bool>,
) -> io::Result<Option<ProjectId>> {
    for step in 0..COUNT {
        let project = ProjectId(FIRST + (start + step) % COUNT);
        if is_free(project)? {
            return Ok(Some(project));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
