//! Who runs a build: a process named so that a later one with the same number is not taken for it.

use std::io;

/// One process of one boot of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProcessIdentity {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since boot: field 22 of `/proc/<pid>/stat`, see proc(5).
    pub start_ticks: u64,
    /// The boot that it belongs to: `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
}

impl ProcessIdentity {
    /// The calling process.
    ///
    /// # Errors
    /// Where `/proc` cannot be read.
    pub fn current() -> io::Result<Self> {
        let pid = std::process::id();
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        let start_ticks =
            start_ticks(&stat).ok_or_else(|| io::Error::other("no start time in /proc/self/stat"))?;
        Ok(Self { pid, start_ticks, boot_id: boot_id()? })
    }

    /// Whether that very process still runs. A zombie does not.
    ///
    /// # Errors
    /// Where `/proc` cannot be read: then it is not known, and the process must be taken for alive.
    pub fn is_alive(&self) -> io::Result<bool> {
        if boot_id()? != self.boot_id {
            return Ok(false);
        }
        match std::fs::read_to_string(format!("/proc/{}/stat", self.pid)) {
            Ok(stat) => Ok(start_ticks(&stat) == Some(self.start_ticks) && !is_zombie(&stat)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            // ESRCH: it ended between open and read.
            Err(error) if error.raw_os_error() == Some(3) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// The fields after the command, which may itself hold blanks and parentheses.
fn fields(stat: &str) -> Option<std::str::SplitAsciiWhitespace<'_>> {
    Some(stat.rsplit_once(')')?.1.split_ascii_whitespace())
}

fn start_ticks(stat: &str) -> Option<u64> {
    // The state is field 3, the start time field 22.
    fields(stat)?.nth(19)?.parse().ok()
}

fn is_zombie(stat: &str) -> bool {
    fields(stat).and_then(|mut fields| fields.next()).is_some_and(|state| matches!(state, "Z" | "X"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_alive_and_nobody_else_is_us() {
        let us = ProcessIdentity::current().unwrap();
        assert!(us.is_alive().unwrap());
        assert!(!ProcessIdentity { start_ticks: us.start_ticks + 1, ..us.clone() }.is_alive().unwrap());
        assert!(!ProcessIdentity { boot_id: "another".to_owned(), ..us }.is_alive().unwrap());
    }

    #[test]
    fn a_command_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0";
        assert_eq!(start_ticks(stat), Some(4711));
        assert!(!is_zombie(stat));
    }
}
