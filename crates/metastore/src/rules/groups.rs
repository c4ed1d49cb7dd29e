//! What every backend decides alike of container groups.

use model::{Deleting, Group, GroupStatus, ImageSnapshotId, Timestamp};

/// The snapshot that a group names.
pub(crate) fn snapshot_of(status: &GroupStatus) -> Option<ImageSnapshotId> {
    status.choice.as_ref().map(|choice| choice.snapshot)
}

/// Whether nothing more is to be done for it.
pub(crate) fn is_finished(status: &GroupStatus) -> bool {
    status.phase.has_ended() && status.deleting.is_none()
}

/// The group after a step. A deletion that was asked for meanwhile stays asked for.
pub(crate) fn stepped(group: Group, status: &GroupStatus, now: Timestamp) -> Group {
    let deleting = status.deleting.or(group.status.deleting);
    let status = GroupStatus { deleting, ..status.clone() };
    Group { status, revision: group.revision + 1, updated: now, ..group }
}

/// The group once its deletion was asked for; `None` where that is no news.
pub(crate) fn to_be_deleted(group: &Group, force: bool, now: Timestamp) -> Option<Group> {
    let before = group.status.deleting;
    if before.is_some_and(|deleting| deleting.force || !force) {
        return None;
    }
    let deleting = Deleting { since: before.map_or(now, |deleting| deleting.since), force };
    let status = GroupStatus { deleting: Some(deleting), ..group.status.clone() };
    Some(Group { status, revision: group.revision + 1, updated: now, ..group.clone() })
}
