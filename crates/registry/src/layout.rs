//! An OCI image layout directory.
//!
//! Source: OCI image-spec 1.1, `image-layout.md`. Paths are made of parsed digests only.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use model::{Digest, LayerDescriptor, Platform};

use crate::Fault;
use crate::document::{CONFIG_LIMIT, Entry, MANIFEST_LIMIT, Top, is_named, parse_top};
use crate::resolve::{Documents, Found, walk_entries};
use crate::stream::FileReader;

/// A directory with `oci-layout`, `index.json` and `blobs/`.
#[derive(Clone)]
pub(crate) struct Layout {
    dir: PathBuf,
}

/// Reads a regular file whole. A FIFO or device in its place would block.
fn read_bounded(path: &Path, limit: usize, what: &'static str) -> Result<Vec<u8>, Fault> {
    let file = open_regular(path, what)?;
    let mut bytes = Vec::new();
    let read = file.take(limit as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|source| Fault::Local { path: path.to_owned(), source })?;
    if bytes.len() > limit {
        return Err(Fault::TooLarge { origin: path.display().to_string(), what, limit: limit as u64 });
    }
    Ok(bytes)
}

/// Opens a regular file for reading.
pub(crate) fn open_regular(path: &Path, what: &'static str) -> Result<std::fs::File, Fault> {
    let fault = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            Fault::LocalMissing { path: path.to_owned() }
        }
        _ => Fault::Local { path: path.to_owned(), source },
    };
    if !std::fs::metadata(path).map_err(fault)?.is_file() {
        let why = "it is not a regular file".to_owned();
        return Err(Fault::Malformed { origin: path.display().to_string(), what, why });
    }
    std::fs::File::open(path).map_err(fault)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.expect("reading does not panic and is not aborted")
}

/// What the entries are called in messages: their names; digests where there is no name or several have the same.
fn labels(entries: &[Entry]) -> Vec<String> {
    let name = |entry: &Entry| entry.image_name.clone().or_else(|| entry.name.clone());
    let label = |entry: &Entry| match name(entry) {
        None => entry.digest.to_string(),
        Some(label) => {
            let shared = |other: &Entry| other.digest != entry.digest && name(other).as_ref() == Some(&label);
            let is_shared = entries.iter().any(shared);
            if is_shared { format!("{} ({label})", entry.digest) } else { label }
        }
    };
    let mut labels: Vec<String> = entries.iter().map(label).collect();
    labels.sort();
    labels.dedup();
    labels
}

/// Whether the entries are different images, not one for different platforms.
fn are_several(entries: &[Entry], wanted: &Platform) -> bool {
    let fit = |entry: &Entry| entry.platform.as_ref().map_or(Some(0), |platform| wanted.fit(platform));
    let best = entries.iter().filter_map(fit).max();
    let mut rest = entries.iter().filter(|entry| best.is_some() && fit(entry) == best);
    let mut seen: Vec<&Entry> = Vec::new();
    rest.any(|entry| {
        let other = seen.iter().any(|has| has.platform == entry.platform && has.digest != entry.digest);
        seen.push(entry);
        other
    })
}

/// The entries that a name means. Without one everything counts, as long as it is one image.
fn choose(
    entries: Vec<Entry>,
    name: Option<&str>,
    wanted: &Platform,
    dir: &Path,
) -> Result<Vec<Entry>, Fault> {
    let path = dir.to_owned();
    let Some(name) = name else {
        let other =
            |entry: &Entry| (&entry.name, &entry.image_name) != (&entries[0].name, &entries[0].image_name);
        // One image may have several names.
        let is_one = entries.iter().all(|entry| entry.digest == entries[0].digest);
        let several = !is_one && (entries.iter().any(other) || are_several(&entries, wanted));
        let fault = || Fault::ChooseImage { path, among: None, names: labels(&entries) };
        return if several { Err(fault()) } else { Ok(entries) };
    };
    let digest = name.trim_start_matches('@').parse::<Digest>().ok();
    let meant = |entry: &Entry| {
        entry.name.as_deref() == Some(name)
            || entry.image_name.as_deref().is_some_and(|image| is_named(image, name))
            || Some(entry.digest) == digest
    };
    let (chosen, others): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(meant);
    if chosen.is_empty() {
        return Err(Fault::ImageMissing { path, wanted: name.to_owned(), names: labels(&others) });
    }
    if are_several(&chosen, wanted) {
        let among = Some(name.to_owned());
        return Err(Fault::ChooseImage { path, among, names: labels(&chosen) });
    }
    Ok(chosen)
}

