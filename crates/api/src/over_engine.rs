//! The port over the engine: what is asked at the edge in the engine's words, and its answers in the port's.

mod answers;
mod caches;
mod errors;
mod feeds;
mod groups;
mod here;
mod instances;
mod keys;
mod questions;
mod records;
mod settling;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use blobstore::InUse;
use engine::{Engine, Groups, Instances};
use metastore::Metastore;
use model::rules::RetentionRules;
use model::{
    AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, CacheId, Event, ImageSnapshotId, Instance,
    InstanceId, RegistryHost, Subject,
};
use registry::Credentials;
use wire::{
    Collection, Exec, ExecEvent, FindMatches, IdempotencyKey, LayerPhase, LayerProgress, LogLine, Login,
    Order, Prediction, Progress, Ranking, Swept, Usage,
};

pub use here::BuiltHere;

use crate::service::{
    Admitted, CacheDetails, CacheFilter, CachePage, CacheUpdate, CacheView, Changes, DeleteMode, Deletion,
    Feed, Figures, InstancePage, KnownKey, LogRequest, NewAccessKey, NewCache, NewInstance, Page,
    PredictRequest, Service, ServiceError, ServiceResult, StartedInstance, TokenRecord,
};

/// The use-cases of an engine, of the host of its instances, and of its records.
#[derive(Clone)]
pub struct OverEngine {
    engine: Engine,
    instances: Instances,
    groups: Groups,
    records: Arc<dyn Metastore>,
    in_use: Arc<dyn InUse>,
    retention: RetentionRules,
    currency: Option<String>,
    clock: Arc<dyn model::Clock>,
    noted: keys::Noted,
    /// Where builds go that are made by this process at once; `None`: a server takes them.
    here: Option<Arc<BuiltHere>>,
    settling: Arc<settling::Settling>,
}

/// What it is made of.
pub struct OverEngineParts {
    /// The engine.
    pub engine: Engine,
    /// The instances over the same engine.
    pub instances: Instances,
    /// The engine's records.
    pub records: Arc<dyn Metastore>,
    /// What is mounted, for collections.
    pub in_use: Arc<dyn InUse>,
    /// The engine's rules, to tell when a cache expires.
    pub retention: RetentionRules,
    /// The currency of the engine's prices, where one is set.
    pub currency: Option<String>,
    /// What time it is.
    pub clock: Arc<dyn model::Clock>,
}

impl OverEngine {
    /// Joins the parts. No I/O.
    #[must_use]
    pub fn new(parts: OverEngineParts) -> Self {
        let OverEngineParts { engine, instances, records, in_use, retention, currency, clock } = parts;
        Self {
            engine,
            groups: Groups::new(instances.clone()),
            instances,
            records,
            in_use,
            retention,
            currency,
            clock,
            noted: keys::Noted::default(),
            here: None,
            settling: Arc::default(),
        }
    }

    /// The same, building at once and in this process what it is asked for: for commands where no server runs. Whoever asked
    /// takes the build from there.
    #[must_use]
    pub fn building_here(self, here: Arc<BuiltHere>) -> Self {
        Self { here: Some(here), ..self }
    }
}

/// Credentials by registry; of two for one registry the last counts.
fn credentials(logins: Vec<Login>) -> BTreeMap<RegistryHost, Credentials> {
    let pair = |login: Login| (login.registry, Credentials::basic(login.username, login.password));
    logins.into_iter().map(pair).collect()
}

fn page<Id>(page: Page<Id>) -> metastore::Page<Id> {
    let order = match page.order {
        Order::OldestFirst => metastore::Order::OldestFirst,
        Order::NewestFirst => metastore::Order::NewestFirst,
    };
    metastore::Page { after: page.after, limit: page.limit, order, skip: page.skip }
}

/// The layers of a build, as they are now.
#[must_use]
pub fn layers(progress: &engine::BuildProgress) -> Vec<LayerProgress> {
    let phase = |phase| match phase {
        engine::LayerPhase::Waiting => LayerPhase::Waiting,
        engine::LayerPhase::Unpacking => LayerPhase::Unpacking,
        engine::LayerPhase::Done => LayerPhase::Done,
        engine::LayerPhase::Reused => LayerPhase::Reused,
    };
    let layer = |layer: &engine::LayerProgress| LayerProgress {
        diff_id: layer.diff_id.to_string(),
        digest: layer.digest.to_string(),
        phase: phase(layer.phase),
        compressed_bytes: layer.size,
        fetched_bytes: layer.fetched,
        unpacked_bytes: layer.unpacked,
    };
    progress.layers().iter().map(layer).collect()
}

