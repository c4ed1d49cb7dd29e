//! The HTTP edge of imc: `/v1`, its problems, tokens, streams, metrics and the bounded server loop.
//!
//! It decides nothing: a handler parses, asks whether the caller may, calls one method of the port [`Service`] and tells
//! the answer. What comes in is parsed here, once; nothing unparsed goes further.
//!
//! ```text
//! serve ──> layers (request id, log, metrics, panics, time) ──> routes ──> Service
//! ```
//!
//! [`router`] is a `tower` service, so that a program without a server can call the very same routes in its own process.

mod auth;
mod clouds;
mod document;
mod edge;
mod extract;
mod layers;
mod metrics;
mod once;
mod openapi;
mod over_engine;
mod page_token;
mod peer;
mod random;
mod refusal;
mod routes;
pub mod serve;
pub mod service;
mod sse;

pub use self::clouds::{AcrInstance, CloudSettings, DialectSettings};
pub use auth::{TokenSecret, new_token};
pub use edge::{Edge, JoinTrace, Limits, Parts};
pub use metrics::{Metrics, documentation};
pub use openapi::openapi;
pub use over_engine::{BuiltHere, OverEngine, OverEngineParts, layers};
pub use page_token::PageKey;
pub use peer::Peer;
pub use routes::{in_process, router};
