//! What handlers take of a request, parsed.

mod body;
mod header;
mod query;
mod word;

pub(crate) use body::{Body, OptionalBody};
pub(crate) use header::{Key, NoKey};
pub(crate) use query::{FromQuery, NoQuery, Pairs, Query, invalid};
pub(crate) use word::Word;
