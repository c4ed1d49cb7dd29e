//! Where a server listens: the sockets that systemd gave, or the addresses and the unix socket that are configured.

use std::os::unix::net::UnixListener;

use api::serve::{Listener, ServeError, TlsIdentity};
use settings::Settings;

use crate::exit::Failure;
use crate::systemd::{self, Activated};

/// The listeners, and how each is reached.
pub(super) async fn open(
    settings: &Settings,
    activated: Vec<Activated>,
) -> Result<(Vec<Listener>, Vec<String>), Failure> {
    let server = &settings.server;
    let tls = match (&server.tls_cert_file, &server.tls_key_file) {
        (Some(cert), Some(key)) => {
            let (cert, key) = (cert.clone(), key.clone());
            let loaded = tokio::task::spawn_blocking(move || TlsIdentity::load(&cert, &key)).await;
            let loaded = loaded
                .map_err(|error| Failure::internal(format!("failed to read the certificate: {error}")))?;
            Some(loaded.map_err(|error| refused(&error))?)
        }
        _ => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let (mut listeners, mut reached) = (Vec::new(), Vec::new());
    if activated.is_empty() {
        for address in &server.listen {
            let listener = Listener::tcp(*address, tls.clone()).await.map_err(|error| refused(&error))?;
            let address = listener.address().unwrap_or(*address);
            if tls.is_none() && !address.ip().is_loopback() {
                tracing::warn!(%address, "tokens come in clear: set server.tls_cert_file and server.tls_key_file");
            }
            reached.push(format!("{scheme}://{address}"));
            listeners.push(listener);
        }
        listeners.push(Listener::unix(&server.socket_file).map_err(|error| refused(&error))?);
        reached.push(server.socket_file.display().to_string());
        return Ok((listeners, reached));
    }
    if server.listen != Settings::default().server.listen {
        tracing::warn!("server.listen (--listen) is not looked at: systemd gave the sockets");
    }
    for given in activated {
        let listener = match given.listener {
            systemd::Listener::Tcp(tcp) => Listener::of_tcp(tcp, tls.clone()),
            systemd::Listener::Unix(unix) => {
                reached.push(path_of(&unix, &given.name));
                Listener::of_unix(unix)
            }
        };
        let listener = listener.map_err(|error| refused(&error))?;
        if let Some(address) = listener.address() {
            reached.push(format!("{scheme}://{address}"));
        }
        listeners.push(listener);
    }
    Ok((listeners, reached))
}

fn path_of(listener: &UnixListener, name: &str) -> String {
    let address = listener.local_addr().ok();
    let path = address.as_ref().and_then(|address| address.as_pathname());
    path.map_or_else(|| format!("the socket `{name}` of systemd"), |path| path.display().to_string())
}

fn refused(error: &ServeError) -> Failure {
    let message = engine::chain(error);
    match error {
        ServeError::SocketInUse { .. } => {
            Failure::busy(message, "stop that server, or name another socket with `--socket FILE`")
        }
        ServeError::Tcp { .. } => Failure::configuration(
            message,
            "listen on another address with `--listen ADDRESS:PORT`, or on the socket alone with `--no-listen`",
        ),
        ServeError::Unix { .. } | ServeError::NotASocket { .. } => {
            Failure::configuration(message, "name another socket with `--socket FILE`")
        }
        ServeError::ReadPem { .. } | ServeError::Certificate { .. } => {
            Failure::configuration(message, "check server.tls_cert_file and server.tls_key_file")
        }
        ServeError::TakeOver(_) => Failure::configuration(message, "check the socket unit"),
    }
}
