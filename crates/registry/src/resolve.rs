//! From the first document of an image to exactly one manifest and config.

use bytes::Bytes;
use model::{BlobDigest, Digest, ImageConfig, Manifest, ManifestDigest, Platform};

use crate::document::{Entry, Top, parse_config, parse_top};
use crate::layout::Layout;
use crate::remote::Remote;
use crate::{ErrorKind, Fault};

/// Most manifests and indexes looked at for one image.
const MOST_DOCUMENTS: usize = 32;
/// Most indexes in one another.
const DEEPEST: usize = 4;

/// Where further documents of the image come from.
pub(crate) enum Documents<'a> {
    Remote(&'a Remote),
    Layout(&'a Layout),
}

impl Documents<'_> {
    async fn manifest(&self, entry: &Entry) -> Result<Bytes, Fault> {
        match self {
            Self::Remote(remote) => remote.manifest(&entry.digest, entry.size).await,
            Self::Layout(layout) => layout.manifest(&entry.digest, entry.size).await,
        }
    }

    async fn config(&self, digest: &BlobDigest, size: u64) -> Result<Bytes, Fault> {
        match self {
            Self::Remote(remote) => remote.config(digest.digest(), size).await,
            Self::Layout(layout) => layout.config(digest.digest(), size).await,
        }
    }

    fn origin(&self) -> String {
        match self {
            Self::Remote(remote) => remote.origin(),
            Self::Layout(layout) => layout.origin(),
        }
    }
}

/// The documents of one image, checked.
pub(crate) struct Found {
    pub(crate) manifest: Manifest,
    pub(crate) manifest_document: Bytes,
    pub(crate) index_digest: Option<ManifestDigest>,
    pub(crate) config: ImageConfig,
    pub(crate) config_document: Bytes,
    pub(crate) platform: Platform,
}

/// A document to look at next.
pub(crate) struct Step {
    pub(crate) document: Bytes,
    pub(crate) content_type: Option<String>,
    pub(crate) digest: Digest,
}

struct Waiting {
    entry: Entry,
    /// Number of indexes around it.
    depth: usize,
    /// The outermost of them.
    index: Option<ManifestDigest>,
}

struct Walk<'a> {
    documents: Documents<'a>,
    wanted: &'a Platform,
    /// Entries still to be tried, the next one last.
    waiting: Vec<Waiting>,
    offered: Vec<Platform>,
    /// Why an entry that did not say its platform was passed over.
    passed_over: Option<Fault>,
    looked_at: usize,
}

/// Finds the image for `wanted` that begins at that document.
pub(crate) async fn walk(documents: Documents<'_>, first: Step, wanted: &Platform) -> Result<Found, Fault> {
    let origin = documents.origin();
    let mut walk = Walk::new(documents, wanted);
    let top = parse_top(&first.document, first.content_type.as_deref(), &first.digest, &origin)?;
    match top {
        Top::Manifest(manifest) => match walk.image(manifest, first.document, None).await? {
            Some(found) => Ok(found),
            None => Err(walk.missing()),
        },
        Top::Index(entries) => {
            walk.queue(entries, 1, Some(ManifestDigest::new(first.digest)));
            walk.search(&origin).await
        }
    }
}

/// Finds the image among entries that no document with a digest names (a layout directory's `index.json`).
pub(crate) async fn walk_entries(
    documents: Documents<'_>,
    entries: Vec<Entry>,
    wanted: &Platform,
) -> Result<Found, Fault> {
    let origin = documents.origin();
    let mut walk = Walk::new(documents, wanted);
    walk.queue(entries, 0, None);
    walk.search(&origin).await
}

/// The numbers of an `os.version`, where there is one.
fn version(entry: &Entry) -> Option<Vec<u64>> {
    let text = entry.platform.as_ref()?.os_version.as_ref()?;
    Some(text.split('.').map(|number| number.parse().unwrap_or(0)).collect())
}

