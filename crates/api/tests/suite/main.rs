//! The edge over an in-memory double of its port.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod accounts;
mod clouds;
mod documents;
mod double;
mod harness;
mod hostile;
mod once;
mod operations;
mod over_engine;
mod paging;
mod problems;
mod server;
mod streams;
mod words;
