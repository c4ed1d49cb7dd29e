//! Access tokens of a registry's token service.
//!
//! Source: the distribution project's token authentication specification (`GET` with Basic) and its OAuth 2 form
//! (`POST` with a refresh token).

use std::time::Duration;

use model::RepositoryName;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use secrecy::ExposeSecret;
use url::Url;

use super::challenge::Challenge;
use super::redirect::{Start, follow, host_of, same_origin};
use super::session::{Authorization, Wire, basic, unauthorized};
use crate::hosts::Endpoint;
use crate::{Credentials, Fault};

/// Longest answer of a token service.
const TOKEN_LIMIT: usize = 1 << 20;
/// What a token without a stated lifetime lives.
const DEFAULT_LIFETIME_SECONDS: u64 = 60;
const LONGEST_LIFETIME_SECONDS: u64 = 24 * 3600;

#[derive(serde::Deserialize)]
struct TokenDocument {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// Whether credentials may go to the token service that a registry names.
///
/// The service is named by the registry's answer, so it is as trustworthy as that answer: over verified TLS it may be any
/// TLS host (that is how the specification means it), or one of plain HTTP that the user listed. Where the answer may be
/// forged, only the registry itself gets to see them, port included, or a service on the same machine that the user listed
/// with its port. A listing alone says how a host is spoken to, not that it may have another's password.
fn may_have_credentials(wire: &Wire, endpoint: &Endpoint, realm: &Url) -> Result<(), &'static str> {
    let list = match realm.scheme() {
        "http" => &wire.settings.plain_http,
        _ => &wire.settings.insecure,
    };
    let listed = list.has_url(realm);
    let same_host = realm.host_str() == endpoint.base.host_str();
    let trusted = endpoint.verified && (realm.scheme() == "https" || listed);
    if trusted || same_origin(realm, &endpoint.base) || (same_host && listed) {
        return Ok(());
    }
    Err(match (endpoint.verified, realm.scheme()) {
        (true, _) => "it is on plain HTTP and not listed",
        (false, _) if same_host => {
            "it is on another port, named by a registry that is not verified, and not listed"
        }
        (false, _) => "it is another host, named by a registry that is not verified",
    })
}

struct Service<'a> {
    url: Url,
    service: Option<&'a str>,
    scopes: Vec<String>,
    client: Client,
}

fn service<'a>(
    wire: &Wire,
    endpoint: &Endpoint,
    challenge: &'a Challenge,
    repository: Option<&RepositoryName>,
    has_credentials: bool,
) -> Result<Service<'a>, Fault> {
    let malformed = |why: &str| Fault::Malformed {
        origin: host_of(&endpoint.base),
        what: "authentication challenge",
        why: why.to_owned(),
    };
    let realm = challenge.parameter("realm").ok_or_else(|| malformed("it has no realm"))?;
    let url = Url::parse(realm).map_err(|_| malformed("its realm is not an address"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return Err(malformed("its realm is not an http or https address"));
    }
    if has_credentials {
        may_have_credentials(wire, endpoint, &url).map_err(|why| Fault::UntrustedRealm {
            host: host_of(&endpoint.base),
            realm: format!("{}://{}{}", url.scheme(), host_of(&url), url.path()),
            why,
        })?;
    }
    // Also without credentials nothing is tried over HTTP unasked.
    wire.elsewhere().check(&endpoint.base, &url)?;
    let scopes = match (challenge.parameter("scope"), repository) {
        (Some(scope), _) if !scope.is_empty() => scope.split(' ').map(str::to_owned).collect(),
        (_, Some(repository)) => vec![format!("repository:{repository}:pull")],
        _ => Vec::new(),
    };
    let client = if same_origin(&url, &endpoint.base) {
        endpoint.client.clone()
    } else {
        wire.elsewhere().client(&url)?
    };
    Ok(Service { url, service: challenge.parameter("service"), scopes, client })
}

