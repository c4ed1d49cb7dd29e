//! What is changed of a cache's policy.

use super::{CachePolicy, CopyCount, CopyPlan, Elimination, RetentionDays, Staleness};
use crate::{TagChange, TagError, Tags};

/// What is changed of a cache's policy; `None` leaves it as it is when the change is made, whoever else changed it meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyEdit {
    /// How long it is kept; `Some(None)`: until somebody deletes it.
    #[allow(clippy::option_option, reason = "left, taken away and set are three things")]
    pub retention: Option<Option<RetentionDays>>,
    /// Whether it makes room under a quota.
    pub elimination: Option<Elimination>,
    /// What a start does about a tag that may have moved.
    pub staleness: Option<Staleness>,
    /// Whether it is usable as soon as the flash snapshot is complete.
    pub flash: Option<bool>,
    /// How many nodes hold the flash snapshot.
    pub flash_copies: Option<CopyCount>,
    /// How many times the standard snapshot is stored.
    pub standard_copies: Option<CopyCount>,
    /// Whether its build may take layers that other caches of the account brought.
    pub reuse_layers: Option<bool>,
    /// Its tags, whole.
    pub tags: Option<Tags>,
    /// Some of its tags, over those that it has by then.
    pub retag: Option<TagChange>,
}

impl PolicyEdit {
    /// The policy with these changes.
    ///
    /// # Errors
    /// Where there are too many tags with them.
    pub fn over(&self, old: &CachePolicy) -> Result<CachePolicy, TagError> {
        let tags = self.tags.as_ref().unwrap_or(&old.tags);
        Ok(CachePolicy {
            retention: self.retention.unwrap_or(old.retention),
            elimination: self.elimination.unwrap_or(old.elimination),
            staleness: self.staleness.unwrap_or(old.staleness),
            copies: CopyPlan {
                flash: self.flash.unwrap_or(old.copies.flash),
                flash_copies: self.flash_copies.unwrap_or(old.copies.flash_copies),
                standard_copies: self.standard_copies.unwrap_or(old.copies.standard_copies),
            },
            reuse_layers: self.reuse_layers.unwrap_or(old.reuse_layers),
            tags: self.retag.as_ref().map_or_else(|| Ok(tags.clone()), |change| change.over(tags))?,
        })
    }
}
