//! Paths of a tar as components below the root.

use crate::tar::Entry;
use crate::{ConvertError, Limit, Limits};

/// The components of an entry's path, cleaned and within the limits; none for the root.
pub(super) fn clean<'e>(entry: &'e Entry, limits: &Limits) -> Result<Vec<&'e [u8]>, ConvertError> {
    clean_bytes(&entry.path, entry, limits)
}

/// The same for any path that the entry carries.
pub(super) fn clean_bytes<'e>(
    path: &'e [u8],
    entry: &Entry,
    limits: &Limits,
) -> Result<Vec<&'e [u8]>, ConvertError> {
    let over = |limit, bound: usize| {
        Err(ConvertError::LimitExceeded { limit, bound: bound as u64, path: entry.display() })
    };
    if path.len() > limits.path {
        return over(Limit::Path, limits.path);
    }
    if path.is_empty() {
        return Err(entry.malformed("a path is empty"));
    }
    let mut components = Vec::with_capacity(12);
    for component in path.split(|b| *b == b'/') {
        match component {
            b"" | b"." => {}
            b".." => {
                components.pop();
            }
            _ if component.len() > limits.name.min(erofs::Name::MAX_LEN) => {
                return over(Limit::Name, limits.name.min(erofs::Name::MAX_LEN));
            }
            _ => components.push(component),
        }
    }
    if components.len() > limits.depth {
        return over(Limit::Depth, limits.depth);
    }
    Ok(components)
}
