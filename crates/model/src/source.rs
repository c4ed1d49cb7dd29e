//! Where an image comes from: a registry, an OCI layout directory, or a docker archive.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ImageReference, ReferenceError};

/// An image argument, wherever one is taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ImageSource {
    /// An image in a registry.
    Registry(ImageReference),
    /// `oci:DIR[:ref]`, or `oci:DIR::[ref]` where the path holds colons: an OCI image layout directory; the ref is the annotation `org.opencontainers.image.ref.name`.
    OciLayout {
        /// The directory.
        dir: PathBuf,
        /// Which image of the directory; needed where it holds more than one.
        name: Option<String>,
    },
    /// `docker-archive:FILE[:ref]`: what `docker save` writes, plain or compressed as a whole.
    DockerArchive {
        /// The file.
        file: PathBuf,
        /// Which image of the archive; needed where it holds more than one.
        name: Option<String>,
    },
}

/// Why a text is not an image argument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// `oci:` or `docker-archive:` without a path.
    #[error("failed to parse the image `{0}`: no path after the colon")]
    NoPath(String),
    /// `oci:` or `docker-archive:` with a character that no path has.
    #[error("failed to parse the image `{0}`: a path or a name has no NUL character")]
    Nul(String),
    /// Not a reference either.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

/// Ends a path that holds colons itself.
const END_OF_PATH: &str = "::";

/// Splits `PATH[:ref]` at the first colon, since a ref may be a reference with a colon of its own (`FILE:repo/app:tag`). The
/// last `::` goes before: a path with colons is said as `PATH::` or `PATH::ref`. We do not look which path exists: the
/// rule must not depend on the file system.
fn split_path(text: &str) -> (PathBuf, Option<String>) {
    let (path, name) = match text.rsplit_once(END_OF_PATH) {
        Some(split) => split,
        None => match text.split_once(':') {
            Some((path, name)) if !name.starts_with('/') => (path, name),
            _ => (text, ""),
        },
    };
    (PathBuf::from(path), (!name.is_empty()).then(|| name.to_owned()))
}

/// Path and name of an image in files; `text` is the whole argument.
fn in_files(text: &str, rest: &str) -> Result<(PathBuf, Option<String>), SourceError> {
    // No system call takes it, and no text of PostgreSQL.
    if rest.contains('\0') {
        return Err(SourceError::Nul(text.escape_debug().to_string()));
    }
    let (path, name) = split_path(rest);
    match path.as_os_str().is_empty() {
        true => Err(SourceError::NoPath(text.to_owned())),
        false => Ok((path, name)),
    }
}

impl ImageSource {
    /// The reference of an image in a registry; `None` for one in files.
    #[must_use]
    pub fn reference(&self) -> Option<&ImageReference> {
        match self {
            Self::Registry(reference) => Some(reference),
            Self::OciLayout { .. } | Self::DockerArchive { .. } => None,
        }
    }

    /// What all versions of an image have in common, of its text as it is written: registry and repository, or all of it for
    /// layouts and archives. Equal where [`is_same_name`](Self::is_same_name) holds.
    #[must_use]
    pub fn name_in(text: &str) -> &str {
        if text.starts_with("oci:") || text.starts_with("docker-archive:") {
            return text;
        }
        let tagged = text.split_once('@').map_or(text, |(tagged, _)| tagged);
        let path = tagged.find('/').unwrap_or_default();
        tagged[path..].find(':').map_or(tagged, |colon| &tagged[..path + colon])
    }

    /// Whether both are versions of one image: the same registry and repository, whatever tag and digest. Layouts and
    /// archives have no versions: they are the same or not.
    #[must_use]
    pub fn is_same_name(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Registry(a), Self::Registry(b)) => {
                a.host() == b.host() && a.repository() == b.repository()
            }
            _ => self == other,
        }
    }
}

