//! The documents of the native API `/v1`: what goes over the wire, for its server and its clients.
//!
//! They are apart from the records: a record may change with every version, a document of `/v1` only grows. What comes in
//! names every field that there is and refuses all others; parsing it gives the types of `model`, so that nothing unparsed goes
//! further. What goes out may get further fields, and readers pass over those that they do not know.
//!
//! Times are RFC 3339 in UTC. Sizes are whole numbers of bytes (`..._bytes`); the size of a cache can also be said in GiB.

mod access_key;
mod cache;
mod collection;
mod cost;
mod details;
mod event;
mod headers;
mod health;
mod instance;
mod key;
mod login;
mod matching;
mod new_cache;
mod new_instance;
mod order;
mod policy;
mod prediction;
mod problem;
mod progress;
mod stream;
mod text;
mod token;
mod update;
mod usage;

pub use access_key::{
    AccessKey, AccessKeyList, Account, AccountList, CreateAccessKey, CreateAccount, CreatedAccessKey,
    KeyStatus, PolicyPreset, UpdateAccessKey,
};
pub use cache::{Cache, CacheList, Deleted, Failure, Generation, Savings};
pub use collection::{Collect, Collection, Swept};
pub use cost::Cost;
pub use details::{Build, CacheDetails, Image, Layer, Sizes};
pub use event::{Event, EventList};
pub use headers::{ACCOUNT_HEADER, LAST_EVENT_ID_HEADER, REQUEST_ID_HEADER};
pub use health::{Health, NotReady};
pub use instance::{Choice, CreatedInstance, Instance, InstanceList, InstanceState, Outcome, Unsettled};
pub use key::{IdempotencyKey, KeyError};
pub use login::Login;
pub use matching::{FindMatches, Found, Grade, ImageMatch, Left, LeftBecause, Ranking, Taken, Unasked};
pub use new_cache::CreateCache;
pub use new_instance::{CreateInstance, Exec, Mount, Network, PickCache, PickError};
pub use order::Order;
pub use policy::{CacheState, Copies, CopyState, Eviction, MatchPolicy, Origin, Staleness};
pub use prediction::{Expected, PredictSize, PredictedImage, PredictedLayer, Prediction, Totals};
pub use problem::{Problem, ProblemKind};
pub use progress::{LayerPhase, LayerProgress, Progress};
pub use stream::{Change, CommandEnded, Ended, ExecEvent, LogLine, Output, OutputStream};
pub use token::{CreateToken, CreatedToken, Scope, ScopeError, Token, TokenList};
pub use update::{RollBack, UpdateCache};
pub use usage::Usage;
