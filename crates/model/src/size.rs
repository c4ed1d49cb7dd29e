//! Sizes in bytes, written and read with units.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByteSize(u64);

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// Why a text is not a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// Not a number with an optional unit.
    #[error(
        "failed to parse the size `{0}`: expected a whole number with an optional unit B, KiB, MiB, GiB or TiB"
    )]
    Form(String),
    /// Over 2^64 bytes.
    #[error("failed to parse the size `{0}`: it is larger than any store")]
    TooLarge(String),
}

impl ByteSize {
    /// No bytes.
    pub const ZERO: Self = Self(0);

    /// That many bytes.
    #[must_use]
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// That many mebibytes (saturating).
    #[must_use]
    pub const fn mib(mib: u64) -> Self {
        Self(mib.saturating_mul(MIB))
    }

    /// That many gibibytes (saturating).
    #[must_use]
    pub const fn gib(gib: u64) -> Self {
        Self(gib.saturating_mul(GIB))
    }

    /// As a plain count of bytes.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The sum, saturating: a size that large is over every limit anyway.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left of it without `other`; nothing where that is larger.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The smallest whole number of gibibytes that holds this many bytes; at least 1.
    #[must_use]
    pub const fn gib_rounded_up(self) -> u64 {
        let gib = self.0.div_ceil(GIB);
        if gib == 0 { 1 } else { gib }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, name) in [(TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")] {
            if self.0 >= unit {
                // Integers only, so that the same size always prints the same.
                let tenths = (u128::from(self.0) * 10 + u128::from(unit) / 2) / u128::from(unit);
                return write!(f, "{}.{} {name}", tenths / 10, tenths % 10);
            }
        }
        write!(f, "{} B", self.0)
    }
}

impl FromStr for ByteSize {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let trimmed = text.trim();
        let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = trimmed.split_at(digits);
        let unit = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "ki" | "kib" => KIB,
            "m" | "mi" | "mib" => MIB,
            "g" | "gi" | "gib" => GIB,
            "t" | "ti" | "tib" => TIB,
            _ => return Err(SizeError::Form(text.to_owned())),
        };
        if number.is_empty() {
            return Err(SizeError::Form(text.to_owned()));
        }
        let number: u64 = number.parse().map_err(|_| SizeError::TooLarge(text.to_owned()))?;
        number.checked_mul(unit).map(Self).ok_or_else(|| SizeError::TooLarge(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_with_one_decimal() {
        assert_eq!(ByteSize::bytes(0).to_string(), "0 B");
        assert_eq!(ByteSize::bytes(1536).to_string(), "1.5 KiB");
        assert_eq!(ByteSize::gib(20).to_string(), "20.0 GiB");
        assert_eq!(ByteSize::bytes(u64::MAX).to_string(), "16777216.0 TiB");
    }

    #[test]
    fn reads_units_and_refuses_the_rest() {
        assert_eq!("512m".parse(), Ok(ByteSize::mib(512)));
        assert_eq!("3 GiB".parse(), Ok(ByteSize::gib(3)));
        assert_eq!("7".parse(), Ok(ByteSize::bytes(7)));
        for text in ["", "GiB", "-1", "1.5G", "1 parsec"] {
            assert!(matches!(text.parse::<ByteSize>(), Err(SizeError::Form(_))), "{text}");
        }
        assert!(matches!("18446744073709551616".parse::<ByteSize>(), Err(SizeError::TooLarge(_))));
        assert!(matches!("18014398509481984 KiB".parse::<ByteSize>(), Err(SizeError::TooLarge(_))));
    }

    #[test]
    fn smallest_sufficient_gib() {
        assert_eq!(ByteSize::ZERO.gib_rounded_up(), 1);
        assert_eq!(ByteSize::bytes(GIB + 1).gib_rounded_up(), 2);
    }
}
