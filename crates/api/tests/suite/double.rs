//! An in-memory double of the port: enough of a service to be asked everything.

mod answers;
mod caches;
mod filter;
mod groups;
mod instances;
mod keys;
mod state;
mod taken;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use api::service::{
    Admitted, CacheDetails, CacheFilter, CachePage, CacheUpdate, CacheView, Changes, DeleteMode, Deletion,
    Feed, Figures, InstancePage, KnownKey, LogRequest, NewAccessKey, NewCache, NewInstance, NumberedChange,
    Page, PredictRequest, Service, ServiceError, ServiceErrorKind, ServiceResult, StartedInstance,
    TokenRecord,
};
use async_trait::async_trait;
use model::{
    AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, ByteSize, CacheId, CacheState, Clock as _,
    Event, ExitStatus, ImageCache, ImageSnapshotId, ImageSource, Instance, InstanceId, InstanceState,
    Percent, Subject, SystemClock, Timestamp,
};
use tokio::sync::Notify;
use wire::{
    Collection, Exec, ExecEvent, FindMatches, Found, Grade, IdempotencyKey, ImageMatch, LogLine, Prediction,
    Progress, Ranking, Swept, Taken, Totals, Usage,
};

use self::caches::view;
use self::filter::paged;
use self::keys::Keys;
use self::taken::taken;

/// A cache of this name makes its handler panic.
pub(crate) const PANICS: &str = "panics";
/// A cache of this name is never admitted before somebody says so.
pub(crate) const WAITS: &str = "waits";
/// A cache of this name fails inside.
pub(crate) const FAILS: &str = "fails";

/// An instance with this command does not start.
pub(crate) const NEVER_STARTS: &str = "never-starts";

/// An instance with this command does not start before somebody says so.
pub(crate) const WAITS_TO_START: &str = "waits-to-start";

#[derive(Default)]
pub(crate) struct Double {
    state: Mutex<State>,
    changed: Notify,
    pub(crate) go_on: Notify,
}

#[derive(Default)]
struct State {
    caches: Vec<ImageCache>,
    instances: Vec<Instance>,
    events: Vec<(AccountId, Event)>,
    changes: Vec<(AccountId, NumberedChange)>,
    /// Changes up to this number are forgotten.
    forgotten: u64,
    requests: HashMap<(AccountId, String), (NewCache, CacheId)>,
    tokens: Vec<TokenRecord>,
    keys: Keys,
    answers: HashMap<answers::Key, answers::Begun>,
    groups: groups::Groups,
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn not_found(word: &str) -> ServiceError {
    ServiceError::new(ServiceErrorKind::NotFound, format!("failed to find `{word}`"))
}

impl Double {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let done = act(&mut self.state.lock().unwrap());
        self.changed.notify_waiters();
        done
    }

    /// Moves a cache's build on.
    pub(crate) fn set_state(&self, id: CacheId, state: CacheState, percent: u8) {
        self.with(|all| {
            let cache = all.caches.iter_mut().find(|cache| cache.id == id).unwrap();
            (cache.state, cache.progress) = (state, Percent::new(percent));
            cache.snapshot = state.is_usable().then(ImageSnapshotId::generate);
            let account = cache.account.clone();
            all.write(&account, Subject::Cache(id), false);
        });
    }

    pub(crate) fn forget_changes(&self) {
        self.with(|all| {
            all.forgotten = all.newest();
            all.changes.clear();
        });
    }

    pub(crate) fn add_token(&self, token: TokenRecord) {
        self.with(|all| all.tokens.push(token));
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.with(|all| all.caches.iter().map(|cache| cache.name.to_string()).collect())
    }
}

