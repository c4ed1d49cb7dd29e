//! One image of an archive, with a manifest made for it.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use model::{
    Algorithm, BlobDigest, ByteSize, Compression, DiffId, Digest, Hasher, LayerDescriptor, Platform,
};
use serde::{Deserialize, Serialize};

use super::malformed;
use super::members::Members;
use super::spool::Packing;
use crate::Fault;
use crate::document::{CONFIG_LIMIT, MANIFEST_LIMIT, Top, is_named, parse_config, parse_top};
use crate::resolve::Found;

/// An image found, and where its layers stand.
pub(super) struct Image {
    pub(super) found: Found,
    pub(super) layers: HashMap<Digest, (u64, u64)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

/// The manifest made for an image. The order of its fields is part of its digest: never change it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    schema_version: u8,
    media_type: &'static str,
    config: MadeDescriptor,
    layers: Vec<MadeDescriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MadeDescriptor {
    media_type: &'static str,
    digest: String,
    size: u64,
}

impl Saved {
    fn tags(&self) -> &[String] {
        self.repo_tags.as_deref().unwrap_or_default()
    }

    /// What it can be asked for by: its tags, or its config (which is the image id) where it has none.
    fn names(&self) -> Vec<String> {
        let id = || claimed_config(&self.config).map_or_else(|| self.config.clone(), |id| id.to_string());
        if self.tags().is_empty() { vec![id()] } else { self.tags().to_vec() }
    }

    fn is_meant(&self, name: &str) -> bool {
        let id = name.trim_start_matches('@').parse::<Digest>().ok();
        self.tags().iter().any(|tag| is_named(tag, name))
            || self.config == name
            || (id.is_some() && claimed_config(&self.config) == id)
    }
}

fn choose(mut all: Vec<Saved>, name: Option<&str>, path: &Path) -> Result<Saved, Fault> {
    let names: Vec<String> = all.iter().flat_map(Saved::names).collect();
    let place = match name {
        Some(name) => all.iter().position(|saved| saved.is_meant(name)),
        None if all.len() == 1 => Some(0),
        None => None,
    };
    let path_of = || path.to_owned();
    match (place, name) {
        (Some(place), _) => Ok(all.swap_remove(place)),
        _ if all.is_empty() => Err(malformed(path, "docker archive", "its manifest.json names no image")),
        (None, Some(name)) => Err(Fault::ImageMissing { path: path_of(), wanted: name.to_owned(), names }),
        (None, None) => Err(Fault::ChooseImage { path: path_of(), among: None, names }),
    }
}

/// The digest that a name of the newer layout claims: `blobs/sha256/<hex>`.
fn claimed(name: &str) -> Option<Digest> {
    let (algorithm, hex) = name.strip_prefix("blobs/")?.split_once('/')?;
    format!("{algorithm}:{hex}").parse().ok()
}

/// The digest that a config's name claims, in the newer layout or the older one (`<hex>.json`).
fn claimed_config(name: &str) -> Option<Digest> {
    let hex = || name.strip_suffix(".json").map(|hex| format!("sha256:{hex}"));
    claimed(name).or_else(|| hex()?.parse().ok())
}

fn hash(file: &File, offset: u64, length: u64, path: &Path, cancelled: &AtomicBool) -> Result<Digest, Fault> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    while done < length {
        if cancelled.load(Ordering::Relaxed) {
            return Err(malformed(path, "docker archive", "reading it was given up"));
        }
        let part = usize::try_from((length - done).min(1 << 20)).expect("at most the buffer");
        let read = file.read_exact_at(&mut buffer[..part], offset + done);
        read.map_err(|source| Fault::Local { path: path.to_owned(), source })?;
        hasher.update(&buffer[..part]);
        done += part as u64;
    }
    Ok(hasher.finish())
}

struct Reading<'a> {
    members: &'a Members,
    file: &'a File,
    path: &'a Path,
    cancelled: &'a AtomicBool,
}