impl Service<'_> {
    /// By `GET`, as anonymous or with Basic.
    fn get(&self, authorization: Option<HeaderValue>) -> Start<'_> {
        let mut url = self.url.clone();
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = self.service {
                query.append_pair("service", service);
            }
            for scope in &self.scopes {
                query.append_pair("scope", scope);
            }
        }
        let secret_headers = authorization.map(|value| (AUTHORIZATION, value)).into_iter().collect();
        Start {
            method: Method::GET,
            url,
            client: &self.client,
            headers: HeaderMap::new(),
            secret_headers,
            body: None,
        }
    }

    /// By `POST`, with an identity token.
    fn post(&self, identity_token: &str) -> Start<'_> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token").append_pair("client_id", "imc");
        form.append_pair("service", self.service.unwrap_or_default());
        if !self.scopes.is_empty() {
            form.append_pair("scope", &self.scopes.join(" "));
        }
        form.append_pair("refresh_token", identity_token);
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        Start {
            method: Method::POST,
            url: self.url.clone(),
            client: &self.client,
            headers: [(CONTENT_TYPE, content_type)].into_iter().collect(),
            secret_headers: HeaderMap::new(),
            body: Some(form.finish()),
        }
    }
}

/// The token service, where it is not the registry itself.
fn service_host(endpoint: &Endpoint, host: &str) -> Option<String> {
    (host != host_of(&endpoint.base)).then(|| host.to_owned())
}

/// Fetches an access token for the challenge.
pub(crate) async fn fetch(
    wire: &Wire,
    endpoint: &Endpoint,
    challenge: &Challenge,
    repository: Option<&RepositoryName>,
    credentials: Option<&Credentials>,
) -> Result<Authorization, Fault> {
    let service = service(wire, endpoint, challenge, repository, credentials.is_some())?;
    let start = match credentials {
        None => service.get(None),
        Some(Credentials::Basic { username, password }) => {
            let authorization =
                basic(username, password).ok_or_else(|| unauthorized(endpoint, None, true))?;
            service.get(Some(authorization.into_value()))
        }
        Some(Credentials::IdentityToken(token)) => service.post(token.expose_secret()),
    };
    let timeouts = &wire.settings.timeouts;
    let (answer, _) = follow(start, &wire.elsewhere(), timeouts.idle).await?;
    match answer.status() {
        status if status.is_success() => {}
        // 400 is what the OAuth 2 form says to a refresh token that it does not know.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => {
            return Err(unauthorized(endpoint, service_host(endpoint, &answer.host), credentials.is_some()));
        }
        // Not the registry's word that the image does not exist.
        status @ (StatusCode::NOT_FOUND | StatusCode::GONE) => {
            let said_text = format!("as the token service of {}", endpoint.registry);
            return Err(Fault::Refused { host: answer.host, status: status.as_u16(), said_text });
        }
        _ => return Err(answer.into_fault("a token", timeouts).await),
    }
    let host = answer.host.clone();
    let malformed = |why: String| Fault::Malformed { origin: host.clone(), what: "token document", why };
    let body = answer.body(TOKEN_LIMIT, "token document", timeouts.idle).await?;
    // The parser's text may show a piece of the document, and with it of a token.
    let document: TokenDocument = serde_json::from_slice(&body)
        .map_err(|error| malformed(format!("it breaks off or is no JSON at column {}", error.column())))?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let token = given(document.token)
        .or(given(document.access_token))
        .ok_or_else(|| malformed("it has no token".to_owned()))?;
    let seconds = document.expires_in.unwrap_or(DEFAULT_LIFETIME_SECONDS).min(LONGEST_LIFETIME_SECONDS);
    // Given up early, so that no request starts with a token that ends under way.
    let lifetime = Duration::from_secs(seconds).mul_f64(0.8);
    Authorization::new(&format!("Bearer {token}"), Some(lifetime), credentials.is_some())
        .ok_or_else(|| malformed("its token cannot stand in a header".to_owned()))
}
