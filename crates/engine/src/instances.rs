//! Use-cases of instances over a host: create, list, show, logs, exec, stop, delete.

mod create;
mod settle;

use std::sync::Arc;
use std::time::Duration;

use metastore::{InstanceFilter, InstanceRef, Page};
use model::{AccountId, Event, EventKind, EventReason, ExitStatus, Instance, Subject};

pub use create::{CreatedInstance, NewInstance, RunningInstance};

use tokio::sync::mpsc::Sender;

use crate::host::{ExecEnd, ExecOrder, InstanceHost, Printed, PrintedLine};
use crate::{Engine, Error, HostErrorKind};

/// The signal that ends what is removed by force.
const KILLED: ExitStatus = ExitStatus::Signal(9);

/// The use-cases of instances: an engine and the host that runs them.
#[derive(Clone)]
pub struct Instances {
    engine: Engine,
    host: Arc<dyn InstanceHost>,
}

impl Instances {
    /// Joins both.
    #[must_use]
    pub fn new(engine: Engine, host: Arc<dyn InstanceHost>) -> Self {
        let workshop = Arc::downgrade(&engine.workshop);
        host.on_end(Box::new(move || {
            if let Some(workshop) = workshop.upgrade() {
                workshop.signals.groups.notify_one();
            }
        }));
        Self { engine, host }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn host(&self) -> &Arc<dyn InstanceHost> {
        &self.host
    }

    /// The account's instance that a word (id or name) means.
    ///
    /// # Errors
    /// [`Error::UnknownInstance`], also of another account's; those of the records.
    pub async fn find(&self, account: &AccountId, word: &str) -> Result<Instance, Error> {
        let unknown = || Error::UnknownInstance { word: word.to_owned() };
        let wanted = match (word.parse(), word.parse()) {
            (Ok(id), _) => InstanceRef::Id(id),
            (_, Ok(name)) => InstanceRef::Name(name),
            _ => return Err(unknown()),
        };
        match self.engine.records().instance(account, &wanted).await {
            Err(error) if error.kind() == metastore::ErrorKind::NotFound => Err(unknown()),
            found => Ok(found?),
        }
    }

    /// One page of the instances that the filter lets through. Whose they are the filter says.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn list(
        &self,
        filter: &InstanceFilter,
        page: Page<model::InstanceId>,
    ) -> Result<Vec<Instance>, Error> {
        Ok(self.engine.records().find_instances(filter, page).await?)
    }

    /// The last lines that an instance printed, at most so many bytes of them.
    ///
    /// # Errors
    /// [`Error::UnknownInstance`]; [`Error::Host`].
    pub async fn logs(
        &self,
        account: &AccountId,
        word: &str,
        limit: usize,
    ) -> Result<Vec<PrintedLine>, Error> {
        let instance = self.find(account, word).await?;
        self.host.logs(instance.id, limit).await.map_err(Error::host("read the log of", &instance))
    }

    /// Hands over every line that an instance printed; with `follow` goes on until it ends.
    ///
    /// # Errors
    /// [`Error::UnknownInstance`]; [`Error::Host`].
    pub async fn read_log(
        &self,
        account: &AccountId,
        word: &str,
        follow: bool,
        to: Sender<PrintedLine>,
    ) -> Result<(), Error> {
        let instance = self.find(account, word).await?;
        let read = self.host.read_log(instance.id, follow, to).await;
        read.map_err(Error::host("read the log of", &instance))
    }

    /// Runs a further command in a running instance, and hands over what it prints as it comes.
    ///
    /// # Errors
    /// [`Error::UnknownInstance`]; [`Error::Host`].
    pub async fn exec(
        &self,
        account: &AccountId,
        word: &str,
        order: ExecOrder,
        to: Sender<Printed>,
    ) -> Result<ExecEnd, Error> {
        let instance = self.find(account, word).await?;
        let ended = self.host.exec(instance.id, order, to).await;
        ended.map_err(Error::host("run a command in", &instance))
    }

    /// Asks an instance to end, ends it after that long, and gives its record as it is then. One that has ended is left.
    ///
    /// # Errors
    /// [`Error::UnknownInstance`]; [`Error::Host`]; those of the records.
    pub async fn stop(&self, account: &AccountId, word: &str, patience: Duration) -> Result<Instance, Error> {
        let instance = self.find(account, word).await?;
        if instance.state.has_ended() {
            return Ok(instance);
        }
        let message = format!("`{}` was asked to stop", instance.name);
        let stopping = self.event(&instance, EventKind::Normal, EventReason::Stopping, message);
        self.engine.records().append_events(&[stopping]).await?;
        let status = self.host.stop(instance.id, patience).await;
        let status = status.map_err(Error::host("stop", &instance))?;
        let stopped = self.record_exit(&instance, status, EventReason::Exited).await?;
        if instance.remove_on_exit {
            self.wait_and_remove(&instance).await?;
        }
        Ok(stopped)
    }

    /// Notes that an instance has ended, and removes it where it goes with its end. For whoever saw that end.
    ///
    /// # Errors
    /// [`Error::Host`]; those of store and records.
    pub async fn ended(&self, instance: &Instance, status: ExitStatus) -> Result<(), Error> {
        self.record_exit(instance, status, EventReason::Exited).await?;
        if instance.remove_on_exit {
            self.wait_and_remove(instance).await?;
        }
        Ok(())
    }

    /// Removes an instance with what it had of its own; with `force` one that runs is killed first.
    ///
    /// # Errors
    /// [`Error::UnknownInstance`]; [`Error::Host`] of kind `State` where it runs; those of store and records.
    pub async fn delete(&self, account: &AccountId, word: &str, force: bool) -> Result<Instance, Error> {
        let instance = self.find(account, word).await?;
        if !instance.state.has_ended() {
            match self.host.remove(instance.id, force).await {
                Err(error) if error.kind() != HostErrorKind::NotFound => {
                    return Err(Error::host("remove", &instance)(error));
                }
                _ => {}
            }
            self.record_exit(&instance, KILLED, EventReason::Exited).await?;
        }
        self.wait_and_remove(&instance).await?;
        Ok(instance)
    }

    fn event(
        &self,
        instance: &Instance,
        kind: EventKind,
        reason: EventReason,
        message: impl Into<String>,
    ) -> Event {
        Event::once(Subject::Instance(instance.id), kind, reason, message, self.engine.clock().now())
    }
}
