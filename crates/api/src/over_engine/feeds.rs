//! What comes from the host as it comes: lines of logs, and what commands print.

use std::pin::Pin;

use engine::{ExecEnd, ExecOrder, Instances, LineStream, Printed, PrintedLine};
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use model::{Instance, Timestamp};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::sync::oneshot;
use wire::{CommandEnded, ExecEvent, LogLine, Output, OutputStream};

use crate::service::{Feed, ServiceResult};

/// Lines and pieces that wait for a reader; behind them the host waits.
const AHEAD: usize = 64;

/// What comes from the host.
#[allow(clippy::large_enum_variant, reason = "the large one comes once, at the end")]
enum Step<T, E> {
    Piece(T),
    /// The last.
    End(Result<E, engine::Error>),
}

/// What work hands over, and then how it ended, whatever came first. Dropped before its end it drops the work.
fn steps<T, E>(
    work: impl Future<Output = Result<E, engine::Error>> + Send + 'static,
    pieces: Receiver<T>,
) -> BoxStream<'static, Step<T, E>>
where
    T: Send + 'static,
    E: Send + 'static,
{
    let (tell, told) = oneshot::channel();
    let work = stream::once(async move {
        let _ = tell.send(work.await);
        None
    });
    let pieces = stream::unfold(pieces, |mut pieces| async move {
        let piece = pieces.recv().await?;
        Some((Some(Step::Piece(piece)), pieces))
    });
    let all = stream::select(pieces, work).filter_map(std::future::ready);
    let end = async { Step::End(told.await.expect("the work has ended before")) };
    all.chain(stream::once(end)).boxed()
}

/// The lines of a log behind those that were seen, after some that come first.
///
/// A log that is not followed is begun to be read before this returns, so that one which cannot be is refused.
pub(super) async fn log_feed(
    instances: Instances,
    instance: Instance,
    follow: bool,
    first: Vec<LogLine>,
    mut seen: Seen,
) -> ServiceResult<Feed<LogLine>> {
    let (to, pieces) = channel(AHEAD);
    let work =
        async move { instances.read_log(&instance.account, &instance.id.to_string(), follow, to).await };
    let mut steps = steps(work, pieces).peekable();
    if !follow
        && let Some(Step::End(Err(error))) =
            Pin::new(&mut steps).next_if(|step| matches!(step, Step::End(Err(_)))).await
    {
        return Err(error.into());
    }
    let further = steps.filter_map(move |step| {
        std::future::ready(match step {
            Step::Piece(read) if seen.covers(&read) => None,
            Step::Piece(read) => Some(Ok(line(read))),
            // Removed, with its log.
            Step::End(Ok(()) | Err(engine::Error::UnknownInstance { .. })) => None,
            Step::End(Err(error)) => Some(Err(error.into())),
        })
    });
    Ok(stream::iter(first.into_iter().map(Ok)).chain(further).boxed())
}

/// What a command in an instance prints, and how it ends. Dropped before its end it ends the command.
pub(super) fn command_feed(instances: Instances, instance: Instance, order: ExecOrder) -> Feed<ExecEvent> {
    let (to, pieces) = channel(AHEAD);
    let work = async move { instances.exec(&instance.account, &instance.id.to_string(), order, to).await };
    let event = |step| match step {
        Step::Piece(Printed { stream, bytes }) => Ok(ExecEvent::Output(Output::of(stream_of(stream), bytes))),
        Step::End(Ok(ExecEnd { status, is_cut })) => {
            Ok(ExecEvent::Ended(CommandEnded { ended: status.into(), is_cut }))
        }
        Step::End(Err(error)) => Err(error.into()),
    };
    steps(work, pieces).map(event).boxed()
}

pub(super) fn line(line: PrintedLine) -> LogLine {
    LogLine { time: line.time, output: Output::of(stream_of(line.stream), line.bytes) }
}

fn stream_of(stream: LineStream) -> OutputStream {
    match stream {
        LineStream::Stdout => OutputStream::Stdout,
        LineStream::Stderr => OutputStream::Stderr,
    }
}

/// How far a log was read, nothing of it by default: the time of the last line, and how many lines of that time there were.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    last: Option<Timestamp>,
    count: usize,
}

impl Seen {
    pub(super) fn of(lines: &[PrintedLine]) -> Self {
        let last = lines.last().map(|line| line.time);
        let count = lines.iter().rev().take_while(|line| Some(line.time) == last).count();
        Self { last, count }
    }

    /// Whether that line, the next one of the log, is among them.
    fn covers(&mut self, line: &PrintedLine) -> bool {
        if Some(line.time) < self.last {
            return true;
        }
        let is_known = Some(line.time) == self.last && self.count > 0;
        if is_known {
            self.count -= 1;
        }
        is_known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(times: &[i64]) -> Vec<PrintedLine> {
        let line = |(index, time): (usize, &i64)| PrintedLine {
            time: Timestamp::from_micros(*time),
            stream: LineStream::Stdout,
            bytes: vec![u8::try_from(index).unwrap()],
        };
        times.iter().enumerate().map(line).collect()
    }

    #[test]
    fn a_followed_log_has_every_line_once() {
        let all = [1, 1, 2, 3, 3, 3, 4];
        for cut in 0..=all.len() {
            let mut seen = Seen::of(&printed(&all[..cut]));
            let behind = printed(&all).into_iter().filter(|line| !seen.covers(line));
            let rest: Vec<u8> = behind.map(|line| line.bytes[0]).collect();
            let expected: Vec<u8> = (u8::try_from(cut).unwrap()..7).collect();
            assert_eq!(rest, expected, "{cut}");
        }
    }
}
