//! containerd's `certs.d/<host>/hosts.toml`.
//!
//! Source: containerd 2.4, `docs/hosts.md` and the behaviour of its host configuration: directory names `host_port_`,
//! `host:port` and `_default`; without a `hosts.toml` the directory's `*.crt`, `*.cert` and `*.key` files count.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use model::RegistryHost;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::read_settings_file;
use crate::Fault;

/// A server as a `hosts.toml` has it, its files read.
pub(crate) struct ServerEntry {
    /// Up to and including the API's root, with a slash at the end.
    pub(crate) base: Url,
    pub(crate) roots: Vec<Vec<u8>>,
    pub(crate) identity: Option<Vec<u8>>,
    pub(crate) skip_verify: bool,
    pub(crate) headers: HeaderMap,
    pub(crate) resolves: bool,
    pub(crate) pulls: bool,
    /// Where it stands.
    pub(crate) file: PathBuf,
}

impl ServerEntry {
    /// A server without any further settings.
    pub(crate) fn plain(base: Url) -> Self {
        Self {
            base,
            roots: Vec::new(),
            identity: None,
            skip_verify: false,
            headers: HeaderMap::new(),
            resolves: true,
            pulls: true,
            file: PathBuf::new(),
        }
    }
}

/// What is configured for one registry.
#[derive(Default)]
pub(crate) struct HostsToml {
    /// In the file's order.
    pub(crate) mirrors: Vec<ServerEntry>,
    /// The registry's own server.
    pub(crate) server: Option<ServerEntry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ClientFiles {
    Both(PathBuf),
    Pair([PathBuf; 2]),
}

#[derive(Deserialize, Default)]
struct ServerTable {
    #[serde(default)]
    capabilities: Vec<String>,
    ca: Option<OneOrMany<PathBuf>>,
    client: Option<OneOrMany<ClientFiles>>,
    #[serde(default)]
    skip_verify: bool,
    #[serde(default)]
    header: BTreeMap<String, OneOrMany<String>>,
    #[serde(default)]
    override_path: bool,
}

#[derive(Deserialize)]
struct File {
    server: Option<String>,
    /// With the place of each in the file: mirrors are tried in the file's order.
    #[serde(default)]
    host: BTreeMap<Spanned<String>, ServerTable>,
}

/// The directories that may speak for a host, first one first.
fn directories(root: &Path, host: &RegistryHost) -> Vec<PathBuf> {
    let name = host.as_str();
    let mut names = Vec::new();
    if let Some((host, port)) = name.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        names.push(format!("{host}_{port}_"));
    }
    names.extend([name.to_owned(), "_default".to_owned()]);
    names.into_iter().map(|name| root.join(name)).collect()
}

impl HostsToml {
    /// Looks for the registry's directory below `root` and reads it. `None` where there is none.
    /// `own` is where the registry is unless the file says otherwise: at its name, by plain HTTP where that is listed.
    pub(crate) fn find(root: &Path, host: &RegistryHost, own: &Url) -> Result<Option<Self>, Fault> {
        let Some(dir) = directories(root, host).into_iter().find(|dir| dir.is_dir()) else { return Ok(None) };
        let path = dir.join("hosts.toml");
        match read_settings_file(&path) {
            Ok(bytes) => Self::parse(&bytes, &path, own).map(Some),
            Err(Fault::LocalMissing { .. }) => Self::certificate_files(&dir, own).map(Some),
            Err(fault) => Err(fault),
        }
    }

    /// Reads a `hosts.toml`; files that it names are relative to its directory.
    pub(crate) fn parse(bytes: &[u8], path: &Path, own: &Url) -> Result<Self, Fault> {
        let unusable = |why: String| Fault::Settings { path: path.to_owned(), why };
        let text = std::str::from_utf8(bytes).map_err(|error| unusable(error.to_string()))?;
        let file: File = toml::from_str(text).map_err(|error| unusable(message(&error)))?;
        let table: ServerTable = toml::from_str(text).map_err(|error| unusable(message(&error)))?;
        let mut in_order: Vec<_> = file.host.into_iter().collect();
        in_order.sort_by_key(|(address, _)| address.span().start);
        let mut mirrors = Vec::new();
        for (address, table) in in_order {
            let base = base(address.get_ref(), table.override_path).map_err(unusable)?;
            mirrors.push(entry(base, table, path)?);
        }
        let base = match file.server {
            Some(address) => base(&address, table.override_path).map_err(unusable)?,
            None => own.clone(),
        };
        let server = entry(base, table, path)?;
        Ok(Self { mirrors, server: Some(server) })
    }

