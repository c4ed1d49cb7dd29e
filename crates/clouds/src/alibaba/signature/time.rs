//! The time that a request was signed at.

use model::Timestamp;

use crate::alibaba::error::{ErrorCode, Refusal};

/// `YYYY-MM-DDTHH:MM:SSZ`, with `0` for any digit.
const SHAPE: &[u8] = b"0000-00-00T00:00:00Z";

fn has_shape(text: &str) -> bool {
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => byte == *shape,
    };
    text.len() == SHAPE.len() && text.bytes().zip(SHAPE).all(fits)
}

/// Reads `YYYY-MM-DDTHH:MM:SSZ`, and no other spelling.
pub(in crate::alibaba) fn parse(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = has_shape(text).then(|| text.parse().ok())??;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

/// The time that was signed, where it is within `skew_seconds` of `now`, before or after.
pub(super) fn check(text: &str, now: Timestamp, skew_seconds: u32) -> Result<Timestamp, Refusal> {
    let signed = parse(text).ok_or_else(|| Refusal::new(ErrorCode::InvalidTimeStampFormat))?;
    let skew = u64::from(skew_seconds) * 1_000_000;
    if now.micros_since(signed) > skew || signed.micros_since(now) > skew {
        return Err(Refusal::new(ErrorCode::InvalidTimeStampExpired));
    }
    Ok(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_alone() {
        assert_eq!(parse("2026-11-21T17:03:24Z").unwrap().to_string(), "2026-11-21T17:03:24Z");
        for bad in [
            "",
            "2026-11-21T17:03:24",
            "2026-11-21 17:03:24Z",
            "2026-11-21T17:03:24.5Z",
            "2026-11-21T17:03:24z",
            "2026-13-21T17:03:24Z",
            "2026-02-30T17:03:24Z",
            "2026-11-21T25:03:24Z",
            "2026-11-21T17:03:24+00:00",
            "２026-11-21T17:03Z",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_quarter_of_an_hour_before_and_after() {
        let signed = parse("2026-11-21T17:03:24Z").unwrap();
        for (seconds, fits) in [(0, true), (900, true), (-900, true), (901, false), (-901, false)] {
            let now = signed.plus_micros(seconds * 1_000_000);
            let result = check("2026-11-21T17:03:24Z", now, 900);
            assert_eq!(result.is_ok(), fits, "{seconds}");
            if let Err(refusal) = result {
                assert_eq!(refusal.code(), ErrorCode::InvalidTimeStampExpired);
            }
        }
        assert_eq!(check("now", signed, 900).unwrap_err().code(), ErrorCode::InvalidTimeStampFormat);
    }
}
