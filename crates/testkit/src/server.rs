//! A small HTTP server on threads: one per connection, ended with the value.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::Request;

/// Answers one request on an open connection; says whether the connection lives on.
pub(crate) type Handler = dyn Fn(&Request, &mut Connection) -> io::Result<Next> + Send + Sync;

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    KeepAlive,
    Close,
    /// Stays open and silent until the client goes away or the server ends.
    Hang,
}

/// A client's connection, with or without TLS.
pub(crate) enum Connection {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// Open connections by number, so that stopping can break them.
type Open = Arc<Mutex<HashMap<u64, TcpStream>>>;

pub(crate) struct Server {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    open: Open,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on a free port of loopback.
    pub(crate) fn start(tls: Option<Arc<ServerConfig>>, handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound listener has an address");
        let stopping = Arc::new(AtomicBool::new(false));
        let open = Open::default();
        let acceptor = std::thread::spawn({
            let (stopping, open) = (Arc::clone(&stopping), Arc::clone(&open));
            move || accept(&listener, tls.as_ref(), &handler, &stopping, &open)
        });
        Self { address, stopping, open, acceptor: Some(acceptor) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks every connection and refuses new ones.
    pub(crate) fn stop(&mut self) {
        let Some(acceptor) = self.acceptor.take() else { return };
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor out of accept.
        drop(TcpStream::connect(self.address));
        drop(acceptor.join());
        for stream in self.open.lock().expect("no holder panics").values() {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn accept(
    listener: &TcpListener,
    tls: Option<&Arc<ServerConfig>>,
    handler: &Arc<Handler>,
    stopping: &AtomicBool,
    open: &Open,
) {
    for number in 0.. {
        let Ok((stream, _)) = listener.accept() else { return };
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        drop(stream.set_nodelay(true));
        let Ok(second) = stream.try_clone() else { continue };
        open.lock().expect("no holder panics").insert(number, second);
        let connection = match tls {
            None => Connection::Plain(stream),
            Some(config) => {
                let session =
                    ServerConnection::new(Arc::clone(config)).expect("a valid server configuration");
                Connection::Tls(Box::new(StreamOwned::new(session, stream)))
            }
        };
        let (handler, open) = (Arc::clone(handler), Arc::clone(open));
        std::thread::spawn(move || {
            // A client that goes away in the middle is its own affair.
            drop(converse(connection, handler.as_ref()));
            if let Some(stream) = open.lock().expect("no holder panics").remove(&number) {
                drop(stream.shutdown(Shutdown::Both));
            }
        });
    }
}

fn converse(connection: Connection, handler: &Handler) -> io::Result<()> {
    let mut stream = BufReader::new(connection);
    while let Some(request) = Request::read(&mut stream)? {
        match handler(&request, stream.get_mut())? {
            Next::KeepAlive => {}
            Next::Close => break,
            Next::Hang => {
                io::copy(&mut stream, &mut io::sink())?;
                break;
            }
        }
    }
    Ok(())
}