#[async_trait]
impl Service for Double {
    async fn request_cache(
        &self,
        account: &AccountId,
        new: NewCache,
        key: Option<&IdempotencyKey>,
    ) -> ServiceResult<Admitted> {
        match new.name.as_str() {
            PANICS => panic!("as the test wants"),
            WAITS => self.go_on.notified().await,
            FAILS => {
                let inside = std::io::Error::other("secret inside");
                return Err(ServiceError::new(ServiceErrorKind::Internal, "secret message").because(inside));
            }
            "full" => return Err(ServiceError::new(ServiceErrorKind::QuotaReached, "500 are there")),
            _ => {}
        }
        self.with(|all| all.create_cache(account, new, key))
    }

    async fn describe_caches(
        &self,
        account: &AccountId,
        filter: &CacheFilter,
        page: Page<CacheId>,
    ) -> ServiceResult<CachePage> {
        let passes = |cache: &&ImageCache| cache.account == *account && filter::passes(cache, filter);
        let all: Vec<ImageCache> = self.with(|all| all.caches.iter().filter(passes).cloned().collect());
        let total = all.len() as u64;
        let (caches, next) = paged(all, |cache| cache.id, page);
        Ok(CachePage { caches: caches.iter().map(view).collect(), next, total })
    }

    async fn cache_details(&self, account: &AccountId, word: &str) -> ServiceResult<CacheDetails> {
        self.with(|all| {
            let view = view(&all.caches[all.cache(account, word)?]);
            Ok(CacheDetails { view, snapshot: None, sizes: None, cost: None, build: None, others_of_name: 0 })
        })
    }

    async fn cache_events(&self, account: &AccountId, word: &str) -> ServiceResult<Vec<Event>> {
        self.with(|all| {
            let id = all.caches[all.cache(account, word)?].id;
            let events = all.events.iter().map(|(_, event)| event);
            Ok(events.filter(|event| event.subject == Subject::Cache(id)).cloned().collect())
        })
    }

    async fn events_of_caches(
        &self,
        account: &AccountId,
        caches: &[CacheId],
    ) -> ServiceResult<BTreeMap<CacheId, Vec<Event>>> {
        let mut told = BTreeMap::new();
        for id in caches {
            told.insert(*id, self.cache_events(account, &id.to_string()).await?);
        }
        Ok(told)
    }

    async fn cache_progress(&self, account: &AccountId, word: &str) -> ServiceResult<Progress> {
        self.with(|all| all.progress(account, word))
    }

    async fn update_cache(
        &self,
        account: &AccountId,
        word: &str,
        update: CacheUpdate,
        _: Option<&IdempotencyKey>,
    ) -> ServiceResult<Admitted> {
        self.with(|all| all.update_cache(account, word, update))
    }

    async fn delete_cache(
        &self,
        account: &AccountId,
        word: &str,
        mode: DeleteMode,
    ) -> ServiceResult<Deletion> {
        self.with(|all| all.delete_cache(account, word, mode))
    }

    async fn cancel_build(&self, account: &AccountId, word: &str) -> ServiceResult<()> {
        self.with(|all| {
            let index = all.cache(account, word)?;
            all.caches[index].state = CacheState::Failed;
            Ok(())
        })
    }

    async fn roll_back(
        &self,
        account: &AccountId,
        word: &str,
        to: Option<ImageSnapshotId>,
    ) -> ServiceResult<CacheView> {
        self.with(|all| {
            let index = all.cache(account, word)?;
            let Some(to) = to else { return Err(not_found("an earlier image snapshot")) };
            all.caches[index].snapshot = Some(to);
            Ok(view(&all.caches[index]))
        })
    }

    async fn usage(&self, account: &AccountId) -> ServiceResult<Usage> {
        let own = |all: &mut State| all.caches.iter().filter(|cache| cache.account == *account).count();
        Ok(Usage {
            manual_caches: self.with(own) as u64,
            manual_quota: 500,
            automatic_caches: 0,
            automatic_quota: 25,
        })
    }

