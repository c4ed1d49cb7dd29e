//! Groups created: checked and recorded at once, made behind the answer.

use clouds::alibaba::answer::CreatedContainerGroup;
use clouds::alibaba::request::CreateContainerGroup;
use clouds::alibaba::{Answer, ErrorCode, OperationName, Refusal};
use model::{CacheId, GroupId, GroupNetwork};

use super::notes::GroupNotes;
use super::{spec, support};
use crate::clouds::alibaba::once::Turn;
use crate::clouds::alibaba::{Caller, ids, refusals};
use crate::service::{NewGroup, ServiceErrorKind};

const NAME: OperationName = OperationName::CreateContainerGroup;

impl Caller {
    pub(in crate::clouds::alibaba) async fn create_group(
        &self,
        create: &CreateContainerGroup,
    ) -> Result<Answer, Refusal> {
        let create_in = |turn: Turn| self.create_group_in(turn, create);
        let id = ids::group(GroupId::generate());
        let container_group_id = self.once(NAME, create.client_token.as_ref(), create, id, create_in).await?;
        Ok(Answer::CreateContainerGroup(CreatedContainerGroup { container_group_id }))
    }

    /// Creates the group whose id the turn has.
    async fn create_group_in(&self, turn: Turn, create: &CreateContainerGroup) -> Result<String, Refusal> {
        let id = ids::group_of(&turn.subject).ok_or_else(|| Refusal::new(ErrorCode::InternalError))?;
        if turn.is_again && self.is_there(id).await? {
            return Ok(turn.subject);
        }
        support::check(create)?;
        let cache = self.cache_of(create).await?;
        let (spec, secrets) = spec::of(create, cache, self.network())?;
        let logins = self.logins(&create.access.credentials, &create.access.acr)?;
        let notes = GroupNotes::of_request(create).to_notes()?;
        if create.dry_run {
            return Err(Refusal::of(NAME, ErrorCode::DryRunOperation));
        }
        let name = create.name.as_str().parse().map_err(|_| Refusal::invalid("ContainerGroupName"))?;
        let new = NewGroup { id, name, spec, secrets, logins, notes };
        let created = self.edge.service().create_group(&self.account, new).await;
        created.map_err(|error| refusals::of_groups(NAME, &error))?;
        Ok(turn.subject)
    }

    fn network(&self) -> GroupNetwork {
        if self.edge.clouds().isolated_groups { GroupNetwork::Own } else { GroupNetwork::Host }
    }

    async fn is_there(&self, id: GroupId) -> Result<bool, Refusal> {
        match self.edge.service().group(&self.account, id).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == ServiceErrorKind::NotFound => Ok(false),
            Err(error) => Err(refusals::of_groups(NAME, &error)),
        }
    }

    /// The cache that it is to start from.
    async fn cache_of(&self, create: &CreateContainerGroup) -> Result<Option<CacheId>, Refusal> {
        let Some(id) = &create.image_cache_id else { return Ok(None) };
        let view = self.find(NAME, &create.region, id.as_str()).await?;
        let cache = view.ok_or_else(|| Refusal::of(NAME, ErrorCode::ImageSnapshotNotFound))?.cache;
        if !cache.is_usable() {
            let message = format!("The image cache {id} is {} and not Ready.", cache.state);
            return Err(Refusal::of(NAME, ErrorCode::ImageSnapshotIncorrectStatus).saying(&message));
        }
        Ok(Some(cache.id))
    }
}
