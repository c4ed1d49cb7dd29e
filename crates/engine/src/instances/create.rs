//! Creating an instance: chosen, recorded, started, and the automatic cache beside it.

use model::{
    AccountId, Event, EventKind, EventReason, ExitStatus, ImageCache, Instance, InstanceId, InstanceName,
    InstanceState, SnapshotImage, Subject,
};

use super::Instances;
use super::settle::known_otherwise;
use crate::build::BuildProgress;
use crate::host::{HostError, HostErrorKind, HostOrder, HostStarted, InstanceOptions};
use crate::{Error, StartChoice, StartOutcome, StartWish, chain};

/// Why an instance is not there that was asked for.
const DELETED: &str = "it was deleted during its start";

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

/// An instance that was created, and what it started from.
#[derive(Clone, Debug)]
pub struct CreatedInstance {
    /// Its record.
    pub instance: Instance,
    /// How its wish was met.
    pub outcome: StartOutcome,
    /// The same in words.
    pub reason: String,
    /// The automatic cache that was made beside it.
    pub auto_created: Option<ImageCache>,
    /// What whoever asked for it is told at once, in sentences.
    pub warnings: Vec<String>,
}

/// An instance that was started, as it is recorded.
#[derive(Clone, Debug)]
pub struct RunningInstance {
    /// Its record.
    pub instance: Instance,
    /// The automatic cache that was made beside it.
    pub cache: Option<ImageCache>,
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
    ) -> Result<CreatedInstance, Error> {
        let choice = self.engine.choose_start(account, &new.wish, progress).await?;
        self.create_from(account, new, choice).await
    }

    /// Starts an instance detached from what was chosen for its wish, makes the automatic cache that its start left to be
    /// made, and lets the choice go.
    ///
    /// # Errors
    /// Those of [`Self::create`] but for the choice's. Nothing of the instance stays then.
    pub async fn create_from(
        &self,
        account: &AccountId,
        new: NewInstance,
        choice: StartChoice,
    ) -> Result<CreatedInstance, Error> {
        let created = self.start(account, new, &choice).await;
        // The record holds the snapshot from now on, or nothing runs.
        choice.release().await;
        created
    }

    async fn start(
        &self,
        account: &AccountId,
        new: NewInstance,
        choice: &StartChoice,
    ) -> Result<CreatedInstance, Error> {
        let (record, order) = self.record(account, new, choice).await?;
        crate::build::step("instance-recorded")?;
        match self.host.start(order).await {
            Ok(started) => self.started(record, started, choice).await,
            Err(error) => {
                if let Err(error) = self.take_back(&record, &error).await {
                    tracing::warn!(instance = %record.id, error = chain(&error), "failed to take an instance back");
                }
                Err(Error::host("start", &record)(error))
            }
        }
    }

    /// It runs, whatever the records say: what cannot be recorded now, [`Self::settle`] finds and records. Unless it was
    /// deleted during its start: then it was ended here.
    async fn started(
        &self,
        record: Instance,
        started: HostStarted,
        choice: &StartChoice,
    ) -> Result<CreatedInstance, Error> {
        let reason = choice.in_words(record.id);
        let noted = async {
            crate::build::step("instance-started")?;
            self.note_running(&record, &started, choice).await
        };
        let (instance, auto_created, unrecorded) = match noted.await {
            Ok(RunningInstance { instance, cache }) => (instance, cache, None),
            Err(error @ Error::Host { .. }) => return Err(error),
            Err(error) => {
                let why = format!("the start could not be recorded: {}", chain(&error));
                tracing::warn!(instance = %record.id, "{why}");
                (record, None, Some(why))
            }
        };
        let warnings = started.warnings.into_iter().chain(unrecorded).collect();
        Ok(CreatedInstance { instance, outcome: choice.outcome, reason, auto_created, warnings })
    }

    /// Records an instance with what was chosen for it, and gives what its host is to start. For whoever starts it by
    /// another way than [`Self::create`]: [`Self::note_running`] or [`Self::take_back`] follows, and then
    /// [`StartChoice::release`].
    ///
    /// # Errors
    /// [`Error::OtherSystem`]; those of store and records, of which a taken name is one. Nothing is recorded then.
    pub async fn record(
        &self,
        account: &AccountId,
        new: NewInstance,
        choice: &StartChoice,
    ) -> Result<(Instance, HostOrder), Error> {
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
        Ok((record, order))
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
            group: None,
            command: self.host.command_line(&new.options, &image.config),
            state: InstanceState::Creating,
            pid: None,
            remove_on_exit: new.remove_on_exit,
            created: self.engine.clock().now(),
            started: None,
            finished: None,
        })
    }

    /// Notes that a recorded instance runs, what could not be had for it and what its cache spared, and makes the
    /// automatic cache that its start left to be made.
    ///
    /// # Errors
    /// Those of the records. The instance runs all the same, and [`Self::settle`] finds it.
    pub async fn note_running(
        &self,
        record: &Instance,
        started: &HostStarted,
        choice: &StartChoice,
    ) -> Result<RunningInstance, Error> {
        let instance = self.record_running(record, started).await?;
        self.engine.note_start(choice).await;
        self.engine.look_behind(choice).await;
        // Only now: what cannot start needs no cache.
        let starter = Subject::Instance(record.id);
        let cache = self.engine.create_automatic_cache(&record.account, starter, None, choice).await;
        Ok(RunningInstance { instance, cache })
    }

    pub(crate) async fn record_running(
        &self,
        record: &Instance,
        started: &HostStarted,
    ) -> Result<Instance, Error> {
        let millis = |micros: u64| micros as f64 / 1000.0;
        let message = format!(
            "`{}` runs as process {}: image ready in {:.1} ms, started in {:.1} ms",
            record.name,
            started.pid,
            millis(started.image_ready_us),
            millis(started.total_us)
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
            // Whoever looked around meanwhile found it running, or ended, and has said so. Or it was deleted.
            Err(metastore::Error::InstanceState { .. } | metastore::Error::NoInstance(_)) => {
                records.append_events(&events[1..]).await?;
                self.known_otherwise(record).await
            }
            running => Ok(running?),
        }
    }

    /// The record of an instance that somebody else has written of during its start. One that has ended by the records, or is
    /// gone from them, must not run: it was deleted before there was a process to kill.
    async fn known_otherwise(&self, record: &Instance) -> Result<Instance, Error> {
        let known = match self.find(&record.account, &record.id.to_string()).await {
            Err(Error::UnknownInstance { .. }) => None,
            known => Some(known?),
        };
        if let Some(known) = &known
            && !known.state.has_ended()
        {
            return Ok(known.clone());
        }
        let found = self.host.look_around().await.map_err(|source| Error::LookAround { source })?;
        let runs =
            found.instances.iter().any(|one| one.id == record.id && one.state == InstanceState::Running);
        if !runs {
            return Ok(known.unwrap_or_else(|| record.clone()));
        }
        match self.host.remove(record.id, true).await {
            Err(error) if error.kind() != HostErrorKind::NotFound => {
                return Err(Error::host("remove", record)(error));
            }
            _ => {}
        }
        if known.is_some() {
            self.forget(record).await?;
        }
        Err(Error::host("start", record)(HostError::new(HostErrorKind::State, DELETED)))
    }

    /// Takes a recorded instance back that could not start, with the image snapshot of its own. Its events, and those of
    /// its cache, say why; the failure itself is more important than its record.
    ///
    /// # Errors
    /// Those of store and records; [`Self::settle`] ends the instance then.
    pub async fn take_back(&self, record: &Instance, error: &HostError) -> Result<(), Error> {
        let now = self.engine.clock().now();
        let message = chain(error);
        let failed = |subject| {
            Event::once(subject, EventKind::Warning, EventReason::StartFailed, message.clone(), now)
        };
        let subjects = [Some(Subject::Instance(record.id)), record.cache.map(Subject::Cache)];
        let events: Vec<Event> = subjects.into_iter().flatten().map(failed).collect();
        let ended = self.engine.records().instance_exited(record.id, ExitStatus::Unknown, &events, now).await;
        known_otherwise(ended)?;
        // An instance that never ran is of no use to anybody.
        self.forget(record).await
    }
}

/// The last digits of the id, which differ between instances of the same moment.
fn made_up_name(id: InstanceId) -> InstanceName {
    let text = id.to_string();
    let tail = &text[text.len() - 8..];
    format!("i-{tail}").parse().expect("hexadecimal digits make a name")
}
