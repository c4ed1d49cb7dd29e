//! Instances: started, listed, read, entered.

use std::time::Duration;

use engine::{
    BuildProgress, CacheChoice, ExecOrder, InstanceNetwork, InstanceOptions, InstanceVolume, LineStream,
    PrintedLine, StalenessWish, StartOutcome, StartWish,
};
use futures::{StreamExt as _, stream};
use metastore::InstanceFilter;
use model::{AccountId, Instance, InstanceId, InstanceState};
use wire::{
    Choice, CommandEnded, Exec, LogLine, Network, Outcome, Output, OutputStream, PickCache, Staleness,
};

use super::questions::{condition, policy};
use super::{OverEngine, credentials, page};
use crate::service::{
    ExecEvent, Feed, InstancePage, LogRequest, NewInstance, Page, ServiceError, ServiceErrorKind,
    ServiceResult, StartedInstance,
};

/// The most of a log that is read at once.
const LOG_BYTES: usize = 4 << 20;
/// How often a log that is followed is looked at.
const LOG_INTERVAL: Duration = Duration::from_millis(500);
/// The most of each stream that a command's output is kept of.
const EXEC_BYTES: usize = 1 << 20;
/// A command is ended after that long.
const EXEC_PATIENCE: Duration = Duration::from_secs(3600);

impl OverEngine {
    pub(super) async fn start(
        &self,
        account: &AccountId,
        new: NewInstance,
    ) -> ServiceResult<StartedInstance> {
        let new = order(new);
        let created = self.instances.create(account, new, &BuildProgress::default()).await?;
        let choice = Choice {
            outcome: match created.outcome {
                StartOutcome::Hit => Outcome::Hit,
                StartOutcome::PartlyHit => Outcome::Partial,
                StartOutcome::Miss => Outcome::Miss,
            },
            cache: created.instance.cache,
            auto_created: created.auto_created.map(|cache| cache.id),
            reason: created.reason,
        };
        Ok(StartedInstance { instance: created.instance, choice })
    }

    pub(super) async fn instance_page(
        &self,
        account: &AccountId,
        unfinished: bool,
        wanted: Page<InstanceId>,
    ) -> ServiceResult<InstancePage> {
        let filter =
            InstanceFilter { account: Some(account.clone()), unfinished, ..InstanceFilter::default() };
        // One more than is told, to know whether there is a further page.
        let asked = metastore::Page { limit: wanted.limit.saturating_add(1), ..page(wanted) };
        let mut instances = self.instances.list(&filter, asked).await?;
        let is_full =
            asked.limit > metastore::PAGE_LIMIT && instances.len() == metastore::PAGE_LIMIT as usize;
        let has_more = is_full || instances.len() > wanted.limit as usize;
        instances.truncate(wanted.limit as usize);
        let next = instances.last().filter(|_| has_more).map(|last| last.id);
        Ok(InstancePage { instances, next })
    }

    pub(super) async fn logs(
        &self,
        account: &AccountId,
        word: &str,
        request: LogRequest,
    ) -> ServiceResult<Feed<LogLine>> {
        let instance = self.instances.find(account, word).await?;
        let mut lines = self.instances.logs(account, &instance.id.to_string(), LOG_BYTES).await?;
        let seen = Seen::of(&lines);
        if let Some(tail) = request.tail {
            let skipped = lines.len().saturating_sub(usize::try_from(tail).unwrap_or(usize::MAX));
            lines.drain(..skipped);
        }
        let first = stream::iter(lines).map(|line| Ok(self::line(line)));
        if !request.follow {
            return Ok(first.boxed());
        }
        let follower = Follower { over: self.clone(), instance, seen, is_over: false };
        let further = stream::unfold(follower, Follower::look).flat_map(stream::iter);
        Ok(first.chain(further).boxed())
    }

    pub(super) async fn run_command(
        &self,
        account: &AccountId,
        word: &str,
        exec: Exec,
    ) -> ServiceResult<Feed<ExecEvent>> {
        let instance = self.instances.find(account, word).await?;
        if instance.state != InstanceState::Running {
            let message = format!(
                "failed to run a command in the instance {}: it is {}",
                instance.name, instance.state
            );
            return Err(ServiceError::new(ServiceErrorKind::WrongState, message));
        }
        let order = ExecOrder {
            command: exec.command,
            env: pairs(exec.env),
            working_dir: exec.working_dir,
            user: exec.user,
            patience: EXEC_PATIENCE,
            limit: EXEC_BYTES,
        };
        let over = self.clone();
        let ran =
            async move { over.instances.exec(&instance.account, &instance.id.to_string(), order).await };
        let events = stream::once(ran).flat_map(|ran| {
            stream::iter(match ran {
                Ok(output) => ended(output).into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error.into())],
            })
        });
        Ok(events.boxed())
    }
}

fn ended(output: engine::ExecOutput) -> Vec<ExecEvent> {
    let streams = [(OutputStream::Stdout, output.stdout), (OutputStream::Stderr, output.stderr)];
    let written = streams.into_iter().filter(|(_, bytes)| !bytes.is_empty());
    let mut events: Vec<ExecEvent> =
        written.map(|(stream, bytes)| ExecEvent::Output(Output::of(stream, bytes))).collect();
    events.push(ExecEvent::Ended(CommandEnded { ended: output.status.into(), is_cut: output.is_cut }));
    events
}

