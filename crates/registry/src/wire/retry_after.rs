//! How long a server asks to be left alone (RFC 9110, 10.2.3).

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// The pause that an answer asks for: seconds, or a date, which is held against the answer's own `Date`, since only the
/// server knows what its clock says. `None` where there is none or it cannot be understood.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let asked = text(headers, RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let (until, now) = (date(asked)?, date(text(headers, DATE)?)?);
    // What has passed already is no pause.
    Some(until.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

/// The one form of dates that HTTP writes today, `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(asked: &str, date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, asked.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        retry_after(&headers)
    }

    #[test]
    fn seconds_and_dates() {
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(of(" 17 ", now), Some(Duration::from_secs(17)));
        assert_eq!(of("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(of("Mon, 07 Nov 1994 00:00:00 GMT", now), Some(Duration::from_secs(54_623)));
        assert_eq!(of("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
    }

    #[test]
    fn a_date_without_a_clock_to_hold_it_against_and_nonsense() {
        assert_eq!(of("Sun, 06 Nov 1994 08:50:07 GMT", None), None);
        for nonsense in ["", "soon", "-5", "1.5", "06 Nov"] {
            assert_eq!(of(nonsense, Some("Sun, 06 Nov 1994 08:49:37 GMT")), None, "{nonsense}");
        }
    }
}
