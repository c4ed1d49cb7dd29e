//! Tencent's dialect from outside: calls as clients make them, and answers as they read them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod answers;
mod calls;
mod client;
mod properties;