fn line(line: PrintedLine) -> LogLine {
    let stream = match line.stream {
        LineStream::Stdout => OutputStream::Stdout,
        LineStream::Stderr => OutputStream::Stderr,
    };
    LogLine { time: line.time, output: Output::of(stream, line.bytes) }
}

/// How far a log was read: the time of the last line, and how many lines of that time there were.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    last: Option<model::Timestamp>,
    count: usize,
}

impl Seen {
    fn of(lines: &[PrintedLine]) -> Self {
        let last = lines.last().map(|line| line.time);
        let count = lines.iter().rev().take_while(|line| Some(line.time) == last).count();
        Self { last, count }
    }

    /// Those behind it.
    fn behind(self, mut lines: Vec<PrintedLine>) -> Vec<PrintedLine> {
        let earlier = lines.iter().take_while(|line| Some(line.time) < self.last).count();
        let known = lines[earlier..].iter().take_while(|line| Some(line.time) == self.last).take(self.count);
        let skipped = earlier + known.count();
        lines.drain(..skipped);
        lines
    }
}

struct Follower {
    over: OverEngine,
    instance: Instance,
    seen: Seen,
    is_over: bool,
}

impl Follower {
    /// The lines since the last look; the end where the instance has ended and there are none.
    async fn look(mut self) -> Option<(Vec<ServiceResult<LogLine>>, Self)> {
        if self.is_over {
            return None;
        }
        tokio::time::sleep(LOG_INTERVAL).await;
        let (account, word) = (&self.instance.account, self.instance.id.to_string());
        // The state first: what was written before the end is in the log when the end is recorded.
        let state = match self.over.instances.find(account, &word).await {
            Ok(instance) => instance.state,
            // Removed, with its log.
            Err(engine::Error::UnknownInstance { .. }) => return None,
            Err(error) => return Some((vec![Err(error.into())], Self { is_over: true, ..self })),
        };
        let lines = match self.over.instances.logs(account, &word, LOG_BYTES).await {
            Ok(lines) => lines,
            Err(error) => return Some((vec![Err(error.into())], Self { is_over: true, ..self })),
        };
        let seen = Seen::of(&lines);
        let fresh = self.seen.behind(lines);
        if !fresh.is_empty() {
            self.seen = seen;
        }
        self.is_over = state.has_ended();
        Some((fresh.into_iter().map(|line| Ok(self::line(line))).collect(), self))
    }
}

fn order(new: NewInstance) -> engine::NewInstance {
    let NewInstance { id, wish, platform, notes } = new;
    let access = wish.access();
    let options = InstanceOptions {
        entrypoint: wish.entrypoint,
        command: wish.command,
        env: pairs(wish.env),
        working_dir: wish.working_dir,
        user: wish.user,
        hostname: wish.hostname,
        network: match wish.network {
            Network::Host => InstanceNetwork::Host,
            Network::None => InstanceNetwork::None,
        },
        volumes: wish.volumes.into_iter().map(volume).collect(),
        memory: wish.memory_bytes,
        milli_cpus: wish.milli_cpus,
    };
    let start = StartWish {
        instance: id.unwrap_or_else(InstanceId::generate),
        images: wish.image.into_iter().collect(),
        platform,
        cache: match wish.cache {
            PickCache::Auto => CacheChoice::Auto,
            PickCache::None => CacheChoice::None,
            PickCache::Only(word) => CacheChoice::Only(word),
        },
        policy: policy(wish.policy),
        condition: condition(wish.perfect_match, wish.match_count),
        staleness: wish.staleness.map(|staleness| match staleness {
            Staleness::Pinned => StalenessWish::Pinned,
            Staleness::Refresh { .. } => StalenessWish::Refresh,
            Staleness::Strict => StalenessWish::Strict,
        }),
        space: wish.space_bytes,
        access,
        credentials: credentials(wish.credentials),
    };
    let (remove_on_exit, runtime) = (wish.remove_on_exit, wish.runtime);
    engine::NewInstance { wish: start, name: wish.name, options, remove_on_exit, runtime, notes }
}

fn volume(mount: wire::Mount) -> InstanceVolume {
    InstanceVolume { host: mount.host, container: mount.container, read_only: mount.read_only }
}

fn pairs(env: std::collections::BTreeMap<String, String>) -> Vec<String> {
    env.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(times: &[i64]) -> Vec<PrintedLine> {
        let line = |(index, time): (usize, &i64)| PrintedLine {
            time: model::Timestamp::from_micros(*time),
            stream: LineStream::Stdout,
            bytes: vec![u8::try_from(index).unwrap()],
        };
        times.iter().enumerate().map(line).collect()
    }

    #[test]
    fn a_followed_log_has_every_line_once() {
        let all = [1, 1, 2, 3, 3, 3, 4];
        for cut in 0..=all.len() {
            let seen = Seen::of(&printed(&all[..cut]));
            let rest: Vec<u8> = seen.behind(printed(&all)).iter().map(|line| line.bytes[0]).collect();
            let expected: Vec<u8> = (u8::try_from(cut).unwrap()..7).collect();
            assert_eq!(rest, expected, "{cut}");
        }
    }
}
