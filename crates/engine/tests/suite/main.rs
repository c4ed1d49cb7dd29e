//! The engine over real and memory parts: builds that share, fail, are cancelled, and go on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod accounts;
mod cancel;
mod copies;
mod crash;
mod faults;
mod groups;
mod instances;
mod life;
mod life_faults;
mod match_index;
mod merge;
mod reconcile;
mod recover;
mod service;
mod sharing;
mod size;
mod sizes;
mod start;
mod support;
mod walk;
