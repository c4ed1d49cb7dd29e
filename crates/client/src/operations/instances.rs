//! Instances.

use std::time::Duration;

use http::Method;
use wire::{CreateInstance, CreatedInstance, EventList, Exec, Instance, InstanceList, Order};

use crate::call::Call;
use crate::watch::{ExecFeed, LogFeed};
use crate::{Client, Result};

const INSTANCES: &str = "/v1/instances";

/// Which instances to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListInstances {
    /// Only those that have not ended.
    pub unfinished: bool,
    /// Which way.
    pub order: Order,
    /// The most on a page: 1 to 1000.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub page: Option<String>,
}

impl Client {
    /// Starts an instance.
    ///
    /// # Errors
    /// Those of every operation: [`Error`](crate::Error).
    pub async fn create_instance(&self, new: &CreateInstance) -> Result<CreatedInstance> {
        Call::new("start an instance", Method::POST, INSTANCES).body(new).fetch(self).await
    }

    /// One page of instances.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_instances(&self, list: &ListInstances) -> Result<InstanceList> {
        let call =
            Call::new("list the instances", Method::GET, INSTANCES).query("order", list.order.as_str());
        let call = if list.unfinished { call.query("unfinished", "true") } else { call };
        call.maybe_query("limit", list.limit).maybe_query("page", list.page.as_ref()).fetch(self).await
    }

    /// The instance of that id or name.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn instance(&self, word: &str) -> Result<Instance> {
        Call::on("show the instance", Method::GET, INSTANCES, word, "")?.fetch(self).await
    }

    /// Deletes an instance; `force`: stops it first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_instance(&self, word: &str, force: bool) -> Result<Instance> {
        let call = Call::on("delete the instance", Method::DELETE, INSTANCES, word, "")?;
        call.query("force", force.to_string()).fetch(self).await
    }

    /// Asks an instance to end, and ends it after `patience`, to the second; 10 s where it is not said.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn stop_instance(&self, word: &str, patience: Option<Duration>) -> Result<Instance> {
        let call = Call::on("stop the instance", Method::POST, INSTANCES, word, "/stop")?;
        call.maybe_query("patience_seconds", patience.map(|patience| patience.as_secs())).fetch(self).await
    }

    /// What happened to an instance.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn instance_events(&self, word: &str) -> Result<EventList> {
        Call::on("read the instance's events", Method::GET, INSTANCES, word, "/events")?.fetch(self).await
    }

    /// What an instance wrote; `follow`: until it ends.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn instance_logs(&self, word: &str, follow: bool, tail: Option<u64>) -> Result<LogFeed> {
        let call = Call::on("read the instance's log", Method::GET, INSTANCES, word, "/logs")?;
        let call = call.query("follow", follow.to_string()).maybe_query("tail", tail);
        Ok(LogFeed::new(call.stream(self).await?))
    }

    /// Runs a command in an instance. It is killed where the feed is dropped before its end.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn exec(&self, word: &str, exec: &Exec) -> Result<ExecFeed> {
        let call = Call::on("run the command", Method::POST, INSTANCES, word, "/exec")?;
        Ok(ExecFeed::new(call.body(exec).stream(self).await?))
    }
}