    async fn predict(&self, _: &AccountId, request: PredictRequest) -> ServiceResult<Prediction> {
        let size = ByteSize::mib(request.images.len() as u64);
        let totals = Totals { compressed_bytes: size, ..Totals::default() };
        Ok(Prediction { images: Vec::new(), totals, smallest_size_gib: 1, suggested_size_gib: 1 })
    }

    async fn match_images(&self, account: &AccountId, request: &FindMatches) -> ServiceResult<Ranking> {
        let has = |cache: &&ImageCache| {
            cache.account == *account && request.images.iter().any(|image| cache.images.contains(image))
        };
        let taken: Vec<Taken> =
            self.with(|all| all.caches.iter().filter(has).map(|cache| taken(cache, request)).collect());
        Ok(Ranking { taken_total: taken.len() as u64, taken, ..Ranking::default() })
    }

    async fn note_match(&self, account: &AccountId, cache: CacheId) -> ServiceResult<()> {
        self.with(|all| {
            let index = all.cache(account, &cache.to_string()).map_err(|error| error.about("cache"))?;
            all.caches[index].last_used = Some(now());
            Ok(())
        })
    }

    async fn create_instance(&self, account: &AccountId, new: NewInstance) -> ServiceResult<StartedInstance> {
        if new.wish.command == [NEVER_STARTS] {
            return Err(ServiceError::new(ServiceErrorKind::RegistryUnavailable, "the registry is away"));
        }
        if new.wish.command == [WAITS_TO_START] {
            self.go_on.notified().await;
        }
        self.with(|all| all.create_instance(account, new))
    }

    async fn list_instances(
        &self,
        account: &AccountId,
        unfinished: bool,
        page: Page<InstanceId>,
    ) -> ServiceResult<InstancePage> {
        let passes = |instance: &&Instance| {
            instance.account == *account && !(unfinished && instance.state.has_ended())
        };
        let all: Vec<Instance> = self.with(|all| all.instances.iter().filter(passes).cloned().collect());
        let (instances, next) = paged(all, |instance| instance.id, page);
        Ok(InstancePage { instances, unsettled: Vec::new(), next })
    }

    async fn instance(&self, account: &AccountId, word: &str) -> ServiceResult<Instance> {
        self.with(|all| Ok(all.instances[all.instance(account, word)?].clone()))
    }

    async fn delete_instance(&self, account: &AccountId, word: &str, force: bool) -> ServiceResult<Instance> {
        self.with(|all| all.delete_instance(account, word, force))
    }

    async fn stop_instance(&self, account: &AccountId, word: &str, _: Duration) -> ServiceResult<Instance> {
        self.with(|all| {
            let index = all.instance(account, word)?;
            all.instances[index].state = InstanceState::Exited(ExitStatus::Code(0));
            Ok(all.instances[index].clone())
        })
    }

    async fn instance_events(&self, account: &AccountId, word: &str) -> ServiceResult<Vec<Event>> {
        self.with(|all| all.instance_events(account, word))
    }

    async fn instance_logs(
        &self,
        account: &AccountId,
        word: &str,
        request: LogRequest,
    ) -> ServiceResult<Feed<LogLine>> {
        self.with(|all| match all.groups.has_instance(account, word) {
            true => Ok(0),
            false => all.instance(account, word),
        })?;
        Ok(instances::log(request))
    }

    async fn exec(&self, account: &AccountId, word: &str, exec: Exec) -> ServiceResult<Feed<ExecEvent>> {
        self.with(|all| all.instance(account, word))?;
        Ok(instances::output(&exec))
    }

    async fn collect(&self, dry_run: bool) -> ServiceResult<Collection> {
        let store = Swept { freed_bytes: ByteSize::mib(3), kept: 1, ..Swept::default() };
        Ok(Collection {
            dry_run,
            store,
            standard: None,
            snapshots: Vec::new(),
            free_bytes: ByteSize::gib(1),
            total_bytes: ByteSize::gib(2),
        })
    }

    async fn newest_change(&self) -> ServiceResult<u64> {
        Ok(self.with(|all| all.newest()))
    }