impl FromStr for ImageSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        if let Some(rest) = text.strip_prefix("oci:") {
            let (dir, name) = in_files(text, rest)?;
            return Ok(Self::OciLayout { dir, name });
        }
        if let Some(rest) = text.strip_prefix("docker-archive:") {
            let (file, name) = in_files(text, rest)?;
            return Ok(Self::DockerArchive { file, name });
        }
        Ok(Self::Registry(text.parse()?))
    }
}

impl fmt::Display for ImageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, path, name) = match self {
            Self::Registry(reference) => return fmt::Display::fmt(reference, f),
            Self::OciLayout { dir, name } => ("oci", dir, name),
            Self::DockerArchive { file, name } => ("docker-archive", file, name),
        };
        let path = path.display().to_string();
        let name = name.as_deref();
        match (path.contains(':'), name) {
            (true, name) => write!(f, "{scheme}:{path}{END_OF_PATH}{}", name.unwrap_or_default()),
            (false, Some(name)) => write!(f, "{scheme}:{path}:{name}"),
            (false, None) => write!(f, "{scheme}:{path}"),
        }
    }
}

impl TryFrom<String> for ImageSource {
    type Error = SourceError;

    fn try_from(text: String) -> Result<Self, SourceError> {
        text.parse()
    }
}

impl From<ImageSource> for String {
    fn from(source: ImageSource) -> Self {
        source.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_kinds_there_and_back() {
        for text in [
            "oci:/srv/img",
            "oci:img:v1",
            "docker-archive:a.tar",
            "docker-archive:a.tar:repo/app:tag",
            "r.io/a:t",
        ] {
            assert_eq!(text.parse::<ImageSource>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_name_is_what_versions_have_in_common() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let pinned = format!("localhost:5000/a/b:1@{digest}");
        let bare = format!("r.io/a@{digest}");
        for text in ["nginx", "nginx:1", "localhost:5000/a/b:1", &pinned, &bare, "[::1]:5000/a:1"] {
            let source: ImageSource = text.parse().unwrap();
            let reference = source.reference().unwrap();
            let name = format!("{}/{}", reference.host(), reference.repository());
            assert_eq!(ImageSource::name_in(&source.to_string()), name, "{text}");
        }
        for text in ["oci:/srv/img:v1", "docker-archive:a.tar:repo/app:tag"] {
            assert_eq!(ImageSource::name_in(text), text);
        }
    }

    #[test]
    fn a_path_with_colons_is_ended_by_two() {
        let layout = |dir: &str, name: Option<&str>| ImageSource::OciLayout {
            dir: dir.into(),
            name: name.map(ToOwned::to_owned),
        };
        for (text, source) in [
            ("oci:/a:b/dir::", layout("/a:b/dir", None)),
            ("oci:/a:b/dir::v1", layout("/a:b/dir", Some("v1"))),
            ("oci:/a::b/dir::repo/app:1", layout("/a::b/dir", Some("repo/app:1"))),
            ("oci:/a:b", layout("/a", Some("b"))),
        ] {
            assert_eq!(text.parse(), Ok(source.clone()), "{text}");
            assert_eq!(source.to_string(), text);
        }
        // As it was said is not always as it is written.
        assert_eq!("oci:/a::".parse(), Ok(layout("/a", None)));
        assert_eq!("oci:/a:".parse(), Ok(layout("/a", None)));
    }

    #[test]
    fn a_path_is_needed() {
        for text in ["oci:", "docker-archive:", "oci:::", "oci:::v1"] {
            assert_eq!(text.parse::<ImageSource>(), Err(SourceError::NoPath(text.to_owned())));
        }
    }

    #[test]
    fn nul_is_refused_and_not_repeated() {
        for text in ["oci:/a\0b", "oci:/a:v\0", "docker-archive:\0", "docker-archive:a.tar:repo\0"] {
            let error = text.parse::<ImageSource>().unwrap_err();
            assert!(matches!(error, SourceError::Nul(_)), "{error:?}");
            assert!(!error.to_string().contains('\0'), "{error}");
        }
        assert!("r.io/a\0:t".parse::<ImageSource>().is_err());
    }
}
