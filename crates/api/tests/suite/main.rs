//! The edge over an in-memory double of its port.

mod accounts;
mod documents;
mod double;
mod harness;
mod hostile;
mod operations;
mod paging;
mod problems;
mod server;
mod streams;
