//! What a cloud said of an instance.

use async_trait::async_trait;
use model::{CloudNotes, Instance, InstanceId};

use super::{SqliteMetastore, instances};
use crate::{InstanceNotes, Result};

#[async_trait]
impl InstanceNotes for SqliteMetastore {
    async fn swap_instance_notes(
        &self,
        id: InstanceId,
        from: &CloudNotes,
        to: &CloudNotes,
    ) -> Result<Option<Instance>> {
        let mut writing = self.writing("note what is said of the instance").await?;
        if instances::get(&mut writing.transaction, id).await?.notes.as_ref() != Some(from) {
            return Ok(None);
        }
        let instance = instances::set_notes(&mut writing.transaction, id, to).await?;
        writing.conclude(Some((&instance).into()), &[], None).await?;
        Ok(Some(instance))
    }
}
