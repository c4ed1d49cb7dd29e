//! HTTP as registries want it: clients by TLS profile, redirects, authorisation, faults by kind.

pub(crate) mod answer;
pub(crate) mod backoff;
pub(crate) mod challenge;
pub(crate) mod client;
mod redirect;
mod retry_after;
mod session;
pub(crate) mod token;

pub(crate) use answer::Answer;
pub(crate) use backoff::Backoff;
pub(crate) use client::{Clients, TlsProfile, fault_of};
pub(crate) use redirect::{host_of, same_origin};
pub(crate) use session::{Ask, Wire};
