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
    /// Variants of amd64 (`v1` by default), arm (`v7`) and arm64 (`v8`) include those below them: the nearest one fits
    /// best, a higher one does not fit. A wanted `os.version` fits an offered one that is equal or that continues it after
    /// a dot (`10.0.20348` takes `10.0.20348.2113`).
    #[must_use]
    pub fn fit(&self, offered: &Self) -> Option<u8> {
        if self.os != offered.os || self.arch != offered.arch {
            return None;
        }
        Some(self.variant_fit(offered)? + self.version_fit(offered)?)
    }

    fn variant_fit(&self, offered: &Self) -> Option<u8> {
        const EXACT: u8 = 32;
        let set = |platform: &Self| platform.variant.clone().filter(|variant| !variant.is_empty());
        match (self.level(), offered.level()) {
            (Some(wanted), Some(has)) => Some(EXACT.saturating_sub(wanted.checked_sub(has)?).max(1)),
            _ => match (set(self), set(offered)) {
                (wanted, has) if wanted == has => Some(EXACT),
                (Some(_), Some(_)) => None,
                _ => Some(1),
            },
        }
    }

    fn version_fit(&self, offered: &Self) -> Option<u8> {
        match (&self.os_version, &offered.os_version) {
            (Some(wanted), Some(has)) if wanted == has => Some(4),
            (Some(wanted), Some(has)) => {
                has.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.starts_with('.')).then_some(3)
            }
            (Some(_), None) => None,
            (None, _) => Some(0),
        }
    }

    /// The variant as a step, where the architecture's steps include each other.
    fn level(&self) -> Option<u8> {
        let default = match self.arch.as_str() {
            "amd64" => 1,
            "arm" => 7,
            "arm64" => 8,
            _ => return None,
        };
        match self.variant.as_deref() {
            None | Some("") => Some(default),
            Some(variant) => variant.strip_prefix('v')?.parse().ok(),
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
    fn variants_include_those_below_and_none_above() {
        let fit = |wanted: &str, offered: &str| platform(wanted).fit(&platform(offered));
        for (wanted, offered) in [
            ("linux/amd64", "linux/amd64/v3"),
            ("linux/amd64/v2", "linux/amd64/v3"),
            ("linux/arm/v6", "linux/arm/v7"),
            ("linux/riscv64/a", "linux/riscv64/b"),
        ] {
            assert_eq!(fit(wanted, offered), None, "{wanted} {offered}");
        }
        for (wanted, better, worse) in [
            ("linux/arm", "linux/arm/v7", "linux/arm/v6"),
            ("linux/arm/v7", "linux/arm/v6", "linux/arm/v5"),
            ("linux/arm64/v9", "linux/arm64/v9", "linux/arm64"),
            ("linux/amd64/v3", "linux/amd64/v2", "linux/amd64"),
            ("linux/riscv64", "linux/riscv64", "linux/riscv64/x"),
        ] {
            assert!(fit(wanted, better) > fit(wanted, worse), "{wanted} {better} {worse}");
            assert!(fit(wanted, worse).is_some(), "{wanted} {worse}");
        }
    }

    #[test]
    fn windows_is_told_apart_by_version() {
        let wanted = platform("windows:10.0.20348/amd64");
        assert!(wanted.fit(&platform("windows:10.0.20348.2113/amd64")).is_some());
        assert!(wanted.fit(&platform("windows:10.0.203480/amd64")).is_none());
        assert!(wanted.fit(&platform("windows/amd64")).is_none());
    }
}
