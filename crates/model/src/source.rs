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
    /// `oci:DIR[:ref]`: an OCI image layout directory; the ref is the annotation `org.opencontainers.image.ref.name`.
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
    /// Not a reference either.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

/// Splits `PATH[:ref]`: what follows the last colon is a ref unless it holds a slash.
fn split_path(text: &str) -> (PathBuf, Option<String>) {
    // A reference may itself hold slashes and one colon (`FILE:repo/app:tag`); a path before it exists or not, we do
    // not look: the rule must not depend on the file system. A ref with slashes is written after a first colon.
    match text.split_once(':') {
        Some((path, name)) if !path.is_empty() && !name.is_empty() && !name.starts_with('/') => {
            (PathBuf::from(path), Some(name.to_owned()))
        }
        _ => (PathBuf::from(text.strip_suffix(':').unwrap_or(text)), None),
    }
}

impl FromStr for ImageSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        if let Some(rest) = text.strip_prefix("oci:") {
            let (dir, name) = split_path(rest);
            return match dir.as_os_str().is_empty() {
                true => Err(SourceError::NoPath(text.to_owned())),
                false => Ok(Self::OciLayout { dir, name }),
            };
        }
        if let Some(rest) = text.strip_prefix("docker-archive:") {
            let (file, name) = split_path(rest);
            return match file.as_os_str().is_empty() {
                true => Err(SourceError::NoPath(text.to_owned())),
                false => Ok(Self::DockerArchive { file, name }),
            };
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
        write!(f, "{scheme}:{}", path.display())?;
        match name {
            Some(name) => write!(f, ":{name}"),
            None => Ok(()),
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
    fn a_path_is_needed() {
        for text in ["oci:", "docker-archive:"] {
            assert_eq!(text.parse::<ImageSource>(), Err(SourceError::NoPath(text.to_owned())));
        }
    }
}
