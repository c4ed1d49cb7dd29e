//! What Alibaba's SDKs send is understood, and what comes back is what they read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod answers;
mod errors;
mod fuzz;
mod refusals;
mod requests;
mod sdk;
mod signing;
mod support;
mod vectors;
