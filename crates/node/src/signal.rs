//! Signals by name and number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A signal's number on Linux, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signal(u8);

/// A text that names no signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to parse the signal `{0}`: expected a name such as `SIGTERM` or `TERM`, or a number from 1 to 64"
)]
pub struct SignalError(String);

/// Source: signal(7), the numbers of x86 and arm; 1 to 31.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Source: signal(7): glibc keeps 32 and 33 for itself, so SIGRTMIN is 34 and SIGRTMAX 64.
const REAL_TIME: (u8, u8) = (34, 64);

impl Signal {
    /// SIGTERM.
    pub const TERM: Self = Self(15);
    /// SIGKILL.
    pub const KILL: Self = Self(9);

    /// The signal of that number; `None` outside of 1 to 64.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| (1..=64).contains(number)).map(Self)
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(usize::from(self.0) - 1) {
            Some(name) => write!(f, "SIG{name}"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for Signal {
    type Err = SignalError;

    fn from_str(text: &str) -> Result<Self, SignalError> {
        let wrong = || SignalError(text.to_owned());
        if let Ok(number) = text.parse::<i32>() {
            return Self::from_number(number).ok_or_else(wrong);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let synonym = match name {
            "CLD" => "CHLD",
            "POLL" => "IO",
            "IOT" => "ABRT",
            name => name,
        };
        if let Some(index) = NAMES.iter().position(|known| *known == synonym) {
            return u8::try_from(index + 1).map(Self).map_err(|_| wrong());
        }
        real_time(name).ok_or_else(wrong)
    }
}

/// `RTMIN`, `RTMIN+3`, `RTMAX-2`: systemd images stop on `SIGRTMIN+3`.
fn real_time(name: &str) -> Option<Signal> {
    let (lowest, highest) = REAL_TIME;
    let number = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(""), _) => lowest,
        (Some(more), _) => lowest.checked_add(more.strip_prefix('+')?.parse().ok()?)?,
        (_, Some("")) => highest,
        (_, Some(less)) => highest.checked_sub(less.strip_prefix('-')?.parse().ok()?)?,
        (None, None) => return None,
    };
    (lowest..=highest).contains(&number).then_some(Signal(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers_and_synonyms() {
        for (text, number) in [
            ("SIGTERM", 15),
            ("term", 15),
            ("9", 9),
            ("SIGQUIT", 3),
            ("SIGRTMIN+3", 37),
            ("RTMAX-1", 63),
            ("sigpoll", 29),
        ] {
            assert_eq!(text.parse::<Signal>().unwrap().number(), number, "{text}");
        }
        assert_eq!(Signal::TERM.to_string(), "SIGTERM");
    }

    #[test]
    fn refuses_what_is_no_signal() {
        for text in ["", "0", "65", "-9", "SIG", "SIGRTMIN-1", "SIGRTMAX+1", "RTMIN+31", "SIGFOO"] {
            assert!(text.parse::<Signal>().is_err(), "{text}");
        }
    }
}
