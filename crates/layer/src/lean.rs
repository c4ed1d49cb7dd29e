//! What a layer's tar takes for granted about the layers below it.

use serde::{Deserialize, Serialize};

/// What a layer implies or links below itself; nearly always nothing. Kept in the blob's sidecar and read by
/// [`merge`](crate::merge) and [`needs_merge`](crate::needs_merge).
///
/// Paths are relative to the root, cleaned, without a leading slash, and serialise with every byte outside of printable
/// ASCII (and `%`) as `%XX`, since names need not be UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leans {
    /// Directories on the way to an entry that have no entry of their own anywhere in the tar (one that comes after what is in
    /// the directory counts as well): their attributes are those of the layer below
    /// (and it may have a symlink there). In the blob they carry default attributes. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "paths")]
    pub implied_directories: Vec<Vec<u8>>,
    /// Directories in which the layer deletes names of the layers below. Overlayfs shows such a deletion itself as a name
    /// where there is nothing below the directory. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "paths")]
    pub whiteout_directories: Vec<Vec<u8>>,
    /// Whether the tar has an entry for the root directory; without one the root's attributes are those below.
    #[serde(default)]
    pub root_is_given: bool,
    /// Whether the root directory hides all that is below the layer. Overlayfs obeys its mark on every directory but the
    /// root of a layer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub root_is_opaque: bool,
    /// Hard links whose target is not in this layer; the blob has nothing at their paths. Sorted by path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lower_links: Vec<LowerLink>,
}

/// A hard link to a file that only a lower layer can have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LowerLink {
    /// Where the link is.
    #[serde(with = "path")]
    pub path: Vec<u8>,
    /// What it links to.
    #[serde(with = "path")]
    pub target: Vec<u8>,
}

impl Leans {
    /// Whether overlayfs shows the layer as it is meant, whatever lies below: it implies and links nothing below itself and
    /// does not hide all of it. Deletions of single names do not count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.implied_directories.is_empty() && self.lower_links.is_empty() && !self.root_is_opaque
    }
}

fn escape(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for &byte in path {
        match byte {
            b'%' | 0..=0x1f | 0x7f..=0xff => text.push_str(&format!("%{byte:02X}")),
            _ => text.push(char::from(byte)),
        }
    }
    text
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut path = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let pair = digit(bytes.next()).zip(digit(bytes.next()));
            let (high, low) =
                pair.ok_or_else(|| format!("`{text}` has a % without two hexadecimal digits"))?;
            path.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits are at most 255"));
        } else {
            path.push(byte);
        }
    }
    Ok(path)
}

mod path {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(path: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::escape(path))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        super::unescape(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

mod paths {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(paths: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(paths.iter().map(|path| super::escape(path)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| super::unescape(text).map_err(serde::de::Error::custom)).collect()
    }
}