    fn certificate_files(dir: &Path, own: &Url) -> Result<Self, Fault> {
        let local = |source| Fault::Local { path: dir.to_owned(), source };
        let mut names: Vec<PathBuf> = std::fs::read_dir(dir)
            .map_err(local)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(local)?;
        names.sort();
        let with = |extension: &str| {
            names
                .iter()
                .filter(|n| n.extension().is_some_and(|e| e == extension))
                .cloned()
                .collect::<Vec<_>>()
        };
        let client = with("cert").into_iter().map(|cert| {
            let key = cert.with_extension("key");
            if key.exists() { ClientFiles::Pair([cert, key]) } else { ClientFiles::Both(cert) }
        });
        let table = ServerTable {
            ca: Some(OneOrMany::Many(with("crt"))),
            client: Some(OneOrMany::Many(client.collect())),
            ..ServerTable::default()
        };
        let server = entry(own.clone(), table, &dir.join("hosts.toml"))?;
        Ok(Self { mirrors: Vec::new(), server: Some(server) })
    }
}

/// Where the parser stumbled. Its own words may show a value, and with it maybe an authorization header.
fn message(error: &toml::de::Error) -> String {
    match error.span() {
        Some(span) => format!("it is not a table of hosts at byte {}", span.start),
        None => "it is not a table of hosts".to_owned(),
    }
}

fn base(address: &str, override_path: bool) -> Result<Url, String> {
    let whole = match address.split_once("://") {
        Some(_) => address.to_owned(),
        None => format!("https://{address}"),
    };
    let mut url = Url::parse(&whole).map_err(|error| format!("`{address}` is not an address: {error}"))?;
    let fine = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    if !fine || !url.username().is_empty() || url.password().is_some() {
        return Err("a host is not an http or https address without credentials".to_owned());
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    let path = if override_path || path.ends_with("/v2") { path } else { format!("{path}/v2") };
    url.set_path(&format!("{path}/"));
    Ok(url)
}

fn headers(table: BTreeMap<String, OneOrMany<String>>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, values) in table {
        let key = HeaderName::try_from(&name).map_err(|_| format!("`{name}` is not a header"))?;
        for value in values.into_vec() {
            let mut value =
                HeaderValue::try_from(value).map_err(|_| format!("the value of `{name}` cannot be sent"))?;
            value.set_sensitive(true);
            headers.append(&key, value);
        }
    }
    Ok(headers)
}

fn entry(base: Url, table: ServerTable, file: &Path) -> Result<ServerEntry, Fault> {
    let unusable = |why: String| Fault::Settings { path: file.to_owned(), why };
    let dir = file.parent().unwrap_or(Path::new("."));
    let mut entry = ServerEntry::plain(base);
    entry.file = file.to_owned();
    entry.skip_verify = table.skip_verify;
    entry.headers = headers(table.header).map_err(unusable)?;
    if !table.capabilities.is_empty() {
        let may = |what: &str| table.capabilities.iter().any(|has| has.eq_ignore_ascii_case(what));
        entry.resolves = may("resolve");
        entry.pulls = may("pull");
    }
    for path in table.ca.map(OneOrMany::into_vec).unwrap_or_default() {
        entry.roots.push(read_settings_file(&dir.join(path))?);
    }
    // The TLS library presents one certificate; containerd's further pairs are for servers of other kinds of key.
    let client = table.client.map(OneOrMany::into_vec).unwrap_or_default().into_iter().next();
    entry.identity = match client {
        None => None,
        Some(ClientFiles::Both(path)) => Some(read_settings_file(&dir.join(path))?),
        Some(ClientFiles::Pair([certificate, key])) => {
            let mut pem = read_settings_file(&dir.join(certificate))?;
            pem.push(b'\n');
            pem.extend(read_settings_file(&dir.join(key))?);
            Some(pem)
        }
    };
    Ok(entry)
}

#[cfg(test)]
mod tests;
