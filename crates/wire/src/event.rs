//! Events.

use model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that happened to a cache or an instance, once or more often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// `Normal`, or `Warning` where somebody should look at it.
    #[schema(example = "Normal")]
    pub kind: String,
    /// What happened, in one stable word.
    #[schema(example = "Ready")]
    pub reason: String,
    /// The particulars, for people.
    pub message: String,
    /// When it first happened.
    #[schema(value_type = String, format = DateTime)]
    pub first: Timestamp,
    /// When it last happened.
    #[schema(value_type = String, format = DateTime)]
    pub last: Timestamp,
    /// How often.
    pub count: u32,
}

/// The events of one cache or instance, by when they last happened; at most 200 are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventList {
    /// The events.
    pub items: Vec<Event>,
}

impl From<&model::Event> for Event {
    fn from(event: &model::Event) -> Self {
        Self {
            kind: event.kind.as_str().to_owned(),
            reason: event.reason.as_str().to_owned(),
            message: event.message.clone(),
            first: event.first,
            last: event.last,
            count: event.count,
        }
    }
}

impl From<&[model::Event]> for EventList {
    fn from(events: &[model::Event]) -> Self {
        Self { items: events.iter().map(Event::from).collect() }
    }
}
