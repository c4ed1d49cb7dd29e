//! Streams, typed.

mod changes;
mod feeds;
mod progress;
mod resume;

pub use changes::{ChangeWatch, Changed};
pub use feeds::{ExecFeed, LogFeed};
pub use progress::ProgressWatch;

use serde::de::DeserializeOwned;
use wire::Problem;

use crate::events::Event;
use crate::{Error, Result};

/// An event's document.
fn document<T: DeserializeOwned>(operation: &'static str, event: &Event) -> Result<T> {
    serde_json::from_str(&event.data).map_err(|source| Error::Answer {
        operation,
        status: 200,
        source: Some(source),
    })
}

/// The server's problem that ends a stream.
fn problem(operation: &'static str, event: &Event) -> Error {
    match document::<Problem>(operation, event) {
        Ok(problem) => Error::Refused(Box::new(problem)),
        Err(error) => error,
    }
}
