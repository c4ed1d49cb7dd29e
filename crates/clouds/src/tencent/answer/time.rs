//! Times as answers have them.

use std::fmt;

use model::Timestamp;
use serde::{Serialize, Serializer};

/// A time, or none. Prints as `2026-03-30 07:03:35 +0000 UTC`, the newest of the three forms that the cloud has shown; none is
/// a text without a character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time(pub Option<Timestamp>);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(time) = self.0 else { return Ok(()) };
        match jiff::Timestamp::from_microsecond(time.as_micros()) {
            Ok(time) => write!(f, "{} +0000 UTC", time.strftime("%Y-%m-%d %H:%M:%S")),
            Err(_) => Ok(()),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self(Some(time))
    }
}

impl From<Option<Timestamp>> for Time {
    fn from(time: Option<Timestamp>) -> Self {
        Self(time)
    }
}
