//! What PostgreSQL says in its own way in statements that are the same else.

use std::fmt::Display;

/// That something is among the texts of the list at that place.
macro_rules! among {
    ($place:literal) => {
        concat!("= ANY($", $place, ")")
    };
}

/// A list for `among!`.
pub(super) fn list<T: Display>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}