    async fn changes(&self, account: &AccountId, after: u64, limit: u32) -> ServiceResult<Changes> {
        Ok(self
            .state
            .lock()
            .map(|all| {
                if after < all.forgotten {
                    return Changes::Missed;
                }
                let behind: Vec<_> = all.changes.iter().filter(|(_, change)| change.number > after).collect();
                let page = &behind[..behind.len().min(limit as usize)];
                let seen = page.last().map_or(after, |(_, change)| change.number);
                let own = page.iter().filter(|(owner, _)| owner == account).map(|(_, change)| *change);
                Changes::Known { changes: own.collect(), seen }
            })
            .unwrap())
    }

    async fn changed(&self, after: u64) {
        let mut notified = std::pin::pin!(self.changed.notified());
        notified.as_mut().enable();
        let newest = self.state.lock().unwrap().newest();
        if newest <= after {
            notified.await;
        }
    }

    async fn create_token(&self, token: TokenRecord) -> ServiceResult<()> {
        self.add_token(token);
        Ok(())
    }

    async fn token(&self, digest: &[u8; 32]) -> ServiceResult<Option<TokenRecord>> {
        Ok(self.with(|all| all.tokens.iter().find(|token| token.digest == *digest).cloned()))
    }

    async fn tokens(&self, account: Option<&AccountId>) -> ServiceResult<Vec<TokenRecord>> {
        let own = |token: &&TokenRecord| account.is_none_or(|account| token.account == *account);
        Ok(self.with(|all| all.tokens.iter().filter(own).cloned().collect()))
    }

    async fn revoke_token(&self, id: &str) -> ServiceResult<TokenRecord> {
        self.with(|all| {
            let token = all.tokens.iter_mut().find(|token| token.id == id).ok_or_else(|| not_found(id))?;
            token.revoked.get_or_insert(now());
            Ok(token.clone())
        })
    }

    async fn touch_token(&self, digest: &[u8; 32]) -> ServiceResult<()> {
        self.with(|all| {
            let token = all.tokens.iter_mut().find(|token| token.digest == *digest);
            token.unwrap().last_used = Some(now());
        });
        Ok(())
    }

    async fn accounts(&self) -> ServiceResult<Vec<Account>> {
        Ok(self.with(|all| all.keys.accounts()))
    }

    async fn create_account(&self, id: &AccountId, label: &str) -> ServiceResult<Account> {
        self.with(|all| all.keys.create_account(id, label))
    }

    async fn create_access_key(&self, new: NewAccessKey) -> ServiceResult<AccessKey> {
        self.with(|all| all.keys.create(new))
    }

    async fn access_keys(&self, account: Option<&AccountId>) -> ServiceResult<Vec<AccessKey>> {
        Ok(self.with(|all| all.keys.list(account)))
    }

    async fn set_access_key_status(
        &self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> ServiceResult<AccessKey> {
        self.with(|all| all.keys.set_status(id, status))
    }

    async fn delete_access_key(&self, id: &AccessKeyId) -> ServiceResult<AccessKey> {
        self.with(|all| all.keys.delete(id))
    }

    async fn access_key(&self, id: &AccessKeyId) -> ServiceResult<Option<KnownKey>> {
        Ok(self.with(|all| all.keys.known(id)))
    }

    async fn note_key_used(&self, id: &AccessKeyId) -> ServiceResult<()> {
        self.with(|all| all.keys.note_use(id))
    }

    async fn missing(&self) -> Vec<String> {
        Vec::new()
    }

    async fn figures(&self) -> ServiceResult<Figures> {
        let caches = self.with(|all| {
            let of =
                |state: &CacheState| all.caches.iter().filter(|cache| cache.state == *state).count() as u64;
            CacheState::ALL.iter().map(|state| (state.as_str(), of(state))).collect()
        });
        Ok(Figures { caches, builds_ended: [("succeeded", 5)].into(), ..Figures::default() })
    }
}
