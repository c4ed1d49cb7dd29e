//! The server's unix socket: made whole under its name, and gone with the server.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use super::ServeError;

/// Root and the socket's group may connect; who may do what is asked of each by name.
const MODE: u32 = 0o660;

/// A listener and the file that it goes by.
#[derive(Debug)]
pub(super) struct UnixSocket {
    pub(super) listener: UnixListener,
    /// The file and its inode; `None` where somebody else made it.
    file: Option<(PathBuf, u64)>,
}

impl UnixSocket {
    /// Makes the socket. One that a dead server left behind is replaced; that of a live one is not.
    pub(super) fn bind(path: &Path) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Unix { path: path.to_owned(), source };
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(metadata) if !metadata.file_type().is_socket() => {
                return Err(ServeError::NotASocket { path: path.to_owned() });
            }
            Ok(_) => match StdStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
                Ok(_) => return Err(ServeError::SocketInUse { path: path.to_owned() }),
            },
        }
        // Under another name first, so that nobody meets it before its permissions are set.
        let mut making = path.as_os_str().to_owned();
        making.push(format!(".{}", std::process::id()));
        let making = PathBuf::from(making);
        match fs::remove_file(&making) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = StdListener::bind(&making).map_err(failed)?;
        let named = || -> io::Result<u64> {
            fs::set_permissions(&making, fs::Permissions::from_mode(MODE))?;
            let inode = fs::symlink_metadata(&making)?.ino();
            fs::rename(&making, path)?;
            Ok(inode)
        };
        let inode = named().map_err(|error| {
            // What was begun must not lie about; the error is what matters.
            let _ = fs::remove_file(&making);
            failed(error)
        })?;
        let listener = take_over(listener)?;
        Ok(Self { listener, file: Some((path.to_owned(), inode)) })
    }

    /// A socket that somebody else made and keeps.
    pub(super) fn of(listener: StdListener) -> Result<Self, ServeError> {
        Ok(Self { listener: take_over(listener)?, file: None })
    }
}

fn take_over(listener: StdListener) -> Result<UnixListener, ServeError> {
    listener.set_nonblocking(true).map_err(ServeError::TakeOver)?;
    UnixListener::from_std(listener).map_err(ServeError::TakeOver)
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let Some((path, inode)) = &self.file else { return };
        // Another server's by now, where the inode is another.
        let is_ours = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.ino() == *inode);
        if is_ours && let Err(error) = fs::remove_file(path) {
            tracing::warn!("the socket {} could not be removed: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_servers_socket_is_replaced_and_a_live_ones_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("imc.sock");
        let live = UnixSocket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        assert!(matches!(UnixSocket::bind(&path), Err(ServeError::SocketInUse { .. })));
        // As after a crash: the file is there, nobody listens.
        let std = StdListener::bind(dir.path().join("dead")).unwrap();
        fs::rename(dir.path().join("dead"), &path).unwrap();
        drop(std);
        drop(live);
        assert!(path.exists(), "a socket that another made must stay");
        let next = UnixSocket::bind(&path).unwrap();
        drop(next);
        assert!(!path.exists());
        fs::write(&path, "notes").unwrap();
        assert!(matches!(UnixSocket::bind(&path), Err(ServeError::NotASocket { .. })));
    }
}
