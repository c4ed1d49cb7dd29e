//! The life of a server between its beginning and its end.

use std::process::ExitCode;
use std::time::Duration;

use api::Edge;
use api::serve::{Drained, Listener, ServeLimits};
use engine::Daemon;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::exit::INTERRUPTED;
use crate::interrupts::Interrupts;
use crate::printer::Printer;
use crate::systemd::Notifier;

/// How often records and processes of instances are compared.
const SETTLE_INTERVAL: Duration = Duration::from_secs(5);
/// How often a service says that it lives where nobody asks it to; nothing comes of it then.
const UNWATCHED: Duration = Duration::from_secs(3600);

pub(super) struct Life<'a> {
    pub(super) app: &'a App,
    pub(super) edge: &'a Edge,
    pub(super) daemon: Daemon,
    pub(super) stopping: CancellationToken,
    pub(super) notifier: &'a Notifier,
    pub(super) interrupts: Interrupts,
}

impl Life<'_> {
    /// Serves until a signal comes, then finishes what is under way, as long as the deadline lets it.
    pub(super) async fn live(
        mut self,
        listeners: Vec<Listener>,
        limits: ServeLimits,
        printer: &Printer,
    ) -> ExitCode {
        let deadline = limits.shutdown_deadline;
        let serving = api::serve::serve(api::router(self.edge.clone()), self.edge, listeners, limits);
        let mut serving = std::pin::pin!(serving);
        let settling = settle(self.app, self.stopping.clone());
        let mut settling = std::pin::pin!(settling);
        let mut alive = tokio::time::interval(self.notifier.alive_interval().unwrap_or(UNWATCHED));
        loop {
            tokio::select! {
                biased;
                _ = self.interrupts.next() => break,
                _ = alive.tick() => self.notifier.alive(),
                // Neither ends before it is told to.
                _ = &mut serving => break,
                () = &mut settling => {}
            }
        }
        self.stopping.cancel();
        let under_way = format!("finishing what is under way, for {} s at most", deadline.as_secs());
        self.notifier.stopping(&under_way);
        printer.note(&format!("{under_way}; a second signal ends it at once"));
        let ended = async { tokio::join!(serving, self.daemon.drain(deadline)) };
        let mut ended = std::pin::pin!(ended);
        let (drained, missed) = loop {
            tokio::select! {
                biased;
                ended = &mut ended => break ended,
                _ = self.interrupts.next() => {
                    tracing::warn!("a second signal: what is under way is left in the middle");
                    std::process::exit(INTERRUPTED.into());
                }
                _ = alive.tick() => self.notifier.alive(),
            }
        };
        tell_missed(drained, &missed, deadline, printer);
        ExitCode::SUCCESS
    }
}

fn tell_missed(drained: Drained, missed: &engine::Drained, deadline: Duration, printer: &Printer) {
    let mut left = Vec::new();
    if !drained.in_time {
        left.push("requests were cut off".to_owned());
    }
    if !missed.reconcilers.is_empty() {
        left.push(format!("{} cut off in the middle of a look", missed.reconcilers.join(", ")));
    }
    if !missed.builds.is_empty() {
        let builds: Vec<String> = missed.builds.iter().map(ToString::to_string).collect();
        left.push(format!("{} build(s) go on with the next start: {}", builds.len(), builds.join(", ")));
    }
    match left.is_empty() {
        true => printer.note("everything under way has ended"),
        false => {
            printer.warning(&format!(
                "the deadline of {} s is over: {}",
                deadline.as_secs(),
                left.join("; ")
            ));
        }
    }
}

/// Compares the records of instances with their processes, again and again. Where there is no right to look, it does not.
async fn settle(app: &App, stopping: CancellationToken) {
    if node::require_root("look after instances").is_err() {
        stopping.cancelled().await;
        return std::future::pending().await;
    }
    loop {
        if let Err(error) = app.use_cases.settle().await {
            tracing::warn!(
                error = engine::chain(&error),
                "failed to look after instances; it is tried again"
            );
        }
        tokio::select! {
            biased;
            () = stopping.cancelled() => return std::future::pending().await,
            () = tokio::time::sleep(SETTLE_INTERVAL) => {}
        }
    }
}
