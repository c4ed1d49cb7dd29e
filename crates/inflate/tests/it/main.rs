//! The decoder against flate2 as oracle, against streams made by hand, and against hostile ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod container;
mod hostile;
mod odd;
mod oracle;
mod support;
