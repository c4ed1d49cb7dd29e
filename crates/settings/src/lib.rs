//! The configuration: one table of every setting, the types that the rest is built from, and where each value was said.
//!
//! A value comes from the command line, else from the environment, else from the file, else it is the default. The table
//! ([`TABLE`]) is the only place that knows keys, variables, defaults and limits; a further setting is one row there and one
//! field in its group. Nothing is read here: texts come in, [`Settings`] and the [`Origin`] of each value go out, or every
//! reason why not.

mod acr;
mod check;
mod database;
mod example;
mod fallback;
mod file;
mod groups;
mod kind;
mod load;
mod nearest;
mod origin;
mod price;
mod refusal;
mod table;
mod value;

pub use acr::{AcrError, AcrLogin, read_acr};
pub use database::{Database, DatabaseError, PostgresUrl};
pub use example::example;
pub use fallback::{Fallback, Machine};
pub use groups::{
    Builds, Clouds, LogFormat, LogFormatError, Logging, Prices, Quotas, RegionName, RegionNameError,
    Registries, Retention, Secrets, Server, Settings, Staleness, Standard, Telemetry,
};
pub use kind::Kind;
pub use load::{Entry, File, Flag, Loaded, Sources, load};
pub use origin::Origin;
pub use price::{Price, PriceError};
pub use refusal::{Refusal, Refused};
pub use table::{LOG_FILTER, Setting, TABLE};
pub use value::Value;
