//! Changes: which records were written, in the order in which that became visible.

use model::{AccountId, Subject, Timestamp};

/// The place of a change among all changes; later ones have larger numbers, and not every number is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChangeNumber(pub u64);

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It was made or changed, or an event was written about it.
    Put,
    /// It is gone.
    Gone,
}

impl ChangeKind {
    /// The word as stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Gone => "gone",
        }
    }
}

/// One record was written. What it is now, the record says: several changes of one subject may be read as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place.
    pub number: ChangeNumber,
    /// Which record.
    pub subject: Subject,
    /// Whose it is.
    pub account: AccountId,
    /// What became of it.
    pub kind: ChangeKind,
    /// When, by the clock of whoever wrote it; of a verb that is told no time, when its newest event happened, or else when the
    /// record last changed.
    pub at: Timestamp,
}