impl<'a> Walk<'a> {
    fn new(documents: Documents<'a>, wanted: &'a Platform) -> Self {
        Self { documents, wanted, waiting: Vec::new(), offered: Vec::new(), passed_over: None, looked_at: 0 }
    }

    /// Puts the entries that may fit before those waiting: by fit, then those that do not say, each in the index's order.
    fn queue(&mut self, entries: Vec<Entry>, depth: usize, index: Option<ManifestDigest>) {
        let mut fitting: Vec<(u8, Entry)> = Vec::new();
        for entry in entries {
            match &entry.platform {
                None => fitting.push((0, entry)),
                Some(platform) => match self.wanted.fit(platform) {
                    Some(fit) => fitting.push((fit, entry)),
                    None if self.offered.contains(platform) => {}
                    None => self.offered.push(platform.clone()),
                },
            }
        }
        // Of several versions of Windows, where none was asked for, the newest.
        fitting.sort_by_key(|(fit, entry)| std::cmp::Reverse((*fit, version(entry))));
        self.waiting.extend(fitting.into_iter().rev().map(|(_, entry)| Waiting { entry, depth, index }));
    }

    fn missing(self) -> Fault {
        match self.passed_over {
            Some(fault) if self.offered.is_empty() => fault,
            _ => Fault::PlatformMissing { wanted: self.wanted.clone(), offered: self.offered },
        }
    }

    async fn search(mut self, origin: &str) -> Result<Found, Fault> {
        let malformed =
            |why: &str| Fault::Malformed { origin: origin.to_owned(), what: "index", why: why.to_owned() };
        while let Some(Waiting { entry, depth, index }) = self.waiting.pop() {
            self.looked_at += 1;
            if self.looked_at > MOST_DOCUMENTS {
                return Err(malformed("it names too many documents that do not say their platform"));
            }
            let document = self.documents.manifest(&entry).await?;
            let manifest = match parse_top(&document, None, &entry.digest, origin) {
                Ok(Top::Manifest(manifest)) => manifest,
                Ok(Top::Index(_)) if depth >= DEEPEST => {
                    return Err(malformed("indexes are nested too deep"));
                }
                Ok(Top::Index(entries)) => {
                    let outermost = index.unwrap_or(ManifestDigest::new(entry.digest));
                    self.queue(entries, depth + 1, Some(outermost));
                    continue;
                }
                Err(fault) if entry.platform.is_none() && fault.kind() == ErrorKind::Unsupported => {
                    self.passed_over = Some(fault);
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            if let Some(found) = self.image(manifest, document, entry.platform.as_ref()).await? {
                return Ok(Found { index_digest: index, ..found });
            }
        }
        Err(self.missing())
    }

    /// Completes the image, where its platform fits. An index's word about the platform goes before the config's: configs
    /// of cross-built images are known to be wrong about it.
    async fn image(
        &mut self,
        manifest: Manifest,
        manifest_document: Bytes,
        told: Option<&Platform>,
    ) -> Result<Option<Found>, Fault> {
        let descriptor = &manifest.config;
        let config_document = self.documents.config(&descriptor.digest, descriptor.size.as_u64()).await?;
        let otherwise = told.unwrap_or(self.wanted);
        let config =
            parse_config(&config_document, manifest.layers.len(), otherwise, &self.documents.origin())?;
        let platform = match told {
            Some(told) => {
                let same = told.os == config.platform.os && told.arch == config.platform.arch;
                let more = |own: &Option<String>, other: &Option<String>| {
                    own.clone().or_else(|| other.clone().filter(|_| same))
                };
                Platform {
                    variant: more(&told.variant, &config.platform.variant),
                    os_version: more(&told.os_version, &config.platform.os_version),
                    ..told.clone()
                }
            }
            None if self.wanted.fit(&config.platform).is_some() => config.platform.clone(),
            None => {
                self.offered.push(config.platform);
                return Ok(None);
            }
        };
        Ok(Some(Found { manifest, manifest_document, index_digest: None, config, config_document, platform }))
    }
}
