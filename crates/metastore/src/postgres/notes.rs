//! What a cloud said of an instance.

use async_trait::async_trait;
use model::{CloudNotes, Instance, InstanceId};

use super::connection::{Verb, Writing};
use super::{PostgresMetastore, instances};
use crate::{InstanceNotes, Result};

#[async_trait]
impl InstanceNotes for PostgresMetastore {
    async fn swap_instance_notes(
        &self,
        id: InstanceId,
        from: &CloudNotes,
        to: &CloudNotes,
    ) -> Result<Option<Instance>> {
        let verb = Verb::durable("note what is said of the instance", &[], None);
        self.write_if(verb, async |writing: &mut Writing| {
            let swapped = instances::swap_notes(writing, id, from, to).await?;
            let is_news = swapped.is_some();
            Ok((swapped, is_news))
        })
        .await
    }
}
