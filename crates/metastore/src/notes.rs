//! The contract of every metastore about what a cloud said of an instance.

use async_trait::async_trait;
use model::{CloudNotes, Instance, InstanceId};

use crate::Result;

/// What a cloud said of an instance, changed by several at once.
#[async_trait]
pub trait InstanceNotes: Send + Sync {
    /// Notes something else in a cloud's words of an instance, where `from` is what is known; `None`, and nothing is done, where it is
    /// something else by now: read it again.
    ///
    /// # Errors
    /// [`NoInstance`](crate::Error::NoInstance).
    async fn swap_instance_notes(
        &self,
        id: InstanceId,
        from: &CloudNotes,
        to: &CloudNotes,
    ) -> Result<Option<Instance>>;
}
