//! Why a server could not begin.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a server could not begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address could not be listened on.
    #[error("failed to listen on {address}")]
    Tcp {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The socket could not be made.
    #[error("failed to listen on the socket {path}", path = path.display())]
    Unix {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another server answers there.
    #[error("failed to listen on the socket {path}: another server listens there", path = path.display())]
    SocketInUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something else lies there.
    #[error("failed to listen on the socket {path}: a file that is no socket lies there", path = path.display())]
    NotASocket {
        /// The socket.
        path: PathBuf,
    },
    /// A listener that was handed over cannot be used.
    #[error("failed to take over a listener")]
    TakeOver(#[source] io::Error),
    /// Certificate or key could not be read.
    #[error("failed to read the {what} {path}", path = path.display())]
    ReadPem {
        /// Which.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not serve.
    #[error("failed to use the certificate {path}", path = path.display())]
    Certificate {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
}
