//! A short stretch of a blob by one request.

use bytes::{Bytes, BytesMut};

use super::route::BlobRoute;
use crate::Fault;
use crate::wire::Backoff;

/// The bytes from `from` to before `end`; `None` where the server only gives the whole, and they do not stand at its beginning.
pub(crate) async fn peek(route: &BlobRoute, from: u64, end: u64) -> Result<Option<Bytes>, Fault> {
    let mut backoff = Backoff::new(route.wire.settings.retry);
    loop {
        match attempt(route, from, end).await {
            Ok(looked) => return Ok(looked),
            Err(fault) => backoff.pause(fault).await?,
        }
    }
}

async fn attempt(route: &BlobRoute, from: u64, end: u64) -> Result<Option<Bytes>, Fault> {
    let mut opened = route.open(from, end).await?;
    if opened.from != from || opened.end < end {
        // A part that is cut short is a proxy's right; it is not worth a second request.
        return Ok(None);
    }
    let length = usize::try_from(end - from).expect("a look is short");
    let mut bytes = BytesMut::with_capacity(length);
    while bytes.len() < length {
        let Some(chunk) = opened.body.chunk().await? else {
            let at = from + bytes.len() as u64;
            return Err(Fault::Cut { host: opened.body.host().to_owned(), at, source: None });
        };
        let wanted = chunk.len().min(length - bytes.len());
        bytes.extend_from_slice(&chunk[..wanted]);
    }
    if opened.end == end {
        // Read to its end, the connection can be used again.
        opened.body.ends_here().await;
    }
    Ok(Some(bytes.freeze()))
}
