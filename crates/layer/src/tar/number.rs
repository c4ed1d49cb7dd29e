//! Numbers as tar headers and PAX records write them.

/// A numeric header field: octal digits with blanks around them, or base-256 (GNU) if the first byte's high bit is set.
/// An empty field is 0. `None` for anything else, and for what does not fit.
pub(super) fn field(bytes: &[u8]) -> Option<i64> {
    match bytes.first() {
        Some(first) if first & 0x80 != 0 => base256(bytes),
        _ => octal(bytes),
    }
}

fn octal(bytes: &[u8]) -> Option<i64> {
    let blank = |b: &u8| *b == b' ' || *b == 0;
    let Some(start) = bytes.iter().position(|b| !blank(b)) else { return Some(0) };
    let digits = &bytes[start..];
    let end = digits.iter().position(blank).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if !rest.iter().all(blank) && !rest.starts_with(&[0]) {
        return None;
    }
    digits.iter().try_fold(0i64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(i64::from(digit - b'0')),
        _ => None,
    })
}

fn base256(bytes: &[u8]) -> Option<i64> {
    // Two's complement over the field's bits but the first, which only marks the notation.
    let negative = bytes[0] & 0x40 != 0;
    let fill: u8 = if negative { 0xff } else { 0 };
    let first = if negative { bytes[0] | 0x80 } else { bytes[0] & 0x7f };
    let (high, low) = bytes.split_at(bytes.len().saturating_sub(8));
    let high_is_fill = high.iter().enumerate().all(|(i, b)| if i == 0 { first == fill } else { *b == fill });
    if !high_is_fill {
        return None;
    }
    let mut value = [fill; 8];
    value[8 - low.len()..].copy_from_slice(low);
    if high.is_empty() {
        value[8 - low.len()] = first;
    }
    let value = i64::from_be_bytes(value);
    (value.is_negative() == negative).then_some(value)
}

/// A decimal number of a PAX record.
pub(super) fn decimal(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 20 {
        return None;
    }
    bytes.iter().try_fold(0u64, |value, digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// A time as a PAX record writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PaxTime {
    /// Seconds since 1970, rounded down.
    pub(super) seconds: i64,
    /// And nanoseconds.
    pub(super) nanoseconds: u32,
    /// The seconds did not fit and were clamped.
    pub(super) clamped: bool,
}

/// A PAX time: decimal, an optional sign, an optional fraction of which nine digits count.
pub(super) fn pax_time(text: &[u8]) -> Option<PaxTime> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut parts = text.splitn(2, |b| *b == b'.');
    let (whole, fraction) = (parts.next()?, parts.next().unwrap_or_default());
    let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    if whole.is_empty() || whole.len() > 64 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole = whole.iter().fold(0u64, |v, d| v.saturating_mul(10).saturating_add(u64::from(d - b'0')));
    let mut nanoseconds =
        (0..9).fold(0u32, |v, i| v * 10 + fraction.get(i).map_or(0, |digit| u32::from(digit - b'0')));
    let clamped = whole > i64::MAX as u64 - 1;
    let mut seconds = i64::try_from(whole).unwrap_or(i64::MAX).min(i64::MAX - 1);
    if negative {
        seconds = -seconds;
        if nanoseconds > 0 {
            seconds -= 1;
            nanoseconds = 1_000_000_000 - nanoseconds;
        }
    }
    Some(PaxTime { seconds, nanoseconds, clamped })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_fields_with_blanks_in_every_place() {
        for (text, value) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b" 644 \0\0\0", Some(0o644)),
            (b"\x00\x00644\0\0\0", Some(0o644)),
            (b"777777777777", Some(0o777_777_777_777)),
            (b"\0\0\0\0", Some(0)),
            (b"        ", Some(0)),
            (b"644\0junk", Some(0o644)),
            (b"648     ", None),
            (b"6 4     ", None),
            (b"-1      ", None),
        ] {
            assert_eq!(field(text), value, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn base_256_fields_both_signs_and_too_large() {
        let at = |value: i64| {
            let mut bytes = [if value < 0 { 0xff } else { 0 }; 12];
            bytes[4..].copy_from_slice(&value.to_be_bytes());
            bytes[0] |= 0x80;
            bytes
        };
        for value in [0, 1, -1, 1 << 40, i64::MAX, i64::MIN, -315_619_200] {
            assert_eq!(field(&at(value)), Some(value));
        }
        let mut large = at(0);
        large[3] = 1;
        assert_eq!(field(&large), None, "over 64 bits");
        large = at(-1);
        large[4] = 0;
        assert_eq!(field(&large), None, "under 64 bits");
        assert_eq!(field(&[0x80, 0, 0, 0, 0, 1, 0, 0]), Some(65536), "short fields too");
        assert_eq!(field(&[0xff; 8]), Some(-1));
        assert_eq!(field(&[0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]), None, "sign bit without the sign");
    }

    #[test]
    fn times_before_and_after_1970() {
        let time = |text: &str| pax_time(text.as_bytes()).map(|t| (t.seconds, t.nanoseconds, t.clamped));
        assert_eq!(time("1350244992.023960108"), Some((1_350_244_992, 23_960_108, false)));
        assert_eq!(time("-1.5"), Some((-2, 500_000_000, false)));
        assert_eq!(time("-0.000000001"), Some((-1, 999_999_999, false)));
        assert_eq!(time("1.0000000019"), Some((1, 1, false)));
        assert_eq!(time("7."), Some((7, 0, false)));
        assert_eq!(time("99999999999999999999").map(|t| t.2), Some(true));
        for text in ["", ".5", "1e5", "--1", "1.x", "0x10", "nan"] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
