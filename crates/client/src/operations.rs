//! A method per operation.

mod access_keys;
mod caches;
mod instances;
mod server;
mod tokens;

pub use caches::ListCaches;
pub use instances::ListInstances;

/// In which order a listing goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// The oldest first.
    #[default]
    OldestFirst,
    /// The newest first.
    NewestFirst,
}

impl Order {
    fn as_str(self) -> &'static str {
        match self {
            Self::OldestFirst => "oldest-first",
            Self::NewestFirst => "newest-first",
        }
    }
}
