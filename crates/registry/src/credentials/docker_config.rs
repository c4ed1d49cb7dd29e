//! Docker's `config.json`.
//!
//! Source: Docker CLI, "config.json" reference: `auths`, `credHelpers`, `credsStore`. Only these are looked at; the rest
//! of the file is kept as it is.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::RegistryHost;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use super::helper::Helpers;
use super::{Credentials, docker_key};
use crate::Fault;

/// The file, read. A missing one is an empty one.
pub(crate) struct DockerConfig {
    path: PathBuf,
    root: Map<String, Value>,
}

/// Where a host's credentials are.
pub(crate) enum Found {
    Nothing,
    Credentials(Credentials),
    /// Ask this program; the file's own entry counts where it knows nothing.
    Helper {
        program: String,
        otherwise: Option<Credentials>,
    },
}

/// The host that a key of `auths` or `credHelpers` means: addresses lose scheme and path.
fn host_of_key(key: &str) -> Option<RegistryHost> {
    let bare = key.split_once("://").map_or(key, |(_, rest)| rest);
    bare.split('/').next().unwrap_or_default().parse().ok()
}

fn entry<'a>(map: Option<&'a Value>, host: &RegistryHost) -> Option<&'a Value> {
    let map = map?.as_object()?;
    map.get(docker_key(host)).or_else(|| map.get(host.as_str())).or_else(|| {
        map.iter().find(|(key, _)| host_of_key(key).as_ref() == Some(host)).map(|(_, value)| value)
    })
}

impl DockerConfig {
    /// Reads it.
    pub(crate) async fn read(path: PathBuf) -> Result<Self, Fault> {
        let read = tokio::task::spawn_blocking(move || Self::read_blocking(path));
        read.await.expect("reading does not panic and is not aborted")
    }

    fn read_blocking(path: PathBuf) -> Result<Self, Fault> {
        let Some(bytes) = crate::hosts::find_settings_file(&path)? else {
            return Ok(Self { path, root: Map::new() });
        };
        let blank = bytes.iter().all(u8::is_ascii_whitespace);
        // Without the parser's own words, which may show a piece of the file.
        let root = if blank { Ok(Map::new()) } else { serde_json::from_slice(&bytes) };
        let root = root.map_err(|error| Fault::Settings {
            path: path.clone(),
            why: format!("it is not a JSON object (line {}, column {})", error.line(), error.column()),
        })?;
        Ok(Self { path, root })
    }

    fn helper(&self, host: &RegistryHost) -> Option<String> {
        let own = entry(self.root.get("credHelpers"), host).and_then(Value::as_str);
        let general = self.root.get("credsStore").and_then(Value::as_str);
        own.or(general).filter(|name| !name.is_empty()).map(str::to_owned)
    }

    /// Where the host's credentials are.
    pub(crate) fn find(&self, host: &RegistryHost) -> Result<Found, Fault> {
        let own = match entry(self.root.get("auths"), host) {
            Some(value) => self.credentials(value, host)?,
            None => None,
        };
        Ok(match (self.helper(host), own) {
            (Some(program), otherwise) => Found::Helper { program, otherwise },
            (None, Some(credentials)) => Found::Credentials(credentials),
            (None, None) => Found::Nothing,
        })
    }

    fn credentials(&self, value: &Value, host: &RegistryHost) -> Result<Option<Credentials>, Fault> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(token) = text("identitytoken") {
            return Ok(Some(Credentials::IdentityToken(SecretString::from(token))));
        }
        if let Some(auth) = text("auth") {
            let unusable = || Fault::Settings {
                path: self.path.clone(),
                why: format!("`auth` of {host} is not base64 of `user:password`"),
            };
            let plain = STANDARD.decode(auth.trim()).map_err(|_| unusable())?;
            let plain = String::from_utf8(plain).map_err(|_| unusable())?;
            let (username, password) = plain.split_once(':').ok_or_else(unusable)?;
            return Ok(Some(Credentials::basic(username, password.trim_end_matches('\0'))));
        }
        Ok(match (text("username"), text("password")) {
            (Some(username), Some(password)) => Some(Credentials::basic(username, password)),
            _ => None,
        })
    }

    fn auths(&mut self) -> &mut Map<String, Value> {
        let auths = self.root.entry("auths").or_insert_with(|| json!({}));
        if !auths.is_object() {
            *auths = json!({});
        }
        auths.as_object_mut().expect("made one just now")
    }

    fn remove(&mut self, host: &RegistryHost) -> bool {
        let auths = self.auths();
        let before = auths.len();
        auths.retain(|key, _| host_of_key(key).as_ref() != Some(host));
        auths.len() != before
    }

    /// Writes it beside and renames it, readable by its owner only. A symlink stays one.
    fn write(&self) -> Result<(), Fault> {
        let path = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let local = |source| Fault::Local { path: path.clone(), source };
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(local)?;
        let mut beside = path.clone().into_os_string();
        beside.push(format!(".{}.tmp", std::process::id()));
        let beside = PathBuf::from(beside);
        let written = (|| {
            let _ = std::fs::remove_file(&beside);
            let mut file =
                std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
            let mut bytes = serde_json::to_vec_pretty(&self.root).map_err(std::io::Error::other)?;
            bytes.push(b'\n');
            file.write_all(&bytes)?;
            file.sync_all()?;
            std::fs::rename(&beside, &path)?;
            std::fs::File::open(parent)?.sync_all()
        })();
        written.map_err(|source| {
            let _ = std::fs::remove_file(&beside);
            local(source)
        })
    }

    async fn write_later(self) -> Result<(), Fault> {
        let write = tokio::task::spawn_blocking(move || self.write());
        write.await.expect("writing does not panic and is not aborted")
    }
}

/// Keeps credentials for a host, in the helper that the file names for it, else in the file.
pub(crate) async fn store(
    path: &Path,
    helpers: &Helpers,
    host: &RegistryHost,
    credentials: &Credentials,
) -> Result<(), Fault> {
    let mut config = DockerConfig::read(path.to_owned()).await?;
    let value = match config.helper(host) {
        Some(program) => {
            helpers.store(&program, host, credentials).await?;
            // As Docker does: an empty entry says that there is a login, the secret is elsewhere.
            json!({})
        }
        None => match credentials {
            Credentials::Basic { username, password } => {
                let pair = format!("{username}:{}", password.expose_secret());
                json!({ "auth": STANDARD.encode(pair) })
            }
            Credentials::IdentityToken(token) => json!({ "identitytoken": token.expose_secret() }),
        },
    };
    config.remove(host);
    config.auths().insert(docker_key(host).to_owned(), value);
    config.write_later().await
}

/// Forgets the credentials for a host. Returns whether there were any.
pub(crate) async fn erase(path: &Path, helpers: &Helpers, host: &RegistryHost) -> Result<bool, Fault> {
    let mut config = DockerConfig::read(path.to_owned()).await?;
    let in_helper = match config.helper(host) {
        Some(program) => helpers.erase(&program, host).await?,
        None => false,
    };
    let in_file = config.remove(host);
    if in_file {
        config.write_later().await?;
    }
    Ok(in_helper || in_file)
}
