//! One connection, from its first byte to its last.

use std::sync::Arc;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::ServiceExt as _;

use super::Shared;
use super::stall::Unstalled;
use crate::peer::Peer;

/// The most bytes of a request's head, and of what is read ahead.
const BUFFER: usize = 64 << 10;
/// The most headers of a request.
const MOST_HEADERS: usize = 100;

/// Serves the requests of one connection.
pub(super) async fn serve<I>(shared: Arc<Shared>, io: I, peer: Peer)
where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let _counted = shared.edge.metrics().http.connection();
    let service = shared.router.clone().map_request(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.map(Body::new)
    });
    let io = TokioIo::new(Unstalled::new(io, shared.limits.stall_timeout));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(shared.limits.header_timeout);
    builder.max_buf_size(BUFFER).max_headers(MOST_HEADERS);
    let connection = builder.serve_connection(io, TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let stopping = shared.edge.stopping();
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = shared.cut.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        // Strangers break off, stall and send what is no HTTP: nothing that somebody should look at.
        tracing::debug!(error = engine::chain(&error), "a connection broke off");
    }
}
