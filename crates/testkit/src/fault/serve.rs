//! Sends a reply, faults included.

use std::io::{self, Write};

use super::reply::Fault;
use super::{FaultServer, Reply, Shared};
use crate::server::{Connection, Next};
use crate::{Image, ImageIndex, Request};

pub(super) fn answer(shared: &Shared, request: &Request, connection: &mut Connection) -> io::Result<Next> {
    let reply = choose(shared, request);
    let sent = send(&reply, request, connection);
    shared.lock().in_flight -= 1;
    sent
}

/// Records the request and takes the reply for it; waits where the reply is held.
fn choose(shared: &Shared, request: &Request) -> Reply {
    let mut state = shared.lock();
    state.requests.push(request.clone());
    state.in_flight += 1;
    state.peak = state.peak.max(state.in_flight);
    shared.changed.notify_all();
    let refused = state.authorization.as_ref().filter(|demand| {
        request.path.starts_with("/v2/")
            && request.header("authorization") != Some(demand.authorization.as_str())
    });
    if let Some(demand) = refused {
        return Reply::error(401, "UNAUTHORIZED").header("www-authenticate", &demand.challenge);
    }
    let route = state.routes.get_mut(&request.path);
    let reply = route
        .and_then(|route| route.script.pop_front().or_else(|| route.always.clone()))
        .unwrap_or_else(|| Reply::error(404, "NAME_UNKNOWN"));
    while reply.held && !state.released {
        state = shared.changed.wait(state).expect("no holder panics");
    }
    reply
}

fn send(reply: &Reply, request: &Request, connection: &mut Connection) -> io::Result<Next> {
    if reply.fault == Fault::Hang {
        return Ok(Next::Hang);
    }
    let whole = reply.body.len() as u64;
    let range = if reply.ranges && reply.status == 200 { request.range() } else { None };
    let (status, body, content_range) = match range {
        None => (reply.status, &reply.body[..], None),
        Some((first, _)) if first >= whole => (416, &[][..], Some(format!("bytes */{whole}"))),
        Some((first, last)) => {
            let last = last.unwrap_or(u64::MAX).min(whole - 1);
            let last = last.min(first.saturating_add(reply.longest_range - 1));
            let claimed = if let Fault::RangeFrom(byte) = reply.fault { byte } else { first };
            let part = &reply.body[usize::try_from(first).expect("below the length")
                ..=usize::try_from(last).expect("below the length")];
            (206, part, Some(format!("bytes {claimed}-{last}/{whole}")))
        }
    };
    let head = head(reply, status, body.len() as u64, content_range);
    connection.write_all(head.as_bytes())?;
    if request.method == "HEAD" {
        return connection.flush().map(|()| Next::KeepAlive);
    }
    let limit = match reply.fault {
        Fault::CutAfter(bytes) | Fault::HangAfter(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let sent = &body[..limit.min(body.len())];
    if let Some(bytes) = reply.chunked {
        send_chunks(sent, bytes, sent.len() == body.len(), connection)?;
    } else {
        connection.write_all(sent)?;
    }
    connection.flush()?;
    Ok(match reply.fault {
        Fault::CutAfter(_) | Fault::Length(_) => Next::Close,
        Fault::HangAfter(_) => Next::Hang,
        _ => Next::KeepAlive,
    })
}

fn head(reply: &Reply, status: u16, length: u64, content_range: Option<String>) -> String {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
    let declared = if let Fault::Length(length) = reply.fault { length } else { length };
    if reply.chunked.is_some() {
        head.push_str("transfer-encoding: chunked\r\n");
    } else {
        head.push_str(&format!("content-length: {declared}\r\n"));
    }
    if reply.ranges {
        head.push_str("accept-ranges: bytes\r\n");
    }
    if let Some(content_range) = content_range {
        head.push_str(&format!("content-range: {content_range}\r\n"));
    }
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head
}

fn send_chunks(body: &[u8], bytes: usize, finish: bool, connection: &mut Connection) -> io::Result<()> {
    for chunk in body.chunks(bytes) {
        connection.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
        connection.write_all(chunk)?;
        connection.write_all(b"\r\n")?;
    }
    if finish { connection.write_all(b"0\r\n\r\n") } else { Ok(()) }
}

impl FaultServer {
    /// Serves an honest image under `repository:tag` and by digest. Scripts for single paths still go first.
    pub fn serve_image(&self, repository: &str, tag: &str, image: &Image) {
        self.serve_parts(repository, image);
        let manifest = document(&image.manifest, image.manifest_type(), &image.digest());
        self.always(&manifest_path(repository, tag), manifest);
    }

    /// Serves an honest index and its images under `repository:tag` and by digest.
    pub fn serve_index(&self, repository: &str, tag: &str, index: &ImageIndex) {
        for image in &index.images {
            self.serve_parts(repository, image);
        }
        let reply = document(&index.index, index.index_type(), &index.digest());
        self.always(&manifest_path(repository, tag), reply.clone());
        self.always(&manifest_path(repository, &index.digest()), reply);
    }

    fn serve_parts(&self, repository: &str, image: &Image) {
        self.always("/v2/", Reply::json("{}"));
        for (digest, bytes) in image.blobs() {
            let reply = Reply::blob(bytes).header("docker-content-digest", &digest);
            self.always(&format!("/v2/{repository}/blobs/{digest}"), reply);
        }
        let manifest = document(&image.manifest, image.manifest_type(), &image.digest());
        self.always(&manifest_path(repository, &image.digest()), manifest);
    }
}

fn manifest_path(repository: &str, reference: &str) -> String {
    format!("/v2/{repository}/manifests/{reference}")
}

fn document(bytes: &[u8], media_type: &str, digest: &str) -> Reply {
    Reply::new(200, media_type, bytes).header("docker-content-digest", digest)
}
