//! The client against servers that lie, cut, hang and redirect, against layouts and archives, and against a real registry.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod adaptive;
mod archives;
mod auth;
mod cuts;
mod docker_config;
mod documents;
mod layouts;
mod lies;
mod mirrors;
mod peek;
mod real;
mod redirects;
mod support;
mod tls;
mod trickles;
