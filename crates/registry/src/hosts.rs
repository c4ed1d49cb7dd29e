//! Which servers are asked for a registry's images, and how.

use std::path::{Path, PathBuf};

use model::{RegistryHost, RepositoryName};
use reqwest::Client;
use reqwest::header::HeaderMap;
use url::Url;

use crate::Fault;
use crate::wire::{TlsProfile, Wire};

mod hosts_toml;

pub(crate) use hosts_toml::{HostsToml, ServerEntry};

/// One server that has a registry's images: the registry itself or a mirror.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// Up to and including the API's root, with a slash at the end.
    pub(crate) base: Url,
    /// Whose credentials are for it: its own name, never that of the registry it mirrors.
    pub(crate) registry: RegistryHost,
    pub(crate) client: Client,
    /// Further headers of the administrator, for this server only.
    pub(crate) headers: HeaderMap,
    /// The registry that a mirror stands for, told to it as `ns`.
    pub(crate) stands_for: Option<RegistryHost>,
    /// Whether it is the registry itself.
    pub(crate) own: bool,
    /// Whether its answers are known to be its own.
    pub(crate) verified: bool,
    /// Where it is configured; empty where it is not.
    pub(crate) file: PathBuf,
    /// May be asked what a tag means.
    pub(crate) resolves: bool,
    /// May be asked for content by digest.
    pub(crate) pulls: bool,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Its address, where it may be left out for a while after it could not be reached. The registry itself never is: only
    /// its word that there is nothing is final.
    pub(crate) fn may_rest(&self) -> Option<&Url> {
        (!self.own).then_some(&self.base)
    }

    /// Address of a manifest or blob.
    pub(crate) fn address(&self, repository: &RepositoryName, kind: &str, name: &str) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}{repository}/{kind}/{name}", self.base.path());
        url.set_path(&path);
        if let Some(host) = &self.stands_for {
            url.query_pairs_mut().append_pair("ns", host.as_str());
        }
        url
    }
}

/// Docker Hub's API is not at the name that its references have.
fn api_host(host: &RegistryHost) -> &str {
    if host.is_docker_hub() { "registry-1.docker.io" } else { host.as_str() }
}

/// The servers to ask for a registry, in order: mirrors, then the registry itself.
pub(crate) fn endpoints(wire: &Wire, host: &RegistryHost) -> Result<Vec<Endpoint>, Fault> {
    let own = default_address(wire, host)?;
    let configured =
        wire.settings.certs_dirs.iter().find_map(|dir| HostsToml::find(dir, host, &own).transpose());
    let configured = configured.transpose()?.unwrap_or_default();
    let mut endpoints = Vec::new();
    for entry in &configured.mirrors {
        endpoints.push(endpoint(wire, host, entry, None)?);
    }
    let own = match configured.server {
        Some(entry) => entry,
        None => ServerEntry::plain(own),
    };
    endpoints.push(endpoint(wire, host, &own, Some(host))?);
    Ok(endpoints)
}

fn default_address(wire: &Wire, host: &RegistryHost) -> Result<Url, Fault> {
    let scheme = if wire.settings.plain_http.contains(host) { "http" } else { "https" };
    let text = format!("{scheme}://{}/v2/", api_host(host));
    Url::parse(&text).map_err(|error| Fault::Unreachable { host: host.to_string(), source: error.into() })
}

/// `of` is the registry for its own server, whose credentials stay those of the name in the reference as long as the
/// server is that name.
fn endpoint(
    wire: &Wire,
    host: &RegistryHost,
    entry: &ServerEntry,
    of: Option<&RegistryHost>,
) -> Result<Endpoint, Fault> {
    let authority = crate::wire::host_of(&entry.base);
    let registry: RegistryHost = authority.parse().map_err(|_| Fault::Settings {
        path: entry.file.clone(),
        why: format!("`{authority}` is not a registry host"),
    })?;
    // `a.io:443` in a reference and `https://a.io` are the same server, also for credentials.
    let same_server =
        default_address(wire, host).is_ok_and(|url| crate::wire::same_origin(&url, &entry.base));
    let registry = if same_server { host.clone() } else { registry };
    let listed = wire.settings.insecure.contains(&registry)
        || (of.is_some() && same_server && wire.settings.insecure.contains(host));
    let unverified = entry.skip_verify || listed;
    let profile = match entry.base.scheme() {
        "http" => TlsProfile::Plain,
        _ if unverified => TlsProfile::Unverified { identity: entry.identity.clone() },
        _ => TlsProfile::Verified {
            roots: match entry.roots.is_empty() {
                true => wire.roots.clone(),
                false => wire.roots.iter().chain(&entry.roots).cloned().collect(),
            },
            identity: entry.identity.clone(),
        },
    };
    Ok(Endpoint {
        client: wire.clients.get(&profile, &entry.base)?,
        verified: matches!(profile, TlsProfile::Verified { .. }),
        own: of.is_some(),
        stands_for: (registry != *host).then(|| host.clone()),
        base: entry.base.clone(),
        registry,
        headers: entry.headers.clone(),
        file: entry.file.clone(),
        resolves: entry.resolves,
        pulls: entry.pulls,
    })
}

/// Reads a file that settings name, whole.
pub(crate) fn read_settings_file(path: &Path) -> Result<Vec<u8>, Fault> {
    let missing = || Fault::Settings { path: path.to_owned(), why: "it does not exist".to_owned() };
    find_settings_file(path)?.ok_or_else(missing)
}

/// The same for a file that may be missing.
pub(crate) fn find_settings_file(path: &Path) -> Result<Option<Vec<u8>>, Fault> {
    use std::io::Read as _;
    const LIMIT: u64 = 4 << 20;
    let unusable = |why| Err(Fault::Settings { path: path.to_owned(), why });
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes));
    match read {
        Ok(length) if length as u64 > LIMIT => unusable(format!("it is over {LIMIT} bytes")),
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => unusable(format!("it cannot be read: {error}")),
    }
}

/// Reads a file of certificates. One without any would be trusted to mean something and does not.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<u8>, Fault> {
    let pem = read_settings_file(path)?;
    match reqwest::Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(pem),
        _ => {
            let why = "it holds no certificate in PEM form".to_owned();
            Err(Fault::Settings { path: path.to_owned(), why })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn own(host: &str) -> Endpoint {
        let host: RegistryHost = host.parse().unwrap();
        let settings = Settings { plain_http: [host.clone()].into_iter().collect(), ..Settings::default() };
        endpoints(&Wire::new(settings, [].into()), &host).unwrap().pop().unwrap()
    }

    #[test]
    fn docker_hub_has_its_api_elsewhere_and_its_credentials_under_its_name() {
        let hub = own("docker.io");
        assert_eq!(hub.base.as_str(), "http://registry-1.docker.io/v2/");
        assert_eq!(hub.registry.as_str(), "docker.io");
        let address = hub.address(&"library/debian".parse().unwrap(), "manifests", "latest");
        assert_eq!(address.as_str(), "http://registry-1.docker.io/v2/library/debian/manifests/latest");
    }

    #[test]
    fn other_registries_are_where_their_name_says() {
        let own = own("r.example:5000");
        assert_eq!(own.base.as_str(), "http://r.example:5000/v2/");
        assert_eq!((own.registry.as_str(), own.stands_for), ("r.example:5000", None));
    }
}
