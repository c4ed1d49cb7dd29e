//! Whom a TLS client trusts that is given certificates beside the system's: one rule for registries and for imc's own server.

mod client;
mod loopback;
mod verifier;

pub use client::{Error, client_trusting};
pub use loopback::is_loopback;
