//! Named steps at which a test may fail the operation or kill the process.
//!
//! Code that must survive `kill -9` calls [`point`] at each step that matters. Two environment variables, read once,
//! act in debug builds and with the feature `fault-injection`; elsewhere `point` is empty:
//!
//! - `IMC_CRASH_AT=step[:n]`: the n-th time (first: 1) that the step is reached, the process kills itself by `SIGKILL`.
//! - `IMC_FAIL_AT=step[:n][=errno]`: that time, `point` returns an error: `ENOSPC` or `EIO` (the default).

use std::io;

/// Every step of the directory store, in the order of a build and then of a collection.
pub const STEPS: &[&str] = &[
    "lease-written",
    "claim-taken",
    "ingest-created",
    "blob-synced",
    "sidecar-written",
    "sidecar-renamed",
    "blob-renamed",
    "blob-dir-synced",
    "snapshot-written",
    "snapshot-renamed",
    "snapshot-dir-synced",
    "lease-released",
    "snapshot-deleted",
    "collect-marked",
    "collect-locked",
    "collect-unlinked-blob",
    "collect-unlinked-sidecar",
    "collect-lease-removed",
    "collect-swept",
];

/// Says that this step was reached.
///
/// # Errors
/// Only where a test asked for it.
#[inline]
pub fn point(step: &str) -> io::Result<()> {
    #[cfg(any(debug_assertions, feature = "fault-injection"))]
    return injected::reach(step);
    #[cfg(not(any(debug_assertions, feature = "fault-injection")))]
    {
        let _ = step;
        Ok(())
    }
}

#[cfg(any(debug_assertions, feature = "fault-injection"))]
mod injected {
    use std::io;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::io::Errno;
    use rustix::process::{Signal, getpid, kill_process};

    struct Plan {
        step: String,
        at: u64,
        errno: Errno,
        reached: AtomicU64,
    }

    impl Plan {
        fn from_env(variable: &str) -> Option<Self> {
            Some(Self::parse(&std::env::var(variable).ok()?))
        }

        fn parse(text: &str) -> Self {
            let (place, errno) = text.split_once('=').unwrap_or((text, "EIO"));
            let (step, at) = place.split_once(':').unwrap_or((place, "1"));
            let errno = if errno == "ENOSPC" { Errno::NOSPC } else { Errno::IO };
            Self { step: step.to_owned(), at: at.parse().unwrap_or(1), errno, reached: AtomicU64::new(0) }
        }

        fn is_due(&self, step: &str) -> bool {
            self.step == step && self.reached.fetch_add(1, Ordering::SeqCst) + 1 == self.at
        }
    }

    static CRASH: LazyLock<Option<Plan>> = LazyLock::new(|| Plan::from_env("IMC_CRASH_AT"));
    static FAIL: LazyLock<Option<Plan>> = LazyLock::new(|| Plan::from_env("IMC_FAIL_AT"));

    pub(super) fn reach(step: &str) -> io::Result<()> {
        if CRASH.as_ref().is_some_and(|plan| plan.is_due(step)) {
            // As kill -9 does it: no destructors, no buffers written.
            let _ = kill_process(getpid(), Signal::KILL);
            std::process::abort();
        }
        match FAIL.as_ref().filter(|plan| plan.is_due(step)) {
            Some(plan) => Err(plan.errno.into()),
            None => Ok(()),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_plan_is_due_once_and_only_at_its_step() {
            let plan = Plan::parse("a:2=ENOSPC");
            assert_eq!(plan.errno, Errno::NOSPC);
            let due: Vec<bool> = ["a", "b", "a", "a"].iter().map(|step| plan.is_due(step)).collect();
            assert_eq!(due, [false, false, true, false]);
        }
    }
}