fn swept(report: blobstore::CollectReport) -> Swept {
    let blobstore::CollectReport { deleted, freed, kept, ended_leases, swept } = report;
    Swept { deleted, freed_bytes: freed, kept, ended_leases, swept }
}

fn client_token(key: Option<&IdempotencyKey>) -> ServiceResult<Option<metastore::ClientToken>> {
    let parse = |key: &IdempotencyKey| {
        key.as_str().parse().map_err(|error: metastore::ClientTokenError| {
            let kind = crate::service::ServiceErrorKind::InvalidField;
            ServiceError::new(kind, error.to_string()).about(IdempotencyKey::HEADER)
        })
    };
    key.map(parse).transpose()
}

#[async_trait]
impl Service for OverEngine {
    async fn request_cache(
        &self,
        account: &AccountId,
        new: NewCache,
        key: Option<&IdempotencyKey>,
    ) -> ServiceResult<Admitted> {
        self.request(account, new, key).await
    }

    async fn describe_caches(
        &self,
        account: &AccountId,
        filter: &CacheFilter,
        page: Page<CacheId>,
    ) -> ServiceResult<CachePage> {
        self.describe(account, filter, page).await
    }

    async fn cache_details(&self, account: &AccountId, word: &str) -> ServiceResult<CacheDetails> {
        self.details(account, word).await
    }

    async fn cache_events(&self, account: &AccountId, word: &str) -> ServiceResult<Vec<Event>> {
        let id = match word.parse::<CacheId>() {
            Ok(id) => id,
            Err(_) => self.engine.find_cache(account, word).await?.cache.id,
        };
        self.events_of(account, Subject::Cache(id), word).await
    }

    async fn events_of_caches(
        &self,
        account: &AccountId,
        caches: &[CacheId],
    ) -> ServiceResult<BTreeMap<CacheId, Vec<Event>>> {
        Ok(self.engine.events_of_caches(account, caches).await?)
    }

    async fn cache_progress(&self, account: &AccountId, word: &str) -> ServiceResult<Progress> {
        self.progress(account, word).await
    }

    async fn update_cache(
        &self,
        account: &AccountId,
        word: &str,
        update: CacheUpdate,
        key: Option<&IdempotencyKey>,
    ) -> ServiceResult<Admitted> {
        self.update(account, word, update, key).await
    }

    async fn delete_cache(
        &self,
        account: &AccountId,
        word: &str,
        mode: DeleteMode,
    ) -> ServiceResult<Deletion> {
        // Instances that have ended use it no more. Where they cannot be looked after, the records are taken as they are.
        if let Err(error) = self.settle().await {
            tracing::warn!(error = engine::chain(&error), "failed to look after instances");
        }
        self.delete(account, word, mode).await
    }

    async fn cancel_build(&self, account: &AccountId, word: &str) -> ServiceResult<()> {
        Ok(self.engine.cancel_build(account, word).await?)
    }

    async fn roll_back(
        &self,
        account: &AccountId,
        word: &str,
        to: Option<ImageSnapshotId>,
    ) -> ServiceResult<CacheView> {
        let cache = self.engine.roll_back(account, word, to).await?;
        Ok(self.view(cache))
    }

    async fn usage(&self, account: &AccountId) -> ServiceResult<Usage> {
        let found = self.engine.usage(account).await?;
        Ok(Usage {
            manual_caches: found.usage.manual,
            manual_quota: found.quotas.manual.into(),
            automatic_caches: found.usage.automatic,
            automatic_quota: found.quotas.automatic.into(),
        })
    }

    async fn predict(&self, account: &AccountId, request: PredictRequest) -> ServiceResult<Prediction> {
        self.prediction(account, request).await
    }

    async fn match_images(&self, account: &AccountId, request: &FindMatches) -> ServiceResult<Ranking> {
        self.ranking(account, request).await
    }

    async fn note_match(&self, account: &AccountId, cache: CacheId) -> ServiceResult<()> {
        Ok(self.engine.note_match(account, cache).await?)
    }

    async fn create_instance(&self, account: &AccountId, new: NewInstance) -> ServiceResult<StartedInstance> {
        self.start(account, new).await
    }

    async fn list_instances(
        &self,
        account: &AccountId,
        unfinished: bool,
        page: Page<InstanceId>,
    ) -> ServiceResult<InstancePage> {
        self.instance_page(account, unfinished, page).await
    }

    async fn instance(&self, account: &AccountId, word: &str) -> ServiceResult<Instance> {
        self.settle().await?;
        Ok(self.instances.find(account, word).await?)
    }

    async fn delete_instance(&self, account: &AccountId, word: &str, force: bool) -> ServiceResult<Instance> {
        self.settle().await?;
        Ok(self.instances.delete(account, word, force).await?)
    }

