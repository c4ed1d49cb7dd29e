//! Calls of both clouds' APIs, signed as their SDKs sign them.

use aws_lc_rs::{digest, hmac};
use model::{Clock as _, SystemClock};

use super::server::Server;

/// An access key with its secret.
pub struct Key {
    pub id: String,
    pub secret: String,
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn lines(headers: &[(&str, &str)], between: &str, end: &str) -> String {
    headers.iter().map(|(name, value)| format!("{name}:{between}{value}{end}")).collect()
}

/// ACS3-HMAC-SHA256 over a query whose parameters are sorted and encoded already.
pub fn alibaba(server: &Server, action: &str, query: &str, number: u64) -> String {
    let (at, hash, nonce) = (SystemClock.now().to_string(), sha256(b""), format!("bench-{number}-{query}"));
    let nonce = sha256(nonce.as_bytes());
    let headers = [
        ("host", server.address.as_str()),
        ("x-acs-action", action),
        ("x-acs-content-sha256", &hash),
        ("x-acs-date", &at),
        ("x-acs-signature-nonce", &nonce),
        ("x-acs-version", "2018-08-08"),
    ];
    let names = headers.map(|(name, _)| name).join(";");
    let canonical = format!("GET\n/\n{query}\n{}\n{names}\n{hash}", lines(&headers, "", "\n"));
    let text = format!("ACS3-HMAC-SHA256\n{}", sha256(canonical.as_bytes()));
    let signature = hex::encode(keyed(server.key.secret.as_bytes(), &text));
    format!(
        "GET /?{query} HTTP/1.1\r\n{}authorization: ACS3-HMAC-SHA256 Credential={},SignedHeaders={names},\
         Signature={signature}\r\n\r\n",
        lines(&headers, " ", "\r\n"),
        server.key.id,
    )
}

/// TC3-HMAC-SHA256.
pub fn tencent(server: &Server, action: &str, body: &str) -> String {
    let now = SystemClock.now();
    let (day, seconds) = (now.to_string()[..10].to_owned(), (now.as_micros() / 1_000_000).to_string());
    let signed = [("content-type", "application/json"), ("host", server.address.as_str())];
    let canonical =
        format!("POST\n/\n\n{}\ncontent-type;host\n{}", lines(&signed, "", "\n"), sha256(body.as_bytes()));
    let scope = format!("{day}/tke/tc3_request");
    let text = format!("TC3-HMAC-SHA256\n{seconds}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let of_day = keyed(format!("TC3{}", server.key.secret).as_bytes(), &day);
    let signature = hex::encode(keyed(&keyed(&keyed(&of_day, "tke"), "tc3_request"), &text));
    let others = [
        ("x-tc-action", action),
        ("x-tc-version", "2018-05-25"),
        ("x-tc-timestamp", &seconds),
        ("x-tc-region", "ap-guangzhou"),
    ];
    format!(
        "POST / HTTP/1.1\r\n{}{}authorization: TC3-HMAC-SHA256 Credential={}/{scope}, SignedHeaders=content-type;host, \
         Signature={signature}\r\ncontent-length: {}\r\n\r\n{body}",
        lines(&signed, " ", "\r\n"),
        lines(&others, " ", "\r\n"),
        server.key.id,
        body.len(),
    )
}
