//! Prices, exact to a billionth.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

const NANOS: u64 = 1_000_000_000;
const DIGITS: usize = 9;
/// Whole units at most: a price times any size and any time stays within 128 bits.
const MOST_WHOLE: u64 = 1_000_000_000;

/// What a GiB costs for an hour, in billionths of the currency's unit. Prices are added up over months, so no binary fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price {
    nanos: u64,
}

/// Why a text is not a price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to parse the price `{0}`: expected a decimal number from 0 to 1000000000 with at most 9 digits behind the point"
)]
pub struct PriceError(String);

impl Price {
    /// Nothing.
    pub const FREE: Self = Self { nanos: 0 };

    /// In billionths of the currency's unit.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.nanos
    }
}

impl FromStr for Price {
    type Err = PriceError;

    fn from_str(text: &str) -> Result<Self, PriceError> {
        let wrong = || PriceError(text.to_owned());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > DIGITS {
            return Err(wrong());
        }
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let nanos: u64 = format!("{fraction:0<DIGITS$}").parse().map_err(|_| wrong())?;
        if whole > MOST_WHOLE || (whole == MOST_WHOLE && nanos > 0) {
            return Err(wrong());
        }
        Ok(Self { nanos: whole * NANOS + nanos })
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, nanos) = (self.nanos / NANOS, self.nanos % NANOS);
        if nanos == 0 {
            return write!(f, "{whole}");
        }
        let fraction = format!("{nanos:0>DIGITS$}");
        write!(f, "{whole}.{}", fraction.trim_end_matches('0'))
    }
}

/// As text: a JSON number would pass through a binary fraction.
impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_same_number() {
        for (text, nanos, shown) in [
            ("0", 0, "0"),
            ("0.0", 0, "0"),
            ("0.000123", 123_000, "0.000123"),
            ("1.50", 1_500_000_000, "1.5"),
            ("1000000000", 1_000_000_000_000_000_000, "1000000000"),
        ] {
            let price: Price = text.parse().unwrap();
            assert_eq!((price.as_nanos(), price.to_string().as_str()), (nanos, shown));
        }
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "0.0000000001", "1000000000.1", "nan"] {
            assert!(text.parse::<Price>().is_err(), "{text}");
        }
    }
}
