//! Digests: `algorithm:hex`, and a type for each thing that a digest names.
//!
//! Source: OCI image-spec, `descriptor.md`, section "Digests". Only the two registered algorithms are taken.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Hasher;

/// A registered digest algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, what practically every image uses.
    Sha256,
    /// SHA-512, registered by the OCI and seldom seen.
    Sha512,
}

impl Algorithm {
    /// The name as it stands before the colon, also the folder name in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Length of the digest in bytes.
    #[must_use]
    pub fn byte_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// No colon between algorithm and hex.
    #[error("failed to parse the digest `{0}`: expected `sha256:` and 64 hexadecimal digits")]
    Form(String),
    /// An algorithm that is not registered.
    #[error("failed to parse the digest: the algorithm `{0}` is not supported (sha256 and sha512 are)")]
    Algorithm(String),
    /// Wrong length or a character that is not lower-case hexadecimal.
    #[error("failed to parse the digest `{0}`: expected {1} lower-case hexadecimal digits after the colon")]
    Hex(String, usize),
}

/// An algorithm and the bytes it gave.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Digest {
    /// A SHA-256.
    Sha256([u8; 32]),
    /// A SHA-512.
    Sha512([u8; 64]),
}

impl Digest {
    /// Which algorithm made it.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        }
    }

    /// Lower-case hexadecimal, without the algorithm.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.as_bytes())
    }

    /// SHA-256 of bytes that are at hand whole (manifests, configs, documents).
    #[must_use]
    pub fn sha256(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(bytes);
        hasher.finish()
    }

    /// Digest of bytes that are at hand whole, by the given algorithm.
    #[must_use]
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm().as_str(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex_part) = text.split_once(':').ok_or_else(|| DigestError::Form(text.to_owned()))?;
        let wrong = |n| DigestError::Hex(text.to_owned(), n);
        match algorithm {
            "sha256" => {
                let mut bytes = [0; 32];
                if !is_lower_hex(hex_part) || hex::decode_to_slice(hex_part, &mut bytes).is_err() {
                    return Err(wrong(64));
                }
                Ok(Self::Sha256(bytes))
            }
            "sha512" => {
                let mut bytes = [0; 64];
                if !is_lower_hex(hex_part) || hex::decode_to_slice(hex_part, &mut bytes).is_err() {
                    return Err(wrong(128));
                }
                Ok(Self::Sha512(bytes))
            }
            other => Err(DigestError::Algorithm(other.to_owned())),
        }
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! digest_of {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Digest);

        impl $name {
            /// Says that this digest names that kind of thing.
            #[must_use]
            pub const fn new(digest: Digest) -> Self {
                Self(digest)
            }

            /// The digest itself.
            #[must_use]
            pub const fn digest(&self) -> &Digest {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = DigestError;

            fn from_str(text: &str) -> Result<Self, DigestError> {
                text.parse().map(Self)
            }
        }
    };
}

digest_of! {
    /// Digest of a blob as a registry serves it: a compressed layer, a manifest, a config.
    BlobDigest
}
digest_of! {
    /// Digest of a manifest or index document.
    ManifestDigest
}
digest_of! {
    /// Digest of an image's config document.
    ImageId
}
digest_of! {
    /// Digest of a layer's uncompressed tar.
    DiffId
}
digest_of! {
    /// Digest over a chain of diff ids: what unpacking these layers in this order gives.
    ChainId
}

impl ChainId {
    /// The chain of a first layer alone: equal to its diff id.
    #[must_use]
    pub fn first(layer: &DiffId) -> Self {
        Self(*layer.digest())
    }

    /// This chain with one more layer on top.
    ///
    /// Source: OCI image-spec, `config.md`, section "Layer ChainID".
    #[must_use]
    pub fn then(&self, layer: &DiffId) -> Self {
        let text = format!("{self} {layer}");
        Self(Digest::of(self.0.algorithm(), text.as_bytes()))
    }

    /// The chain of all of these layers, lowest first; `None` for none.
    #[must_use]
    pub fn of(layers: &[DiffId]) -> Option<Self> {
        let (first, rest) = layers.split_first()?;
        Some(rest.iter().fold(Self::first(first), |chain, layer| chain.then(layer)))
    }
}

impl From<ManifestDigest> for BlobDigest {
    fn from(digest: ManifestDigest) -> Self {
        Self(digest.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_there_and_back() {
        let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
        assert_eq!(Digest::sha256(b"").to_string(), text);
    }

    #[test]
    fn refuses_what_is_no_digest() {
        for text in ["", "sha256", "sha256:", "md5:00", "sha256:E3B0", "sha256:zz"] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
        let upper = "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
        assert!(upper.parse::<Digest>().is_err());
    }

    #[test]
    fn chain_id_of_two_layers() {
        let a = DiffId::new(Digest::sha256(b"a"));
        let b = DiffId::new(Digest::sha256(b"b"));
        let chain = ChainId::of(&[a, b]).unwrap();
        assert_eq!(*chain.digest(), Digest::sha256(format!("{a} {b}").as_bytes()));
        assert_eq!(ChainId::of(&[a]).unwrap().digest(), a.digest());
        assert!(ChainId::of(&[]).is_none());
    }
}
