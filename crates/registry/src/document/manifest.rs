//! Manifests and indexes.

use std::collections::BTreeMap;

use model::{
    BlobDigest, ByteSize, Descriptor, Digest, LayerDescriptor, Manifest, ManifestDigest, MediaType, Platform,
    UnsupportedMedia,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{RawPlatform, json, malformed};
use crate::Fault;

/// What a reference can name.
#[derive(Debug)]
pub(crate) enum Top {
    Manifest(Manifest),
    Index(Vec<Entry>),
}

/// One manifest or index that an index names.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    /// Where the index says it.
    pub(crate) platform: Option<Platform>,
    /// The name in a layout directory; `docker save` and `ctr export` write but the tag.
    pub(crate) name: Option<String>,
    /// The whole name of the image, where its exporter wrote it.
    pub(crate) image_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    #[serde(default)]
    media_type: Option<String>,
    digest: String,
    size: u64,
    #[serde(default)]
    urls: Option<Vec<String>>,
    #[serde(default)]
    platform: Option<RawPlatform>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTop {
    #[serde(default)]
    schema_version: Option<u64>,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    config: Option<RawDescriptor>,
    #[serde(default)]
    layers: Option<Vec<RawDescriptor>>,
    #[serde(default)]
    manifests: Option<Vec<RawDescriptor>>,
    #[serde(default)]
    fs_layers: Option<IgnoredAny>,
}

/// Which of the two a document is: by its own media type, else the server's word, else its shape. A document that could
/// be read as both is refused (two readers must not see two images in it).
fn kind(raw: &RawTop, content_type: Option<&str>, origin: &str) -> Result<MediaType, Fault> {
    let named = |text: &str| match MediaType::parse(text) {
        Ok(MediaType::Manifest | MediaType::Index) | Err(UnsupportedMedia::Schema1(_)) => true,
        Ok(_) | Err(_) => false,
    };
    if raw.schema_version == Some(1) || raw.fs_layers.is_some() {
        let text = raw.media_type.as_deref().or(content_type).unwrap_or("no media type");
        return Err(UnsupportedMedia::Schema1(text.to_owned()).into());
    }
    let told = match (&raw.media_type, content_type) {
        (Some(text), _) if !text.is_empty() => Some(MediaType::parse(text)?),
        (_, Some(text)) if named(text) => Some(MediaType::parse(text)?),
        _ => None,
    };
    let is_manifest = raw.config.is_some() || raw.layers.is_some();
    match (told, raw.manifests.is_some(), is_manifest) {
        (_, true, true) => Err(malformed(origin, "manifest", "it is a manifest and an index at once")),
        (Some(MediaType::Manifest) | None, false, true) => Ok(MediaType::Manifest),
        (Some(MediaType::Index) | None, true, false) => Ok(MediaType::Index),
        (Some(MediaType::Manifest), ..) => Err(malformed(origin, "manifest", "it has no config and layers")),
        (Some(MediaType::Index), ..) => Err(malformed(origin, "index", "it has no manifests")),
        _ => Err(malformed(origin, "manifest", "it is neither a manifest nor an index")),
    }
}

/// Reads a manifest or index whose digest is already known to be right.
pub(crate) fn parse_top(
    bytes: &[u8],
    content_type: Option<&str>,
    digest: &Digest,
    origin: &str,
) -> Result<Top, Fault> {
    let raw: RawTop = json(bytes, "manifest", origin)?;
    match kind(&raw, content_type, origin)? {
        MediaType::Index => {
            let entries = raw.manifests.unwrap_or_default();
            let entries = entries.into_iter().filter(is_image).map(|raw| entry(raw, origin));
            Ok(Top::Index(entries.collect::<Result<_, _>>()?))
        }
        _ => manifest(raw, digest, origin).map(Top::Manifest),
    }
}

/// Attestations stand in an index as manifests for a platform of their own; artifacts have other media types.
fn is_image(raw: &RawDescriptor) -> bool {
    let unknown = raw.platform.as_ref().is_some_and(|platform| platform.os.as_deref() == Some("unknown"));
    let attests = raw.annotations.as_ref().is_some_and(|a| a.contains_key("vnd.docker.reference.type"));
    let media_type = raw.media_type.as_deref().map(MediaType::parse);
    let fits = match media_type {
        None => true,
        // Schema 1 is kept, so that it is named as the reason.
        Some(result) => {
            matches!(result, Ok(MediaType::Manifest | MediaType::Index) | Err(UnsupportedMedia::Schema1(_)))
        }
    };
    fits && !unknown && !attests
}

fn parse_digest(text: &str, origin: &str) -> Result<Digest, Fault> {
    text.parse().map_err(|error: model::DigestError| malformed(origin, "descriptor", error.to_string()))
}

fn entry(raw: RawDescriptor, origin: &str) -> Result<Entry, Fault> {
    let mut annotations = raw.annotations.unwrap_or_default();
    let mut annotation = |key| annotations.remove(key).flatten().filter(|text| !text.is_empty());
    let name = annotation("org.opencontainers.image.ref.name");
    let image_name = annotation("io.containerd.image.name");
    Ok(Entry {
        digest: parse_digest(&raw.digest, origin)?,
        size: raw.size,
        platform: raw.platform.and_then(RawPlatform::whole),
        name,
        image_name,
    })
}

fn layer(raw: RawDescriptor, origin: &str) -> Result<LayerDescriptor, Fault> {
    let media_type = raw.media_type.unwrap_or_default();
    let MediaType::Layer(compression) = MediaType::parse(&media_type)? else {
        return Err(UnsupportedMedia::Artifact(media_type).into());
    };
    let web = |url: &String| url.starts_with("http://") || url.starts_with("https://");
    Ok(LayerDescriptor {
        compression,
        digest: BlobDigest::new(parse_digest(&raw.digest, origin)?),
        size: ByteSize::bytes(raw.size),
        urls: raw.urls.unwrap_or_default().into_iter().filter(web).collect(),
    })
}

fn manifest(raw: RawTop, digest: &Digest, origin: &str) -> Result<Manifest, Fault> {
    let config = raw.config.ok_or_else(|| malformed(origin, "manifest", "it has no config"))?;
    let media_type = config.media_type.unwrap_or_default();
    if MediaType::parse(&media_type)? != MediaType::Config {
        return Err(UnsupportedMedia::Artifact(media_type).into());
    }
    let layers = raw.layers.ok_or_else(|| malformed(origin, "manifest", "it has no layers"))?;
    Ok(Manifest {
        digest: ManifestDigest::new(*digest),
        config: Descriptor {
            media_type: MediaType::Config,
            digest: BlobDigest::new(parse_digest(&config.digest, origin)?),
            size: ByteSize::bytes(config.size),
        },
        layers: layers.into_iter().map(|raw| layer(raw, origin)).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests;