impl Reading<'_> {
    /// A plain layer goes by its diff id; a compressed one by the digest that its name claims (checked when it is unpacked,
    /// as every layer's), else by the one that its bytes have.
    fn layer(&self, name: &str, diff_id: &DiffId) -> Result<(LayerDescriptor, u64), Fault> {
        let (offset, length) = self.members.find(name)?;
        let compression = match Packing::at(self.file, offset, self.path)? {
            Packing::Plain => Compression::None,
            Packing::Gzip => Compression::Gzip,
            Packing::Zstd => Compression::Zstd,
            Packing::Other(packing) => {
                let why = format!("a layer is compressed with {packing}, which is not read");
                return Err(malformed(self.path, "docker archive", why));
            }
        };
        let digest = match (compression, claimed(name)) {
            (Compression::None, _) => *diff_id.digest(),
            (_, Some(claimed)) => claimed,
            (_, None) => hash(self.file, offset, length, self.path, self.cancelled)?,
        };
        let digest = BlobDigest::new(digest);
        let size = ByteSize::bytes(length);
        Ok((LayerDescriptor { compression, digest, size, urls: Vec::new() }, offset))
    }

    fn config(&self, name: &str) -> Result<Vec<u8>, Fault> {
        let config = self.members.document(self.file, name, CONFIG_LIMIT, "image config")?;
        let expected = claimed_config(name);
        let found = Digest::of(expected.map_or(Algorithm::Sha256, |e| e.algorithm()), &config);
        match expected {
            Some(expected) if expected != found => {
                Err(Fault::WrongDigest { origin: self.path.display().to_string(), expected, found })
            }
            _ => Ok(config),
        }
    }
}

fn made(config: &[u8], layers: &[LayerDescriptor]) -> Vec<u8> {
    let media_type = |compression| match compression {
        Compression::None => "application/vnd.oci.image.layer.v1.tar",
        Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
        Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
    };
    let layer = |layer: &LayerDescriptor| MadeDescriptor {
        media_type: media_type(layer.compression),
        digest: layer.digest.to_string(),
        size: layer.size.as_u64(),
    };
    let made = Made {
        schema_version: 2,
        media_type: "application/vnd.oci.image.manifest.v1+json",
        config: MadeDescriptor {
            media_type: "application/vnd.oci.image.config.v1+json",
            digest: Digest::sha256(config).to_string(),
            size: config.len() as u64,
        },
        layers: layers.iter().map(layer).collect(),
    };
    serde_json::to_vec(&made).expect("strings and numbers are always a document")
}

/// Finds the image of that name.
pub(super) fn find(
    members: &Members,
    file: &File,
    path: &Path,
    name: Option<&str>,
    wanted: &Platform,
    cancelled: &AtomicBool,
) -> Result<Image, Fault> {
    if !members.has("manifest.json") {
        return Err(malformed(path, "docker archive", "it has no manifest.json, so it is none"));
    }
    let document = members.document(file, "manifest.json", MANIFEST_LIMIT, "manifest.json")?;
    let all: Vec<Saved> = serde_json::from_slice(&document)
        .map_err(|error| malformed(path, "manifest.json", error.to_string()))?;
    let saved = choose(all, name, path)?;
    let reading = Reading { members, file, path, cancelled };
    let origin = path.display().to_string();
    let config_document = reading.config(&saved.config)?;
    let names = saved.layers.unwrap_or_default();
    let config = parse_config(&config_document, names.len(), wanted, &origin)?;
    if wanted.fit(&config.platform).is_none() {
        return Err(Fault::PlatformMissing { wanted: wanted.clone(), offered: vec![config.platform] });
    }
    let mut layers = HashMap::new();
    let mut descriptors = Vec::new();
    for (name, diff_id) in names.iter().zip(&config.diff_ids) {
        let (descriptor, offset) = reading.layer(name, diff_id)?;
        let place = (offset, descriptor.size.as_u64());
        // Two names for one diff id with different bytes: one of them is a lie, and the unpacked one gets checked.
        layers.entry(*descriptor.digest.digest()).or_insert(place);
        descriptors.push(descriptor);
    }
    let manifest_document = made(&config_document, &descriptors);
    let digest = Digest::sha256(&manifest_document);
    let Top::Manifest(manifest) = parse_top(&manifest_document, None, &digest, &origin)? else {
        return Err(malformed(path, "manifest", "it was made as an index"));
    };
    let platform = config.platform.clone();
    let found = Found {
        manifest,
        manifest_document: manifest_document.into(),
        index_digest: None,
        config,
        config_document: config_document.into(),
        platform,
    };
    Ok(Image { found, layers })
}
