//! Platforms: what an image was built for.
//!
//! Source: OCI image-spec, `image-index.md`, the `platform` object.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Operating system, architecture and their finer points, in Go's names (`linux`, `amd64`, `v8`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// Operating system, as in `GOOS`.
    pub os: String,
    /// Architecture, as in `GOARCH`.
    #[serde(rename = "architecture")]
    pub arch: String,
    /// Variant of the architecture (`v7`, `v8`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Version of the operating system; windows images need it to be told apart.
    #[serde(default, rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
}

/// Why a text is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to parse the platform `{0}`: expected OS/ARCH or OS/ARCH/VARIANT, with `:VERSION` after the OS where it matters, \
     as in `linux/amd64`, `linux/arm64/v8`, `windows:10.0.20348.1/amd64`"
)]
pub struct PlatformError(String);

impl Platform {
    /// `linux/amd64`, what is asked for unless told otherwise.
    #[must_use]
    pub fn linux_amd64() -> Self {
        Self { os: "linux".into(), arch: "amd64".into(), variant: None, os_version: None }
    }

    /// How well an offered platform fits this wanted one: `None` does not fit, larger is better.
    ///
    /// The variant of arm64 defaults to `v8` and of arm to `v7`. A wanted `os.version` fits an offered one that is
    /// equal or that continues it after a dot (`10.0.20348` takes `10.0.20348.2113`).
    #[must_use]
    pub fn fit(&self, offered: &Self) -> Option<u8> {
        if self.os != offered.os || self.arch != offered.arch {
            return None;
        }
        let mut fit = 1;
        match (self.effective_variant(), offered.effective_variant()) {
            (Some(wanted), Some(has)) if wanted == has => fit += 2,
            (Some(_), Some(_)) => return None,
            (Some(_), None) | (None, Some(_)) => {}
            (None, None) => fit += 2,
        }
        match (&self.os_version, &offered.os_version) {
            (Some(wanted), Some(has)) if wanted == has => fit += 4,
            (Some(wanted), Some(has))
                if has.strip_prefix(wanted.as_str()).is_some_and(|r| r.starts_with('.')) =>
            {
                fit += 3;
            }
            (Some(_), _) => return None,
            (None, _) => {}
        }
        Some(fit)
    }

    fn effective_variant(&self) -> Option<&str> {
        match (self.variant.as_deref(), self.arch.as_str()) {
            (None | Some(""), "arm64") => Some("v8"),
            (None | Some(""), "arm") => Some("v7"),
            (None | Some(""), _) => None,
            (variant, _) => variant,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.os)?;
        if let Some(version) = &self.os_version {
            write!(f, ":{version}")?;
        }
        write!(f, "/{}", self.arch)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let wrong = || PlatformError(text.to_owned());
        let word = |part: &str| {
            let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
            (!part.is_empty() && part.bytes().all(fine)).then(|| part.to_owned()).ok_or_else(wrong)
        };
        let parts: Vec<&str> = text.split('/').collect();
        let (os, arch, variant) = match parts.as_slice() {
            [os, arch] => (*os, word(arch)?, None),
            [os, arch, variant] => (*os, word(arch)?, Some(word(variant)?)),
            _ => return Err(wrong()),
        };
        let (os, os_version) = match os.split_once(':') {
            Some((os, version)) => (word(os)?, Some(word(version)?)),
            None => (word(os)?, None),
        };
        Ok(Self { os, arch, variant, os_version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn text_there_and_back() {
        for text in ["linux/amd64", "linux/arm/v6", "windows:10.0.20348.1/amd64"] {
            assert_eq!(platform(text).to_string(), text);
        }
        for text in ["linux", "", "/", "linux/", "a/b/c/d", "linux/am d64"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn arm_variants_default_as_the_field_has_it() {
        assert!(platform("linux/arm64").fit(&platform("linux/arm64/v8")).is_some());
        assert!(platform("linux/arm/v6").fit(&platform("linux/arm")).is_none());
        assert!(platform("linux/amd64").fit(&platform("linux/arm64")).is_none());
    }

    #[test]
    fn windows_is_told_apart_by_version() {
        let wanted = platform("windows:10.0.20348/amd64");
        assert!(wanted.fit(&platform("windows:10.0.20348.2113/amd64")).is_some());
        assert!(wanted.fit(&platform("windows:10.0.203480/amd64")).is_none());
        assert!(wanted.fit(&platform("windows/amd64")).is_none());
    }
}
