//! The server loop: listeners, and a bounded number of connections whose every step has a deadline.
//!
//! HTTP/1.1 alone. A connection may be idle, send its headers, and stall in reading for a bounded time each; when as many are
//! open as are allowed, further ones wait in the kernel's queue. At the end no new ones are taken, those that are open finish what
//! they are at, and what is not finished at the deadline is cut.

mod connection;
mod error;
mod listener;
mod stall;
mod tls;
mod unix;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use error::ServeError;
pub use listener::Listener;
pub use tls::TlsIdentity;

use crate::edge::Edge;

/// Bounds of the server loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeLimits {
    /// Connections at once, over all listeners.
    pub max_connections: usize,
    /// The longest that a request's headers, or a TLS handshake, may take, and that a connection may be idle.
    pub header_timeout: Duration,
    /// The longest that a reader may take nothing of an answer.
    pub stall_timeout: Duration,
    /// The longest from the wish to end to the end.
    pub shutdown_deadline: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            header_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(60),
            shutdown_deadline: Duration::from_secs(30),
        }
    }
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Whether every connection and every action came to its end before the deadline.
    pub in_time: bool,
}

/// Serves until the edge is told to stop, then drains.
pub async fn serve(router: Router, edge: &Edge, listeners: Vec<Listener>, limits: ServeLimits) -> Drained {
    let shared = Arc::new(Shared {
        router,
        edge: edge.clone(),
        permits: Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS))),
        connections: TaskTracker::new(),
        cut: CancellationToken::new(),
        limits,
    });
    let accepting = TaskTracker::new();
    for listener in listeners {
        accepting.spawn(listener.accept_all(shared.clone()));
    }
    accepting.close();
    accepting.wait().await;
    // Listeners are closed by now; a unix socket's file is gone with its listener.
    shared.connections.close();
    let drained = async {
        shared.connections.wait().await;
        edge.finish_actions().await;
    };
    let in_time = tokio::time::timeout(shared.limits.shutdown_deadline, drained).await.is_ok();
    if !in_time {
        tracing::warn!("the server ends before all requests did: their deadline is over");
        shared.cut.cancel();
        shared.connections.wait().await;
    }
    Drained { in_time }
}

/// What the connections share.
struct Shared {
    router: Router,
    edge: Edge,
    permits: Arc<Semaphore>,
    connections: TaskTracker,
    /// Ends connections in the middle.
    cut: CancellationToken,
    limits: ServeLimits,
}
