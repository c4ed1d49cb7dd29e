//! Container groups: some containers that run together, with what they share, and the rule that says what is to be done next.
//!
//! A group's containers are instances. Init containers end one after another, each well, before the others start. What starts
//! again, when, and when the group is over, is said by one pure rule, [`Group::next`]: from the wish, what was recorded, and
//! the records of the group's instances.

mod next;
mod secrets;
mod spec;
mod status;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{AccountId, CloudNotes, GroupId, GroupName, Timestamp};

pub use next::{GroupAction, GroupNews, KeptGroups, NextStep, StartFailure};
pub use secrets::GroupSecrets;
pub use spec::{
    ContainerPlace, ContainerSpec, GroupMount, GroupNetwork, GroupSpec, GroupSpecError, GroupVolume,
    RestartPolicy, VolumeFile, VolumeSource,
};
pub use status::{
    Attempt, ContainerState, ContainerStatus, Deleting, GroupChoice, GroupPhase, GroupStatus, ImagesFailure,
    Run,
};

/// A container group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: GroupName,
    /// Who owns it.
    pub account: AccountId,
    /// What is wished.
    pub spec: GroupSpec,
    /// How far it is.
    pub status: GroupStatus,
    /// How often it was changed: who writes says what it has seen.
    pub revision: u64,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// What the cloud's call that asked for it said beside.
    pub notes: Option<CloudNotes>,
}

impl Group {
    /// A group that was just asked for.
    #[must_use]
    pub fn asked_for(
        id: GroupId,
        name: GroupName,
        account: AccountId,
        spec: GroupSpec,
        now: Timestamp,
    ) -> Self {
        let status = GroupStatus::of(&spec);
        Self { id, name, account, spec, status, revision: 0, created: now, updated: now, notes: None }
    }

    /// The region of its cloud that it was put into, where that is known.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.notes.as_ref().and_then(CloudNotes::region)
    }
}
