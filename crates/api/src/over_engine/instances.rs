//! Instances: started, listed, read, entered.

use std::time::Duration;

use engine::{
    BuildError, BuildProgress, CacheChoice, ExecOrder, InstanceNetwork, InstanceOptions, InstanceVolume,
    StalenessWish, StartChoice, StartOutcome, StartWish,
};
use metastore::InstanceFilter;
use model::{AccountId, InstanceId, InstanceState};
use wire::{Choice, Exec, ExecEvent, LogLine, Network, Outcome, PickCache, Staleness};

use super::feeds::{Seen, command_feed, line, log_feed};
use super::questions::{condition, policy};
use super::{OverEngine, credentials, page};
use crate::service::{
    Feed, InstancePage, LogRequest, NewInstance, Page, ServiceError, ServiceErrorKind, ServiceResult,
    StartedInstance,
};

/// The most of a log that its last lines are looked for in.
const TAIL_BYTES: usize = 4 << 20;
/// A command is ended after that long.
const EXEC_PATIENCE: Duration = Duration::from_secs(3600);

impl OverEngine {
    pub(super) async fn start(
        &self,
        account: &AccountId,
        new: NewInstance,
    ) -> ServiceResult<StartedInstance> {
        self.settle().await?;
        let new = order(self.by_word(account, new).await?);
        let choice = Box::pin(self.choose(account, &new.wish)).await?;
        let (fetched, cache_name) = (choice.fetched, choice.cache.as_ref().map(|cache| cache.name.clone()));
        let created = self.instances.create_from(account, new, choice).await?;
        let choice = Choice {
            outcome: match created.outcome {
                StartOutcome::Hit => Outcome::Hit,
                StartOutcome::PartlyHit => Outcome::Partial,
                StartOutcome::Miss => Outcome::Miss,
            },
            cache: created.instance.cache,
            cache_name,
            auto_created: created.auto_created.as_ref().map(|cache| cache.id),
            auto_created_name: created.auto_created.map(|cache| cache.name),
            fetched_bytes: fetched,
            reason: created.reason,
        };
        Ok(StartedInstance { instance: created.instance, choice, warnings: created.warnings })
    }

    /// What one word means, where there is one: a cache that has it, else the image that is given beside.
    async fn by_word(&self, account: &AccountId, mut new: NewInstance) -> ServiceResult<NewInstance> {
        let Some(word) = new.wish.word.take() else { return Ok(new) };
        match self.engine.find_cache(account, &word).await {
            Ok(_) => (new.wish.cache, new.wish.image) = (PickCache::Only(word), None),
            Err(engine::Error::UnknownCache { .. }) if new.wish.image.is_some() => {}
            Err(error) => return Err(ServiceError::from(error).about("word")),
        }
        Ok(new)
    }

    async fn choose(&self, account: &AccountId, wish: &StartWish) -> Result<StartChoice, engine::Error> {
        let Some(here) = &self.here else {
            return self.engine.choose_start(account, wish, &BuildProgress::default()).await;
        };
        let choose = Box::pin(self.engine.choose_start(account, wish, here.fetching()));
        here.while_fetching(choose).await.unwrap_or_else(|| Err(BuildError::Cancelled.into()))
    }

    pub(super) async fn instance_page(
        &self,
        account: &AccountId,
        unfinished: bool,
        wanted: Page<InstanceId>,
    ) -> ServiceResult<InstancePage> {
        let unsettled = self.unsettled(account).await?;
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
        Ok(InstancePage { instances, unsettled, next })
    }

    pub(super) async fn logs(
        &self,
        account: &AccountId,
        word: &str,
        request: LogRequest,
    ) -> ServiceResult<Feed<LogLine>> {
        let instance = self.instances.find(account, word).await?;
        let Some(tail) = request.tail else {
            return log_feed(self.instances.clone(), instance, request.follow, Vec::new(), Seen::default())
                .await;
        };
        let mut lines = self.instances.logs(account, &instance.id.to_string(), TAIL_BYTES).await?;
        let seen = Seen::of(&lines);
        let skipped = lines.len().saturating_sub(usize::try_from(tail).unwrap_or(usize::MAX));
        lines.drain(..skipped);
        let lines = lines.into_iter().map(line).collect();
        match request.follow {
            true => log_feed(self.instances.clone(), instance, true, lines, seen).await,
            false => Ok(Box::pin(futures::stream::iter(lines.into_iter().map(Ok)))),
        }
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
            let refused = ServiceError::new(ServiceErrorKind::WrongState, message);
            return Err(refused.with_reason(engine::HostErrorKind::State.as_str()));
        }
        let order = ExecOrder {
            command: exec.command,
            env: pairs(exec.env),
            working_dir: exec.working_dir,
            user: exec.user,
            patience: EXEC_PATIENCE,
        };
        Ok(command_feed(self.instances.clone(), instance, order))
    }
}

fn order(new: NewInstance) -> engine::NewInstance {
    let NewInstance { id, wish, platform } = new;
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
        group: None,
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
    engine::NewInstance { wish: start, name: wish.name, options, remove_on_exit, runtime }
}

fn volume(mount: wire::Mount) -> InstanceVolume {
    InstanceVolume { host: mount.host, container: mount.container, read_only: mount.read_only }
}

fn pairs(env: std::collections::BTreeMap<String, String>) -> Vec<String> {
    env.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}
