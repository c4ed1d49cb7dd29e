//! What a cloud said of an instance, in memory.

use async_trait::async_trait;
use model::{CloudNotes, Instance, InstanceId};

use super::MemoryMetastore;
use crate::{InstanceNotes, Result};

#[async_trait]
impl InstanceNotes for MemoryMetastore {
    async fn swap_instance_notes(
        &self,
        id: InstanceId,
        from: &CloudNotes,
        to: &CloudNotes,
    ) -> Result<Option<Instance>> {
        self.write_if(&[], None, |records| {
            let is_known = records.instance(id)?.notes.as_ref() == Some(from);
            let swapped = is_known.then(|| records.set_instance_notes(id, to)).transpose()?;
            Ok((swapped, is_known))
        })
    }
}
