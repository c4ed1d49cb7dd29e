//! How a cache is deleted.

/// What becomes of a deletion while the cache is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeleteMode {
    /// It is refused, saying what uses it.
    #[default]
    Refuse,
    /// It is kept in mind: the cache serves no new start from now on, its build is cancelled, and it goes once nothing uses it.
    WhenUnused,
}
