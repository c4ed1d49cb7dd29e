//! The user of an instance, looked up in the image's own `/etc/passwd` and `/etc/group`.

use std::io;

/// Why a user cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Not `user`, `uid`, `user:group` or a mixture.
    #[error("failed to parse the user `{0}`: expected `user`, `uid`, `user:group` or `uid:gid`")]
    Form(String),
    /// A name that the image's `/etc/passwd` lacks.
    #[error("failed to find the user `{0}` in the image's /etc/passwd")]
    NoUser(String),
    /// A name that the image's `/etc/group` lacks.
    #[error("failed to find the group `{0}` in the image's /etc/group")]
    NoGroup(String),
    /// The file is there and cannot be read.
    #[error("failed to read the image's {file}")]
    Read {
        /// Which.
        file: &'static str,
        /// Why.
        source: io::Error,
    },
}
