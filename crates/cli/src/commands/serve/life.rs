//! The life of a server between its beginning and its end.

use std::convert::Infallible;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use api::Edge;
use api::serve::{Drained, Listener, ServeLimits};
use engine::Daemon;
use tokio::time::Interval;
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
        self,
        listeners: Vec<Listener>,
        limits: ServeLimits,
        printer: &Printer,
    ) -> ExitCode {
        let Self { app, edge, daemon, stopping, notifier, mut interrupts } = self;
        let deadline = limits.shutdown_deadline;
        let serving = api::serve::serve(api::router(edge.clone()), edge, listeners, limits);
        let mut serving = std::pin::pin!(serving);
        let mut alive = tokio::time::interval(notifier.alive_interval().unwrap_or(UNWATCHED));
        let beside = async {
            tokio::select! {
                never = say_alive(notifier, &mut alive) => never,
                never = settle(app) => never,
            }
        };
        let served = until_told(interrupts.next(), serving.as_mut(), beside).await;
        stopping.cancel();
        let under_way = format!("finishing what is under way, for {} s at most", deadline.as_secs());
        notifier.stopping(&under_way);
        printer.note(&format!("{under_way}; a second signal ends it at once"));
        let served = async {
            match served {
                Some(drained) => drained,
                None => serving.await,
            }
        };
        let ended = async { tokio::join!(served, daemon.drain(deadline)) };
        let mut ended = std::pin::pin!(ended);
        let (drained, missed) = loop {
            tokio::select! {
                biased;
                ended = &mut ended => break ended,
                _ = interrupts.next() => {
                    tracing::warn!("a second signal: what is under way is left in the middle");
                    std::process::exit(INTERRUPTED.into());
                }
                _ = alive.tick() => notifier.alive(),
            }
        };
        tell_missed(drained, &missed, deadline, printer);
        ExitCode::SUCCESS
    }
}

/// Serves until `told` ends, or until `serving` has ended by itself: its outcome then. What is done beside is dropped at the
/// end, wherever it is: it may hold the turn to write that whoever drains waits for.
async fn until_told<T>(
    told: impl Future,
    serving: Pin<&mut impl Future<Output = T>>,
    beside: impl Future<Output = Infallible>,
) -> Option<T> {
    tokio::select! {
        biased;
        _ = told => None,
        served = serving => Some(served),
        never = beside => match never {},
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

/// Tells the service manager again and again that the server lives.
async fn say_alive(notifier: &Notifier, alive: &mut Interval) -> Infallible {
    loop {
        alive.tick().await;
        notifier.alive();
    }
}

/// Compares the records of instances with their processes, again and again. Where there is no right to look, it does not.
async fn settle(app: &App) -> Infallible {
    if node::require_root("look after instances").is_err() {
        return std::future::pending().await;
    }
    loop {
        if let Err(error) = app.use_cases.settle().await {
            tracing::warn!(
                error = engine::chain(&error),
                "failed to look after instances; it is tried again"
            );
        }
        tokio::time::sleep(SETTLE_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;

    use tokio::sync::Mutex;
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn what_is_done_beside_holds_nothing_while_the_server_drains() {
        let turn = Mutex::new(());
        let beside = async {
            let _held = turn.lock().await;
            pending().await
        };
        let served = until_told(yield_now(), pin!(pending::<()>()), beside).await;
        assert_eq!(served, None);
        assert!(turn.try_lock().is_ok(), "the turn is held by what nobody goes on with");
    }

    #[tokio::test]
    async fn a_server_that_ended_by_itself_is_asked_once() {
        let served = until_told(pending::<()>(), pin!(ready(7)), pending()).await;
        assert_eq!(served, Some(7));
    }
}
