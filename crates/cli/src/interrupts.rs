//! Signals by which users and service managers end a command, where the command has something to put in order first.

use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Failure;

/// Signals heard from now on. They do nothing by themselves any more for the rest of the process's life.
pub(crate) struct Interrupts(Vec<(SignalKind, Signal)>);

impl Interrupts {
    /// Ctrl-C and the signal of service managers.
    pub(crate) fn listen() -> Result<Self, Failure> {
        Self::listen_to(&[SignalKind::interrupt(), SignalKind::terminate()])
    }

    /// The same for a command that uses a terminal: Ctrl-\ as well, and that the terminal is closed. Heard only where it is
    /// asked for: under `nohup` the work goes on.
    pub(crate) fn listen_at_terminal() -> Result<Self, Failure> {
        Self::listen_to(&[
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
            SignalKind::quit(),
        ])
    }

    fn listen_to(kinds: &[SignalKind]) -> Result<Self, Failure> {
        let heard = |kind: &SignalKind| signal(*kind).map(|signal| (*kind, signal));
        let all: std::io::Result<_> = kinds.iter().map(heard).collect();
        all.map(Self).map_err(|error| Failure::system("listen for signals", &error))
    }

    /// Ends when one of them comes.
    pub(crate) async fn next(&mut self) -> SignalKind {
        std::future::poll_fn(|context| {
            let mut all = self.0.iter_mut();
            let came = all.find_map(|(kind, signal)| signal.poll_recv(context).is_ready().then_some(*kind));
            came.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Nothing is left to put in order: the next one ends the process, as it would have without this. Where a container
    /// gets the signals, they are its own.
    pub(crate) fn end_the_process(mut self) {
        // Nobody waits for this one: it goes with the runtime.
        tokio::runtime::Handle::current().spawn(async move {
            loop {
                let kind = self.next().await;
                if !are_relayed() {
                    obey(kind);
                }
            }
        });
    }
}

/// Does what the signal does where nobody listens for it.
pub(crate) fn obey(kind: SignalKind) {
    if let Err(error) = signal_hook::low_level::emulate_default_handler(kind.as_raw_value()) {
        tracing::warn!(signal = kind.as_raw_value(), %error, "failed to end by a signal");
    }
}

/// Whether a container's process gets what this process is sent. Its relay begins in the middle of a start and catches
/// SIGUSR1 too, which nothing else here does.
fn are_relayed() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    caught.is_some_and(|bits| bits & (1 << (SignalKind::user_defined1().as_raw_value() - 1)) != 0)
}
