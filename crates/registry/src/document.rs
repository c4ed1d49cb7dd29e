//! Manifests, indexes and configs: from bounded bytes to the model's types.
//!
//! Source: OCI image-spec 1.1 `manifest.md`, `image-index.md`, `config.md`; Docker image manifest version 2, schema 2.

use model::{ImageReference, Platform};

use crate::Fault;

mod config;
mod manifest;

pub(crate) use config::parse_config;
pub(crate) use manifest::{Entry, Top, parse_top};

/// Longest manifest or index.
pub(crate) const MANIFEST_LIMIT: usize = 4 << 20;
/// Longest config.
pub(crate) const CONFIG_LIMIT: usize = 8 << 20;

/// Whether an image's name is the one asked for, by letter or by meaning (`debian` is `docker.io/library/debian:latest`).
pub(crate) fn is_named(has: &str, name: &str) -> bool {
    let meaning = |text: &str| text.parse::<ImageReference>().ok();
    has == name || meaning(has).is_some_and(|has| Some(has) == meaning(name))
}

#[derive(serde::Deserialize, Clone, Debug, Default)]
struct RawPlatform {
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default, rename = "os.version")]
    os_version: Option<String>,
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

impl RawPlatform {
    /// As it stands; `None` without operating system or architecture.
    fn whole(self) -> Option<Platform> {
        Some(Platform {
            os: filled(self.os)?,
            arch: filled(self.architecture)?,
            variant: filled(self.variant),
            os_version: filled(self.os_version),
        })
    }

    /// With what is missing taken from another platform. A variant and version belong to their architecture and system.
    fn completed_by(self, other: &Platform) -> Platform {
        let os = filled(self.os).unwrap_or_else(|| other.os.clone());
        let arch = filled(self.architecture).unwrap_or_else(|| other.arch.clone());
        let variant = filled(self.variant).or_else(|| other.variant.clone().filter(|_| arch == other.arch));
        let os_version =
            filled(self.os_version).or_else(|| other.os_version.clone().filter(|_| os == other.os));
        Platform { os, arch, variant, os_version }
    }
}

/// Reads JSON. The fault says where it breaks, and whether it is a web page altogether.
fn json<'a, T: serde::Deserialize<'a>>(
    bytes: &'a [u8],
    what: &'static str,
    origin: &str,
) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| {
        let page = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<');
        let why = if page { "it is a web page, not JSON".to_owned() } else { error.to_string() };
        malformed(origin, what, why)
    })
}

fn malformed(origin: &str, what: &'static str, why: impl Into<String>) -> Fault {
    Fault::Malformed { origin: origin.to_owned(), what, why: why.into() }
}
