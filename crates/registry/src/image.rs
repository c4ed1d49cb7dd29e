//! An image, resolved.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use model::{ImageConfig, ImageSource, Manifest, ManifestDigest, Platform};

use crate::archive::Archive;
use crate::layout::Layout;
use crate::remote::Remote;
use crate::resolve::Found;

/// Exactly one image: its documents, checked against their digests, and the way to its layers.
///
/// Cheap to clone. For an archive it keeps the file open, so that its layers stay those that were resolved.
#[derive(Clone, Debug)]
pub struct ResolvedImage {
    /// The image as asked for.
    pub source: ImageSource,
    /// The manifest, parsed.
    pub manifest: Manifest,
    /// The manifest's bytes; `manifest.digest` is over them. For a docker archive, which has none, it is synthesised.
    pub manifest_document: Bytes,
    /// Digest of the (outermost) index that the manifest was chosen from, where the reference named an index.
    pub index_digest: Option<ManifestDigest>,
    /// The config, parsed; as many diff ids as the manifest has layers.
    pub config: ImageConfig,
    /// The config's bytes; `manifest.config.digest` is over them.
    pub config_document: Bytes,
    /// What it was built for: the index's word completed by the config's.
    pub platform: Platform,
    pub(crate) origin: Origin,
}

impl ResolvedImage {
    pub(crate) fn new(source: ImageSource, found: Found, origin: Origin) -> Self {
        let Found { manifest, manifest_document, index_digest, config, config_document, platform } = found;
        Self { source, manifest, manifest_document, index_digest, config, config_document, platform, origin }
    }
}

/// Where the layers are.
#[derive(Clone)]
pub(crate) enum Origin {
    Remote(Remote),
    Layout(Layout),
    Archive(Arc<Archive>),
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(remote) => write!(f, "Remote({})", remote.origin()),
            Self::Layout(layout) => write!(f, "Layout({})", layout.origin()),
            Self::Archive(archive) => write!(f, "Archive({})", archive.origin()),
        }
    }
}
