//! Image references: `host/repository:tag@digest`.
//!
//! Source: the grammar of `distribution/reference`, with Docker's defaults: no host means `docker.io`, a
//! one-part repository there lies under `library/`, no tag and no digest means `latest`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{BlobDigest, DigestError};

/// Longest host and repository together, as registries have it.
const LONGEST_NAME: usize = 255;
const LONGEST_TAG: usize = 128;
/// The host that a reference without one means.
const DEFAULT_HOST: &str = "docker.io";

/// Why a text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing there.
    #[error("failed to parse the image reference: it is empty")]
    Empty,
    /// The host part is not `name`, `name:port` or `[ipv6]:port`.
    #[error("failed to parse the image reference `{0}`: `{1}` is not a registry host")]
    Host(String, String),
    /// The repository part breaks the grammar.
    #[error(
        "failed to parse the image reference `{0}`: `{1}` is not a repository name (lower-case letters and digits, \
         separated by `.`, `_`, `__`, `-` or `/`)"
    )]
    Repository(String, String),
    /// The tag breaks the grammar.
    #[error(
        "failed to parse the image reference `{0}`: `{1}` is not a tag (1 to 128 letters, digits, `_`, `.`, `-`, not \
         beginning with `.` or `-`)"
    )]
    Tag(String, String),
    /// Host and repository together are over 255 characters.
    #[error("failed to parse the image reference `{0}`: host and repository are longer than 255 characters")]
    TooLong(String),
    /// The digest is none.
    #[error("failed to parse the image reference `{0}`")]
    Digest(String, #[source] DigestError),
}

/// A registry's name as references have it: host and optional port. `docker.io` stands for Docker Hub.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegistryHost(String);

impl RegistryHost {
    /// The text, `host` or `host:port`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is Docker Hub.
    #[must_use]
    pub fn is_docker_hub(&self) -> bool {
        self.0 == DEFAULT_HOST
    }

    /// Whether this names the machine itself (`localhost`, 127.0.0.0/8, `::1`).
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = match self.0.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((inner, _)) => inner,
            None => self.0.rsplit_once(':').map_or(self.0.as_str(), |(host, _)| host),
        };
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

fn is_host(text: &str) -> bool {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let Some((inner, rest)) = rest.split_once(']') else { return false };
        if inner.parse::<std::net::Ipv6Addr>().is_err() {
            return false;
        }
        match rest {
            "" => return true,
            _ => match rest.strip_prefix(':') {
                Some(port) => ("ipv6", Some(port)),
                None => return false,
            },
        }
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let label = |label: &str| {
        let bytes = label.as_bytes();
        let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        edge(bytes.first())
            && edge(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    let port_fits = |port: &str| {
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0)
    };
    host.split('.').all(label) && port.is_none_or(port_fits)
}

impl FromStr for RegistryHost {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if !is_host(text) || text.len() > LONGEST_NAME {
            return Err(ReferenceError::Host(text.to_owned(), text.to_owned()));
        }
        let lower = text.to_ascii_lowercase();
        Ok(Self(match lower.as_str() {
            "index.docker.io" | "registry-1.docker.io" => DEFAULT_HOST.to_owned(),
            _ => lower,
        }))
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A repository's path on its host, `library/debian`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryName(String);

impl RepositoryName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_repository_part(part: &str) -> bool {
    let word = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut rest = part.as_bytes();
    loop {
        let letters = rest.iter().take_while(|b| word(b)).count();
        if letters == 0 {
            return false;
        }
        rest = &rest[letters..];
        if rest.is_empty() {
            return true;
        }
        let separator = rest.iter().take_while(|b| !word(b)).count();
        let (between, after) = rest.split_at(separator);
        let fine = matches!(between, b"." | b"_" | b"__") || between.iter().all(|b| *b == b'-');
        if !fine {
            return false;
        }
        rest = after;
    }
}

impl FromStr for RepositoryName {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.len() <= LONGEST_NAME && text.split('/').all(is_repository_part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ReferenceError::Repository(text.to_owned(), text.to_owned()))
        }
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

impl Tag {
    /// `latest`, what a reference without tag and digest means.
    #[must_use]
    pub fn latest() -> Self {
        Self("latest".to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let fits = text.bytes().next().is_some_and(word)
            && text.len() <= LONGEST_TAG
            && text.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(ReferenceError::Tag(text.to_owned(), text.to_owned()))
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! serde_by_text {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = ReferenceError;

            fn try_from(text: String) -> Result<Self, ReferenceError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    )*};
}

serde_by_text!(RegistryHost, RepositoryName, Tag, ImageReference);

/// Host, repository, and a tag, a digest or both. A tag with a digest is a comment: the digest decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageReference {
    host: RegistryHost,
    repository: RepositoryName,
    tag: Option<Tag>,
    digest: Option<BlobDigest>,
}

impl ImageReference {
    /// The registry, after Docker's defaults.
    #[must_use]
    pub fn host(&self) -> &RegistryHost {
        &self.host
    }

    /// The repository, after Docker's defaults.
    #[must_use]
    pub fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// The tag, where one was given or meant.
    #[must_use]
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    /// The digest of manifest or index, where one was given.
    #[must_use]
    pub fn digest(&self) -> Option<&BlobDigest> {
        self.digest.as_ref()
    }

    /// The same image by that digest; the tag stays as a comment.
    #[must_use]
    pub fn with_digest(&self, digest: BlobDigest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Splits `host/rest` where the first part looks like a host, as Docker decides it.
fn split_host(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':', '[']) || first == "localhost" => (Some(first), rest),
        _ => (None, name),
    }
}

impl FromStr for ImageReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        let whole = || text.to_owned();
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => {
                let digest = digest.parse().map_err(|source| ReferenceError::Digest(whole(), source))?;
                (named, Some(digest))
            }
            None => (text, None),
        };
        let (host, path) = split_host(named);
        let (path, tag) = match path.split_once(':') {
            Some((path, tag)) => {
                let tag = tag.parse().map_err(|_| ReferenceError::Tag(whole(), tag.to_owned()))?;
                (path, Some(tag))
            }
            None => (path, None),
        };
        let host: RegistryHost = host
            .unwrap_or(DEFAULT_HOST)
            .parse()
            .map_err(|_| ReferenceError::Host(whole(), host.unwrap_or(DEFAULT_HOST).to_owned()))?;
        let implied = if host.is_docker_hub() && !path.contains('/') { "library/" } else { "" };
        let repository: RepositoryName = format!("{implied}{path}")
            .parse()
            .map_err(|_| ReferenceError::Repository(whole(), path.to_owned()))?;
        if host.as_str().len() + 1 + repository.as_str().len() > LONGEST_NAME {
            return Err(ReferenceError::TooLong(whole()));
        }
        let tag = match (tag, &digest) {
            (None, None) => Some(Tag::latest()),
            (tag, _) => tag,
        };
        Ok(Self { host, repository, tag, digest })
    }
}

#[cfg(test)]
mod tests;
