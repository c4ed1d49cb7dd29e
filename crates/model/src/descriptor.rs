//! Descriptors and manifests, reduced to what a build needs.
//!
//! Source: OCI image-spec `descriptor.md`, `manifest.md`; Docker image manifest version 2, schema 2.

use serde::{Deserialize, Serialize};

use crate::{BlobDigest, ByteSize, ManifestDigest};

/// How a layer's tar is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, RFC 1952.
    Gzip,
    /// Zstandard, RFC 8878.
    Zstd,
}

/// The media types that imc understands, OCI's and Docker's names alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// An image manifest.
    Manifest,
    /// An index of manifests by platform.
    Index,
    /// An image config.
    Config,
    /// A layer; foreign (nondistributable) ones too, they are fetched where they are served.
    Layer(Compression),
}

/// A media type that imc does not take, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsupportedMedia {
    /// Docker's oldest manifest.
    #[error(
        "the image has a schema 1 manifest (`{0}`), which registries gave up; push it again with a current client"
    )]
    Schema1(String),
    /// An encrypted layer.
    #[error("the layer is encrypted (`{0}`); imc does not decrypt images")]
    Encrypted(String),
    /// A Helm chart, a signature, an SBOM or the like.
    #[error("the media type `{0}` is not that of a container image; this is some other artifact")]
    Artifact(String),
}

impl MediaType {
    /// Reads a media type, parameters after `;` dropped.
    ///
    /// # Errors
    /// [`UnsupportedMedia`] for anything that is not part of a container image that can be unpacked.
    pub fn parse(text: &str) -> Result<Self, UnsupportedMedia> {
        let plain = text.split(';').next().unwrap_or_default().trim();
        Ok(match plain {
            "application/vnd.oci.image.manifest.v1+json"
            | "application/vnd.docker.distribution.manifest.v2+json" => Self::Manifest,
            "application/vnd.oci.image.index.v1+json"
            | "application/vnd.docker.distribution.manifest.list.v2+json" => Self::Index,
            "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json" => {
                Self::Config
            }
            "application/vnd.oci.image.layer.v1.tar"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar"
            | "application/vnd.docker.image.rootfs.diff.tar" => Self::Layer(Compression::None),
            "application/vnd.oci.image.layer.v1.tar+gzip"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
            | "application/vnd.docker.image.rootfs.diff.tar.gzip"
            | "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" => Self::Layer(Compression::Gzip),
            "application/vnd.oci.image.layer.v1.tar+zstd"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"
            | "application/vnd.docker.image.rootfs.diff.tar.zstd" => Self::Layer(Compression::Zstd),
            "application/vnd.docker.distribution.manifest.v1+json"
            | "application/vnd.docker.distribution.manifest.v1+prettyjws" => {
                return Err(UnsupportedMedia::Schema1(plain.to_owned()));
            }
            other if other.ends_with("+encrypted") => {
                return Err(UnsupportedMedia::Encrypted(other.to_owned()));
            }
            other => return Err(UnsupportedMedia::Artifact(other.to_owned())),
        })
    }
}

/// Names a blob: what it is, how long, which digest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Descriptor {
    /// What the blob is.
    pub media_type: MediaType,
    /// Digest of the blob's bytes as served.
    pub digest: BlobDigest,
    /// Length of the blob as served.
    pub size: ByteSize,
}

/// A layer as the manifest names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LayerDescriptor {
    /// How the tar is compressed. The stream's own first bytes decide where they disagree.
    pub compression: Compression,
    /// Digest of the layer as served.
    pub digest: BlobDigest,
    /// Length of the layer as served.
    pub size: ByteSize,
    /// Further addresses that serve it (foreign layers). `http` and `https` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

/// A manifest: one config and the layers, lowest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Digest of the manifest's own bytes.
    pub digest: ManifestDigest,
    /// The image config.
    pub config: Descriptor,
    /// The layers, lowest first.
    pub layers: Vec<LayerDescriptor>,
}

impl Manifest {
    /// Sum of the layers as served: what a cold build fetches.
    #[must_use]
    pub fn compressed_size(&self) -> ByteSize {
        self.layers.iter().fold(ByteSize::ZERO, |sum, layer| sum.plus(layer.size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oci_and_docker_names_mean_the_same() {
        for text in [
            "application/vnd.oci.image.layer.v1.tar+gzip",
            "application/vnd.docker.image.rootfs.diff.tar.gzip; q=1",
        ] {
            assert_eq!(MediaType::parse(text), Ok(MediaType::Layer(Compression::Gzip)));
        }
    }

    #[test]
    fn what_cannot_be_unpacked_is_refused_by_kind() {
        let refusal = |text: &str| MediaType::parse(text).unwrap_err();
        assert!(matches!(
            refusal("application/vnd.docker.distribution.manifest.v1+prettyjws"),
            UnsupportedMedia::Schema1(_)
        ));
        assert!(matches!(
            refusal("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"),
            UnsupportedMedia::Encrypted(_)
        ));
        assert!(matches!(
            refusal("application/vnd.cncf.helm.chart.content.v1.tar+gzip"),
            UnsupportedMedia::Artifact(_)
        ));
        assert!(matches!(refusal(""), UnsupportedMedia::Artifact(_)));
    }
}
