//! Groups created: checked and recorded at once, made behind the answer.

use aws_lc_rs::digest;
use clouds::alibaba::answer::CreatedContainerGroup;
use clouds::alibaba::request::CreateContainerGroup;
use clouds::alibaba::{Answer, ErrorCode, OperationName, Refusal};
use model::{CacheId, GroupId, GroupNetwork};

use super::notes::GroupNotes;
use super::{spec, support};
use crate::clouds::alibaba::{Caller, ids, refusals};
use crate::service::{NewGroup, ServiceErrorKind};

const NAME: OperationName = OperationName::CreateContainerGroup;

/// The hash of what a request says. Passwords do not count, as they do not with caches.
fn request_hash(create: &CreateContainerGroup) -> String {
    let request = CreateContainerGroup { client_token: None, ..create.clone() };
    hex::encode(digest::digest(&digest::SHA256, format!("{request:?}").as_bytes()))
}

impl Caller {
    pub(in crate::clouds::alibaba) async fn create_group(
        &self,
        create: CreateContainerGroup,
    ) -> Result<Answer, Refusal> {
        support::check(&create)?;
        let cache = self.cache_of(&create).await?;
        let (spec, secrets) = spec::of(&create, cache, self.network())?;
        let logins = self.logins(&create.access.credentials, &create.access.acr)?;
        let notes = GroupNotes::of_request(&create, request_hash(&create));
        let (id, before) = match &create.client_token {
            None => (GroupId::generate(), None),
            Some(token) => {
                let id = self.id_of_token(token.as_str());
                (id, self.request_before(id).await?)
            }
        };
        let answer =
            Answer::CreateContainerGroup(CreatedContainerGroup { container_group_id: ids::group(id) });
        match before {
            Some(request) if request == notes.request => return Ok(answer),
            Some(_) => return Err(Refusal::new(ErrorCode::IdempotentParameterMismatch)),
            None => {}
        }
        let document = notes.to_notes()?;
        if create.dry_run {
            return Err(Refusal::of(NAME, ErrorCode::DryRunOperation));
        }
        let name = create.name.as_str().parse().map_err(|_| Refusal::invalid("ContainerGroupName"))?;
        let new = NewGroup { id, name, spec, secrets, logins, notes: document };
        let created = self.edge.service().create_group(&self.account, new).await;
        created.map_err(|error| refusals::of_groups(NAME, &error))?;
        Ok(answer)
    }

    fn network(&self) -> GroupNetwork {
        if self.edge.clouds().isolated_groups { GroupNetwork::Own } else { GroupNetwork::Host }
    }

    /// What the request said that came with that token before.
    async fn request_before(&self, id: GroupId) -> Result<Option<String>, Refusal> {
        match self.edge.service().group(&self.account, id).await {
            Ok(view) => Ok(GroupNotes::of(view.group.notes.as_ref()).map(|notes| notes.request)),
            Err(error) if error.kind == ServiceErrorKind::NotFound => Ok(None),
            Err(error) => Err(refusals::of_groups(NAME, &error)),
        }
    }

    /// The id that follows from a token: a request that comes again finds what it has made.
    fn id_of_token(&self, token: &str) -> GroupId {
        let text = format!("container group\n{}\n{token}", self.account);
        let hash = hex::encode(digest::digest(&digest::SHA256, text.as_bytes()));
        ids::group_of(&format!("{}{}", ids::GROUP, &hash[..32])).expect("32 hexadecimal digits")
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
