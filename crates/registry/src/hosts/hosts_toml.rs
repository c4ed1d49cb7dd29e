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

use super::{find_settings_file, read_certificates, read_settings_file};
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

/// `client`: one file, or a list of files and of pairs of files.
#[derive(Deserialize)]
#[serde(untagged)]
enum ClientTable {
    One(PathBuf),
    Many(Vec<ClientFiles>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ClientFiles {
    /// Certificate and key.
    Both(PathBuf),
    /// The certificate and, in another file unless that is left out or empty, the key.
    Pair(Vec<PathBuf>),
}

#[derive(Deserialize, Default)]
struct ServerTable {
    #[serde(default)]
    capabilities: Vec<String>,
    ca: Option<OneOrMany<PathBuf>>,
    client: Option<ClientTable>,
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

/// What stands in a table, for messages.
const KEYS: [&str; 7] = ["server", "capabilities", "ca", "client", "skip_verify", "header", "override_path"];
/// What a server may be asked for. Nothing is pushed here, so that `push` says nothing.
const CAPABILITIES: [&str; 3] = ["pull", "resolve", "push"];

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
        match find_settings_file(&path)? {
            Some(bytes) => Self::parse(&bytes, &path, own).map(Some),
            None => Self::certificate_files(&dir, own).map(Some),
        }
    }

    /// Reads a `hosts.toml`; files that it names are relative to its directory.
    pub(crate) fn parse(bytes: &[u8], path: &Path, own: &Url) -> Result<Self, Fault> {
        let unusable = |why: String| Fault::Settings { path: path.to_owned(), why };
        let text = std::str::from_utf8(bytes).map_err(|error| unusable(error.to_string()))?;
        let file: File = toml::from_str(text).map_err(|error| unusable(message(&error, text)))?;
        let table: ServerTable = toml::from_str(text).map_err(|error| unusable(message(&error, text)))?;
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
        // Names alone: they are looked for in the directory, as those of a hosts.toml are.
        let mut names: Vec<PathBuf> = std::fs::read_dir(dir)
            .map_err(local)?
            .map(|entry| entry.map(|entry| entry.file_name().into()))
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
            if dir.join(&key).exists() { ClientFiles::Pair(vec![cert, key]) } else { ClientFiles::Both(cert) }
        });
        let table = ServerTable {
            ca: Some(OneOrMany::Many(with("crt"))),
            client: Some(ClientTable::Many(client.collect())),
            ..ServerTable::default()
        };
        let server = entry(own.clone(), table, &dir.join("hosts.toml"))?;
        Ok(Self { mirrors: Vec::new(), server: Some(server) })
    }
}

/// Where the parser stumbled. Its own words may show a value, and with it maybe an authorization header.
fn message(error: &toml::de::Error, text: &str) -> String {
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return "it is not a table of hosts".to_owned();
    };
    let number = before.matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default();
    let key = line.split_once('=').map(|(key, _)| key.trim());
    // Only words that are known not to be a secret.
    match key.filter(|key| KEYS.contains(key)) {
        Some(key) => format!("line {number} is not what is expected there, the value of `{key}`"),
        None => format!("line {number} is not what is expected there"),
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
    let known = |has: &String| CAPABILITIES.iter().any(|known| has.eq_ignore_ascii_case(known));
    if let Some(unknown) = table.capabilities.iter().find(|has| !known(has)) {
        return Err(unusable(format!("`{unknown}` is not one of the capabilities pull, resolve and push")));
    }
    if !table.capabilities.is_empty() {
        let may = |what: &str| table.capabilities.iter().any(|has| has.eq_ignore_ascii_case(what));
        entry.resolves = may("resolve");
        entry.pulls = may("pull");
    }
    for path in table.ca.map(OneOrMany::into_vec).unwrap_or_default() {
        entry.roots.push(read_certificates(&dir.join(path))?);
    }
    // The TLS library presents one certificate; containerd's further ones are for servers of other kinds of key.
    let client = match table.client {
        Some(ClientTable::One(path)) => Some(ClientFiles::Both(path)),
        Some(ClientTable::Many(files)) => files.into_iter().next(),
        None => None,
    };
    entry.identity = client.map(|files| identity(files, file)).transpose()?;
    Ok(entry)
}

/// A client certificate with its key, PEM.
fn identity(files: ClientFiles, file: &Path) -> Result<Vec<u8>, Fault> {
    let dir = file.parent().unwrap_or(Path::new("."));
    let unusable = |path: PathBuf, why: &str| Fault::Settings { path, why: why.to_owned() };
    let mut files = match files {
        ClientFiles::Both(path) => vec![path],
        ClientFiles::Pair(paths) => paths,
    };
    files.retain(|path| !path.as_os_str().is_empty());
    if files.is_empty() || files.len() > 2 {
        return Err(unusable(file.to_owned(), "`client` is a certificate and its key, in one file or two"));
    }
    let mut pem = Vec::new();
    for path in &files {
        if !pem.is_empty() {
            pem.push(b'\n');
        }
        pem.extend(read_settings_file(&dir.join(path))?);
    }
    match reqwest::Identity::from_pem(&pem) {
        Ok(_) => Ok(pem),
        Err(_) => Err(unusable(dir.join(&files[0]), "it is no client certificate with its key in PEM form")),
    }
}

#[cfg(test)]
mod tests;