    async fn stop_instance(
        &self,
        account: &AccountId,
        word: &str,
        patience: Duration,
    ) -> ServiceResult<Instance> {
        self.settle().await?;
        Ok(self.instances.stop(account, word, patience).await?)
    }

    async fn instance_events(&self, account: &AccountId, word: &str) -> ServiceResult<Vec<Event>> {
        let id = match word.parse::<InstanceId>() {
            Ok(id) => id,
            Err(_) => self.instances.find(account, word).await?.id,
        };
        self.events_of(account, Subject::Instance(id), word).await
    }

    async fn instance_logs(
        &self,
        account: &AccountId,
        word: &str,
        request: LogRequest,
    ) -> ServiceResult<Feed<LogLine>> {
        self.logs(account, word, request).await
    }

    async fn exec(&self, account: &AccountId, word: &str, exec: Exec) -> ServiceResult<Feed<ExecEvent>> {
        self.run_command(account, word, exec).await
    }

    async fn collect(&self, dry_run: bool) -> ServiceResult<Collection> {
        self.settle().await?;
        let collected = match dry_run {
            true => self.engine.preview_collection(&*self.in_use).await?,
            false => self.engine.collect(self.in_use.clone()).await?,
        };
        let space = self.engine.free_space().await?;
        Ok(Collection {
            dry_run: collected.dry_run,
            store: swept(collected.store),
            standard: collected.standard.map(swept),
            snapshots: collected.snapshots,
            free_bytes: space.free,
            total_bytes: space.total,
        })
    }

    async fn newest_change(&self) -> ServiceResult<u64> {
        Ok(self.engine.newest_change().await?.0)
    }

    async fn changes(&self, account: &AccountId, after: u64, limit: u32) -> ServiceResult<Changes> {
        self.changes_of(account, after, limit).await
    }

    async fn changed(&self, after: u64) {
        self.wait_for_change(after).await;
    }

    async fn create_token(&self, token: TokenRecord) -> ServiceResult<()> {
        Ok(self.records.create_token(&records::to_record(token)).await?)
    }

    async fn token(&self, digest: &[u8; 32]) -> ServiceResult<Option<TokenRecord>> {
        Ok(self.records.token(digest).await?.map(records::of_record))
    }

    async fn tokens(&self, account: Option<&AccountId>) -> ServiceResult<Vec<TokenRecord>> {
        let found = self.records.tokens(account).await?;
        Ok(found.into_iter().map(records::of_record).collect())
    }

    async fn revoke_token(&self, id: &str) -> ServiceResult<TokenRecord> {
        self.revoke(id).await
    }

    async fn touch_token(&self, digest: &[u8; 32]) -> ServiceResult<()> {
        Ok(self.records.touch_token(&metastore::TokenId::of(digest), self.clock.now()).await?)
    }

    async fn accounts(&self) -> ServiceResult<Vec<Account>> {
        Ok(self.records.accounts().await?)
    }

    async fn create_account(&self, id: &AccountId, label: &str) -> ServiceResult<Account> {
        self.new_account(id, label).await
    }

    async fn create_access_key(&self, new: NewAccessKey) -> ServiceResult<AccessKey> {
        self.new_access_key(new).await
    }

    async fn access_keys(&self, account: Option<&AccountId>) -> ServiceResult<Vec<AccessKey>> {
        self.all_access_keys(account).await
    }

    async fn set_access_key_status(
        &self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> ServiceResult<AccessKey> {
        let changed = self.records.set_access_key_status(id, status).await?;
        changed.ok_or_else(|| keys::unknown(id))
    }

    async fn delete_access_key(&self, id: &AccessKeyId) -> ServiceResult<AccessKey> {
        self.records.delete_access_key(id).await?.ok_or_else(|| keys::unknown(id))
    }

    async fn access_key(&self, id: &AccessKeyId) -> ServiceResult<Option<KnownKey>> {
        self.known_key(id).await
    }

    async fn note_key_used(&self, id: &AccessKeyId) -> ServiceResult<()> {
        self.note_use_of_key(id).await
    }

    async fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if let Err(error) = self.records.newest_change().await {
            tracing::warn!(error = engine::chain(&error), "the records cannot be read");
            missing.push("the records cannot be read".to_owned());
        }
        if let Err(error) = self.engine.check_store().await {
            tracing::warn!(error = engine::chain(&error), "the store cannot be written");
            missing.push("the store cannot be written".to_owned());
        }
        missing
    }

    async fn figures(&self) -> ServiceResult<Figures> {
        self.count().await
    }
}
