//! Redirects, followed by hand: what is secret stays with the server that it was meant for.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Method};
use tokio::time::timeout;
use url::Url;

use super::{Answer, Clients, TlsProfile};
use crate::{Fault, HostList};

/// Most redirects followed for one request.
pub(crate) const REDIRECT_LIMIT: usize = 10;

/// `host[:port]` for messages and comparisons.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Scheme, host and port, ports by default filled in.
pub(crate) fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}

/// The clients for servers that a redirect leads to.
pub(crate) struct Elsewhere<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) roots: &'a Arc<[Vec<u8>]>,
    pub(crate) insecure: &'a HostList,
    pub(crate) plain_http: &'a HostList,
}

impl Elsewhere<'_> {
    /// Refuses a way from TLS to plain HTTP that the user has not listed.
    pub(crate) fn check(&self, from: &Url, to: &Url) -> Result<(), Fault> {
        if from.scheme() == "https" && to.scheme() == "http" && !self.plain_http.has_url(to) {
            return Err(Fault::PlainRedirect { host: host_of(from), target: host_of(to) });
        }
        Ok(())
    }

    pub(crate) fn client(&self, url: &Url) -> Result<Client, Fault> {
        let profile = match url.scheme() {
            "http" => TlsProfile::Plain,
            _ if self.insecure.has_url(url) => TlsProfile::Unverified { identity: None },
            _ => TlsProfile::Verified { roots: self.roots.clone(), identity: None },
        };
        self.clients.get(&profile, url)
    }
}

/// One request, before redirects.
pub(crate) struct Start<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// The client for the server first asked.
    pub(crate) client: &'a Client,
    /// Sent to every server on the way.
    pub(crate) headers: HeaderMap,
    /// Sent only to the server first asked, and no more once another one was asked.
    pub(crate) secret_headers: HeaderMap,
    /// Sent only to the server first asked; a request with a body is not redirected.
    pub(crate) body: Option<String>,
}

fn target(answer: &Answer, from: &Url) -> Result<Option<Url>, Fault> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let malformed =
        |why: &str| Fault::Malformed { origin: answer.host.clone(), what: "redirect", why: why.to_owned() };
    let location = answer.header(LOCATION).ok_or_else(|| malformed("it has no location"))?;
    let mut url = from.join(location).map_err(|_| malformed("its location is not an address"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(malformed("its location is neither http nor https"));
    }
    // The client would send them as a password.
    let fine = url.set_username("").and_then(|()| url.set_password(None));
    fine.map_err(|()| malformed("its location cannot be asked"))?;
    url.set_fragment(None);
    Ok(Some(url))
}

/// Sends, following redirects. Every answer's head must come within `idle`.
pub(crate) async fn follow(
    start: Start<'_>,
    elsewhere: &Elsewhere<'_>,
    idle: Duration,
) -> Result<(Answer, Url), Fault> {
    let first = start.url.clone();
    let mut seen = vec![first.clone()];
    let mut url = first.clone();
    let mut left = false;
    loop {
        left |= !same_origin(&url, &first);
        let client = if left { elsewhere.client(&url)? } else { start.client.clone() };
        let mut request = client.request(start.method.clone(), url.clone()).headers(start.headers.clone());
        if !left {
            request = request.headers(start.secret_headers.clone());
        }
        if let Some(body) = &start.body {
            request = request.body(body.clone());
        }
        let host = host_of(&url);
        let response = timeout(idle, request.send())
            .await
            .map_err(|_| Fault::Hang { host: host.clone(), after: idle })?
            .map_err(|error| elsewhere.clients.fault_of_request(error, &url))?;
        elsewhere.clients.note_answer(&url);
        let answer = Answer { response, host, at_origin: !left, of_registry: !left };
        let Some(next) = target(&answer, &url)? else { return Ok((answer, url)) };
        elsewhere.check(&url, &next)?;
        if start.body.is_some() {
            return Err(Fault::Malformed {
                origin: answer.host,
                what: "answer",
                why: "a request with credentials in it is redirected".to_owned(),
            });
        }
        if seen.contains(&next) || seen.len() > REDIRECT_LIMIT {
            return Err(Fault::TooManyRedirects { host: host_of(&first), limit: REDIRECT_LIMIT });
        }
        seen.push(next.clone());
        url = next;
    }
}
