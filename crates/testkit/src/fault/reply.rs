//! What to answer, and how to get it wrong.

use std::sync::Arc;

/// How an answer goes wrong while it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// The declared length is this one, whatever is sent.
    Length(u64),
    /// The connection ends after so many bytes of the body.
    CutAfter(u64),
    /// Nothing more comes after so many bytes of the body.
    HangAfter(u64),
    /// Not even the status line comes.
    Hang,
    /// A partial answer says that it begins at this byte.
    RangeFrom(u64),
}

/// An answer to one request.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Arc<[u8]>,
    pub(super) ranges: bool,
    /// Most bytes of a partial answer.
    pub(super) longest_range: u64,
    /// Bytes of a chunk, where it is sent in chunks.
    pub(super) chunked: Option<usize>,
    pub(super) held: bool,
    pub(super) fault: Fault,
}

impl Reply {
    /// A status with a body.
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: impl AsRef<[u8]>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: Arc::from(body.as_ref()),
            ranges: false,
            longest_range: u64::MAX,
            chunked: None,
            held: false,
            fault: Fault::None,
        }
    }

    /// 200 with bytes, ranges served.
    #[must_use]
    pub fn blob(body: impl AsRef<[u8]>) -> Self {
        let mut reply = Self::new(200, "application/octet-stream", body);
        reply.ranges = true;
        reply
    }

    /// 200 with a JSON document.
    #[must_use]
    pub fn json(document: impl AsRef<[u8]>) -> Self {
        Self::new(200, "application/json", document)
    }

    /// A status with an HTML page, as a captive portal or a broken proxy sends it.
    #[must_use]
    pub fn html(status: u16) -> Self {
        Self::new(status, "text/html", "<html><body><h1>It works!</h1></body></html>")
    }

    /// An error in the form of the distribution spec.
    #[must_use]
    pub fn error(status: u16, code: &str) -> Self {
        let body = serde_json::json!({ "errors": [{ "code": code, "message": "from the script" }] });
        Self::new(status, "application/json", body.to_string())
    }

    /// A redirect to that URL.
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status, "text/plain", "").header("location", location)
    }

    /// 429 that asks to wait so many seconds.
    #[must_use]
    pub fn too_many_requests(retry_after_seconds: u64) -> Self {
        Self::error(429, "TOOMANYREQUESTS").header("retry-after", &retry_after_seconds.to_string())
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Ignores the range that a client asks for: 200 with everything.
    #[must_use]
    pub fn without_ranges(mut self) -> Self {
        self.ranges = false;
        self
    }

    /// Sends in chunks, without a length.
    #[must_use]
    pub fn chunked(self) -> Self {
        self.in_chunks_of(16 * 1024)
    }

    /// Sends in chunks of so many bytes, without a length.
    #[must_use]
    pub fn in_chunks_of(mut self, bytes: usize) -> Self {
        self.chunked = Some(bytes);
        self
    }

    /// Sends no more than so many bytes of the range that a client asks for, and says so.
    #[must_use]
    pub fn short_ranges(mut self, bytes: u64) -> Self {
        self.longest_range = bytes;
        self
    }

    /// Waits before the status line until [`FaultServer::release`](crate::FaultServer::release).
    #[must_use]
    pub fn held(mut self) -> Self {
        self.held = true;
        self
    }

    /// Declares that length and sends the body as it is, then closes.
    #[must_use]
    pub fn lying_length(mut self, length: u64) -> Self {
        self.fault = Fault::Length(length);
        self
    }

    /// Declares the true length and closes after so many bytes of the body.
    #[must_use]
    pub fn cut_after(mut self, bytes: u64) -> Self {
        self.fault = Fault::CutAfter(bytes);
        self
    }

    /// Goes silent after so many bytes of the body, connection open.
    #[must_use]
    pub fn hang_after(mut self, bytes: u64) -> Self {
        self.fault = Fault::HangAfter(bytes);
        self
    }

    /// Never answers, connection open.
    #[must_use]
    pub fn hang(mut self) -> Self {
        self.fault = Fault::Hang;
        self
    }

    /// Answers a range with the right bytes, and says that they begin at `first`.
    #[must_use]
    pub fn lying_range(mut self, first: u64) -> Self {
        self.fault = Fault::RangeFrom(first);
        self
    }
}
