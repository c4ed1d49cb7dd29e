//! From the rows of a database to records: the same columns in every one.

mod access_keys;
mod answers;
mod builds;
mod caches;
mod columns;
mod events;
mod groups;
mod instances;
mod layers;
mod tokens;

pub(crate) use access_keys::{access_key, account};
pub(crate) use answers::answer;
pub(crate) use builds::{build, waiting};
pub(crate) use caches::{cache, credential, outlines, outlines_and_summaries, remembered_request, snapshot};
pub(crate) use columns::{Columns, parse, signed, subject, to_json};
pub(crate) use events::{change, event, events_of_cache};
pub(crate) use groups::group;
pub(crate) use instances::instance;
pub(crate) use layers::layer;
pub(crate) use tokens::token;
