//! The registry's access log.

use std::fs;
use std::path::Path;

/// A request as the registry's access log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    /// `GET`, `HEAD`, ...
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The status answered.
    pub status: u16,
    /// The bytes of body sent.
    pub bytes: u64,
}

impl LoggedRequest {
    /// Whether it asked for a blob's content.
    #[must_use]
    pub fn is_blob_download(&self) -> bool {
        self.method == "GET" && self.path.contains("/blobs/sha256:")
    }
}

pub(super) fn read(file: &Path) -> Vec<LoggedRequest> {
    fs::read_to_string(file).unwrap_or_default().lines().filter_map(parse).collect()
}

/// Apache's combined format: `host - - [time] "GET /path HTTP/1.1" 200 123 "referer" "agent"`.
fn parse(line: &str) -> Option<LoggedRequest> {
    let mut parts = line.split('"');
    let mut request = parts.nth(1)?.split(' ');
    let mut answer = parts.next()?.split_whitespace();
    Some(LoggedRequest {
        method: request.next()?.to_owned(),
        path: request.next()?.to_owned(),
        status: answer.next()?.parse().ok()?,
        bytes: answer.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line() {
        let line = r#"127.0.0.1 - - [23/Nov/2026:11:40:00 +0000] "GET /v2/a/blobs/sha256:12 HTTP/1.1" 200 2 "" "imc""#;
        let request = parse(line).unwrap();
        assert_eq!((request.method.as_str(), request.status, request.bytes), ("GET", 200, 2));
        assert!(request.is_blob_download());
        assert_eq!(parse("no such line"), None);
    }
}
