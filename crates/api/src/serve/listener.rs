//! Listeners: where connections come from.

use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::OwnedSemaphorePermit;

use super::unix::UnixSocket;
use super::{ServeError, Shared, TlsIdentity, connection};
use crate::peer::Peer;

/// How long to wait where the system has no descriptor for a further connection.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// Where connections come from.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp { listener: TcpListener, tls: Option<TlsIdentity> },
    Unix(UnixSocket),
}

impl Listener {
    /// Listens on an address. Whoever connects needs a token.
    ///
    /// # Errors
    /// [`ServeError::Tcp`].
    pub async fn tcp(address: SocketAddr, tls: Option<TlsIdentity>) -> Result<Self, ServeError> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| ServeError::Tcp { address, source })?;
        Ok(Self(Kind::Tcp { listener, tls }))
    }

    /// Listens on a unix socket of that name; the one that a dead server left behind is replaced. Within a runtime.
    ///
    /// # Errors
    /// [`ServeError::Unix`], [`ServeError::SocketInUse`], [`ServeError::NotASocket`].
    pub fn unix(path: &Path) -> Result<Self, ServeError> {
        UnixSocket::bind(path).map(Kind::Unix).map(Self)
    }

    /// Takes over a TCP listener, as systemd hands it over. Within a runtime.
    ///
    /// # Errors
    /// [`ServeError::TakeOver`].
    pub fn of_tcp(listener: StdTcpListener, tls: Option<TlsIdentity>) -> Result<Self, ServeError> {
        listener.set_nonblocking(true).map_err(ServeError::TakeOver)?;
        let listener = TcpListener::from_std(listener).map_err(ServeError::TakeOver)?;
        Ok(Self(Kind::Tcp { listener, tls }))
    }

    /// Takes over a unix listener, as systemd hands it over; its file stays. Within a runtime.
    ///
    /// # Errors
    /// [`ServeError::TakeOver`].
    pub fn of_unix(listener: StdUnixListener) -> Result<Self, ServeError> {
        UnixSocket::of(listener).map(Kind::Unix).map(Self)
    }

    /// The address, where it is TCP.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.0 {
            Kind::Tcp { listener, .. } => listener.local_addr().ok(),
            Kind::Unix(_) => None,
        }
    }

    /// Takes connections until the server is about to end.
    pub(super) async fn accept_all(self, shared: Arc<Shared>) {
        let stopping = shared.edge.stopping().clone();
        let accepting = async {
            loop {
                // First the room, then the connection: those that wait do so in the kernel.
                let permit = shared.permits.clone().acquire_owned().await;
                let permit = permit.expect("nobody closes the semaphore");
                if let Err(error) = self.accept(&shared, permit).await {
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
                }
            }
        };
        tokio::select! {
            () = accepting => {}
            () = stopping.cancelled() => {}
        }
    }

    async fn accept(&self, shared: &Arc<Shared>, permit: OwnedSemaphorePermit) -> io::Result<()> {
        match &self.0 {
            Kind::Tcp { listener, tls } => {
                let (stream, address) = listener.accept().await?;
                let (shared, tls) = (shared.clone(), tls.clone());
                let tracker = shared.connections.clone();
                tracker.spawn(async move {
                    serve_tcp(shared, stream, address, tls).await;
                    drop(permit);
                });
            }
            Kind::Unix(socket) => {
                let (stream, _) = socket.listener.accept().await?;
                let shared = shared.clone();
                let tracker = shared.connections.clone();
                tracker.spawn(async move {
                    serve_unix(shared, stream).await;
                    drop(permit);
                });
            }
        }
        Ok(())
    }
}

async fn serve_tcp(shared: Arc<Shared>, stream: TcpStream, address: SocketAddr, tls: Option<TlsIdentity>) {
    // Small answers and events go out at once. Where it cannot be set they go out later.
    let _ = stream.set_nodelay(true);
    let peer = Peer::Tcp(address);
    let Some(tls) = tls else { return connection::serve(shared, stream, peer).await };
    let handshake = tls.acceptor().accept(stream);
    let handshake = tokio::time::timeout(shared.limits.header_timeout, handshake);
    let handshaken = tokio::select! {
        handshaken = handshake => handshaken,
        () = shared.edge.stopping().cancelled() => return,
    };
    match handshaken {
        Ok(Ok(stream)) => connection::serve(shared, stream, peer).await,
        Ok(Err(error)) => tracing::debug!(peer = %address, "a TLS handshake failed: {error}"),
        Err(_) => tracing::debug!(peer = %address, "a TLS handshake took too long"),
    }
}

async fn serve_unix(shared: Arc<Shared>, stream: UnixStream) {
    match stream.peer_cred() {
        Ok(credentials) => connection::serve(shared, stream, Peer::Unix { uid: credentials.uid() }).await,
        Err(error) => tracing::warn!("the peer of a connection could not be told: {error}"),
    }
}
