//! Creating an instance: chosen, recorded, started, and the automatic cache beside it.

use model::{
    AccountId, EventKind, EventReason, ExitStatus, Instance, InstanceId, InstanceName, InstanceState,
    SnapshotImage,
};

use super::Instances;
use crate::build::BuildProgress;
use crate::host::{HostError, HostOrder, HostStarted, InstanceOptions};
use crate::{Error, StartChoice, StartWish, chain};

/// An instance to create.
#[derive(Clone, Debug)]
pub struct NewInstance {
    /// What it starts from; one image, or a cache with one.
    pub wish: StartWish,
    /// Its name; one is made up where none is given.
    pub name: Option<InstanceName>,
    /// What is asked of it beyond what its image says.
    pub options: InstanceOptions,
    /// Whether it goes when it ends.
    pub remove_on_exit: bool,
    /// An installed OCI runtime in place of the host's own.
    pub runtime: Option<String>,
}

impl Instances {
    /// Chooses what an instance starts from, fetches what is missing, starts it detached, and makes the automatic cache
    /// that its start left to be made.
    ///
    /// # Errors
    /// Those of [`Engine::choose_start`](crate::Engine::choose_start); [`Error::OtherSystem`]; [`Error::Host`]; of the
    /// records, of which a taken name is one. Nothing of the instance stays then.
    pub async fn create(
        &self,
        account: &AccountId,
        new: NewInstance,
        progress: &BuildProgress,
    ) -> Result<Instance, Error> {
        let choice = self.engine.choose_start(account, &new.wish, progress).await?;
        let created = self.create_from(account, new, &choice).await;
        choice.release().await;
        created
    }

    async fn create_from(
        &self,
        account: &AccountId,
        new: NewInstance,
        choice: &StartChoice,
    ) -> Result<Instance, Error> {
        let [image] = choice.images.as_slice() else { return Err(Error::NoImage) };
        let record = self.record_of(account, &new, choice, image)?;
        self.engine.record_instance(&record, choice).await?;
        let order = HostOrder {
            id: record.id,
            name: record.name.clone(),
            image: image.clone(),
            store: std::sync::Arc::clone(&choice.store),
            options: new.options,
            size_limit: choice.size_limit,
            remove_on_exit: new.remove_on_exit,
            runtime: new.runtime,
        };
        let started = match self.host.start(order).await {
            Ok(started) => started,
            Err(error) => {
                self.take_back(&record, &error).await;
                return Err(Error::host("start", &record)(error));
            }
        };
        let running = self.note_running(&record, &started).await?;
        self.engine.note_start(choice).await;
        self.engine.create_automatic_cache(account, record.id, choice).await;
        Ok(running)
    }

    fn record_of(
        &self,
        account: &AccountId,
        new: &NewInstance,
        choice: &StartChoice,
        image: &SnapshotImage,
    ) -> Result<Instance, Error> {
        if image.platform.os != std::env::consts::OS {
            let (image, platform) = (image.source.clone(), image.platform.clone());
            return Err(Error::OtherSystem { image, platform });
        }
        let id = new.wish.instance;
        Ok(Instance {
            id,
            name: new.name.clone().unwrap_or_else(|| made_up_name(id)),
            account: account.clone(),
            image: image.source.clone(),
            manifest_digest: image.manifest_digest,
            snapshot: choice.snapshot,
            cache: choice.cache.as_ref().map(|cache| cache.id),
            command: self.host.command_line(&new.options, &image.config),
            state: InstanceState::Creating,
            pid: None,
            remove_on_exit: new.remove_on_exit,
            created: self.engine.clock().now(),
            started: None,
            finished: None,
        })
    }

    /// Notes that it runs, and what could not be had for it.
    async fn note_running(&self, record: &Instance, started: &HostStarted) -> Result<Instance, Error> {
        let message = format!(
            "`{}` runs as process {}: image ready in {} µs, started in {} µs",
            record.name, started.pid, started.image_ready_us, started.total_us
        );
        let mut events = vec![self.event(record, EventKind::Normal, EventReason::Started, message)];
        events.extend(
            started
                .limits_not_set
                .iter()
                .map(|limit| self.event(record, EventKind::Warning, EventReason::LimitNotSet, limit)),
        );
        let (records, now) = (self.engine.records(), self.engine.clock().now());
        match records.instance_started(record.id, started.pid, &events, now).await {
            // Whoever looked around meanwhile found it running, or ended, and has said so.
            Err(metastore::Error::InstanceState { .. } | metastore::Error::NoInstance(_)) => {
                records.append_events(&events[1..]).await?;
                self.find(&record.account, &record.id.to_string()).await.or_else(|_| Ok(record.clone()))
            }
            running => Ok(running?),
        }
    }

    /// That a start failed, where it can be told; the failure itself is more important than its record.
    async fn take_back(&self, record: &Instance, error: &HostError) {
        let event = self.event(record, EventKind::Warning, EventReason::StartFailed, chain(error));
        let now = self.engine.clock().now();
        let ended =
            self.engine.records().instance_exited(record.id, ExitStatus::Unknown, &[event], now).await;
        let removed = match ended {
            // An instance that never ran is of no use to anybody.
            Ok(_) => self.forget(record).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = removed {
            tracing::warn!(instance = %record.id, error = chain(&error), "failed to take an instance back");
        }
    }
}

/// The last digits of the id, which differ between instances of the same moment.
fn made_up_name(id: InstanceId) -> InstanceName {
    let text = id.to_string();
    let tail = &text[text.len() - 8..];
    format!("i-{tail}").parse().expect("hexadecimal digits make a name")
}
