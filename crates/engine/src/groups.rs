//! Use-cases of container groups: create, look, delete. What they become is the reconciler's ([`crate::Daemon`]), by the one
//! rule [`model::Group::next`].
//!
//! Nothing of a group is only in memory: its wish and how far it is are recorded, what only its containers may read sealed
//! beside. A step is recorded before it is taken, so whoever comes after a death finds what was begun.

mod advance;
mod containers;
mod images;
mod secrets;
mod under_way;

use std::collections::BTreeMap;

use metastore::{GroupFilter, InstanceFilter};
use model::{
    AccountId, CloudNotes, Event, EventKind, EventReason, Group, GroupId, GroupName, GroupSecrets, GroupSpec,
    Instance, RegistryHost, Subject, Timestamp,
};
use registry::Credentials;

use crate::{Engine, Error, Instances, pages};

pub(crate) use under_way::UnderWay;

/// A group to create.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: GroupName,
    /// What is wished.
    pub spec: GroupSpec,
    /// What only its containers may read.
    pub secrets: GroupSecrets,
    /// Credentials for the images' registries, beyond the server's own.
    pub credentials: BTreeMap<RegistryHost, Credentials>,
    /// What the cloud's call that asks for it says beside.
    pub notes: Option<CloudNotes>,
}

/// A group, with the records of its instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDetails {
    /// The group.
    pub group: Group,
    /// Its instances, the oldest first.
    pub instances: Vec<Instance>,
}

/// The use-cases of container groups.
#[derive(Clone)]
pub struct Groups {
    instances: Instances,
}

impl Groups {
    /// Groups of these instances.
    #[must_use]
    pub fn new(instances: Instances) -> Self {
        Self { instances }
    }

    pub(crate) fn instances(&self) -> &Instances {
        &self.instances
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.instances.engine()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.engine().clock().now()
    }

    /// Records a group and returns at once; a server's reconciler makes it.
    ///
    /// # Errors
    /// [`Error::GroupSpec`]; [`Error::TooManyGroups`]; [`Error::Vault`] where what only its containers may read cannot be sealed; those of the records, of
    /// which a taken id is one.
    pub async fn create(&self, account: &AccountId, new: NewGroup) -> Result<Group, Error> {
        new.spec.check()?;
        let engine = self.engine();
        let now = self.now();
        let most = engine.workshop.parts.settings.groups_per_account;
        let filter = GroupFilter { account: Some(account.clone()), unfinished: true };
        if self.all(&filter).await?.len() >= most {
            return Err(Error::TooManyGroups { most });
        }
        let sealed = engine.seal_group(account, new.id, &new.secrets, &new.credentials)?;
        let mut group = Group::asked_for(new.id, new.name, account.clone(), new.spec, now);
        group.notes = new.notes;
        let message = format!("the container group `{}` was asked for", group.name);
        let created = event(&group, EventKind::Normal, EventReason::Created, message, now);
        engine.records().create_group(&group, &sealed, &[created]).await?;
        crate::build::step("group-recorded")?;
        self.ring();
        Ok(group)
    }

    fn ring(&self) {
        let signals = &self.engine().workshop.signals;
        signals.groups.notify_one();
        signals.changes.notify_one();
    }

    /// The account's group of that id.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], also of another account's; those of the records.
    pub async fn find(&self, account: &AccountId, id: GroupId) -> Result<GroupDetails, Error> {
        let group = match self.engine().records().group(account, id).await {
            Err(metastore::Error::NoGroup(_)) => return Err(Error::UnknownGroup { id }),
            group => group?,
        };
        let instances = self.instances_of(id).await?;
        Ok(GroupDetails { group, instances })
    }

    /// Every group of the account, the newest first.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn list(&self, account: &AccountId) -> Result<Vec<GroupDetails>, Error> {
        let filter = GroupFilter { account: Some(account.clone()), ..GroupFilter::default() };
        let groups = self.all(&filter).await?;
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let filter = InstanceFilter { account: Some(account.clone()), ..InstanceFilter::default() };
        let mut instances: BTreeMap<GroupId, Vec<Instance>> = BTreeMap::new();
        for instance in self.all_instances(&filter).await? {
            if let Some(group) = instance.group {
                instances.entry(group).or_default().push(instance);
            }
        }
        let details = groups.into_iter().rev().map(|group| {
            let instances = instances.remove(&group.id).unwrap_or_default();
            GroupDetails { group, instances }
        });
        Ok(details.collect())
    }

    /// Wants a group gone: its containers are asked to end, or with `force` killed, and then everything of it goes. Returns at
    /// once, also where it is still starting.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`]; those of the records.
    pub async fn delete(&self, account: &AccountId, id: GroupId, force: bool) -> Result<Group, Error> {
        let group = self.find(account, id).await?.group;
        let now = self.now();
        let message = format!("the deletion of the container group `{}` was asked for", group.name);
        let asked = event(&group, EventKind::Normal, EventReason::DeletionRequested, message, now);
        let group = match self.engine().records().ask_group_deletion(id, force, &[asked], now).await {
            Err(metastore::Error::NoGroup(_)) => return Err(Error::UnknownGroup { id }),
            group => group?,
        };
        self.engine().workshop.under_way.nudge(id);
        self.ring();
        Ok(group)
    }

    /// What happened to a group, also to one that is gone; nothing of another account's.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn events(&self, account: &AccountId, id: GroupId) -> Result<Vec<Event>, Error> {
        self.engine().events(account, Subject::Group(id)).await
    }

    /// What only the containers of a group may read, opened.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`]; [`Error::Vault`]; those of the records.
    pub async fn secrets(&self, account: &AccountId, id: GroupId) -> Result<GroupSecrets, Error> {
        let group = self.find(account, id).await?.group;
        self.engine().open_group(&group).await
    }

    /// Notes something else in a cloud's words, where `from` is what is known; `None` where it is something else by now.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`]; those of the records.
    pub async fn swap_notes(
        &self,
        account: &AccountId,
        id: GroupId,
        from: &CloudNotes,
        to: &CloudNotes,
    ) -> Result<Option<Group>, Error> {
        self.find(account, id).await?;
        Ok(self.engine().records().swap_group_notes(id, from, to).await?)
    }

    /// The oldest first.
    pub(crate) async fn all(&self, filter: &GroupFilter) -> Result<Vec<Group>, Error> {
        let records = self.engine().records();
        Ok(pages::every(|page| records.find_groups(filter, page), |group| group.id).await?)
    }

    pub(crate) async fn instances_of(&self, id: GroupId) -> Result<Vec<Instance>, Error> {
        self.all_instances(&InstanceFilter { group: Some(id), ..InstanceFilter::default() }).await
    }

    async fn all_instances(&self, filter: &InstanceFilter) -> Result<Vec<Instance>, Error> {
        pages::every(|page| self.instances.list(filter, page), |instance| instance.id).await
    }
}

fn event(
    group: &Group,
    kind: EventKind,
    reason: EventReason,
    message: impl Into<String>,
    now: Timestamp,
) -> Event {
    Event::once(Subject::Group(group.id), kind, reason, message, now)
}
