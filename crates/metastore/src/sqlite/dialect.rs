//! What SQLite says in its own way in statements that are the same else.

use std::fmt::Display;

/// That something is among the texts of the list at that place.
macro_rules! among {
    ($place:literal) => {
        concat!("IN (SELECT value FROM json_each($", $place, "))")
    };
}

/// A list for `among!`.
pub(super) fn list<T: Display>(values: &[T]) -> String {
    crate::rows::to_json(&values.iter().map(ToString::to_string).collect::<Vec<_>>())
}