impl Layout {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// For messages.
    pub(crate) fn origin(&self) -> String {
        self.dir.display().to_string()
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.dir.join("blobs").join(digest.algorithm().as_str()).join(digest.hex())
    }

    /// The image of that name for that platform.
    pub(crate) async fn resolve(&self, name: Option<&str>, wanted: &Platform) -> Result<Found, Fault> {
        let dir = self.dir.clone();
        let (name, platform) = (name.map(str::to_owned), wanted.clone());
        let entries = blocking(move || {
            let marker = read_bounded(&dir.join("oci-layout"), 4096, "layout marker")?;
            let path = dir.join("index.json");
            let malformed = |what, why: &str| Fault::Malformed {
                origin: dir.display().to_string(),
                what,
                why: why.to_owned(),
            };
            let version: Option<serde_json::Value> = serde_json::from_slice(&marker).ok();
            let version = version.as_ref().and_then(|v| v.get("imageLayoutVersion")?.as_str());
            if !version.is_some_and(|version| version.starts_with("1.")) {
                return Err(malformed("layout marker", "it names no layout version that is known (1.x)"));
            }
            let index = read_bounded(&path, MANIFEST_LIMIT, "index")?;
            let origin = path.display().to_string();
            match parse_top(&index, None, &Digest::sha256(&index), &origin)? {
                Top::Index(entries) if entries.is_empty() => Err(malformed("index", "it names no image")),
                Top::Index(entries) => choose(entries, name.as_deref(), &platform, &dir),
                Top::Manifest(_) => Err(malformed("index", "it is a manifest")),
            }
        });
        let entries = entries.await?;
        walk_entries(Documents::Layout(self), entries, wanted).await
    }

    async fn blob(
        &self,
        digest: &Digest,
        size: u64,
        limit: usize,
        what: &'static str,
    ) -> Result<Bytes, Fault> {
        let (path, expected) = (self.blob_path(digest), *digest);
        blocking(move || {
            let bytes = read_bounded(&path, limit, what)?;
            let origin = path.display().to_string();
            if bytes.len() as u64 != size {
                let found = bytes.len() as u64;
                return Err(Fault::WrongLength { origin, digest: expected, expected: size, found });
            }
            let found = Digest::of(expected.algorithm(), &bytes);
            match found == expected {
                true => Ok(bytes.into()),
                false => Err(Fault::WrongDigest { origin, expected, found }),
            }
        })
        .await
    }

    pub(crate) async fn manifest(&self, digest: &Digest, size: u64) -> Result<Bytes, Fault> {
        self.blob(digest, size, MANIFEST_LIMIT, "manifest").await
    }

    pub(crate) async fn config(&self, digest: &Digest, size: u64) -> Result<Bytes, Fault> {
        self.blob(digest, size, CONFIG_LIMIT, "image config").await
    }

    /// Opens a layer.
    pub(crate) async fn layer(&self, layer: &LayerDescriptor) -> Result<FileReader, Fault> {
        let path = self.blob_path(layer.digest.digest());
        let (digest, size) = (*layer.digest.digest(), layer.size.as_u64());
        blocking(move || {
            let file = open_regular(&path, "layer")?;
            let found = file.metadata().map_err(|source| Fault::Local { path: path.clone(), source })?.len();
            if found != size {
                let origin = path.display().to_string();
                return Err(Fault::WrongLength { origin, digest, expected: size, found });
            }
            Ok(FileReader::new(file.into(), path, digest, 0, size))
        })
        .await
    }
}
